# look-cib-folder: whether Pacemaker has ever kept anything on this node.
set -eu
folder=/var/lib/pacemaker/cib
if [ -e "$folder" ] && [ -n "$(find "$folder" -mindepth 1 -print -quit)" ]; then echo used; else echo empty; fi
