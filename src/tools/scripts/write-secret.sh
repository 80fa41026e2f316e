# write-secret PATH MODE [base64]: standard input becomes the file, for root alone, with its folder if there is none.
set -eu
umask 022
# shellcheck disable=SC2174 # it is the folder itself that is to be closed, not those above it
mkdir -p -m 0700 -- "${1%/*}"
case ${3:-} in
  '') put "$1" "$2" root:root ;;
  base64)
    # Looked through to its end first: half a key must not take the place of a whole one.
    secret=$(cat)
    printf %s "$secret" | base64 -d >/dev/null
    printf %s "$secret" | base64 -d | put "$1" "$2" root:root
    ;;
  *)
    echo "$3 is not a form in which secrets come" >&2
    exit 1
    ;;
esac
