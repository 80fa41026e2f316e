# bricklayer: this file lies on the nodes with a copy of a volume behind a heal gate; glusterd's unit runs it first.
#
# guard [VOLUME BRICK HOST BRICK]...: whether glusterd may serve the bricks of this node. Each is named once for each
# other copy of it, whose host and path follow.
#
# A copy that misses something is healed once it is served. But two copies of which each misses something that the other
# has are torn: as soon as clients see both, no file that differs can be read, and the database that runs on the other
# copy dies. A copy that lists nothing for others cannot be one of the two. Of one that does, the other is asked, by a
# client of that brick alone: what it lists is an attribute of its root (`index` of the brick's graph).
#
# 0: it may. 1: it may not; that two copies are torn, a person decides, and who cannot be asked is asked again soon. A
# person who knows that the other copies are lost leaves `alone` behind, and whoever serves already goes on.
set -u
LC_ALL=C
export LC_ALL
log=/var/log/glusterfs/bricklayer-guard.log

# client HOST BRICK: the part of the volume's graph that is the client of that brick.
client() {
  awk -v host="$1" -v brick="$2" '
    $1 == "volume" { text = ""; right = 0 }
    { text = text $0 "\n" }
    $1 == "type" && $2 == "protocol/client" { right++ }
    $1 == "option" && $2 == "remote-host" && $3 == host { right++ }
    $1 == "option" && $2 == "remote-subvolume" && $3 == brick { right++ }
    $1 == "end-volume" && right == 3 { printf "%s", text }
  ' "/var/lib/glusterd/vols/$volume/trusted-$volume.tcp-fuse.vol"
}

# asks HOST BRICK: sets listed, what that brick lists for others. Fails if it does not tell.
asks() {
  listed=
  place=$(mktemp -d /run/bricklayer-guard.XXXXXX) && mkdir "$place/brick" || return 1
  if client "$1" "$2" >"$place/graph" && [ -s "$place/graph" ] &&
    timeout 20 glusterfs --read-only -f "$place/graph" --log-file="$log" "$place/brick"; then
    for _ in 1 2 3; do
      listed=$(timeout 5 getfattr --absolute-names --only-values -n glusterfs.xattrop_index_count -- "$place/brick" \
        2>/dev/null | tr -cd 0-9)
      if [ -n "$listed" ]; then break; fi
      sleep 1
    done
  fi
  umount -l "$place/brick" 2>/dev/null
  rm -f -- "$place/graph"
  rmdir -- "$place/brick" "$place"
  [ -n "$listed" ]
}

waits=false
while [ $# -ge 4 ]; do
  volume=$1 own=$2 host=$3 other=$4
  shift 4
  if ! count=$(list_of "$own") || [ "$count" -eq 0 ] || is_served "$volume" "$own"; then continue; fi
  if [ -e "/run/bricklayer/healgate-$volume.serves" ]; then continue; fi
  if asks "$host" "$other"; then
    if [ "$listed" -gt 0 ]; then
      echo "volume $volume is torn: $own lists $count for $host:$other, and that lists $listed for others"
      exit 1
    fi
  elif [ ! -e /run/bricklayer/alone ]; then
    echo "volume $volume may be torn: $own lists $count for $host:$other, and that cannot be asked yet"
    waits=true
  fi
done
if $waits; then
  systemd-run --quiet --collect --on-active=5 --timer-property=AccuracySec=1s \
    systemctl start --no-block glusterd.service
  exit 1
fi
