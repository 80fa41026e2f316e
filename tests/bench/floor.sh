# shellcheck shell=bash
# The floor: what it costs to look at all nodes at the same things as bricklayer, over plain ssh and with no tool
# around it. Each node gets one session, in which all programs run at once; all nodes are asked at once.

readonly -a FLOOR_READS=(
  "gluster --mode=script --xml pool list"
  "systemctl show glusterd.service gldata00.mount"
  "findmnt --json --types fuse.glusterfs"
  "cat /etc/systemd/system/gldata00.mount"
  "dpkg-query -W attr glusterfs-client glusterfs-server"
  "cat /etc/os-release /proc/uptime /proc/sys/kernel/hostname"
  "df -k /glvol00/brick"
  "getfattr --absolute-names -e hex -n trusted.glusterfs.volume-id /glvol00/brick"
  "ls -A /glvol00/brick/.glusterfs/indices/xattrop"
  "head /run/gluster/vols/*/*.pid"
)

# Any node knows all volumes, so one is asked.
readonly FLOOR_FIRST="gluster --mode=script --xml volume info"

floor_script() {
  local index reads=("$@")
  printf '%s\n' "d=\$(mktemp -d) && cd \"\$d\" && {"
  for index in "${!reads[@]}"; do
    printf '{ %s; echo "rc $?"; } >%d 2>&1 &\n' "${reads[index]}" "$index"
  done
  # shellcheck disable=SC2016 # expanded on the node
  printf '%s\n' 'wait; cat *; cd /; rm -rf "$d"; }'
}

# floor SSH_OPTION...: looks once. Fails if any program did: a figure of a floor with holes would flatter nobody.
floor() {
  local node pids=() pid first=("$FLOOR_FIRST")
  for node in "${NODES[@]}"; do
    floor_script "${FLOOR_READS[@]}" "${first[@]}" | ssh "$@" "$node" sh >"$WORK/floor.$node" &
    pids+=($!)
    first=()
  done
  for pid in "${pids[@]}"; do wait "$pid" || return 1; done
  for node in "${NODES[@]}"; do
    [[ $(grep -c '^rc 0$' "$WORK/floor.$node") -ge ${#FLOOR_READS[@]} ]] || return 1
    ! grep '^rc ' "$WORK/floor.$node" | grep -qvx 'rc 0' || return 1
  done
}
