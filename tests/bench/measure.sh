#!/bin/bash
# One part of the bench, on the lab's admin host; `run` calls it there and collects the samples.
#
#   measure.sh deploy TOOL | service TOOL | settle | noop ROUNDS | change ROUNDS | trips
#
# WORK is the folder for samples, BENCH_SSH the lab's ssh configuration, BRICKLAYER and ANSIBLE_PLAYBOOK the programs;
# without the latter, Ansible has no samples. A sample is a line `NAME SECONDS CPU-SECONDS`.
set -euo pipefail

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly HERE NODES=(node01 node02)
# shellcheck source=tests/bench/floor.sh
source "$HERE/floor.sh"

die() {
  printf 'bench: %s\n' "$*" >&2
  exit 1
}

# sample NAME COMMAND...: runs the command and keeps how long it took.
sample() {
  local name=$1 TIMEFORMAT='%R %U %S' took status=0
  shift
  took=$({ time "$@" >"$WORK/output" 2>&1; } 2>&1) || status=$?
  ((status == 0)) || die "$name failed ($status): $* $(tail -n 15 "$WORK/output")"
  awk -v name="$name" '{ printf "%s %.3f %.3f\n", name, $1, $2 + $3 }' <<<"$took" >>"$WORK/samples"
}

cold() { ssh -F "$BENCH_SSH" -o ControlPath=none "$@"; }

# For both, so that neither profits from another's sockets. `floor` gives these to ssh.
readonly COLD=(-F "$BENCH_SSH" -o ControlPath=none)
readonly WARM=(-F "$BENCH_SSH" -o ControlMaster=auto -o ControlPersist=600 -o "ControlPath=$WORK/warm-%h")
export ANSIBLE_CONFIG=$HERE/ansible/ansible.cfg
export ANSIBLE_SSH_ARGS="-F $BENCH_SSH -o ControlMaster=auto -o ControlPersist=600"
export ANSIBLE_SSH_CONTROL_PATH="$WORK/ansible-%%h"

has_ansible() { [[ -n ${ANSIBLE_PLAYBOOK-} ]]; }
ansible() { "$ANSIBLE_PLAYBOOK" -i "$HERE/ansible/inventory" "$HERE/ansible/site.yml" "$@"; }
ansible_service() {
  "$ANSIBLE_PLAYBOOK" -i "$HERE/ansible/inventory" --skip-tags mounts "$HERE/ansible/service.yml"
}
ansible_again() {
  local said
  said=$(ansible "$@") && printf '%s\n' "$said" && [[ $said != *changed=[1-9]* ]]
}
bricklayer() { "$BRICKLAYER" --state-dir "$WORK/state" "$@"; }

# close PREFIX: ends the connections whose sockets begin so.
close() {
  local socket
  for socket in "$WORK/$1"-*; do
    [[ ! -S $socket ]] || ssh -o "ControlPath=$socket" -O exit node 2>/dev/null || true
  done
}

mounted_everywhere() {
  local node
  for node in "${NODES[@]}"; do cold "$node" mountpoint -q /gldata00 || die "$node has no mount"; done
}

# Each tool's first run on empty nodes.
deploy() {
  case $1 in
    bricklayer) sample deploy-bricklayer bricklayer apply --yes "$WORK/a.yaml" ;;
    ansible) sample deploy-ansible ansible ;;
  esac
  close ansible
  mounted_everywhere
}

answers_sql() { PGCONNECT_TIMEOUT=1 psql -X -q -t -h 192.168.7.99 -U postgres -c 'select 1' >/dev/null 2>&1; }

# From the tool's first moment on empty nodes until the database answers under the service's address, which for Ansible
# is later than its own end, and for bricklayer a little earlier.
service() {
  local start=$EPOCHREALTIME tool
  case $1 in
    bricklayer) bricklayer apply --yes "$WORK/service.yaml" >"$WORK/output" 2>&1 & ;;
    ansible) ansible_service >"$WORK/output" 2>&1 & ;;
  esac
  tool=$!
  until answers_sql; do
    awk -v start="$start" -v now="$EPOCHREALTIME" 'BEGIN { exit now - start > 300 }' || break
    sleep 0.1
  done
  awk -v name="service-$1" -v start="$start" -v end="$EPOCHREALTIME" \
    'BEGIN { printf "%s %.3f 0\n", name, end - start }' >>"$WORK/samples"
  wait "$tool" || die "$1 fails: $(tail -n 15 "$WORK/output")"
  answers_sql || die "$1 is done, and the service does not answer"
  close ansible
}

