# shellcheck shell=bash
# What `record` does with the service once it is configured: it runs, rests, moves, fails, and loses the
# node that it runs on.

service_states() {
  state 76-service-started
  candidate
  in_candidate 's/name="target-role" value="Stopped"/name="target-role" value="Started"/'
  bump_candidate
  look_at_candidate enable
  push_candidate
  record --as crm_mon-starting crm_mon -1 --output-as=xml
  wait_for_service node01
  look node01
  look node02
  database_look
  record --as ip-address ip -json -4 address show
  record --as crm_resource-locate crm_resource --locate --resource service01 --output-as=xml
  record --as crm_resource-locate-text crm_resource --locate --resource service01
  record --as crm_resource-locate-nosuch crm_resource --locate --resource nosuch
  changes_looked_at
  patch_samples
  attribute_samples

  state 77-service-stopped
  set_target_role Stopped
  wait_for 'the service to stop' no_resource_runs
  look node01
  record --as pg_controldata "$PG_BIN/pg_controldata" "$PGDATA"
  record --as crm_resource-locate crm_resource --locate --resource service01
  set_target_role Started
  wait_for_service node01

  state 78-moved
  record --as crm_resource-move crm_resource --move --resource service01 --node node02
  wait_for_service node02
  look node01
  record --as crm_resource-move-again crm_resource --move --resource service01 --node node02
  record --as crm_resource-clear crm_resource --clear --resource service01
  record --as crm_resource-clear-again crm_resource --clear --resource service01
  sleep 3
  record --as crm_mon-cleared crm_mon -1 --output-as=xml
  record --as crm_resource-move-nosuch crm_resource --move --resource service01 --node nosuch
  record --as crm_resource-move-bare crm_resource --move --resource service01
  wait_for_service node01
  record --as cibadmin-constraints-ban cibadmin -Q -o constraints
  quietly node01 crm_resource --clear --resource service01
  record --as crm_resource-ban crm_resource --ban --resource service01 --node node02
  record --as cibadmin-Q-banned cibadmin -Q
  record --as crm_mon-banned crm_mon -1 --output-as=xml
  quietly node01 crm_resource --clear --resource service01

  state 79-restarted
  record --as crm_resource-restart crm_resource --restart --resource service01
  look node01

  state 80-standby
  record --as crm_attribute-standby crm_attribute --node node01 --name standby --update on
  record --as crm_mon-at-once crm_mon -1 --output-as=xml
  wait_for_service node02
  look node01
  record --as crm_attribute-query crm_attribute --node node01 --name standby --query
  record --as crm_attribute-query-unset crm_attribute --node node02 --name standby --query
  record --as crm_attribute-standby-off crm_attribute --node node01 --name standby --delete
  sleep 2
  bring_service_to node01

  state 81-maintenance
  quietly node01 crm_attribute --type crm_config --name maintenance-mode --update true
  sleep 2
  look node01
  quietly node01 crm_attribute --type crm_config --name maintenance-mode --delete
  quietly node01 crm_attribute --node node02 --name maintenance --update true
  sleep 2
  record --as crm_mon-node02 crm_mon -1 --output-as=xml
  quietly node01 crm_attribute --node node02 --name maintenance --delete

  state 82-frozen
  quietly node01 crm_resource --resource service01 --meta --set-parameter maintenance \
    --parameter-value true
  sleep 2
  look node01
  quietly node01 crm_resource --resource service01 --meta --delete-parameter maintenance
  quietly node01 crm_resource --resource service01 --meta --set-parameter is-managed \
    --parameter-value false
  sleep 2
  record --as crm_mon-unmanaged crm_mon -1 --output-as=xml
  quietly node01 crm_resource --resource service01 --meta --delete-parameter is-managed
  sleep 2
}

wait_for_service() {
  wait_for "the service on $1" in_shell node01 \
    "crm_mon -1 | grep -q 'service01-postgresql.*Started $1'"
  sleep 2
}

bring_service_to() {
  quietly "$1" crm_resource --move --resource service01 --node "$1"
  wait_for_service "$1"
  quietly "$1" crm_resource --clear --resource service01
}

set_target_role() {
  quietly node01 crm_resource --resource service01 --meta --set-parameter target-role \
    --parameter-value "$1"
}

no_resource_runs() { in_shell node01 '! crm_mon -1 | grep -q "service01-.*Started"'; }

database_look() {
  record --as pg_controldata "$PG_BIN/pg_controldata" "$PGDATA"
  record --as pg_isready "$PG_BIN/pg_isready" -h 192.168.7.99
  record --as psql-list runuser -u postgres -- psql -l
  record --as postmaster.pid cat "$PGDATA/postmaster.pid"
  record --as findmnt findmnt --json -t fuse.glusterfs
}

attribute_samples() {
  record --as attrd_updater-update attrd_updater --name gluster-data00 --node node02 --update 1
  sleep 1
  record --as attrd_updater-query-all attrd_updater --name gluster-data00 --query --all
  record --as attrd_updater-query-one attrd_updater --name gluster-data00 --query --node node02
  record --as attrd_updater-query-missing attrd_updater --name nosuch --query --all
  record --as crm_mon-attribute crm_mon -1 --output-as=xml
  quietly node01 attrd_updater --name gluster-data00 --node node02 --delete
}

