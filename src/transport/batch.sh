# What every batch begins with. The rest of the program is made for the batch: the values below, then one call for
# each command. All of it stands in one group `{ }`, which a shell runs only when it has read its last line.
#
# nonce    a random word that no output holds; it stands between the parts of the reply
# place    another one, in the name of the directory: a script that fails names its own file in what it says
# count    how many commands there are
# patience seconds after which what has not ended is left behind
# lease    who must hold the lease for a change to run

# shellcheck shell=sh
: "${nonce:?}" "${place:?}" "${count:?}" "${patience:?}" "${lease?}"
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin${PATH:+:$PATH}
LC_ALL=C
export PATH LC_ALL

# answer INDEX WORDS: a command has ended. The byte wakes the reader at the end of the pipe.
answer() {
  printf '%s%s\n' "$nonce" "$*" >"$dir/$1.head"
  printf . >&3
}

# run INDEX SECONDS PROGRAM ARGUMENT...
run() {
  index=$1 seconds=$2
  shift 2
  read -r from _ </proc/uptime
  timeout -k 5 "$seconds" "$@" >"$dir/$index.out" 2>"$dir/$index.err" 3>&-
  status=$?
  read -r to _ </proc/uptime
  # 124 and 137 are also what a program may return or die of by itself; only the clock tells.
  case $status in
    124 | 137) if [ "$((${to%.*} - ${from%.*}))" -ge "$seconds" ]; then status=late; fi ;;
  esac
  answer "$index" "$status" "$from" "$to"
}

# asking SOCKET UNIT OFF INDEX SECONDS PROGRAM ARGUMENT...: as run, but where the program asks a daemon that does not
# run, it is not kept waiting until it says so.
asking() {
  socket=$1 unit=$2 off=$3
  shift 3
  if [ -S "$socket" ] || ! command -v "$3" >/dev/null || systemctl --quiet is-active "$unit"; then
    run "$@"
    return
  fi
  read -r now _ </proc/uptime
  printf '%s\n' "$off" >"$dir/$1.out"
  : >"$dir/$1.err"
  answer "$1" 1 "$now" "$now"
}

# guarded ...: as run, but only while the lease is ours by this node's own clock.
guarded() {
  holder='' expiry=0
  if [ -r /run/bricklayer/lease ]; then IFS='	' read -r holder expiry </run/bricklayer/lease; fi
  case $expiry in '' | *[!0-9]*) expiry=0 ;; esac
  read -r now _ </proc/uptime
  if [ "$expiry" -le "${now%.*}" ]; then
    holder=nobody
  elif [ "$holder" = "$lease" ]; then
    run "$@"
    return
  fi
  : >"$dir/$1.out"
  : >"$dir/$1.err"
  answer "$1" leased "$holder"
}

# finish STATUS: sends what there is. STATUS is how the waiting ended.
finish() {
  unknown=lost
  if [ "$1" -eq 124 ]; then unknown=late; fi
  # From here on a reader that is gone must not keep us from cleaning up.
  trap '' PIPE
  cd -- "$dir" || exit
  printf %s "$nonce" >between
  set --
  index=0
  while [ "$index" -lt "$count" ]; do
    if [ ! -e "$index.head" ]; then printf '%s%s %s\n' "$nonce" "$index" "$unknown" >"$index.head"; fi
    set -- "$@" "$index.head" "$index.out" between "$index.err"
    index=$((index + 1))
  done
  # Not `cat`: a stream that is too long ends one byte behind the limit, by which it is known.
  head -q -c 16777217 -- "$@" 2>/dev/null
  printf '%send\n' "$nonce"
  cd / || exit
  exec rm -rf -- "$dir"
}

# In memory where there is such a place: a node with a full disk must still answer, and secrets stay off it.
umask 077
dir=/run/bricklayer.$place
trap 'cd /; rm -rf -- "$dir"; exit 143' HUP INT TERM
if ! mkdir -- "$dir" 2>/dev/null; then
  dir=${TMPDIR:-/tmp}/bricklayer.$place
  mkdir -- "$dir" || exit 1
fi
umask 022
# No command keeps a file system busy by standing in it.
cd /
# What is left behind would hold it open, and with it the session.
exec 2>/dev/null
# The operator now knows that from here on something may have been run.
printf '%sbegin\n' "$nonce"
