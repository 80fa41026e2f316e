# write-hosts CLUSTER: standard input becomes our block of /etc/hosts; an empty one takes it away.
set -eu
hosts=/etc/hosts
begin="# bricklayer $1: begin" end="# bricklayer $1: end"
block=$(cat)
text=
if [ -e "$hosts" ]; then
  # A dot behind it, because the shell would take away the empty lines at the end.
  text=$(cat -- "$hosts" && echo .)
  text=${text%.}
fi
# A block that begins and does not end would take foreign lines with it, so its marks are counted first.
wanted=$(
  printf '%s' "$text" | begin=$begin end=$end block=$block awk '
    function put() { if (ENVIRON["block"] != "") print ENVIRON["begin"] "\n" ENVIRON["block"] "\n" ENVIRON["end"] }
    $0 == ENVIRON["begin"] { if (inside || seen++) bad = 1; inside = 1; put(); next }
    $0 == ENVIRON["end"] { if (!inside) bad = 1; inside = 0; next }
    !inside
    END { if (bad || inside) exit 3; if (!seen) put() }
  ' && echo .
) || {
  status=$?
  [ "$status" -ne 3 ] || echo "the marks of the block \"$begin\" in $hosts do not match; mend them by hand" >&2
  exit "$status"
}
wanted=${wanted%.}
if [ "$wanted" = "$text" ]; then exit 0; fi
mode=644
if [ -e "$hosts" ]; then mode=$(stat -c %a -- "$hosts"); fi
printf '%s' "$wanted" | {
  put "$hosts" "$mode"
  # Every confined daemon reads this file; a new one has the label of its folder.
  if command -v restorecon >/dev/null; then restorecon -- "$hosts"; fi
}
