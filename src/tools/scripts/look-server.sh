# look-server USER BIN PORT DATADIR FILE...: the database server on PORT of this node, and whether it has read the
# files since they were written. Looks at nothing below DATADIR, which may hang.
set -u
user=$1 bin=$2 port=$3 data=$4
shift 4
sockets=/var/run/postgresql
ids=- server=off reload=- restart=-
if uid=$(id -u -- "$user" 2>/dev/null); then ids=$uid:$(id -g -- "$user"); fi

lock=$sockets/.s.PGSQL.$port.lock
pid='' where=''
if [ -f "$lock" ]; then { read -r pid && read -r where; } <"$lock"; fi
case $pid in
  '' | *[!0-9]*) ;;
  *)
    comm=''
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null
    if [ "$comm" = postgres ] && [ "$where" = "$data" ]; then
      server=ours
    elif [ "$comm" = postgres ]; then
      server=other
    fi
    ;;
esac

ask() {
  printf '%s\n' "$1" | PGCONNECT_TIMEOUT=5 timeout -k 1 6 \
    runuser -u "$user" -- "$bin/psql" -XAtq -h "$sockets" -p "$port" -d template1 2>/dev/null
}
if [ "$server" = ours ]; then
  # The time of the rename, not of the text: what counts is since when it could be read.
  written=$(stat -c %.6Z -- "$@" 2>/dev/null | sort -n | tail -n 1)
  case $(ask "select pg_conf_load_time() >= to_timestamp(${written:-0})") in
    t) reload=no ;;
    f) reload=needed ;;
  esac
  names=$(ask "select string_agg(name, ' ' order by name) from pg_settings where pending_restart") || names=
  restart=${names:--}
fi
printf 'user\t%s\nserver\t%s\nreload\t%s\nrestart\t%s\n' "$ids" "$server" "$reload" "$restart"
