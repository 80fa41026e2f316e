# bricklayer: the resource agent ocf:bricklayer:healgate. It lies on the nodes of a cluster and works by itself.
#
# It tells Pacemaker, in the node attribute `healgate-VOLUME`, whether this node may serve the volume: 1 or 0. A copy
# does not know that it is stale: the list of what it misses lies on the other bricks. So each node reads its own
# bricks' lists, tells every sibling how much it blames it for, and opens its own gate only while every sibling says
# that it blames it for nothing. That an agent is not heard neither opens a gate nor shuts one.
#
# What a node says of a sibling is the private attribute `healview-VOLUME-SIBLING`, `COUNT@BEAT`. The beat is another
# one in every round, so that what a node says that has stopped looking is told from what one says that still looks,
# without any agreement about the time. COUNT is `-` while nobody can tell.
#
# A brick that stops answering the client of the node that serves is one that this client soon writes without. Its node's
# gate is shut before that.
#
# A service that runs is left alone: where the volume is mounted for it, the gate stays open for as long as a complete
# copy is in reach. A copy that was complete when it was mounted is one, also for a sibling that comes back and blames it
# while it is blamed itself: the two are torn, and the history that goes on is here. An agent that is stopped leaves the gate as it is. The attribute is of the kind that a reboot takes
# away, because nobody knows how old the copy of a node is that comes back; and Pacemaker also loses it when its daemon
# for attributes dies. So the node that serves has a second one of the same name and of the lasting kind, which counts
# while the first is not there, and which whoever serves next takes from it.
#
# OCF_RESKEY_volume  the volume
# OCF_RESKEY_sets    its sets of copies: the bricks of one divided by commas, the sets by blanks, a brick NODE:PATH
# OCF_RESKEY_hosts   NODE=HOST, the name by which each node's bricks are reached, divided by blanks
# OCF_RESKEY_mounts  RESOURCE=PATH, the cluster's resources that mount the volume, divided by blanks
# OCF_RESKEY_patience  for how many milliseconds after a lost node is to be fenced its clients still wait for the
#                    others; nothing if nobody knows
# OCF_RESKEY_quorum  how many bricks of a set a client must reach; 0 where clients keep no quorum

set -u
LC_ALL=C
export LC_ALL

SUCCESS=0 ERROR=1 UNIMPLEMENTED=3 CONFIGURED=6 STOPPED=7
interval=5 # seconds; the monitor's own, as in the metadata
quiet=2    # seconds; with a round less than the shortest ping-timeout that is derived, 10 s
burst=12   # how many half seconds a start looks before it leaves the rest to the monitor

volume=${OCF_RESKEY_volume-} sets=${OCF_RESKEY_sets-} hosts=${OCF_RESKEY_hosts-} mounts=${OCF_RESKEY_mounts-}
quorum=${OCF_RESKEY_quorum:-0} patience=${OCF_RESKEY_patience-} starting=false
state=/run/bricklayer/healgate-$volume

metadata() {
  cat <<'XML'
<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="healgate" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">Tells in the node attribute healgate-VOLUME whether this node may serve a GlusterFS volume: 1 while its copy is complete, else 0. It is a clone on every node that has a brick.</longdesc>
  <shortdesc lang="en">Keeps a database from a stale copy</shortdesc>
  <parameters>
    <parameter name="volume" unique="1" required="1">
      <longdesc lang="en">The volume.</longdesc>
      <shortdesc lang="en">volume</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="sets" required="1">
      <longdesc lang="en">Its sets of copies: bricks NODE:PATH divided by commas, sets by blanks.</longdesc>
      <shortdesc lang="en">sets of bricks</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="hosts" required="1">
      <longdesc lang="en">NODE=HOST divided by blanks: the name by which the bricks of each node are reached.</longdesc>
      <shortdesc lang="en">storage addresses</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="mounts">
      <longdesc lang="en">RESOURCE=PATH divided by blanks: the resources of the cluster that mount the volume.</longdesc>
      <shortdesc lang="en">mounts of the cluster</shortdesc>
      <content type="string"/>
    </parameter>
    <parameter name="quorum">
      <longdesc lang="en">How many bricks of a set a client must reach; 0 where clients keep no quorum.</longdesc>
      <shortdesc lang="en">client quorum</shortdesc>
      <content type="integer" default="0"/>
    </parameter>
    <parameter name="patience">
      <longdesc lang="en">For how many milliseconds after a lost node is to be fenced its clients still wait for the bricks of the others. If fencing takes longer, the node may have written alone, and nothing starts on another copy before it is back.</longdesc>
      <shortdesc lang="en">how long fencing may take</shortdesc>
      <content type="integer"/>
    </parameter>
  </parameters>
  <actions>
    <action name="start" timeout="30s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" timeout="30s" interval="5s" depth="0"/>
    <action name="notify" timeout="60s"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
XML
}