# Brings the cluster to where every tool finds nothing to do: Ansible also wants its line in fstab.
settle() {
  ! has_ansible || ansible >"$WORK/output" 2>&1 || die "ansible fails: $(tail -n 15 "$WORK/output")"
  bricklayer apply --yes "$WORK/a.yaml" >/dev/null 2>&1 || die "bricklayer does not settle"
}

# How many commands the watch has had answers to. It logs each when the answer is there.
answers() { grep -c ' bricklayer::command: ' "$WORK/watch.log" || true; }

# Starts a watch that looks when it is told to, and waits for its first look.
watch_start() {
  local before
  bricklayer -vv watch --interval 1h "$WORK/a.yaml" >"$WORK/watch.log" 2>&1 &
  WATCH=$!
  until before=$(answers) && ((before > 0)) && sleep 1 && [[ $(answers) == "$before" ]]; do :; done
  A_LOOK=$before
}

# From the signal to the last answer of the look that it brings about.
watch_look() {
  local want=$(($(answers) + A_LOOK)) start=$EPOCHREALTIME end
  kill -HUP "$(pgrep -P "$WATCH" || printf %s "$WATCH")"
  until (($(answers) >= want)); do sleep 0.05; done
  end=$(awk '/ bricklayer::command: / { end = $1 } END { print end }' "$WORK/watch.log")
  awk -v start="$start" -v end="$(date -d "$end" +%s.%N)" 'BEGIN { printf "watch-warm %.3f 0\n", end - start }' \
    >>"$WORK/samples"
}

noop() {
  local round
  watch_start
  for ((round = 0; round < $1; round++)); do
    sample floor-cold floor "${COLD[@]}"
    sample plan-cold bricklayer plan "$WORK/a.yaml"
    sample apply-cold bricklayer apply "$WORK/a.yaml"
    floor "${WARM[@]}" || die "the floor has a hole"
    sample floor-warm floor "${WARM[@]}"
    watch_look
    has_ansible || continue
    close ansible
    sample ansible-cold ansible_again
    sample ansible-warm ansible_again
  done
  kill "$(pgrep -P "$WATCH" || printf %s "$WATCH")"
  close warm
  close ansible
}

# There and back again, so that every round has the same to do.
change() {
  local round
  for ((round = 0; round < $1; round++)); do
    sample change-bricklayer bricklayer apply --yes "$WORK/b.yaml"
    sample change-bricklayer bricklayer apply --yes "$WORK/a.yaml"
    has_ansible || continue
    sample change-ansible ansible -e ping_timeout=21
    sample change-ansible ansible
  done
  close ansible
}

# sessions NODE: how many sessions its sshd has started since it logs them. One of them is this question.
sessions() { cold "$1" 'sleep 0.5; journalctl --quiet --identifier=sshd --output=cat | grep -c "^Starting session: command"'; }

# trips NAME COMMAND...: counts the sessions of a run, by each node's own sshd.
trips() {
  local name=$1 node before=() index=0
  shift
  for node in "${NODES[@]}"; do before+=("$(sessions "$node")"); done
  "$@" >"$WORK/output" 2>&1 || die "$name failed: $(tail -n 15 "$WORK/output")"
  for node in "${NODES[@]}"; do
    printf '%s %s %d\n' "$name" "$node" "$(($(sessions "$node") - before[index] - 1))" >>"$WORK/trips"
    index=$((index + 1))
  done
}

all_trips() {
  local node
  for node in "${NODES[@]}"; do
    cold "$node" 'echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/bench.conf && systemctl reload ssh.service'
  done
  sleep 1 # sshd takes its configuration anew in its own time
  trips plan bricklayer plan "$WORK/a.yaml"
  trips apply bricklayer apply "$WORK/a.yaml"
  ! has_ansible || trips ansible ansible
  close ansible
  for node in "${NODES[@]}"; do
    cold "$node" 'rm /etc/ssh/sshd_config.d/bench.conf && systemctl reload ssh.service'
  done
}

case ${1-} in
  deploy | service | settle | noop | change) "$@" ;;
  trips) all_trips ;;
  *) die "no such part: ${1-}" ;;
esac
