# look-database DIR...: what lies where a database's files are, or are to be, on each brick itself and not through a
# mount. What cannot be read is an error in the end, never an `absent`.
set -u
unfinished() {
  unfinished=no
  if [ -e "$1.new" ] || [ -L "$1.new" ]; then unfinished=yes; fi
  # Held by a make-database that still runs, perhaps for somebody who has lost sight of it.
  if [ -e "$lock" ] && ! flock -n "$lock" true; then unfinished=busy; fi
}

look() {
  state=absent version=- identifier=-
  if [ -f "$1/PG_VERSION" ]; then
    state=present
    read -r version <"$1/PG_VERSION" || :
    case $version in '' | *[!0-9.]*) version=- ;; esac
    # Its first eight bytes are the "Database system identifier" of pg_controldata, in every version.
    if [ -f "$1/global/pg_control" ]; then
      identifier=$(od -An -t u8 -N 8 -- "$1/global/pg_control") || return 1
      identifier=${identifier##* }
    fi
    case $identifier in '' | 0) identifier=- ;; esac
  elif [ -d "$1" ] && [ ! -L "$1" ]; then
    first=$(find "$1" -mindepth 1 -print -quit) || return 1
    if [ -n "$first" ]; then state=foreign; fi
  elif [ -e "$1" ] || [ -L "$1" ]; then
    state=foreign
  fi
  unfinished "$1"
  printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$state" "$version" "$identifier" "$unfinished"
}

lock=/run/bricklayer/make-database.lock
failed=0
for path; do look "$path" || failed=1; done
exit "$failed"
