# remove-file PATH: removes a regular file.
set -eu
if [ ! -e "$1" ] && [ ! -L "$1" ]; then exit 0; fi
if [ -L "$1" ] || [ ! -f "$1" ]; then
  echo "$1 is not a regular file; it is left alone" >&2
  exit 1
fi
rm -f -- "$1"
sync -- "${1%/*}/"
