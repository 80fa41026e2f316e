# make-brick PATH MOUNT: makes the directory PATH; if MOUNT is not `-`, only while MOUNT is a mount point.
set -eu
if [ "$2" = - ]; then
  mkdir -p -- "$1"
  exit
fi
case $1 in
  "$2") below=. ;;
  "$2"/*) below=./${1#"$2"/} ;;
  *)
    echo "$1 does not lie below $2" >&2
    exit 1
    ;;
esac
# From inside the mount: if it goes away between the look and the step, the step does not land below it.
cd -- "$2"
if ! mountpoint -q .; then
  echo "$2 is not a mount point; nothing is made on the file system below it" >&2
  exit 1
fi
mkdir -p -- "$below"
