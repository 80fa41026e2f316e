# adopt-peer UUID PEER=HOST...: has the glusterd of a new machine be the member of the pool that the others know as UUID,
# and know them: PEER is the UUID of another member, HOST its name. They tell it of the volumes as soon as it runs. A
# glusterd that knows a volume, or another member than these, is somebody already and stays that.
set -eu
uuid=$1
shift
cd /var/lib/glusterd
# Written last, so that all else is there.
if grep -qxF "UUID=$uuid" glusterd.info; then exec systemctl start glusterd.service; fi
if [ -n "$(ls -A vols 2>/dev/null)" ]; then
  echo 'glusterd has volumes; it stays who it is' >&2
  exit 3
fi
for known in peers/*; do
  [ -e "$known" ] || continue
  case " $* " in *" ${known##*/}="*) ;; *)
    echo "glusterd is in a pool with ${known##*/}; it stays who it is" >&2
    exit 3
    ;;
  esac
done
version=$(grep '^operating-version=' glusterd.info)
systemctl stop glusterd.service
mkdir -p peers
for peer; do
  printf 'uuid=%s\nstate=3\nhostname1=%s\n' "${peer%%=*}" "${peer#*=}" >"peers/${peer%%=*}"
done
printf 'UUID=%s\n%s\n' "$uuid" "$version" >glusterd.info.new
sync peers/* glusterd.info.new
mv glusterd.info.new glusterd.info
systemctl start glusterd.service
