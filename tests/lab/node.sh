# shellcheck shell=bash
# One node: made from this machine's system, booted by systemd-nspawn, cut, booted again, removed.
# Its directory holds everything about it:
#   upper work root   the overlay      vdb.img vdc.img   the disks
#   pid               of its keeper    console.log       what it printed
#   addresses         of its interfaces when it boots, as a batch for ip
#   bare prepared     how it was made

# Started by nobody at boot: bricklayer, or who uses the lab, decides what runs on a node.
readonly STOPPED_UNITS=(glusterd corosync corosync-qdevice corosync-qnetd pacemaker postgresql)
# What this machine may have installed and a node must not do.
readonly MASKED_UNITS=(nftables.service pcsd.service libvirtd.service virtlogd.service docker.service
  containerd.service networking.service systemd-networkd.service systemd-resolved.service
  NetworkManager.service systemd-timesyncd.service cron.service unattended-upgrades.service
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
  man-db.timer)

node_dir() { printf '%s/nodes/%s' "$LAB_DIR" "$1"; }
node_machine() { printf '%s-%s' "$LAB_NAME" "$1"; }

# From here on 'lab down' knows of the node, whatever happens to its making.
node_record() {
  mkdir -p "$(node_dir "$1")"
  printf '%s\n' "$2" >"$(node_dir "$1")/bare"
}

node_up() {
  local node=$1 dir
  dir=$(node_dir "$node")
  if [[ ! -e $dir/prepared ]]; then
    root_create "$dir"
    root_mount "$dir"
    disks_create "$dir"
    node_identity "$node" "$dir/root"
    node_forget "$dir/root"
    node_brick_mount "$dir/root"
    node_units "$dir/root"
    [[ $(<"$dir/bare") == no ]] || node_purge_packages "$dir/root" >>"$dir/console.log" 2>&1
    touch "$dir/prepared"
  fi
  root_mount "$dir"
  node_network "$node"
  node_boot "$node"
}

# What makes it this node and no other.
node_identity() {
  local node=$1 root=$2
  rm -f "$root/etc/machine-id" "$root"/etc/ssh/ssh_host_*
  : >"$root/etc/machine-id"
  install -m 600 "$LAB_DIR/ssh/host_$node" "$root/etc/ssh/ssh_host_ed25519_key"
  install -m 644 "$LAB_DIR/ssh/host_$node.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
  install -d -m 700 "$root/root/.ssh"
  install -m 600 "$LAB_DIR/ssh/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
  install -m 644 "$LAB_DIR/hosts" "$root/etc/hosts"
  printf '%s\n' "$node" >"$root/etc/hostname"
  : >"$root/etc/fstab"
}

# A unit and not a line in fstab, which systemd does not heed for devices in a container.
node_brick_mount() {
  local root=$1
  mkdir -p "$root/glvol00"
  cat >"$root/etc/systemd/system/glvol00.mount" <<UNIT
[Unit]
Description=The file system of this node's bricks

[Mount]
What=/dev/vdb
Where=/glvol00
Type=xfs

[Install]
WantedBy=local-fs.target
UNIT
  systemctl --root="$root" --quiet enable glvol00.mount 2>/dev/null
}

