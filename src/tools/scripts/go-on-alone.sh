# go-on-alone: glusterd serves the bricks here without asking for the other copies, until this node is switched off.
set -eu
mkdir -p /run/bricklayer
: >/run/bricklayer/alone
systemctl start glusterd.service
