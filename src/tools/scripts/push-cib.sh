# push-cib ADMIN_EPOCH EPOCH: puts the configuration on standard input into force, if the CIB is still the planned one.
# The patch is made against the very copy whose epochs were compared, so that nobody else's change can be lost. Status
# attributes change all the time and make a patch too old (103): as long as the epochs stand, it is made anew.
set -eu
folder
: "${dir:?}"
cat >"$dir/asked"
try=0
while :; do
  candidate "$dir/cib" <"$dir/asked"
  now=$(epoch admin_epoch "$dir/cib.live").$(epoch epoch "$dir/cib.live")
  if [ "$now" != "$1.$2" ]; then
    echo "the CIB has changed: epoch $now, planned $1.$2" >&2
    exit 75
  fi
  # A patch whose target is not newer than its source is "older than existing configuration".
  sed -i "1s/ epoch=\"[0-9]*\"/ epoch=\"$(($2 + 1))\"/; 1s/ num_updates=\"[0-9]*\"/ num_updates=\"0\"/" "$dir/cib.new"
  status=0
  crm_diff --original "$dir/cib.live" --new "$dir/cib.new" >"$dir/patch" || status=$?
  case $status in
    0) exit 0 ;;
    1) ;;
    *) exit "$status" ;;
  esac
  status=0
  cibadmin --patch --xml-file "$dir/patch" || status=$?
  try=$((try + 1))
  if [ "$status" -ne 103 ] || [ "$try" -ge 10 ]; then exit "$status"; fi
done
