# look-names NAME...: the addresses behind each name, asked for side by side: one dead name server is enough waiting.
set -eu
look() {
  found=$(getent ahosts "$2" | cut -d ' ' -f 1 | sort -u | tr '\n' ' ')
  found=${found% }
  printf '%s\t%s\t%s\n' "$1" "$2" "${found:--}"
}
{
  number=0
  for name; do
    look "$number" "$name" &
    number=$((number + 1))
  done
  wait
} | sort -n | cut -f 2-
