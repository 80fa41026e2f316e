# shellcheck shell=bash
# The floor: what it costs to look at all nodes at the same things as bricklayer, over plain ssh and with no tool
# around it. Each node gets one session, in which all programs run at once; all nodes are asked at once.

readonly -a FLOOR_READS=(
  "gluster --mode=script --xml pool list"
  "gluster --mode=script --xml volume info"
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

floor_script() {
  local index
  printf '%s\n' "d=\$(mktemp -d) && cd \"\$d\" && {"
  for index in "${!FLOOR_READS[@]}"; do
    printf '{ %s; echo "rc $?"; } >%d 2>&1 &\n' "${FLOOR_READS[index]}" "$index"
  done
  # shellcheck disable=SC2016 # expanded on the node
  printf '%s\n' 'wait; cat *; cd /; rm -rf "$d"; }'
}

# floor SSH_OPTION...: looks once. Fails if any program did: a figure of a floor with holes would flatter nobody.
floor() {
  local node script pids=() pid
  script=$(floor_script)
  for node in "${NODES[@]}"; do
    ssh "$@" "$node" sh <<<"$script" >"$WORK/floor.$node" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || return 1; done
  for node in "${NODES[@]}"; do
    [[ $(grep -c '^rc 0$' "$WORK/floor.$node") == "${#FLOOR_READS[@]}" ]] || return 1
  done
}
