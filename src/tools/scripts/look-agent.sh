# look-agent AGENT: what a fence agent says of itself.
set -eu
case $1 in
  fence_*[!A-Za-z0-9_]* | fence_) ;;
  fence_*)
    if ! command -v "$1" >/dev/null; then
      echo "$1 is not installed" >&2
      exit 127
    fi
    "$1" -o metadata
    exit
    ;;
esac
echo "$1 is not a fence agent" >&2
exit 1
