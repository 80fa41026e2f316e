# candidate FILE: standard input, an element `configuration`, takes the place of the live CIB's own in a copy, FILE.new;
# the live CIB is FILE.live. cibadmin prints an element a line, and the configuration's at two spaces.
candidate() {
  cat >"$1.wanted"
  cibadmin -Q >"$1.live" || exit
  {
    sed -n '/^  <configuration/q; p' "$1.live"
    cat "$1.wanted"
    sed '1,/^  <\/configuration>$/d' "$1.live"
  } >"$1.new"
}
# epoch NAME FILE: an attribute of the CIB's first line.
epoch() {
  head -n 1 "$2" | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p"
}
# folder: a private folder that goes with the script.
folder() {
  umask 077
  dir=$(mktemp -d)
  trap 'rm -rf -- "$dir"' EXIT
  trap 'exit 143' HUP INT TERM
}
