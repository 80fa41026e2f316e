# stop-gluster: stops glusterd, and then what it may leave: the processes of its bricks and the self-heal daemon, each
# by its own pid file. Where systemd ends glusterd's whole group, as on Debian, nothing is left by then.
set -eu
systemctl stop glusterd.service

# running: the ids of those that still run.
running() {
  for file in /run/gluster/vols/*/*.pid /run/gluster/glustershd/*.pid /run/gluster/shd/*/*.pid; do
    [ -f "$file" ] || continue
    pid='' comm=''
    read -r pid <"$file" || :
    case $pid in '' | *[!0-9]*) continue ;; esac
    { read -r comm <"/proc/$pid/comm"; } 2>/dev/null || continue
    case $comm in glusterfsd | glusterfs) printf '%s\n' "$pid" ;; esac
  done
}

for pid in $(running); do kill -s TERM "$pid" || :; done
seconds=0
while left=$(running) && [ -n "$left" ]; do
  if [ "$seconds" -ge 30 ]; then
    echo "still running: $left" >&2
    exit 75
  fi
  sleep 1
  seconds=$((seconds + 1))
done
