# set-key PATH KEY VALUE: gives a key of a file of lines `KEY = VALUE` this value; every other line stays as it is.
set -eu
umask 022
mkdir -p -- "${1%/*}"
old=/dev/null mode=0644
if [ -e "$1" ]; then old=$1 mode=$(stat -Lc %a -- "$1"); fi
new=$(
  key=$2 value=$3 awk '
    BEGIN { key = ENVIRON["key"]; line = key " = " ENVIRON["value"] }
    {
      name = $0
      sub(/^[ \t]*/, "", name)
      sub(/[ \t]*=.*$/, "", name)
      if (name != key) print
      else if (!said) { print line; said = 1 }
    }
    END { if (!said) print line }
  ' "$old"
)
printf '%s\n' "$new" | put "$1" "$mode"
