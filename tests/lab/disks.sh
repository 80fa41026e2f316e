# shellcheck shell=bash
# A node's disks: its root is an overlay of this machine's own system, so a node costs a few
# megabytes and runs exactly the packages installed here; /dev/vdb and /dev/vdc are sparse files
# behind loop devices. The file systems on them are mounted by the node itself, so they vanish
# from the machine with the node.

# The directories of a Debian system. Whatever else lies in / is this machine's own business.
readonly SYSTEM_DIRS=(bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run
  sbin srv sys tmp usr var)
# These exist in a node, but start empty.
readonly EMPTY_DIRS=(boot home media mnt opt root srv tmp usr/local var/tmp var/lib/postgresql
  etc/apt/apt.conf.d)

root_create() {
  local dir=$1 entry
  mkdir -p "$dir/upper" "$dir/work" "$dir/root"
  chmod --reference=/ "$dir/upper"
  while IFS= read -r entry; do
    [[ " ${SYSTEM_DIRS[*]} " == *" $entry "* ]] || overlay_hide "$dir/upper/$entry"
  done < <(find / -mindepth 1 -maxdepth 1 -printf '%f\n')
  for entry in "${EMPTY_DIRS[@]}"; do
    [[ ! -d /$entry ]] || overlay_empty "$dir/upper" "$entry"
  done
}

# The overlay's own notations, written before it is mounted: a character device 0:0 hides what
# lies below, an opaque directory does not show what lies below.
overlay_hide() { mknod "$1" c 0 0; }

overlay_empty() {
  local upper=$1 path=$2 parent
  parent=$(dirname "$path")
  while [[ $parent != . && ! -d $upper/$parent ]]; do
    mkdir -p "$upper/$parent"
    chmod --reference="/$parent" "$upper/$parent"
    parent=$(dirname "$parent")
  done
  mkdir -p "$upper/$path"
  chmod --reference="/$path" "$upper/$path"
  chown --reference="/$path" "$upper/$path"
  setfattr -n trusted.overlay.opaque -v y "$upper/$path"
}

root_mount() {
  local dir=$1
  mountpoint -q "$dir/root" && return
  mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" \
    "$(basename "$dir")" "$dir/root"
}

root_unmount() {
  local dir=$1 _
  for _ in {1..50}; do
    mountpoint -q "$dir/root" || return 0
    umount "$dir/root" 2>/dev/null || sleep 0.1
  done
  umount --lazy "$dir/root"
}

disks_create() {
  local dir=$1
  truncate -s "$LAB_BRICK_SIZE" "$dir/vdb.img"
  truncate -s "$LAB_SPARE_SIZE" "$dir/vdc.img"
  mkfs.xfs -q "$dir/vdb.img"
}

# Prints the loop device of a disk, attaching it if need be.
disk_device() {
  local device
  device=$(losetup --noheadings --output NAME --associated "$1")
  [[ -n $device ]] || device=$(losetup --find --show "$1")
  printf '%s' "$device"
}

disks_detach() {
  local image device
  for image in "$1"/vd?.img; do
    [[ -e $image ]] || continue
    for device in $(losetup --noheadings --output NAME --associated "$image"); do
      losetup --detach "$device"
    done
  done
}