uptime_now() {
  read -r now _ </proc/uptime
}

# host_of NODE: sets host, as ss takes it.
host_of() {
  host=$1
  for pair in $hosts; do
    if [ "${pair%%=*}" = "$1" ]; then host=${pair#*=}; fi
  done
  case $host in *:*) host="[$host]" ;; esac
}

# own_brick SET: sets own, to the path of this node's brick in the set. Fails if it has none.
own_brick() {
  own=,$1
  case $own in *",$me:"*) ;; *) return 1 ;; esac
  own=${own#*",$me:"}
  own=${own%%,*}
}

# blames SIBLING: sets blamed, for how much this node's bricks blame the sibling's, or `-` if a list cannot be read.
blames() {
  blamed=0
  for set in $sets; do
    own_brick "$set" || continue
    case ,$set in *",$1:"*) ;; *) continue ;; esac
    if ! count=$(list_of "$own"); then
      blamed=-
      return
    fi
    blamed=$((blamed + count))
  done
}

# has_bricks: whether this node has any.
has_bricks() {
  for set in $sets; do
    case ,$set in *",$me:"*) return ;; esac
  done
  return 1
}

# serves_copies: whether every brick of this node can be read and is served, and there is one.
serves_copies() {
  any=false
  for set in $sets; do
    own_brick "$set" || continue
    any=true
    list_of "$own" >/dev/null && is_served "$volume" "$own" || return 1
  done
  $any
}

# nodes SET: the nodes of its bricks, a line each.
nodes() {
  printf '%s\n' "$1" | tr , '\n' | cut -d : -f 1
}

# siblings: the nodes with which this one shares a set, each once.
siblings() {
  for set in $sets; do
    case ,$set in *",$me:"*) nodes "$set" ;; esac
  done | grep -vxF -e "$me" | sort -u
}

# judgements: who judges whom, as far as it counts here: `SIBLING NODE` of each sibling and this node. A node without
# bricks goes by what all say of all.
judgements() {
  own=$(siblings)
  for sibling in $own; do printf '%s %s\n' "$sibling" "$me"; done
  if [ -n "$own" ]; then return; fi
  for set in $sets; do
    for one in $(nodes "$set"); do
      for other in $(nodes "$set"); do
        if [ "$one" != "$other" ]; then printf '%s %s\n' "$one" "$other"; fi
      done
    done
  done | sort -u
}

# tell NAME NODE VALUE [OPTION...]: gives NODE the attribute. What cannot be told now is told in the next round.
tell() {
  name=$1 node=$2 value=$3
  shift 3
  timeout 10 attrd_updater -n "$name" -N "$node" -U "$value" "$@" >/dev/null 2>&1
}

# told NAME NODE: prints the attribute's value, nothing if it has none.
told() {
  timeout 10 attrd_updater -n "$1" -N "$2" -Q 2>/dev/null | sed -n 's/.* value="\([^"]*\)".*/\1/p'
}

# hears SIBLING NODE: sets heard, for how much the sibling blames the node; `-` unless it has said so again lately.
hears() {
  heard=-
  notes=$state.$1.$2
  says=$(told "healview-$volume-$2" "$1")
  seen='' since=''
  if [ -f "$notes" ]; then read -r seen since <"$notes"; fi
  if [ -z "$says" ]; then
    rm -f -- "$notes"
    return
  fi
  if [ "$says" != "$seen" ]; then
    # What is heard for the first time may have been said long ago.
    if [ -n "$seen" ]; then since=${now%.*}; else since=-; fi
    printf '%s %s\n' "$says" "$since" >"$notes.new" && mv -f -- "$notes.new" "$notes"
  fi
  case $since in
    '' | *[!0-9]*) ;;
    *) if [ "$((${now%.*} - since))" -le "$((3 * interval))" ]; then heard=${says%%@*}; fi ;;
  esac
}

