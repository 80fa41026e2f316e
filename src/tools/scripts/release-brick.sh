# release-brick PATH: takes the volume id from a brick directory that holds nothing, as a volume that was refused
# while it was being made leaves it: with an empty `.glusterfs`. A directory with anything else in it keeps its id.
set -eu
if [ -L "$1" ] || [ ! -d "$1" ]; then
  echo "$1 is not a directory" >&2
  exit 1
fi
if [ -n "$(find "$1" -mindepth 1 ! \( -path "$1/.glusterfs" -type d \) -print -quit)" ]; then
  echo "$1 is not empty; its volume id stays" >&2
  exit 3
fi
if [ -d "$1/.glusterfs" ]; then rmdir -- "$1/.glusterfs"; fi
if getfattr --absolute-names -n trusted.glusterfs.volume-id -- "$1" >/dev/null 2>&1; then
  setfattr -x trusted.glusterfs.volume-id -- "$1"
fi
