# shellcheck shell=bash
# The packages the nodes run. They are installed on this machine, because a node is an overlay
# of it, but nothing of them is to run here: not now and not after a reboot.

readonly PACKAGES=(
  glusterfs-server glusterfs-client attr xfsprogs util-linux
  corosync corosync-qdevice corosync-qnetd pacemaker pacemaker-cli-utils fence-agents
  resource-agents kmod postgresql-15
  systemd systemd-sysv systemd-container dbus openssh-server openssh-client
  iproute2 iputils-arping iputils-ping nftables psmisc procps
)
# The units that these packages would have started at the next boot of this machine.
readonly PACKAGE_UNITS=(glusterfs-server:glusterd corosync:corosync pacemaker:pacemaker
  corosync-qdevice:corosync-qdevice corosync-qnetd:corosync-qnetd postgresql-15:postgresql
  openssh-server:ssh nftables:nftables)
readonly POLICY=/usr/sbin/policy-rc.d
readonly ARCHIVES=/var/cache/apt/archives

lab_packages() {
  local missing
  mapfile -t missing < <(packages_missing)
  if ((${#missing[@]})); then
    say "installing ${missing[*]}"
    apt update
    without_starting apt install "${missing[@]}"
    units_disable "${missing[@]}"
  fi
  archives_keep
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
    -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 "$@" >&2
}

packages_missing() {
  local package
  for package in "${PACKAGES[@]}"; do
    package_installed "$package" || printf '%s\n' "$package"
  done
}

package_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]
}

# Debian asks policy-rc.d before a package starts a service. One that is there already is
# somebody's decision and stays.
without_starting() {
  if [[ -e $POLICY ]]; then
    "$@"
    return
  fi
  trap 'rm -f "$POLICY"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
  "$@"
  rm -f "$POLICY"
  trap - EXIT
}

# Only what came just now: a service that was here before is not ours to stop.
units_disable() {
  local pair
  for pair in "${PACKAGE_UNITS[@]}"; do
    [[ " $* " != *" ${pair%%:*} "* ]] || systemctl --quiet disable "${pair#*:}.service" 2>/dev/null ||
      true
  done
}

# Installed packages of these sources: what bricklayer installs on a node that has it not. What is
# made of them and used by others, too, stays.
bare_packages() {
  # shellcheck disable=SC2016 # dpkg-query's own variables
  dpkg-query -W -f '${source:Package} ${db:Status-Abbrev} ${Package}\n' | awk '
    $1 ~ /^(glusterfs|corosync(-qdevice)?|pacemaker|fence-agents|resource-agents|postgresql-(15|common))$/ &&
    $2 == "ii" && $3 !~ /^libpq/ { print $3 }'
}

# A bare node installs its packages from this cache, offline. Container images often empty it after
# every install, but not after a mere download.
archives_keep() {
  local name names version
  mapfile -t names < <(bare_packages)
  for name in "${names[@]}"; do
    # shellcheck disable=SC2016
    version=$(dpkg-query -W -f '${Version}' "$name")
    compgen -G "$ARCHIVES/${name}_${version//:/%3a}_*.deb" >/dev/null && continue
    apt install --download-only --reinstall "${names[@]}"
    return
  done
}