failure_of_service_states() {
  state 83-resource-failed
  in_shell node01 "kill -9 \$(head -n 1 $PGDATA/postmaster.pid)"
  wait_for 'the failure to be noticed' in_shell node01 'crm_mon -1 | grep -q "Failed Resource Actions"'
  record --as crm_mon-at-once crm_mon -1 --output-as=xml
  wait_for_service node01
  look node01
  record --as crm_resource-failcounts crm_failcount --query --resource service01-postgresql \
    --node node01
  record --as crm_resource-cleanup crm_resource --cleanup --resource service01
  sleep 3
  record --as crm_mon-cleaned crm_mon -1 --output-as=xml
  record --as crm_resource-cleanup-nothing crm_resource --cleanup --resource service01

  # No node can start it.
  state 84-resource-cannot-start
  set_target_role Stopped
  wait_for 'the service to stop' no_resource_runs
  with_volume "mv $PGDATA/PG_VERSION $PGDATA/PG_VERSION.away"
  set_target_role Started
  # shellcheck disable=SC2016 # expanded in the node
  wait_for 'both nodes to fail' in_shell node01 \
    '[ "$(crm_mon -1 | grep -c "service01-postgresql start on")" = 2 ]'
  sleep 3
  look node01
  record --as crm_resource-why crm_resource --why --resource service01 --output-as=xml
  with_volume "mv $PGDATA/PG_VERSION.away $PGDATA/PG_VERSION"
  # It stays where a part of it already runs.
  record --as crm_resource-cleanup crm_resource --cleanup --resource service01
  wait_for_service node02
  bring_service_to node01
}

# The database's files while the service is stopped.
with_volume() {
  quietly node01 mount -t glusterfs localhost:data00 /gldata00
  in_shell node01 "$1"
  quietly node01 umount /gldata00
}

failure_of_node_states() {
  # Nobody can fence it: the hypervisor does not answer.
  state 85-node-lost
  lab hypervisor hangs
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node01 'kill -9 $(pgrep -x corosync)'
  sleep 1
  record --on node01 --as crm_mon-at-once crm_mon -1 --output-as=xml
  wait_for 'the loss to be noticed' in_shell node02 'crm_mon -1 | grep -q UNCLEAN'
  look node02
  sleep 8
  record --on node02 --as crm_mon-later crm_mon -1 --output-as=xml
  record --on node02 --as stonith_admin-history-later stonith_admin --history '*' --output-as=xml
  record --on node02 --as journal journalctl -u corosync -u pacemaker -o cat --no-pager -n 60
  corosync_look node01
  pacemaker_look node01

  state 86-fenced
  lab hypervisor works
  wait_for 'the service on node02' in_shell node02 \
    'crm_mon -1 | grep -q "service01-postgresql.*Started node02"'
  look node02
  wait_for 'node01 to boot' lab in node01 true
  sleep 2
  look node01

  state 87-returned
  quietly node01 systemctl start glusterd
  wait_for 'the heal' in_shell node02 'gluster --mode=script volume heal data00 info summary |
    grep -c "Total Number of entries: 0" | grep -qx 2'
  quietly node01 systemctl start corosync
  record --as crm_mon-corosync-only crm_mon -1 --output-as=xml
  record --on node02 --as crm_mon-corosync-only crm_mon -1 --output-as=xml
  quietly node01 systemctl start pacemaker
  record --on node02 --as crm_mon-at-once crm_mon -1 --output-as=xml
  wait_for 'node01 to join' in_shell node02 'crm_mon -1 | grep -q "Online: \[ node01 node02 \]"'
  sleep 3
  look node01
  look node02

  # Stopped by hand on one node.
  state 88-down-on-one-node
  quietly node01 systemctl stop pacemaker
  look node01
  look node02
  record --as crm_mon-from-file env CIB_file=/var/lib/pacemaker/cib/cib.xml crm_mon -1 \
    --output-as=xml
  record --as cibadmin-Q-from-file env CIB_file=/var/lib/pacemaker/cib/cib.xml cibadmin -Q
  quietly node01 systemctl stop corosync
  record --on node02 --as crm_mon-corosync-stopped crm_mon -1 --output-as=xml
  corosync_look node01
  record --on node02 --as corosync-quorumtool-alone corosync-quorumtool -s -p
  record --on node02 --as corosync-cmapctl-alone corosync-cmapctl
  quietly node01 systemctl start corosync
  quietly node01 systemctl start pacemaker
  wait_for 'node01 to join' in_shell node02 'crm_mon -1 | grep -q "Online: \[ node01 node02 \]"'
  sleep 3
  record --as stonith_admin-reboot stonith_admin --reboot node02 --timeout 60
  wait_for_service node01
  record --as stonith_admin-history-asked stonith_admin --history '*' --output-as=xml
  record --as crm_mon-asked crm_mon -1 --output-as=xml
  wait_for 'node02 to boot' lab in node02 true
  sleep 2
  quietly node02 systemctl start glusterd
  quietly node02 systemctl start corosync
  quietly node02 systemctl start pacemaker
  wait_for 'node02 to join' in_shell node01 'crm_mon -1 | grep -q "Online: \[ node01 node02 \]"'
}
