# look-devices DEVICE...: what is on each block device and where it is mounted.
set -eu
for device; do
  if [ ! -b "$device" ]; then
    printf '%s\tabsent\t-\n' "$device"
    continue
  fi
  state=$(signature "$device")
  # By number, because a device has many names.
  numbers=$(stat -Lc '%t %T' -- "$device")
  mount=$(findmnt -n -o TARGET -S "$((0x${numbers% *})):$((0x${numbers#* }))" || :)
  read -r mount <<MOUNT
$mount
MOUNT
  printf '%s\t%s\t%s\n' "$device" "$state" "${mount:--}"
done
