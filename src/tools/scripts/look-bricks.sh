# look-bricks PATH...: what lies where each brick is or is to be. What cannot be read is an error in the end,
# never a "none": its line is left out and the reason is on standard error.
set -u

# nearest PATH: the path itself or its nearest ancestor that exists.
nearest() {
  near=$1
  while [ ! -e "$near" ]; do
    near=${near%/*}
    near=${near:-/}
  done
}

# volume_id PATH: sets volume, as a UUID with dashes.
volume_id() {
  if ! command -v getfattr >/dev/null; then
    echo 'getfattr is not installed' >&2
    exit 127
  fi
  if value=$(getfattr --absolute-names -e hex -n trusted.glusterfs.volume-id -- "$1" 2>&1); then
    value=${value##*=0x}
    a=${value%????????????????????????}
    value=${value#????????}
    b=${value%????????????????????}
    value=${value#????}
    c=${value%????????????????}
    value=${value#????}
    volume=$a-$b-$c-${value%????????????}-${value#????}
    return
  fi
  volume=-
  case $value in
    *'No such attribute'* | *'Operation not supported'*) ;;
    *)
      printf '%s\n' "$value" >&2
      return 1
      ;;
  esac
}

# pending_heals PATH: sets pending.
pending_heals() {
  pending=-
  index=$1/.glusterfs/indices/xattrop
  [ -d "$index" ] || return 0
  entries=$(ls -A -- "$index") || return 1
  pending=0
  while read -r entry; do
    case $entry in '' | xattrop-*) ;; *) pending=$((pending + 1)) ;; esac
  done <<ENTRIES
$entries
ENTRIES
}

# server PATH: sets process. A brick's pid file is HOST and the path with dashes; that the rest of its name
# is a host of this volume is what tells /a/b from /x/a/b.
server() {
  process=-
  dashed='' rest=${1#/}
  while [ -n "$rest" ]; do
    dashed=$dashed-${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
  done
  for file in /run/gluster/vols/*/*"$dashed".pid /var/run/gluster/vols/*/*"$dashed".pid; do
    [ -f "$file" ] || continue
    host=${file##*/}
    host=${host%"$dashed".pid}
    name=${file%/*}
    [ -e "/var/lib/glusterd/vols/${name##*/}/bricks/$host:$dashed" ] || continue
    pid='' comm=''
    read -r pid <"$file"
    case $pid in '' | *[!0-9]*) continue ;; esac
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null
    [ "$comm" = glusterfsd ] || continue
    process=$pid
    return
  done
}

look() {
  kind=absent volume=- pending=- empty=-
  nearest "$1"
  if [ -d "$1" ]; then kind=dir; elif [ -e "$1" ] || [ -L "$1" ]; then kind=other; fi
  room=$(df -k --output=size,avail,target -- "$near") || return 1
  read -r size free mount <<ROOM
${room#*
}
ROOM
  if [ "$(stat -Lc %d -- "$near")" = "$root" ]; then where=root; else where=own; fi
  if [ "$kind" = dir ]; then
    volume_id "$1" || return 1
    pending_heals "$1" || return 1
    # A refused volume leaves an empty .glusterfs, which nobody can miss.
    first=$(find "$1" -mindepth 1 ! \( -path "$1/.glusterfs" -type d \) -print -quit) || return 1
    if [ -z "$first" ]; then empty=yes; else empty=no; fi
  fi
  server "$1"
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
    "$1" "$kind" "$mount" "$where" "$volume" "$pending" "$process" "$size" "$free" "$empty"
}

root=$(stat -Lc %d -- /) || exit 1
failed=0
for path; do look "$path" || failed=1; done
exit "$failed"
