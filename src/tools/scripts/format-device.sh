# format-device DEVICE FILESYSTEM: makes a file system on a device that is blank now, whatever was seen before.
set -eu
if [ ! -b "$1" ]; then
  echo "$1 is not a block device" >&2
  exit 3
fi
case $2 in
  xfs) maker=mkfs.xfs ;;
  ext4) maker=mkfs.ext4 ;;
  *)
    echo "$2 is not a file system for bricks" >&2
    exit 1
    ;;
esac
if ! command -v "$maker" >/dev/null; then
  echo "$maker is not installed" >&2
  exit 127
fi
state=$(signature "$1")
if [ "$state" != blank ]; then
  echo "$1 is not blank, it holds: $state; it is left alone" >&2
  exit 3
fi
case $2 in
  xfs) mkfs.xfs -q -i size=512 -- "$1" ;;
  ext4) mkfs.ext4 -q "$1" ;;
esac
