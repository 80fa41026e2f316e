# write-file PATH MODE: standard input becomes the file.
set -eu
put "$1" "$2"
