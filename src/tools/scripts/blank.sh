# signature DEVICE: prints the type of what is on the device, or `blank`. Whatever cannot be read is an error
# and never `blank`: blkid alone says "nothing found" for a disk that cannot be read, so wipefs speaks first.
signature() {
  for tool in wipefs blkid; do
    if ! command -v "$tool" >/dev/null; then
      echo "$tool is not installed" >&2
      exit 127
    fi
  done
  found=$(wipefs --noheadings --output TYPE -- "$1") || return 1
  if [ -z "$found" ]; then
    status=0
    found=$(blkid -p -o value -s TYPE -s PTTYPE -- "$1") || status=$?
    case $status in
      0 | 2) ;;
      8) found=ambiguous ;;
      *) return 1 ;;
    esac
  fi
  # The first word of the first line; wipefs pads its column.
  read -r found _ <<FOUND
$found
FOUND
  printf '%s\n' "${found:-blank}"
}