# may_serve NODE: whether the cluster may have the volume mounted there. Its word is asked for, not the node's: an agent
# that has stopped says nothing.
may_serve() {
  for pair in $mounts; do
    place=$(timeout 10 crm_resource --resource "${pair%%=*}" --locate 2>/dev/null) || return 0
    case "$place " in *" $1 "*) return 0 ;; esac
  done
  return 1
}

# is_mounted: whether it is mounted here.
is_mounted() {
  for pair in $mounts; do
    grep -q " ${pair#*=} fuse.glusterfs " /proc/mounts && return
  done
  return 1
}

# connections NODE: prints the connections of this node to bricks on that one, two lines each. Fails if nobody can tell.
connections() {
  host_of "$1"
  timeout 10 ss -Htinp state established dst "$host" 'dport >= 49152' 2>/dev/null
}

# is_client PID: whether the process is a client that has the volume mounted for the cluster.
is_client() {
  for pair in $mounts; do
    grep -qzxF -e "${pair#*=}" "/proc/$1/cmdline" 2>/dev/null && return
  done
  return 1
}

# answering NODE: prints how many connections of the client here with bricks there are not silent: that something is sent
# again and again, and for some seconds nothing has come back. The client waits for such a brick as long as the
# ping-timeout says. Fails if nobody can tell.
answering() {
  lines=$(connections "$1") || return
  pids=$(printf '%s\n' "$lines" | awk -v most="$((quiet * 1000))" '
    /^[^[:space:]]/ { pid = match($0, /pid=[0-9]+/) ? substr($0, RSTART + 4, RLENGTH - 4) : "" }
    /^[[:space:]]/ {
      again = since = open = 0
      for (i = 1; i <= NF; i++) {
        split($i, pair, ":")
        if (pair[1] == "backoff") again = pair[2]
        if (pair[1] == "lastack") since = pair[2]
        if (pair[1] == "unacked") open = pair[2]
      }
      if (pid != "" && !(open > 0 && again > 1 && since >= most)) print pid
    }')
  count=0
  for pid in $pids; do
    if is_client "$pid"; then count=$((count + 1)); fi
  done
  echo "$count"
}

# written_without NODE: how many bricks of that node the client here would write without, were they silent: those beside
# a brick of this node that is served.
written_without() {
  count=0
  for set in $sets; do
    own_brick "$set" || continue
    is_served "$volume" "$own" || continue
    for brick in $(printf %s "$set" | tr , ' '); do
      if [ "${brick%%:*}" = "$1" ]; then count=$((count + 1)); fi
    done
  done
  echo "$count"
}

# silence NODE: sets silent, to whether the client here has less than all its connections with the bricks there, as far as
# it would write without them; to `-` if nobody can tell.
silence() {
  silent=false
  if ! answers=$(answering "$1"); then
    silent=-
  elif [ "$answers" -lt "$(written_without "$1")" ]; then
    silent=true
  fi
}

# reaches NODE: whether a client here is connected to a brick there.
reaches() {
  if [ "$1" = "$me" ]; then
    serves_copies
  else
    lines=$(connections "$1") && [ -n "$lines" ]
  fi
}

# has_other_copy: whether a complete copy of a sibling is in reach, or may be.
has_other_copy() {
  for sibling in $(siblings); do
    blames "$sibling"
    case $blamed in 0 | -) ;; *) continue ;; esac
    if ! answers=$(answering "$sibling") || [ "$answers" -gt 0 ]; then return 0; fi
  done
  [ -z "$(siblings)" ]
}

# has_quorum: whether a client here reaches enough bricks of every set.
has_quorum() {
  for set in $sets; do
    reached=0
    for brick in $(printf %s "$set" | tr , ' '); do
      if reaches "${brick%%:*}"; then reached=$((reached + 1)); fi
    done
    if [ "$reached" -lt "$quorum" ]; then return 1; fi
  done
}

# lasting NODE OPTION...: the attribute of the lasting kind.
lasting() {
  node=$1
  shift
  timeout 10 crm_attribute -N "$node" -n "healgate-$volume" -l forever "$@" >/dev/null 2>&1
}

