# lease take OWNER TTL | lease release OWNER: the right to change this node, held by one bricklayer at a time.
# Uptime is the clock: it needs no agreement, and after a reboot the file is gone with it.
set -eu
verb=$1 owner=$2
mkdir -p /run/bricklayer
cd /run/bricklayer
exec 9>lock
if ! flock -w 5 9; then
  echo 'the lock of the lease is busy' >&2
  exit 75
fi
holder='' expiry=0
if [ -e lease ]; then IFS='	' read -r holder expiry <lease || :; fi
case $expiry in '' | *[!0-9]*) expiry=0 ;; esac
read -r now _ </proc/uptime
now=${now%.*}
case $verb in
  take)
    if [ "$holder" != "$owner" ] && [ "$expiry" -gt "$now" ]; then
      printf '%s\n' "$holder" >&2
      exit 75
    fi
    printf '%s\t%s\n' "$owner" "$((now + $3))" >lease.new
    mv -f lease.new lease
    ;;
  release) if [ "$holder" = "$owner" ]; then rm -f lease; fi ;;
  *)
    echo "$verb is neither take nor release" >&2
    exit 1
    ;;
esac
