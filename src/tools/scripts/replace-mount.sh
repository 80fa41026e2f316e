# replace-mount UNIT PATH MODE: stops the mount, writes its unit file from standard input, starts it now and at
# every boot. In this order,
# so that a break in between leaves a mount that is missing, which is seen, and not one that is stale, which is not.
set -eu
status=0
systemctl stop -- "$1" || status=$?
# 5: systemd has never heard of it, so there is nothing to stop.
case $status in 0 | 5) ;; *) exit "$status" ;; esac
put "$2" "$3"
systemctl daemon-reload
systemctl enable --now -- "$1"