# keep: has the lasting attribute here, and on nobody else, while the volume is mounted here.
keep() {
  if $mounted && [ ! -f "$state.serves" ]; then
    for sibling in $(siblings); do lasting "$sibling" -D || return; done
    lasting "$me" -v 1 && : >"$state.serves"
  elif ! $mounted && { $starting || [ -f "$state.serves" ]; }; then
    lasting "$me" -D && rm -f -- "$state.serves"
  fi
}

# gate VALUE: opens or shuts this node's own gate.
gate() {
  tell "healgate-$volume" "$me" "$1" -d 1
}

# is_member NODE: whether the cluster sees it.
is_member() {
  timeout 10 crm_node -p 2>/dev/null | tr ' ' '\n' | grep -qxF -e "$1"
}

# to_be_fenced NODE: shuts the gate here if the node may serve and go on to do so. Notes since when, and how it was.
to_be_fenced() {
  note=$state.lost-$1
  if [ "$quorum" -gt 0 ] || [ -z "$patience" ] || [ -f "$note" ]; then return; fi
  if ! siblings | grep -qxF -e "$1" || is_mounted || ! may_serve "$1"; then return; fi
  uptime_now
  was=$(told "healgate-$volume" "$me")
  printf '%s %s\n' "${now%.*}${now#*.}0" "${was:-0}" >"$note"
  gate 0
}

# fenced NODE: cuts the connections with it. If it was off before it could write alone, the gate is as it was.
fenced() {
  host_of "$1"
  timeout 10 ss -tK dst "$host" >/dev/null 2>&1
  note=$state.lost-$1
  if [ ! -f "$note" ]; then return; fi
  read -r since was <"$note"
  uptime_now
  if [ "$((${now%.*}${now#*.}0 - since))" -lt "$patience" ]; then
    rm -f -- "$note"
    gate "$was"
    # The copy is what it was, too: a round in doubt has noted otherwise, and the service may start before the next one.
    note_right "$was"
  fi
}

# is_in_doubt: whether a sibling that may have written alone has not been heard again.
is_in_doubt() {
  doubt=false
  for sibling in $(siblings); do
    note=$state.lost-$sibling
    if [ ! -f "$note" ]; then continue; fi
    hears "$sibling" "$me"
    if [ "$heard" = - ]; then doubt=true; else rm -f -- "$note"; fi
  done
  $doubt
}

# blame: tells every sibling how much it is blamed for, and shuts the gate of whom it blames, or whom it may soon have to
# blame. Sets blaming, to whether it blames any.
blame() {
  blaming=false
  for sibling in $(siblings); do
    blames "$sibling"
    silent=false shut=false
    if $mounted && [ "$blamed" = 0 ]; then silence "$sibling"; fi
    case $blamed-$silent in
      0-false | --*) ;;
      0--) blamed=- ;;
      0-true) blamed=- shut=true ;;
      *) blaming=true shut=true ;;
    esac
    uptime_now
    tell "healview-$volume-$sibling" "$me" "$blamed@$now" -p
    if $shut && ! may_serve "$sibling"; then tell "healgate-$volume" "$sibling" 0 -d 1; fi
  done
}

# listen: sets open, to 1 if nobody blames anybody, to 0 if somebody does, to nothing while somebody is not heard.
listen() {
  open=1
  while read -r sibling node; do
    # Where there is but one copy, nobody judges anybody.
    if [ -z "$sibling" ]; then continue; fi
    uptime_now
    hears "$sibling" "$node"
    case $heard in
      0) ;;
      -) if [ "$open" = 1 ]; then open=; fi ;;
      *) open=0 ;;
    esac
  done <<JUDGEMENTS
$(judgements)
JUDGEMENTS
}

# note_right VALUE: keeps whether the copy here is complete, while nobody can say otherwise.
note_right() {
  printf '%s\n' "$1" >"$state.right"
}

is_right() {
  right=0
  { read -r right <"$state.right"; } 2>/dev/null
  [ "$right" = 1 ]
}

