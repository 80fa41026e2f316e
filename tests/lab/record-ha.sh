# shellcheck shell=bash
# The states of the HA half: Corosync, Pacemaker, fencing and PostgreSQL on a replicated volume,
# the cluster of the article made by hand, in order. Each builds on the one before.

readonly TOKEN=3000
readonly FENCE_KEY=/etc/cluster/fence_virsh_key
readonly PGDATA=/gldata00/pgsql
readonly PG_BIN=/usr/lib/postgresql/15/bin

ha_states() {
  by_hand
  off_states
  start_states
  configure_states
  service_states
  failure_of_service_states
  failure_of_node_states
  reload_states
}

# A volume with an empty database in it, and nothing of a cluster.
by_hand() {
  local node
  for node in node01 node02; do quietly "$node" systemctl start glusterd; done
  quietly node01 gluster --mode=script peer probe node02
  quietly node01 gluster --mode=script peer probe node02m
  quietly node02 gluster --mode=script peer probe node01m
  sleep 2
  quietly node01 gluster --mode=script volume create data00 replica 2 \
    node01m:/glvol00/brick node02m:/glvol00/brick
  quietly node01 gluster --mode=script volume set data00 network.ping-timeout 12
  quietly node01 gluster --mode=script volume start data00
  for node in node01 node02; do
    quietly "$node" mkdir -p /gldata00 /etc/cluster
    in_shell "$node" "umask 077; cat >$FENCE_KEY" <"$LAB_DIR/ssh/fence_key"
  done
}

# The database as the article makes it: initdb on the mounted volume, then unmounted again.
database_by_hand() {
  quietly node01 mount -t glusterfs localhost:data00 /gldata00
  in_shell node01 "install -d -o postgres -g postgres -m 700 $PGDATA &&
    runuser -u postgres -- $PG_BIN/initdb --data-checksums -D $PGDATA >/dev/null &&
    echo \"listen_addresses = '*'\" >>$PGDATA/postgresql.conf &&
    echo 'host all all 192.168.7.0/24 trust' >>$PGDATA/pg_hba.conf"
  record --as pg_controldata-shut-down "$PG_BIN/pg_controldata" "$PGDATA"
  record --as findmnt-mount findmnt --json /gldata00
  quietly node01 umount /gldata00
}

# --- what bricklayer reads of a cluster -------------------------------------------------------------------

look() {
  local node=$1
  corosync_look "$node"
  pacemaker_look "$node"
}

corosync_look() {
  record --on "$1" corosync-cmapctl
  record --on "$1" --as corosync-quorumtool corosync-quorumtool -s -p
  record --on "$1" --as corosync-cfgtool-s corosync-cfgtool -s
  record --on "$1" --as corosync-cfgtool-n corosync-cfgtool -n
  units_look "$1"
}

units_look() {
  record --on "$1" --as systemctl-show systemctl show corosync.service pacemaker.service \
    postgresql.service -p "$PROPERTIES"
}

pacemaker_look() {
  record --on "$1" --as cibadmin-Q cibadmin -Q
  record --on "$1" --as crm_mon crm_mon -1 --output-as=xml
  record --on "$1" --as stonith_admin-history stonith_admin --history '*' --output-as=xml
}

# --- states -----------------------------------------------------------------------------------------------

off_states() {
  state 70-cluster-off
  look node01
  record --as corosync-t corosync -t
  record --as systemctl-start-corosync systemctl start corosync.service
  record --as systemctl-show-corosync-started systemctl show corosync.service -p "$PROPERTIES"
  record --as crm_node-l crm_node -l
  record --as crm_verify-L crm_verify -L
  record --as crm_resource-locate crm_resource --locate --resource service01
  record --as attrd_updater-Q attrd_updater -Q -n x -A
  record --as cib-files ls -lA /var/lib/pacemaker/cib
  record --as corosync-version corosync -v
  record --as pacemaker-version pacemakerd --version
  # shellcheck disable=SC2016 # dpkg-query's own variables
  record --as dpkg-query dpkg-query -W -f '${Package}\t${Version}\t${db:Status-Abbrev}\n' corosync \
    pacemaker pacemaker-cli-utils fence-agents resource-agents postgresql-15 postgresql-common nosuch
  record --as pg_lsclusters pg_lsclusters -h
  record --as pg_controldata-nothing "$PG_BIN/pg_controldata" "$PGDATA"
  record --as postgres-version "$PG_BIN/postgres" --version
  agent_samples
  database_by_hand
}

