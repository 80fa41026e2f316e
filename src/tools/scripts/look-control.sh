# look-control BIN DIR...: how far each copy of a database had come, by what its own files say, on the bricks themselves.
# A copy that cannot be read is one line of `-`: it is asked for when something is broken already.
set -u
bin=$1
shift
iso() { [ -z "$1" ] || date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || :; }
for path; do
  said=$(TZ=UTC "$bin/pg_controldata" -D "$path" 2>/dev/null) || said=
  value() { printf '%s\n' "$said" | sed -n "s|^$1: *||p"; }
  position=$(value 'Latest checkpoint location')
  checkpoint=$(iso "$(value 'Time of latest checkpoint')")
  # Between two checkpoints only the WAL itself is written.
  newest=$(find "$path/pg_wal" -maxdepth 1 -type f -printf '%T@\n' 2>/dev/null | sort -n | tail -n 1)
  written=$(iso "${newest:+@${newest%.*}}")
  printf '%s\t%s\t%s\t%s\n' "$path" "${position:--}" "${checkpoint:--}" "${written:--}"
done