# round_of_copies: looks, tells, listens, and decides. Sets settled, once everybody is heard.
round_of_copies() {
  settled=true stays=false
  blame
  listen
  if [ -z "$open" ]; then settled=false; fi
  served=true
  if has_bricks && ! serves_copies; then served=false; fi
  if $mounted; then
    # A service that runs, runs on while a complete copy is in reach: its own, or that of a sibling. One round without
    # is not taken for it, because a brick may just be starting.
    if [ "$open" = 1 ]; then
      note_right 1
    elif [ "$open" = 0 ] && ! $blaming; then
      note_right 0
    fi
    if ! { $served && is_right; } && ! has_other_copy; then
      if [ -f "$state.lost" ]; then open=0; else open=1; fi
      : >"$state.lost"
    else
      rm -f -- "$state.lost"
      open=1
    fi
  elif ! $served || is_in_doubt; then
    open=0
  else
    was=$(told "healgate-$volume" "$me")
    # Who shuts this gate has said why: it may be shut since that was listened to.
    if [ "$open" = 1 ] && [ "$was" != 1 ]; then listen; fi
    # Where nothing new is known it stays as it was: what is shut stays shut. What is not new is not said again, because
    # a sibling may shut it in this moment.
    open=${open:-$was}
    if [ "$open" = "$was" ] && [ -n "$was" ]; then stays=true; fi
  fi
  if ! $mounted; then note_right "${open:-0}"; fi
  $stays || gate "${open:-0}"
}

# round_of_quorum: where clients keep a quorum, none can write to a lone copy, and what counts is whether enough
# bricks are in reach. A node without bricks has no client before something is mounted there.
round_of_quorum() {
  settled=true open=1
  if ! $mounted && [ -n "$(siblings)" ] && ! has_quorum; then open=0 settled=false; fi
  gate "$open"
}

look() {
  mounted=false
  if is_mounted; then mounted=true; fi
  keep
  if [ "$quorum" -gt 0 ]; then round_of_quorum; else round_of_copies; fi
}

validate() {
  wrong=
  case $volume in '' | *[!A-Za-z0-9_-]*) wrong='volume is no name' ;; esac
  if [ -z "$sets" ] || [ -z "$hosts" ]; then wrong='sets and hosts are required'; fi
  case $quorum in '' | *[!0-9]*) wrong='quorum is no number' ;; esac
  case $patience in *[!0-9]*) wrong='patience is no number' ;; esac
  [ -z "$wrong" ] && return
  echo "$wrong" >&2
  return "$CONFIGURED"
}

start() {
  validate || return
  mkdir -p -- "${state%/*}" && : >"$state" || return "$ERROR"
  starting=true
  # An agent that is new here takes the word of the gate.
  if [ ! -f "$state.right" ]; then note_right "$(told "healgate-$volume" "$me")"; fi
  while look && ! $settled && [ "$burst" -gt 0 ]; do
    burst=$((burst - 1)) starting=false
    sleep 0.5
  done
  return "$SUCCESS"
}

monitor() {
  if [ ! -f "$state" ]; then return "$STOPPED"; fi
  if [ "${OCF_RESKEY_CRM_meta_interval:-0}" != 0 ]; then
    look || :
  elif [ -f "$state.serves" ] && ! is_mounted; then
    # A probe asks whether it runs. What was mounted has gone without a round that saw it, while Pacemaker was away: what
    # lasts must not count for the next start.
    lasting "$me" -D && rm -f -- "$state.serves"
  fi
  return "$SUCCESS"
}

# The gate stays as it is: an agent that is stopped, or replaced by a newer one, is no reason to stop a service.
stop() {
  rm -f -- "$state"
  return "$SUCCESS"
}

# notify: the cluster tells of instances that stop, before and after; of those of a node that is lost, too.
notify() {
  if [ ! -f "$state" ]; then return "$SUCCESS"; fi
  moment=${OCF_RESKEY_CRM_meta_notify_type-} change=${OCF_RESKEY_CRM_meta_notify_operation-}
  for node in ${OCF_RESKEY_CRM_meta_notify_stop_uname-}; do
    case $moment-$change-${OCF_RESKEY_CRM_meta_notify_key_operation-} in
      pre-stop-*) is_member "$node" || to_be_fenced "$node" ;;
      post-stop-stonith) fenced "$node" ;;
    esac
  done
  return "$SUCCESS"
}

me=${OCF_RESKEY_CRM_meta_on_node:-$(crm_node -n 2>/dev/null || uname -n)}
case ${1-} in
  start) start ;;
  stop) stop ;;
  monitor) monitor ;;
  notify) notify ;;
  validate-all) validate ;;
  meta-data) metadata ;;
  *)
    echo 'usage: healgate start|stop|monitor|notify|validate-all|meta-data' >&2
    exit "$UNIMPLEMENTED"
    ;;
esac
