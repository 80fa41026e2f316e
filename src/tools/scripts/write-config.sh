# write-config PATH MODE GROUP: standard input becomes the file, of root and GROUP, its folder made if there is none.
set -eu
umask 022
mkdir -p -- "${1%/*}"
put "$1" "$2" "root:$3"
