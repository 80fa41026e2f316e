# shellcheck shell=bash
# The host of a quorum device: a real corosync-qnetd on the admin host, which is no member of the
# cluster. What it keeps lies in the lab's directory. Its certutil knows one folder only, so that
# is laid over this machine's own while it runs.

qnetd_dir() { printf '%s/qnetd' "$LAB_DIR"; }

lab_qnetd() {
  case ${1-} in
    off) qnetd_stop && qnetd_start off ;;
    on) qnetd_stop && qnetd_start on ;;
    required) qnetd_stop && qnetd_start req ;;
    stop) qnetd_stop ;;
    list) corosync-qnetd-tool -l -p "$(qnetd_dir)/socket" ;;
    certify) qnetd_certify "${@:2}" ;;
    *) die "usage: lab qnetd on|off|required|stop|list, lab qnetd certify CLUSTER NODE..." ;;
  esac
}

# It answers on its socket once it listens.
qnetd_start() {
  local dir _
  dir=$(qnetd_dir)
  qnetd_authority
  (
    keep_nothing_open
    exec nsenter --net="/run/netns/$(admin_ns)" -- corosync-qnetd -s "$1" \
      -S "lock_file=$dir/pid,local_socket_file=$dir/socket,nss_db_dir=$dir/etc/nssdb"
  )
  for _ in {1..50}; do
    corosync-qnetd-tool -s -p "$dir/socket" >/dev/null 2>&1 && return
    sleep 0.1
  done
  die "corosync-qnetd does not answer"
}

qnetd_stop() {
  local pid
  pid=$(cat "$(qnetd_dir)/pid" 2>/dev/null) || return 0
  [[ $(readlink "/proc/$pid/exe") != */corosync-qnetd ]] || end_processes "$pid"
}

# The authority that signs the clusters' certificates, made once.
qnetd_authority() {
  local dir
  dir=$(qnetd_dir)
  [[ ! -e $dir/etc/nssdb ]] || return 0
  mkdir -p "$dir/etc"
  qnetd_certutil -i >"$dir/certutil.log" 2>&1
}

qnetd_certutil() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --propagation private sh -c \
    'mount --bind "$1" /etc/corosync/qnetd && shift && exec corosync-qnetd-certutil "$@"' \
    sh "$(qnetd_dir)/etc" "$@"
}

# What corosync-qdevice-net-certutil(8) has a person do: the request comes from the first node, is
# signed here, and all nodes get the one certificate of the cluster.
qnetd_certify() {
  local cluster=$1 first=$2 dir node
  shift
  dir=$(qnetd_dir)
  qnetd_authority
  for node in "$@"; do
    need_made "$node"
    node_put "$node" /root/qnetd.crt <"$dir/etc/nssdb/qnetd-cacert.crt"
    node_certutil "$node" -i -c /root/qnetd.crt
  done
  node_certutil "$first" -r -n "$cluster"
  (node_in "$first" cat /etc/corosync/qdevice/net/nssdb/qdevice-net-node.crq) >"$dir/request"
  qnetd_certutil -s -c "$dir/request" -n "$cluster" >>"$dir/certutil.log" 2>&1
  node_put "$first" /root/cluster.crt <"$dir/etc/nssdb/cluster-$cluster.crt"
  node_certutil "$first" -M -c /root/cluster.crt
  (node_in "$first" cat /etc/corosync/qdevice/net/nssdb/qdevice-net-node.p12) >"$dir/key"
  for node in "${@:2}"; do
    node_put "$node" /root/cluster.p12 <"$dir/key"
    node_certutil "$node" -m -c /root/cluster.p12
  done
}

node_certutil() {
  (node_in "$1" corosync-qdevice-net-certutil "${@:2}") >>"$(qnetd_dir)/certutil.log" 2>&1
}

# Writes standard input to a file of a node.
# shellcheck disable=SC2016 # expanded by the inner shell
node_put() { (node_in "$1" sh -c 'umask 077; cat >"$1"' sh "$2"); }
