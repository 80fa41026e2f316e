# seed-cib SECONDS: what Pacemaker begins with on a node on which it has never run: that it waits for a coordinator
# for SECONDS only, before it elects one. Made by the node's own cibadmin, because a seed of a newer version than the
# node's makes its controller die again and again.
set -eu
folder=/var/lib/pacemaker/cib
case $(systemctl show --property=ActiveState --value pacemaker.service) in
  inactive | failed) ;;
  *) exit 0 ;;
esac
if [ -n "$(find "$folder" -mindepth 1 -print -quit)" ]; then exit 0; fi
empty=$(cibadmin --empty)
case $empty in
  *'<crm_config/>'*) ;;
  *)
    echo 'cibadmin --empty has no empty crm_config' >&2
    exit 1
    ;;
esac
id=cib-bootstrap-options
seed="<cluster_property_set id=\"$id\"><nvpair id=\"$id-dc-deadtime\" name=\"dc-deadtime\" value=\"$1s\"/></cluster_property_set>"
printf '%s\n' "${empty%%<crm_config/>*}<crm_config>$seed</crm_config>${empty#*<crm_config/>}" |
  put "$folder/cib.xml" 0600 hacluster:haclient
