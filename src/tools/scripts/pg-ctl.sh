#!/bin/sh
# bricklayer: pg_ctl for a database on a GlusterFS volume. It lies on the nodes and is what ocf:heartbeat:pgsql calls.
#
# A server that was not shut down makes its files durable before it recovers: it opens and syncs each of a thousand,
# one after the other, through the mount, and a takeover waits for that for some seconds, or for ten while a lost node
# comes back meanwhile. Worse, a volume takes a sync for a change: each file is noted for the copy that is away, and all
# of them are healed when it is back. So the same is done here in less time, and the server is told that it need not.
#
# Where every copy in reach lies on disks of this node, one sync of their file systems makes all durable at once. An
# arbiter's brick is no copy: it has names and no contents. A copy that comes back later is healed, and heals are synced
# by themselves. Wherever a copy of another node is in reach, or nobody can tell, each file is synced as the server would,
# but several at a time. Whatever fails is left to the server.
#
# What the server is told holds for as long as it runs. So it is told, too, to end when one of its processes crashes, and
# not to recover by itself: the cluster manager starts it again, through here.
set -u
LC_ALL=C
export LC_ALL

data='' action=''
for word; do
  # What was the last word until now, and is the action in the end.
  if [ "$action" = -D ]; then data=$word; fi
  action=$word
done

version=
{ read -r version <"$data/PG_VERSION"; } 2>/dev/null
real=/usr/lib/postgresql/$version/bin/pg_ctl
if [ ! -x "$real" ]; then real=pg_ctl; fi

# is_here HOST: whether it is this node.
is_here() {
  for address in $(getent ahosts "$1" | awk '{ print $1 }' | sort -u); do
    case $address in 127.* | ::1) return ;; esac
    if [ -n "$(ip -o address show to "$address")" ]; then return; fi
  done
  return 1
}

# all_is_in_one_place: whether nothing of the database lies elsewhere than on its mount.
all_is_in_one_place() {
  for link in "$data"/pg_tblspc/* "$data"/pg_wal; do
    if [ -L "$link" ]; then return 1; fi
  done
}

# is_arbiter CLIENT: whether its brick is the arbiter's, which is the last one of its set.
is_arbiter() {
  for count in "$mount"/.meta/graphs/active/*/options/arbiter-count; do
    if [ "$(cat "$count")" != 1 ]; then continue; fi
    for last in "${count%/options/*}"/subvolumes/*; do :; done
    last=$(readlink "$last") && [ "${last##*/}" = "${1##*/}" ] && return
  done
  return 1
}

# is_settled: whether the mount has one graph of the volume, and not an old one in use beside a new one.
is_settled() {
  set -- "$mount"/.meta/graphs/*
  [ "$#" -le 2 ]
}

# sync_copies: makes every copy in reach durable, if all of them are here and there is one.
sync_copies() {
  mount=$(findmnt -n -o TARGET -t fuse.glusterfs -T "$data") && [ -n "$mount" ] && is_settled || return
  any=false
  for client in "$mount"/.meta/graphs/active/*/type; do
    client=${client%/type}
    kind=$(cat "$client/type") || return
    if [ "$kind" != protocol/client ]; then continue; fi
    told=$(cat "$client/private") || return
    case $told in *'connected = 1'*) ;; *) continue ;; esac
    if is_arbiter "$client"; then continue; fi
    host=$(cat "$client/options/remote-host") && is_here "$host" || return
    brick=$(cat "$client/options/remote-subvolume") && sync -f -- "$brick" || return
    any=true
  done
  $any
}

# syncs_files: whether sync is one that syncs the files it is given. Others sync this machine's own disks instead, and
# reach no brick: that of GNU before 8.24, which does not know -f either, and that of uutils for years.
syncs_files() {
  case $(sync --version) in *'GNU coreutils'*) sync -f -- "$data" ;; *) return 1 ;; esac
}

# sync_each: makes every file durable on every copy in reach, through the mount. What cannot be listed is no file, and
# fails. It may take two of the five minutes that the agent gives a start, unless others are written.
sync_each() {
  syncs_files || return
  { find -H "$data" \( -type f -o -type d \) -print0 || printf '%s\0' "$data/unlisted/."; } |
    timeout 120 xargs -0 -n 64 -P 8 sync --
}

# was_shut_down: whether the server ended as it should, and syncs nothing.
was_shut_down() {
  told=$("${real%pg_ctl}pg_controldata" -D "$data" 2>/dev/null) || return
  case $(printf '%s\n' "$told" | sed -n 's/^Database cluster state: *//p') in 'shut down'*) ;; *) return 1 ;; esac
}

# makes_durable: whether all is durable now, so that the server need not do it.
makes_durable() {
  all_is_in_one_place && ! was_shut_down && { sync_copies || sync_each; } 2>/dev/null
}

case $version in
  '' | *[!0-9]*) ;;
  *)
    # It is a setting since 14.
    if [ "$action" = start ] && [ "$version" -ge 14 ] && makes_durable; then
      set -- -o '-c recovery_init_sync_method=syncfs -c restart_after_crash=off' "$@"
    fi
    ;;
esac
exec "$real" "$@"