agent_samples() {
  local fence=(fence_virsh --ip=192.168.8.1 --username=root "--identity-file=$FENCE_KEY")
  record --as fence_virsh-metadata fence_virsh -o metadata
  record --as fence_virsh-monitor "${fence[@]}" --action=monitor
  record --as fence_virsh-list "${fence[@]}" --action=list
  record --as fence_virsh-status "${fence[@]}" --action=status --plug=RHCSvm02-gluster
  record --as fence_virsh-status-nosuch "${fence[@]}" --action=status --plug=nosuch
  record --as fence_virsh-no-key fence_virsh --ip=192.168.8.1 --username=root \
    --identity-file=/etc/cluster/nosuch --action=monitor
  record --as fence_virsh-unreachable fence_virsh --ip=192.168.8.77 --username=root \
    "--identity-file=$FENCE_KEY" --action=monitor
  record --as metadata-IPaddr2 crm_resource --show-metadata=ocf:heartbeat:IPaddr2
  record --as metadata-Filesystem crm_resource --show-metadata=ocf:heartbeat:Filesystem
  record --as metadata-pgsql crm_resource --show-metadata=ocf:heartbeat:pgsql
  record --as metadata-nosuch crm_resource --show-metadata=ocf:heartbeat:nosuch
}

start_states() {
  local node
  head -c 256 /dev/urandom >"$WORK/authkey"
  for node in node01 node02; do
    corosync_conf $TOKEN | in_shell "$node" 'cat >/etc/corosync/corosync.conf'
    in_shell "$node" 'umask 277; cat >/etc/corosync/authkey' <"$WORK/authkey"
  done

  state 71-configured-off
  look node01
  record --as corosync.conf cat /etc/corosync/corosync.conf
  record --as corosync-t corosync -t
  record --as authkey stat -c '%n %F %a %U %G %s' /etc/corosync/authkey

  state 72-waiting-for-all
  record --as systemctl-start-corosync systemctl start corosync.service
  record --as systemctl-start-pacemaker systemctl start pacemaker.service
  record --as crm_mon-at-once crm_mon -1 --output-as=xml
  sleep 3
  look node01
  record --as crm_node-l crm_node -l
  quietly node01 systemctl stop pacemaker corosync

  state 73-no-dc-yet
  for node in node01 node02; do quietly "$node" systemctl start corosync; done
  for node in node01 node02; do quietly "$node" systemctl start pacemaker; done
  record --as corosync-quorumtool-at-once corosync-quorumtool -s -p
  for node in node01 node02; do wait_for 'quorum' in_shell "$node" 'corosync-quorumtool -s >/dev/null'; done
  sleep 3
  look node01
  look node02
  record --as crm_node-l crm_node -l
  record --as crm_node-p crm_node -p

  state 74-empty
  wait_for 'a DC' in_shell node01 'crm_mon -1 | grep -q "Online: \[ node01 node02 \]"'
  look node01
  look node02
  record --as crm_verify-L crm_verify -L -V
  record --as crm_verify-L-xml crm_verify -L --output-as=xml
  record --as crm_attribute-missing crm_attribute --type crm_config --name dc-deadtime --query
  record --as crm_attribute-default crm_attribute --type crm_config --name dc-deadtime --query \
    --default 20s
  record --as cib-files ls -lA /var/lib/pacemaker/cib
  record --as cib-file cat /var/lib/pacemaker/cib/cib.xml
}

# The article's cluster as an administrator would write it. Two links: cluster and storage network.
corosync_conf() {
  cat <<CONF
totem {
    version: 2
    cluster_name: ${2-cluster01}
    transport: knet
    crypto_cipher: aes256
    crypto_hash: sha256
    token: $1
}
nodelist {
$(conf_node 1)
$(conf_node 2)
}
quorum {
    provider: corosync_votequorum
    two_node: 1
}
logging {
    to_syslog: yes
    to_logfile: no
}
CONF
}

conf_node() {
  cat <<NODE
    node {
        name: node0$1
        nodeid: $1
        ring0_addr: 192.168.10.1$1
        ring1_addr: 192.168.9.1$1
    }
NODE
}

# --- the CIB ----------------------------------------------------------------------------------------------

