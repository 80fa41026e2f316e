# make-authkey: makes the key by which Corosync's members know each other, if there is none.
set -eu
key=/etc/corosync/authkey
if [ -e "$key" ] || [ -L "$key" ]; then exit 0; fi
# 2048 bits, as corosync-keygen(8) makes them.
head -c 256 /dev/urandom | put "$key" 0400
