#!/bin/sh
# How a node looks at its own bricks: what they list for others, and whether they are served. It stands in front of the
# files that lie on the nodes and need it.

# list_of BRICK: prints how much its list of others' misses holds. Fails where there is no such brick.
list_of() {
  count=0
  index=$1/.glusterfs/indices/xattrop
  entries=$(timeout 10 ls -A -- "$index" 2>/dev/null) || return 1
  for entry in $entries; do
    case $entry in xattrop-*) ;; *) count=$((count + 1)) ;; esac
  done
  echo "$count"
}

# is_served VOLUME BRICK: whether the process of the brick runs; it outlives a glusterd that is started again. Its pid
# file is HOST and the path with dashes.
is_served() {
  dashed=$(printf %s "$2" | tr / -)
  for file in /run/gluster/vols/"$1"/*"$dashed".pid /var/run/gluster/vols/"$1"/*"$dashed".pid; do
    pid='' comm=''
    { read -r pid <"$file"; } 2>/dev/null
    case $pid in '' | *[!0-9]*) continue ;; esac
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null
    [ "$comm" = glusterfsd ] && return
  done
  return 1
}