configure_states() {
  state 75-configured
  candidate
  fence_device
  database_service
  settings
  look_at_candidate good
  push_candidate
  wait_for 'the fence device' in_shell node01 'crm_mon -1 | grep -q "fence_virsh.*Started"'
  sleep 3
  look node01
  look node02
  record --as crm_verify-L crm_verify -L -V
  record --as crm_simulate-L crm_simulate -L --simulate --output-as=xml
  wrong_candidates
}

# The live CIB, and a copy of it that is then edited, both on node01.
candidate() { in_shell node01 'cd /tmp && cibadmin -Q >live.xml && cp live.xml candidate.xml'; }

# edit SECTION: adds or changes what is given on stdin.
edit() {
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node01 'CIB_file=/tmp/candidate.xml cibadmin --modify --allow-create -o "$1" -p' sh "$1"
}

in_candidate() { in_shell node01 "sed -i '$1' /tmp/candidate.xml"; }

look_at_candidate() {
  record --as "crm_verify-$1" crm_verify --xml-file=/tmp/candidate.xml -V
  record --as "crm_verify-xml-$1" crm_verify --xml-file=/tmp/candidate.xml --output-as=xml
  record --as "crm_simulate-$1" crm_simulate --xml-file=/tmp/candidate.xml --simulate --output-as=xml
  record --as "crm_diff-$1" crm_diff --original /tmp/live.xml --new /tmp/candidate.xml
  in_shell node01 'crm_diff -o /tmp/live.xml -n /tmp/candidate.xml >/tmp/patch.xml || true'
}

push_candidate() { record --as cibadmin-patch cibadmin --patch --xml-file=/tmp/patch.xml; }

fence_device() {
  edit resources <<XML
<primitive id="kvmhost01" class="stonith" type="fence_virsh">
  <instance_attributes id="kvmhost01-options">
    <nvpair id="kvmhost01-ip" name="ip" value="192.168.8.1"/>
    <nvpair id="kvmhost01-username" name="username" value="root"/>
    <nvpair id="kvmhost01-identity_file" name="identity_file" value="$FENCE_KEY"/>
    <nvpair id="kvmhost01-pcmk_host_map" name="pcmk_host_map"
      value="node01:RHCSvm01-gluster;node02:RHCSvm02-gluster"/>
  </instance_attributes>
  <operations>
    <op id="kvmhost01-monitor" name="monitor" interval="60s" timeout="20s"/>
  </operations>
</primitive>
XML
}

database_service() {
  edit resources <<XML
<group id="service01">
  <primitive id="service01-ip" class="ocf" provider="heartbeat" type="IPaddr2">
    <instance_attributes id="service01-ip-options">
      <nvpair id="service01-ip-address" name="ip" value="192.168.7.99"/>
      <nvpair id="service01-ip-cidr_netmask" name="cidr_netmask" value="24"/>
    </instance_attributes>
    <operations>
      <op id="service01-ip-start" name="start" interval="0s" timeout="20s"/>
      <op id="service01-ip-stop" name="stop" interval="0s" timeout="20s"/>
      <op id="service01-ip-monitor" name="monitor" interval="10s" timeout="20s"/>
    </operations>
  </primitive>
  <primitive id="service01-mount" class="ocf" provider="heartbeat" type="Filesystem">
    <instance_attributes id="service01-mount-options">
      <nvpair id="service01-mount-device" name="device" value="localhost:data00"/>
      <nvpair id="service01-mount-directory" name="directory" value="/gldata00"/>
      <nvpair id="service01-mount-fstype" name="fstype" value="glusterfs"/>
      <nvpair id="service01-mount-flags" name="options"
        value="log-level=WARNING,log-file=/var/log/gluster.log"/>
    </instance_attributes>
    <operations>
      <op id="service01-mount-start" name="start" interval="0s" timeout="60s"/>
      <op id="service01-mount-stop" name="stop" interval="0s" timeout="60s"/>
      <op id="service01-mount-monitor" name="monitor" interval="20s" timeout="60s"/>
    </operations>
  </primitive>
  <primitive id="service01-postgresql" class="ocf" provider="heartbeat" type="pgsql">
    <instance_attributes id="service01-postgresql-options">
      <nvpair id="service01-postgresql-pgctl" name="pgctl" value="$PG_BIN/pg_ctl"/>
      <nvpair id="service01-postgresql-psql" name="psql" value="$PG_BIN/psql"/>
      <nvpair id="service01-postgresql-pgdata" name="pgdata" value="$PGDATA"/>
    </instance_attributes>
    <operations>
      <op id="service01-postgresql-start" name="start" interval="0s" timeout="120s"/>
      <op id="service01-postgresql-stop" name="stop" interval="0s" timeout="120s"/>
      <op id="service01-postgresql-monitor" name="monitor" interval="10s" timeout="60s"/>
    </operations>
  </primitive>
  <meta_attributes id="service01-meta">
    <nvpair id="service01-target-role" name="target-role" value="Stopped"/>
    <nvpair id="service01-stickiness" name="resource-stickiness" value="2000"/>
  </meta_attributes>
</group>
XML
  edit constraints <<XML
<constraints>
  <rsc_location id="service01-on-node01" rsc="service01" node="node01" score="2000"/>
  <rsc_location id="service01-on-node02" rsc="service01" node="node02" score="1000"/>
</constraints>
XML
}

