# shellcheck shell=bash
# Changes of the CIB that `record` looks at and makes: the cluster of the article, written by hand, and
# what is wrong, what moves, what comes too late.

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

# A text edit leaves the version as it is, and a patch to the same version is none.
bump_candidate() {
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node01 'epoch=$(sed -n "1s/.* epoch=\"\([0-9]*\)\".*/\1/p" /tmp/candidate.xml)
    sed -i "1s/ epoch=\"[0-9]*\"/ epoch=\"$((epoch + 1))\"/; 1s/num_updates=\"[0-9]*\"/num_updates=\"0\"/" \
      /tmp/candidate.xml'
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
  record --as crm_verify-removes-VV crm_verify --xml-file=/tmp/candidate.xml -VV
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
