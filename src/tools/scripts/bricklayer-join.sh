# bricklayer: this file lies on the nodes of a cluster with `start: afterHeal`.
#
# bricklayer-join SETTLE PATIENCE VOLUME...: joins the cluster once every copy of the volumes is complete.
#
# Corosync comes first: a member without Pacemaker gives its vote and runs nothing, and it sees whether anybody else's
# Pacemaker is there. If after SETTLE seconds nobody's is, nobody serves, and waiting would keep it so: after a power
# loss of all nodes they all come up by this. Else it waits for the bricks, which only the others can tell of, and
# joins after PATIENCE seconds in any case.
set -eu
settle=$1 patience=$2
shift 2

clock() {
  read -r now _ </proc/uptime
  now=${now%.*}
}
has_company() { corosync-cpgtool -n | grep -q '^crmd'; }
join() {
  echo "$1: joining"
  exec systemctl start pacemaker.service
}
# is_whole VOLUME: each of its bricks answers and lists nothing to heal, or there are no copies.
is_whole() {
  if ! told=$(timeout 60 gluster --mode=script --xml volume heal "$1" info summary); then
    # A volume that is left with one copy has nothing to heal, and says so.
    case $told in *'only volumes of replicate/disperse type'*) return ;; esac
    return 1
  fi
  bricks=$(printf '%s\n' "$told" | grep -c '<brick ') || return 1
  healed=$(printf '%s\n' "$told" | grep -c '<totalNumberOfEntries>0</totalNumberOfEntries>') || return 1
  [ "$bricks" -eq "$healed" ]
}
are_whole() {
  for volume; do is_whole "$volume" || return 1; done
}

systemctl start corosync.service
clock
began=$now
until has_company; do
  clock
  if [ "$((now - began))" -ge "$settle" ]; then join 'nobody else is in the cluster'; fi
  sleep 1
done
until are_whole "$@"; do
  clock
  if [ "$((now - began))" -ge "$patience" ]; then join "not healed after $patience s"; fi
  sleep 2
done
join 'the bricks are healed'