settings() {
  edit crm_config <<XML
<cluster_property_set id="bricklayer">
  <nvpair id="bricklayer-stonith-enabled" name="stonith-enabled" value="true"/>
  <nvpair id="bricklayer-no-quorum-policy" name="no-quorum-policy" value="stop"/>
</cluster_property_set>
XML
  edit tags <<XML
<tags>
  <tag id="bricklayer-owns">
    <obj_ref id="kvmhost01"/>
    <obj_ref id="service01"/>
  </tag>
</tags>
XML
}

# Looked at and not made.
wrong_candidates() {
  candidate
  look_at_candidate same
  in_candidate 's/rsc="service01" node="node01"/rsc="nosuch" node="node01"/'
  look_at_candidate unknown-resource
  candidate
  in_candidate 's/<group id="service01"/& colour="red"/'
  look_at_candidate bad-schema
  candidate
  in_candidate 's/name="stonith-enabled" value="true"/name="stonith-enabled" value="maybe"/'
  look_at_candidate bad-value
  candidate
  in_candidate 's/name="stonith-enabled"/name="stonith-enabledd"/'
  look_at_candidate unknown-property
  candidate
  in_candidate '/<primitive id="kvmhost01"/,/<\/primitive>/d; /obj_ref id="kvmhost01"/d'
  look_at_candidate no-fence-device
  in_candidate 's/<\/cib>//'
  record --as crm_verify-no-xml crm_verify --xml-file=/tmp/candidate.xml -V
}

# --- the service ------------------------------------------------------------------------------------------

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
  look node01
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

# A text edit leaves the version as it is, and a patch to the same version is none.
bump_candidate() {
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node01 'epoch=$(sed -n "1s/.* epoch=\"\([0-9]*\)\".*/\1/p" /tmp/candidate.xml)
    sed -i "1s/ epoch=\"[0-9]*\"/ epoch=\"$((epoch + 1))\"/; 1s/num_updates=\"[0-9]*\"/num_updates=\"0\"/" \
      /tmp/candidate.xml'
}

database_look() {
  record --as pg_controldata "$PG_BIN/pg_controldata" "$PGDATA"
  record --as pg_isready "$PG_BIN/pg_isready" -h 192.168.7.99
  record --as psql-list runuser -u postgres -- psql -l
  record --as postmaster.pid cat "$PGDATA/postmaster.pid"
  record --as findmnt findmnt --json -t fuse.glusterfs
}

# What would come of other changes while the service runs.
changes_looked_at() {
  candidate
  in_candidate 's/node="node02" score="1000"/node="node02" score="INFINITY"/'
  bump_candidate
  look_at_candidate moves
  candidate
  in_candidate 's/name="target-role" value="Started"/name="target-role" value="Stopped"/'
  bump_candidate
  look_at_candidate stops
  candidate
  in_candidate '/<group id="service01"/,/<\/group>/d; /<rsc_location/d; /obj_ref id="service01"/d'
  bump_candidate
  look_at_candidate removes
  candidate
  in_candidate 's/name="cidr_netmask" value="24"/name="cidr_netmask" value="25"/'
  bump_candidate
  look_at_candidate restarts-from-address
  candidate
  in_candidate 's/name="pgdata" value="[^"]*"/name="pgdata" value="\/gldata00\/other"/'
  bump_candidate
  look_at_candidate restarts-last-member
  candidate
  in_candidate 's/interval="10s" timeout="60s"/interval="15s" timeout="60s"/'
  bump_candidate
  look_at_candidate monitor-interval
  record --as crm_simulate-node-fail crm_simulate --xml-file=/tmp/live.xml --simulate \
    --node-fail=node01 --output-as=xml
  record --as crm_simulate-node-down crm_simulate --xml-file=/tmp/live.xml --simulate \
    --node-down=node01 --output-as=xml
}