# What this machine knows and a fresh node does not. A copied /var/lib/glusterd would carry the
# same UUID to every node; its groups and hooks are the package's and stay.
node_forget() {
  local root=$1
  find "$root/var/log" -type f -delete
  mkdir -p "$root/var/log/journal"
  [[ ! -d $root/var/lib/glusterd ]] ||
    find "$root/var/lib/glusterd" -mindepth 1 -maxdepth 1 ! -name groups ! -name hooks \
      -exec rm -rf {} +
  rm -rf "$root/etc/corosync/corosync.conf" "$root/etc/corosync/authkey" \
    "$root/etc/corosync/qdevice" "$root"/var/lib/corosync/* "$root/etc/pacemaker/authkey" "$root/etc/cluster" \
    "$root/etc/postgresql/"* "$root/usr/sbin/policy-rc.d" "$root/.dockerenv" "$root/etc/apt/auth.conf" \
    "$root"/etc/apt/auth.conf.d/*
  # The folders belong to Pacemaker's own user and stay.
  [[ ! -d $root/var/lib/pacemaker ]] || find "$root/var/lib/pacemaker" -type f -delete
  # Read at every ssh login; this machine's values have no meaning there.
  : >"$root/etc/environment"
  : >"$root/etc/resolv.conf"
}

node_units() {
  local root=$1 unit
  for unit in "${STOPPED_UNITS[@]}"; do
    systemctl --root="$root" --quiet disable "$unit.service" 2>/dev/null || true
  done
  systemctl --root="$root" --quiet mask "${MASKED_UNITS[@]}" 2>/dev/null
  systemctl --root="$root" --quiet enable ssh.service 2>/dev/null
  systemctl --root="$root" --quiet set-default multi-user.target 2>/dev/null
}

node_purge_packages() {
  local root=$1 names
  mapfile -t names < <(bare_packages)
  ((${#names[@]})) || return 0
  systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --settings=no --pipe \
    env DEBIAN_FRONTEND=noninteractive dpkg --purge --force-depends "${names[@]}"
  rm -rf "$root/var/lib/glusterd" "$root/var/log/glusterfs" "$root/etc/postgresql" \
    "$root/etc/postgresql-common" "$root/etc/corosync"
}

node_is_running() {
  local pid
  pid=$(cat "$(node_dir "$1")/pid" 2>/dev/null) || return 1
  # The number may long belong to another process.
  [[ -n $pid ]] && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" |
    grep -qxF -e "--directory=$(node_dir "$1")/root"
}

# Its first process, the child of systemd-nspawn, the child of the keeper. Asked for anew each
# time: a node that reboots itself gets another one.
node_leader() {
  local nspawn
  nspawn=$(pgrep -o -P "$(<"$(node_dir "$1")/pid")") && pgrep -o -P "$nspawn"
}

# A boot mounts nothing outside the node, so it also works from inside 'lab admin', as a fence
# device needs.
node_boot() {
  local node=$1 dir started=${EPOCHREALTIME/./}
  dir=$(node_dir "$node")
  exec 8>"$dir/lock" # a fence device and a person may want it at once
  flock 8
  node_is_running "$node" && return
  node_link "$node" up
  node_start "$node" "$dir"
  until node_answers "$node"; do
    node_is_running "$node" || die "$node ended while it booted; see $dir/console.log"
    ((${EPOCHREALTIME/./} - started < 60000000)) ||
      die "$node does not answer on its ssh port after 60 s; see $dir/console.log"
    sleep 0.1
  done
  say "$node is up after $(((${EPOCHREALTIME/./} - started) / 100000))00 ms"
}

# systemd-nspawn ends with 133 when the node wants to be rebooted. Its interfaces outlive it, and
# would answer for a floating address that it held.
# shellcheck disable=SC2016 # expanded by the keeper
readonly KEEPER='ns=$1 addresses=$2 && shift 2
  while systemd-nspawn "$@"; status=$?; ip -n "$ns" -batch "$addresses"; ((status == 133)); do :; done
  exit "$status"'

# Its own control group keeps the services of two nodes apart, and names all its processes.
node_start() {
  local node=$1 dir=$2 brick spare group
  brick=$(disk_device "$dir/vdb.img")
  spare=$(disk_device "$dir/vdc.img")
  (
    keep_nothing_open
    for group in $(node_groups "$node"); do
      mkdir -p "$group"
      printf '%d\n' "$BASHPID" >"$group/cgroup.procs"
    done
    printf '%d\n' "$BASHPID" >"$dir/pid"
    exec setsid bash -c "$KEEPER" "$(node_machine "$node")" \
      "$(node_ns "$node")" "$dir/addresses" --quiet --directory="$dir/root" --boot \
      --machine="$(node_machine "$node")" --hostname="$node" \
      --register=no --keep-unit --settings=no --link-journal=no --resolv-conf=off --timezone=off \
      --network-namespace-path="/run/netns/$(node_ns "$node")" --capability=all \
      --bind=/dev/fuse --bind="$brick:/dev/vdb" --bind="$spare:/dev/vdc" --console=pipe
  ) </dev/null >>"$dir/console.log" 2>&1 &
  until node_is_running "$node"; do
    kill -0 $! 2>/dev/null || die "$node does not start; see $dir/console.log"
    sleep 0.02
  done
}

# A lock that somebody takes around a command of the lab ends with the command, though the node
# that it started lives on.
keep_nothing_open() {
  local file
  for file in "/proc/$BASHPID/fd/"*; do
    file=${file##*/}
    ((file <= 2)) || exec {file}>&-
  done
}

node_groups() {
  local tree
  for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [[ ! -e $tree/cgroup.procs ]] || printf '%s/%s\n' "$tree" "$(node_machine "$1")"
  done
}

# sshd starts after the local file systems are mounted, so an answer means that both are there.
node_answers() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  nsenter --net="/run/netns/$(node_ns "$1")" bash -c \
    'read -r -t 2 banner <"/dev/tcp/$1/22" && [[ $banner == SSH-* ]]' \
    bash "$(node_address "$1" management)" 2>/dev/null
}

node_in() {
  local node=$1
  shift
  (($#)) || set -- bash -l
  node_is_running "$node" || die "$node is off; 'lab boot $node' starts it"
  exec nsenter --target "$(node_leader "$node")" --all -- env -i \
    HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# The cables first, so that no dying process can say goodbye.
node_cut() {
  local node=$1
  node_is_running "$node" || return 0
  node_link "$node" down
  node_kill "$node"
}

node_kill() {
  local node=$1 leader _
  for _ in {1..100}; do
    node_is_running "$node" || return 0
    # It may be gone between the two, which is what is wanted.
    if leader=$(node_leader "$node"); then kill -KILL "$leader" 2>/dev/null || true; fi
    sleep 0.1
  done
  say "$node does not die"
  return 1
}

# Works on half-made nodes too: each step is about something that may not be there.
node_remove() {
  local node=$1 dir group
  dir=$(node_dir "$node")
  node_kill "$node" || return 1
  for group in $(node_groups "$node"); do
    [[ -d $group ]] || continue
    end_processes "$(find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null)" || return 1
    find "$group" -depth -type d -exec rmdir {} +
  done
  node_network_remove "$node" && root_unmount "$dir" && disks_detach "$dir"
}
