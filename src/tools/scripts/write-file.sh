# write-file PATH MODE: standard input becomes the file, in a folder that is made if there is none.
set -eu
mkdir -p -- "${1%/*}"
put "$1" "$2"
