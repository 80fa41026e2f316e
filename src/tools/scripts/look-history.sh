# look-history: what this node's own logs tell of nodes that were lost and came back, of fencing, of what was started and
# stopped, and of self-heal. Of the last 30 days, and of what the logs still hold.
set -eu
if ! command -v journalctl >/dev/null; then
  echo 'journalctl is not installed' >&2
  exit 127
fi
printf 'clock\t%s\n' "$(date +%s.%N)"
since=-30d
read_journal() { journalctl --quiet --no-pager --output=short-unix "$@" 2>/dev/null || :; }

# A boot's last entry is the last sign of life of a node that lost its power.
journalctl --list-boots --no-pager 2>/dev/null | awk '$1 ~ /^-?[0-9]+$/ { print $2 }' | tail -n 20 |
  while read -r boot; do
    first=$(read_journal --boot="$boot" | { read -r at _ && printf %s "$at"; } || :)
    last=$(read_journal --boot="$boot" --lines=1 | { read -r at _ && printf %s "$at"; } || :)
    if [ -n "$first" ] && [ -n "$last" ]; then printf 'boot\t%s\t%s\n' "$first" "$last"; fi
  done

read_journal --since="$since" --identifier=pacemaker-controld --identifier=pacemaker-fenced | awk '
  /state is now (lost|member)/ || /Operation .* targeting .* by .* for / || /Result of (start|stop|monitor) operation for / {
    at = $1; teller = $3
    sub(/\[.*/, "", teller)
    sub(/^[^:]*: +(notice|warning|error|info): +/, "")
    gsub(/\t/, " ")
    printf "told\t%s\t%s\t%s\n", at, teller, $0
  }' | tail -n 5000

# One line for each ten seconds of a heal, however much it mends.
for log in /var/log/glusterfs/glustershd.log.1 /var/log/glusterfs/glustershd.log; do
  [ ! -r "$log" ] || cat -- "$log"
done | awk '
  / Completed (data|metadata|entry) selfheal on / {
    at = substr($1, 2) "T" $2 "Z"
    volume = ""
    for (i = 3; i < NF; i++) {
      if ($i ~ /^[0-9]+-.*-replicate-[0-9]+:$/) volume = $i
      if ($i == "on") { entry = $(i + 1); break }
    }
    if (volume == "") next
    sub(/^[0-9]+-/, "", volume)
    sub(/-replicate-[0-9]+:$/, "", volume)
    part = volume "\t" substr(at, 1, 18)
    if (!(part in from)) { from[part] = at; whose[part] = volume; entries[part] = 0 }
    to[part] = at
    if (!seen[part, entry]++) entries[part]++
  }
  END {
    for (part in from) printf "healed\t%s\t%s\t%s\t%d\n", whose[part], from[part], to[part], entries[part]
  }'
