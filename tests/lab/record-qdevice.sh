# shellcheck shell=bash
# The states of a cluster with a quorum device that `record` goes through: two nodes without anything on them, and a
# real corosync-qnetd on the admin host.

qdevice_states() {
  certificate_states
  device_states
  device_lost_states
  device_gone_states
}

certificate_states() {
  state 90-quorum-device-off
  record --as certutil-nothing certutil -L -d "$NSSDB" -n 'Cluster Cert'
  record --as corosync-qdevice-tool corosync-qdevice-tool -sv
  lab qnetd certify cluster01 node01 node02
  record --as certutil certutil -L -d "$NSSDB" -n 'Cluster Cert'
  record --as certutil-lacking certutil -L -d "$NSSDB" -n 'No Cert'
  conf_with_device required
  record --as systemctl-start-corosync-qdevice-alone systemctl start corosync-qdevice
}

device_states() {
  lab qnetd on
  local node
  for node in node01 node02; do quietly "$node" systemctl start corosync pacemaker; done
  wait_for 'both members' in_shell node01 'corosync-quorumtool -l | grep -q node02'
  state 91-quorum-device-waiting
  look_at_device
  for node in node01 node02; do quietly "$node" systemctl start corosync-qdevice; done
  wait_for 'its vote' in_shell node01 'corosync-qdevice-tool -sv | grep -q "cast vote"'
  sleep 1
  state 92-quorum-device
  look_at_device
  record --as corosync-cmapctl corosync-cmapctl
  record --on node02 --as corosync-qdevice-tool corosync-qdevice-tool -sv
}

device_lost_states() {
  state 93-quorum-device-lost
  lab qnetd stop
  sleep 2
  look_at_device
  lab qnetd off
  # It is asked for TLS and has none.
  record --as systemctl-restart-corosync-qdevice-without-tls systemctl restart corosync-qdevice
  lab qnetd stop
  lab qnetd on
  sleep 12
  quietly node01 systemctl reset-failed corosync-qdevice
  quietly node01 systemctl start corosync-qdevice
  lab cut node02
  sleep 12
  record --as corosync-quorumtool-alone corosync-quorumtool -s -p
  lab boot node02
}

device_gone_states() {
  local node
  for node in node01 node02; do quietly "$node" systemctl start corosync corosync-qdevice; done
  sleep 8
  state 94-quorum-device-taken-out
  conf_of_two
  quietly node01 systemctl stop corosync-qdevice
  record --as corosync-quorumtool-one-stopped corosync-quorumtool -s -p
  quietly node02 systemctl stop corosync-qdevice
  quietly node01 corosync-cfgtool -R
  look_at_device
}

readonly NSSDB=/etc/corosync/qdevice/net/nssdb

look_at_device() {
  record --as corosync-quorumtool corosync-quorumtool -s -p
  record --as corosync-qdevice-tool corosync-qdevice-tool -sv
}

conf_with_device() {
  members_with "	expected_votes: 3
	wait_for_all: 1
	device {
		model: net
		votes: 1
		net {
			host: admin
			algorithm: ffsplit
			tls: $1
		}
	}"
}

conf_of_two() { members_with $'\ttwo_node: 1\n\twait_for_all: 1'; }

# The file on both nodes, with the rest of its section `quorum`.
members_with() {
  local node
  for node in node01 node02; do
    in_shell "$node" 'cat >/etc/corosync/corosync.conf' <<CONF
totem {
	version: 2
	cluster_name: cluster01
	transport: knet
	token: 3000
}
nodelist {
	node {
		name: node01
		nodeid: 1
		ring0_addr: 192.168.10.11
	}
	node {
		name: node02
		nodeid: 2
		ring0_addr: 192.168.10.12
	}
}
quorum {
	provider: corosync_votequorum
$1
}
logging {
	to_syslog: yes
}
CONF
  done
}
