# look-node PACKAGE...: what the node says of itself and which of the packages it has.
set -eu
ID=unknown VERSION_ID=- ID_LIKE=
# shellcheck source=/dev/null
if [ -r /etc/os-release ]; then . /etc/os-release; fi
case " $ID $ID_LIKE " in
  *' debian '*) family=debian ;;
  *' rhel '* | *' fedora '* | *' centos '*) family=redhat ;;
  *) family=other ;;
esac
read -r hostname </proc/sys/kernel/hostname
read -r uptime _ </proc/uptime
hold=no
if grep -qsx '# bricklayer: hold' /usr/sbin/policy-rc.d; then hold=yes; fi
printf 'os\t%s %s\nfamily\t%s\nhostname\t%s\n' "$ID" "$VERSION_ID" "$family" "$hostname"
printf 'clock\t%s\nuptime\t%s\nhold\t%s\n' "$(date +%s.%N)" "$uptime" "$hold"
[ $# -gt 0 ] || exit 0

# The package tools answer with an error when one name is unknown; what counts is which lines they print.
case $family in
  debian) known=$(dpkg-query -W -f '${db:Status-Abbrev}|${Package}|${Version}\n' -- "$@" 2>/dev/null || :) ;;
  redhat) known=$(rpm -q --qf 'ii |%{NAME}|%{EVR}\n' -- "$@" || :) ;;
  *) known= ;;
esac
for name; do
  version=-
  while IFS='|' read -r state package found; do
    # The second letter is the state as it is; a third one is an error.
    case $state in ?'i ') if [ "$package" = "$name" ]; then version=$found; fi ;; esac
  done <<KNOWN
$known
KNOWN
  printf 'package\t%s\t%s\n' "$name" "$version"
done