# A versioned patch, good, made again, and late by one update of an attribute or one change.
patch_samples() {
  candidate
  edit crm_config <<<'<cluster_property_set id="bricklayer"><nvpair id="bricklayer-x" name="cluster-delay" value="60s"/></cluster_property_set>'
  look_at_candidate property
  record --as cibadmin-patch-good cibadmin --patch --xml-file=/tmp/patch.xml
  record --as cibadmin-patch-again cibadmin --patch --xml-file=/tmp/patch.xml
  candidate
  edit crm_config <<<'<cluster_property_set id="bricklayer"><nvpair id="bricklayer-x" name="cluster-delay" value="61s"/></cluster_property_set>'
  look_at_candidate property-changed
  quietly node01 attrd_updater --name late --node node01 --update 1
  sleep 2
  record --as cibadmin-head-after-attribute cibadmin -Q --no-children
  record --as cibadmin-patch-late-by-an-attribute cibadmin --patch --xml-file=/tmp/patch.xml
  candidate
  edit crm_config <<<'<cluster_property_set id="bricklayer"><nvpair id="bricklayer-x" name="cluster-delay" value="62s"/></cluster_property_set>'
  look_at_candidate property-changed-again
  quietly node02 crm_attribute --type crm_config --name cluster-delay --update 59s
  record --as cibadmin-patch-late-by-a-change cibadmin --patch --xml-file=/tmp/patch.xml
  quietly node01 crm_attribute --type crm_config --name cluster-delay --delete
  quietly node01 attrd_updater --name late --node node01 --delete
  record --as cibadmin-query-scope cibadmin -Q -o crm_config
  record --as cibadmin-query-nosuch cibadmin -Q --xpath '//nosuch'
  record --as cibadmin-bad-xml cibadmin --modify -o resources --xml-text '<primitive id="x"/>'
  record --as cibadmin-not-xml cibadmin --modify -o resources --xml-text 'nonsense'
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

# --- failures ---------------------------------------------------------------------------------------------

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
  quietly node01 systemctl stop corosync
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

# --- changes of corosync.conf -----------------------------------------------------------------------------

reload_states() {
  state 89-reloaded
  conf_everywhere $((TOKEN + 1000)) cluster01
  record --as corosync-cfgtool-R corosync-cfgtool -R
  record --as corosync-cmapctl-token corosync-cmapctl -g runtime.config.totem.token
  record --on node02 --as corosync-cmapctl-token corosync-cmapctl -g runtime.config.totem.token
  conf_everywhere $((TOKEN + 1000)) renamed
  record --as corosync-cfgtool-R-unchangeable corosync-cfgtool -R
  record --as corosync-cmapctl-unchangeable corosync-cmapctl
  record --as journal-unchangeable journalctl -u corosync -o cat --no-pager -n 8
  conf_everywhere $TOKEN cluster01
  in_shell node01 'sed -i "s/two_node: 1/two_node: 0/" /etc/corosync/corosync.conf'
  record --as corosync-cfgtool-R-own-file corosync-cfgtool -R
  record --as corosync-quorumtool-own-file corosync-quorumtool -s -p
  record --on node02 --as corosync-quorumtool-own-file corosync-quorumtool -s -p
  conf_everywhere $TOKEN cluster01
  quietly node01 corosync-cfgtool -R
  in_shell node01 'sed -i "s/token: .*/token: banana/" /etc/corosync/corosync.conf'
  record --as corosync-t-bad-value corosync -t
  record --as corosync-cfgtool-R-bad-value corosync-cfgtool -R
  in_shell node01 'echo "nonsense {" >>/etc/corosync/corosync.conf'
  record --as corosync-t-bad-file corosync -t
  record --as corosync-cfgtool-R-bad-file corosync-cfgtool -R
  conf_everywhere $TOKEN cluster01
  record --as corosync-cfgtool-R-again corosync-cfgtool -R
  record --as corosync-cmapctl-g-missing corosync-cmapctl -g nosuch.key
}

conf_everywhere() {
  local node
  for node in node01 node02; do
    corosync_conf "$@" | in_shell "$node" 'cat >/etc/corosync/corosync.conf'
  done
}
