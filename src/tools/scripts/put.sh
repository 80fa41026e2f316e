# put PATH MODE [OWNER:GROUP]: standard input becomes the file PATH, whole or not at all, power cut included.
# The mode comes before the content, so that a secret is never readable for others, not even for a moment.
put() {
  if [ -L "$1" ] || { [ -e "$1" ] && [ ! -f "$1" ]; }; then
    echo "$1 is not a regular file; it is left alone" >&2
    exit 1
  fi
  tmp=$(mktemp -- "${1%/*}/.${1##*/}.XXXXXXXXXX")
  trap 'rm -f -- "$tmp"' EXIT
  trap 'exit 143' HUP INT TERM
  exec 3>"$tmp"
  chmod -- "$2" "$tmp"
  if [ $# -gt 2 ]; then chown -- "$3" "$tmp"; fi
  cat >&3
  exec 3>&-
  sync -- "$tmp"
  mv -fT -- "$tmp" "$1"
  sync -- "${1%/*}/"
}
