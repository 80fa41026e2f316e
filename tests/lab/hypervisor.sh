# shellcheck shell=bash
# The hypervisor that fences: an sshd of its own on the admin host, and behind it a virsh whose
# domains are the lab's nodes. The real fence_virsh logs in and drives it, so what a fence agent
# takes its time for, and how it fails, is not guessed. `destroy` is a power cut; a domain that
# is started boots by itself, as a fenced node does.

# The domains have the article's names.
domain_of() { printf 'RHCSvm%s-gluster' "${1#node}"; }

hypervisor_dir() { printf '%s/hypervisor' "$LAB_DIR"; }

# Started by nsenter and not by `ip netns exec`, which would hide the control groups from the nodes
# that are booted from here. Its sessions see nothing of the person's own home.
hypervisor_start() {
  local dir
  dir=$(hypervisor_dir)
  hypervisor_runs && return
  mkdir -p "$dir/bin" "$dir/home" /run/sshd
  printf '#!/bin/sh\nexec "%s/lab" virsh "$@"\n' "$LAB_HOME" >"$dir/bin/virsh"
  chmod 755 "$dir/bin/virsh"
  sshd_config >"$dir/sshd_config"
  (
    keep_nothing_open
    exec nsenter --net="/run/netns/$(admin_ns)" -- "$(type -P sshd)" -f "$dir/sshd_config" \
      -E "$dir/log"
  )
}

hypervisor_runs() {
  local pid
  pid=$(cat "$(hypervisor_dir)/pid" 2>/dev/null) && [[ $(readlink "/proc/$pid/exe") == */sshd ]]
}

sshd_config() {
  local dir
  dir=$(hypervisor_dir)
  cat <<CONFIG
ListenAddress ${SUBNET[management]}.1
HostKey "$LAB_DIR/ssh/host_admin"
AuthorizedKeysFile "$LAB_DIR/ssh/fence_key.pub"
PidFile "$dir/pid"
StrictModes no
UsePAM no
PasswordAuthentication no
PrintMotd no
PrintLastLog no
SetEnv PATH="$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$dir/home" LAB_DIR="$LAB_DIR"
CONFIG
}

# How it takes orders from now on.
lab_hypervisor() {
  case ${1-} in
    works | only-off | refuses | hangs) printf '%s\n' "$1" >"$(hypervisor_dir)/mood" ;;
    *) die "usage: lab hypervisor works|only-off|refuses|hangs" ;;
  esac
}

hypervisor_mood() { cat "$(hypervisor_dir)/mood" 2>/dev/null || printf 'works'; }

lab_virsh() {
  local mood node
  mood=$(hypervisor_mood)
  [[ $mood != hangs ]] || exec sleep infinity
  if [[ $* == "list --all" ]]; then
    virsh_list
    return
  fi
  node=$(node_of "${2-}") || virsh_error "failed to get domain '${2-}'"
  case $mood:$1 in
    *:domstate) printf '%s\n\n' "$(virsh_state "$node")" ;;
    works:destroy | only-off:destroy) virsh_destroy "$node" "$2" ;;
    works:start) virsh_start "$node" "$2" ;;
    *:destroy | *:start) virsh_error "Failed to $1 domain '$2'" ;;
    *) virsh_error "unknown command: '$1'" ;;
  esac
}

virsh_error() {
  printf 'error: %s\n' "$1"
  exit 1
}

node_of() {
  local node
  for node in "${ALL_NODES[@]}"; do
    [[ $1 == "$(domain_of "$node")" && -d $(node_dir "$node") ]] || continue
    printf '%s' "$node"
    return
  done
  return 1
}

virsh_state() { node_is_running "$1" && printf 'running' || printf 'shut off'; }

virsh_list() {
  local node id
  printf ' %-4s %-18s %s\n----------------------------------\n' Id Name State
  for node in "${ALL_NODES[@]}"; do
    [[ -d $(node_dir "$node") ]] || continue
    node_is_running "$node" && id=$((10#${node#node})) || id=-
    printf ' %-4s %-18s %s\n' "$id" "$(domain_of "$node")" "$(virsh_state "$node")"
  done
  printf '\n'
}

virsh_destroy() {
  node_is_running "$1" || virsh_error "Requested operation is not valid: domain is not running"
  lab_lock shared
  node_cut "$1"
  printf "Domain '%s' destroyed\n\n" "$2"
}

# Answers once the power is on; the node boots on, whatever becomes of the session.
virsh_start() {
  local _
  node_is_running "$1" && virsh_error "Domain is already active"
  setsid --fork "$LAB_HOME/lab" boot "$1" </dev/null >>"$(node_dir "$1")/console.log" 2>&1
  for _ in {1..50}; do
    node_is_running "$1" && printf "Domain '%s' started\n\n" "$2" && return
    sleep 0.1
  done
  virsh_error "Failed to start domain '$2'"
}
