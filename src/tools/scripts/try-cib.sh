# try-cib: what Pacemaker would make of the configuration on standard input. Changes nothing.
set -eu
folder
: "${dir:?}"
candidate "$dir/cib"
verify=0 simulate=0
crm_verify --xml-file="$dir/cib.new" -V >"$dir/said" 2>&1 || verify=$?
# It ends as badly for a warning, such as that a resource runs which is to go.
if [ "$verify" -ne 0 ] && grep -q 'Warnings found during check' "$dir/said"; then verify=0; fi
if [ "$verify" -eq 0 ]; then
  crm_simulate --xml-file="$dir/cib.new" --simulate --output-as=xml >"$dir/simulated" 2>>"$dir/said" || simulate=$?
fi
printf '%s\t%s\t%s\t%s\n' "$(epoch admin_epoch "$dir/cib.live")" "$(epoch epoch "$dir/cib.live")" "$verify" "$simulate"
# The copy's own name says nothing to anybody.
sed "s|$dir/cib.new||; s/^/! /" "$dir/said"
echo --
if [ -e "$dir/simulated" ]; then cat -- "$dir/simulated"; fi
