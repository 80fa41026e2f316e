# shellcheck shell=bash
# The lab's networks: one namespace for the admin host, which holds a bridge per network, and
# one per node with a cable into each bridge. Nothing here touches the machine's own interfaces.
# The ends of a cable are named after their bridge: in the node "storage", in the admin host
# "s-node01". Pulling the end at the bridge is what a pulled cable looks like to the node.

readonly NETWORKS=(management storage cluster)
declare -rA SUBNET=([management]=192.168.8 [storage]=192.168.9 [cluster]=192.168.10)
declare -rA NAME_SUFFIX=([management]="" [storage]=m [cluster]=h)
readonly FLOATING_SUBNET=192.168.7

admin_ns() { printf '%s-admin' "$LAB_NAME"; }
node_ns() { printf '%s-%s' "$LAB_NAME" "$1"; }
port_of() { printf '%s-%s' "${2:0:1}" "$1"; }

node_address() { printf '%s.%d' "${SUBNET[$2]}" "$((10 + 10#${1#node}))"; }

# All names and addresses of a node, with the given separator.
node_aliases() {
  local network words=()
  for network in "${NETWORKS[@]}"; do
    words+=("$1${NAME_SUFFIX[$network]}" "$(node_address "$1" "$network")")
  done
  (IFS=$2 && printf '%s' "${words[*]}")
}

hosts_file() {
  local node network
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n'
  printf '%s.1 admin\n' "${SUBNET[management]}"
  for node in "${ALL_NODES[@]}"; do
    for network in "${NETWORKS[@]}"; do
      printf '%s %s\n' "$(node_address "$node" "$network")" "$node${NAME_SUFFIX[$network]}"
    done
  done
}

admin_network() {
  local ns network
  ns=$(admin_ns)
  [[ -e /run/netns/$ns ]] && return
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  for network in "${NETWORKS[@]}"; do
    ip -n "$ns" link add "$network" type bridge
    ip -n "$ns" address add "${SUBNET[$network]}.1/24" dev "$network"
    ip -n "$ns" link set "$network" up
  done
  ip -n "$ns" address add "$FLOATING_SUBNET.1/24" dev management
}

# Everything that runs on the admin host ends with it, except the command that asks for it.
admin_network_remove() {
  local ns
  ns=$(admin_ns)
  [[ -e /run/netns/$ns ]] || return 0
  end_processes "$(comm -23 <(ip netns pids "$ns" | sort) <(own_pids | sort))"
  ip netns delete "$ns"
}

# This process and its ancestors.
own_pids() {
  local pid=$$
  while ((pid > 1)); do
    printf '%d\n' "$pid"
    pid=$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")
  done
}

node_network() {
  local node=$1 ns network
  ns=$(node_ns "$node")
  [[ -e /run/netns/$ns ]] && return
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  for network in "${NETWORKS[@]}"; do
    ip -n "$(admin_ns)" link add "$(port_of "$node" "$network")" type veth \
      peer name "$network" netns "$ns"
    ip -n "$(admin_ns)" link set "$(port_of "$node" "$network")" master "$network"
    ip -n "$ns" link set "$network" up
  done
  node_addresses "$node" >"$(node_dir "$node")/addresses"
  ip -n "$ns" -batch "$(node_dir "$node")/addresses"
}

# What a node's interfaces carry when it boots.
node_addresses() {
  local network
  for network in "${NETWORKS[@]}"; do
    printf 'address flush dev %s\naddress add %s/24 dev %s\n' \
      "$network" "$(node_address "$1" "$network")" "$network"
  done
  # From the network of floating addresses, so that it is known which interface carries them.
  printf 'address add %s.%d/24 dev management\n' "$FLOATING_SUBNET" "$((10 + 10#${1#node}))"
}

node_network_remove() {
  local ns
  ns=$(node_ns "$1")
  [[ -e /run/netns/$ns ]] || return 0
  end_processes "$(ip netns pids "$ns")"
  ip netns delete "$ns" # the cables go with their end in it
}

node_link() {
  local node=$1 state=${2-} network networks=("${@:3}")
  [[ $state == up || $state == down ]] || die "usage: lab link NODE down|up [NETWORK...]"
  ((${#networks[@]})) || networks=("${NETWORKS[@]}")
  for network in "${networks[@]}"; do
    [[ -n ${SUBNET[$network]-} ]] || die "'$network' is no network; there are: ${NETWORKS[*]}"
    ip -n "$(admin_ns)" link set "$(port_of "$node" "$network")" "$state"
  done
}

links_status() {
  local network flags
  for network in "${NETWORKS[@]}"; do
    flags=$(ip -n "$(admin_ns)" -o link show "$(port_of "$1" "$network")" 2>/dev/null) || flags=
    printf ' %s %s %-4s' "$network" "$(node_address "$1" "$network")" \
      "$([[ $flags == *[\<,]UP[,\>]* ]] && echo up || echo down)"
  done
  printf '\n'
}

# Ends exactly these processes: asks, waits two seconds, insists.
end_processes() {
  local signal pid left=$1 _
  for signal in TERM KILL; do
    for pid in $left; do kill "-$signal" "$pid" 2>/dev/null || true; done
    for _ in {1..20}; do
      left=$(for pid in $left; do [[ ! -e /proc/$pid ]] || printf '%s ' "$pid"; done)
      [[ -n $left ]] || return 0
      sleep 0.1
    done
  done
  say "these processes do not end: $left"
  return 1
}
