# look-ports HOST:PORT...: how each port answers, side by side.
set -eu
if ! command -v bash >/dev/null; then
  echo 'bash is not installed' >&2
  exit 127
fi
look() {
  host=${2%:*}
  host=${host#[}
  host=${host%]}
  status=0
  # The only thing that opens a connection on every system without a package.
  # shellcheck disable=SC2016 # bash expands it, from its arguments
  said=$(timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$host" "${2##*:}" 2>&1) || status=$?
  case $status:$said in
    0:*) answer=open ;;
    *'Connection refused'*) answer=refused ;;
    *'ame or service not known'* | *'name resolution'* | *'No address associated'*) answer=unresolved ;;
    *) answer=silent ;;
  esac
  printf '%s\t%s\t%s\n' "$1" "$2" "$answer"
}
{
  number=0
  for target; do
    look "$number" "$target" &
    number=$((number + 1))
  done
  wait
} | sort -n | cut -f 2-
