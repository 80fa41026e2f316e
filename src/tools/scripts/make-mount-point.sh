# make-mount-point PATH: makes the directory and seals it: while nothing is mounted on it, not even root writes there.
set -eu
if mountpoint -q -- "$1"; then exit 0; fi
mkdir -p -- "$1"
first=$(find "$1" -mindepth 1 -print -quit)
if [ -L "$1" ] || [ -n "$first" ]; then
  echo "$1 is not an empty directory; it is left alone" >&2
  exit 3
fi
chattr +i -- "$1"
