# make-database VOLUME PATH BIN USER: makes a database for USER with the programs in BIN, in the directory PATH below
# the root of the volume VOLUME, unless there is one.
#
# It is built on this machine, which takes half a second, copied to PATH.new and made durable side by side, and renamed:
# initdb on the volume itself would take twice as long, and a break in the middle of it would leave half a database.
set -eu
place=/run/bricklayer/make-database

if [ "${bricklayer_inside:-}" != yes ]; then
  mkdir -p -- "$place"
  exec 9>"$place.lock"
  if ! flock -n 9; then
    echo 'another one is still being made here' >&2
    exit 75
  fi
  # Mounts and processes of its own, which end with it however it ends: nobody else ever sees the volume mounted here,
  # and nothing can be written to a bare mount point, because that goes away too.
  export bricklayer_inside=yes
  unshare --mount --pid --fork --kill-child=KILL -- sh "$0" "$@" 9>&-
  exit
fi
trap 'exit 143' HUP INT TERM

volume=$1 path=$2 bin=$3 user=$4
mount -t proc proc /proc
mount -t tmpfs -o mode=0755,size=1g tmpfs "$place"
mkdir -- "$place/volume" "$place/new"
log=/var/log/glusterfs/bricklayer-make-database.log
mount -t glusterfs -o "log-level=WARNING,log-file=$log" "localhost:/$volume" "$place/volume"
mounted=$(findmnt -rno FSTYPE,SOURCE -M "$place/volume") || mounted=nothing
case $mounted in
  "fuse.glusterfs localhost:/$volume" | "fuse.glusterfs localhost:$volume") ;;
  *)
    echo "volume $volume could not be mounted: $mounted is there" >&2
    exit 1
    ;;
esac

# A client goes on with whichever brick answers first, and all that it writes before it reaches the others has to be
# healed: with a thousand files, a service waits for that. So they are waited for a little, and not if they do not come.
reaches_all() {
  for client in "$place/volume/.meta/graphs/active/$volume-client-"*/private; do
    if [ -e "$client" ] && ! grep -qx 'connected = 1' "$client"; then return 1; fi
  done
}
left=50
until reaches_all || [ "$left" -eq 0 ]; do
  left=$((left - 1))
  sleep 0.2
done

data=$place/volume/$path new=$place/volume/$path.new
if [ -e "$data/PG_VERSION" ]; then exit 0; fi
if [ -L "$data" ] || { [ -e "$data" ] && ! rmdir -- "$data"; }; then
  echo "there is something else at $path of volume $volume; it is left alone" >&2
  exit 3
fi
# Left by one that was broken off: nobody ever used it, and there is no database.
rm -rf -- "$new"

chown -- "$user": "$place/new"
cd -- "$place/new"
runuser -u "$user" -- "$bin/initdb" -D "$place/new/data" --no-sync --data-checksums \
  --encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 >&2
cd -- "$place/new/data"

mkdir -p -- "${new%/*}"
mkdir -m 0700 -- "$new"
chown -- "$user": "$new"
# As who they are for, and private by the umask: to give each file owner, mode and times afterwards would be three
# round trips to every brick more.
umask 077
as_user() { runuser -u "$user" -- "$@"; }
find . -mindepth 1 -type d -print0 | sort -z | (cd -- "$new" && as_user xargs -0 -n 64 -- mkdir -p --)
find . -type f -print0 | as_user xargs -0 -P 8 -n 16 -- cp --parents -t "$new" --
cd -- "$new"
# On every file and not on the whole: a mount of GlusterFS passes `syncfs` on to no brick.
find . -type f -print0 | xargs -0 -P 8 -n 16 -- sync --
find . -type d -print0 | xargs -0 -n 64 -- sync --
cd /
mv -T -- "$new" "$data"
sync -- "${data%/*}"
