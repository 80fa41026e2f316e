# look-mount-points PATH...: how each mount point is while nothing is mounted on it.
set -u
if ! command -v lsattr >/dev/null; then
  echo 'e2fsprogs is not installed' >&2
  exit 127
fi
look() {
  state=open
  if mountpoint -q -- "$1"; then
    state=mounted
  elif [ -L "$1" ]; then
    state=other
  elif [ -d "$1" ]; then
    first=$(find "$1" -mindepth 1 -print -quit) || return 1
    flags=$(lsattr -d -- "$1") || return 1
    case ${flags%% *} in *i*) state=sealed ;; esac
    if [ -n "$first" ]; then state=used; fi
  elif [ -e "$1" ]; then
    state=other
  else
    state=absent
  fi
  printf '%s\t%s\n' "$1" "$state"
}
failed=0
for path; do look "$path" || failed=1; done
exit "$failed"
