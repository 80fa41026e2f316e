# install-packages FAMILY PACKAGE...: installs packages without letting their services start.
set -eu
family=$1
shift
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

policy=/usr/sbin/policy-rc.d
mark='# bricklayer: hold'
release() {
  if grep -qsx "$mark" "$policy"; then rm -f -- "$policy"; fi
}
hold() {
  if [ -e "$policy" ] || [ -L "$policy" ]; then return; fi
  # Never half a file: dpkg would run it.
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy.bricklayer"
  chmod 755 "$policy.bricklayer"
  mv -f -- "$policy.bricklayer" "$policy"
}
get() {
  apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

case $family in
  debian)
    trap release EXIT
    trap 'exit 143' HUP INT TERM
    hold
    # What an interrupted installation left would stop this one.
    dpkg --configure -a </dev/null
    # The lists may be old or missing; fetching them first each time would cost more than trying.
    get install -- "$@" || { get update && get install -- "$@"; }
    ;;
  redhat) dnf -y --setopt=install_weak_deps=False install -- "$@" </dev/null ;;
  *)
    echo "packages of the family $family cannot be installed from here; install by hand: $*" >&2
    exit 1
    ;;
esac
