# check-secret PATH MODE: says whether the file holds what is on standard input, with this mode, for root alone.
set -eu
if ! command -v cmp >/dev/null; then
  echo 'diffutils is not installed' >&2
  exit 127
fi
if [ ! -e "$1" ] && [ ! -L "$1" ]; then
  cat >/dev/null
  echo absent
elif [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c '%04a %U:%G' -- "$1")" = "$2 root:root" ] &&
  cmp -s -- - "$1"; then
  echo same
else
  echo differs
fi
