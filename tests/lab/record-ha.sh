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

# --- what bricklayer reads of a cluster ---

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

# --- states ---

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
  record --as cibadmin-empty cibadmin --empty
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

# --- changes of corosync.conf ---

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
