# shellcheck shell=bash
# The states that `record` leads its nodes through, in order. Each builds on the one before.

readonly PROPERTIES=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,FragmentPath
readonly BRICK=/glvol00/brick

gluster_states() {
  system_states
  pool_states
  volume_states
  option_states
  failure_states
  arbiter_states
  shape_states
}

system_states() {
  state 01-system
  record cat /etc/os-release
  # shellcheck disable=SC2016 # dpkg-query's own variables
  record --as dpkg-query dpkg-query -W -f '${Package}\t${Version}\t${db:Status-Abbrev}\n' \
    glusterfs-server nosuch
  record --as getent-ahosts getent ahosts node02
  record --as getent-ahosts-unknown getent ahosts nosuch
  record --as df df -kP /glvol00 / /nosuch
  record --as stat stat -c '%n %F %a %U %G %d %m' /glvol00 / /etc/hosts /nosuch
  record --as findmnt-path findmnt --json /glvol00
  record --as findmnt-path-not-a-mount findmnt --json /etc
  record --as findmnt-target findmnt --json -o TARGET,SOURCE,FSTYPE --target /etc
  record --as findmnt-none findmnt --json -t fuse.glusterfs

  state 02-units
  local unit
  for unit in glusterd.service nosuch.service glvol00.mount mnt-bad.mount ssh.service; do
    record --as "systemctl-show-$unit" systemctl show "$unit" -p "$PROPERTIES"
    record --as "systemctl-is-enabled-$unit" systemctl is-enabled "$unit"
  done
  mount_unit nosuch-server:/vol
  record --as systemctl-show-stale-mnt-bad.mount systemctl show mnt-bad.mount -p "$PROPERTIES"
  quietly node01 systemctl daemon-reload
  record --as systemctl-start-failing-mount systemctl start mnt-bad.mount
  record --as systemctl-show-failed-mnt-bad.mount systemctl show mnt-bad.mount -p "$PROPERTIES"
  record --as journalctl-failed-mount journalctl -u mnt-bad.mount -o cat --no-pager
  mount_unit another-server:/vol
  record --as systemctl-show-changed-mnt-bad.mount systemctl show mnt-bad.mount -p "$PROPERTIES"
  record --as systemctl-start-nosuch systemctl start nosuch.service
  record --as systemctl-enable-mnt-bad.mount systemctl enable mnt-bad.mount
  record --as systemctl-disable-mnt-bad.mount systemctl disable mnt-bad.mount
  quietly node01 rm -f /etc/systemd/system/mnt-bad.mount
  quietly node01 systemctl daemon-reload

  state 03-devices
  record --as blkid-blank blkid -p -o export /dev/vdc
  record --as wipefs-blank wipefs --json /dev/vdc
  record --as mkfs-blank mkfs.xfs /dev/vdc
  record --as blkid-formatted blkid -p -o export /dev/vdc
  record --as blkid-formatted-full blkid -p -o full /dev/vdc
  record --as wipefs-formatted wipefs --json /dev/vdc
  record --as mkfs-formatted mkfs.xfs /dev/vdc
  record --as mkfs-mounted mkfs.xfs -f /dev/vdb
  record --as blkid-nosuch blkid -p -o export /dev/nosuch
  record --as wipefs-nosuch wipefs --json /dev/nosuch
}

mount_unit() {
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node01 'printf "%s\n" "[Mount]" "What=$1" Where=/mnt/bad Type=glusterfs \
    "[Install]" WantedBy=multi-user.target >/etc/systemd/system/mnt-bad.mount' sh "$1"
}

pool_states() {
  state 10-glusterd-not-running
  observe node01
  gluster volume heal vol info
  gluster peer probe node02
  gluster --as volume-create volume create vol replica 2 node01:$BRICK node02:$BRICK
  gluster system:: uuid get

  local node
  for node in node01 node02 node03; do quietly "$node" systemctl start glusterd; done

  state 11-alone
  observe node01
  record --as systemctl-show-glusterd systemctl show glusterd.service -p "$PROPERTIES"
  gluster volume status vol
  gluster volume info vol
  gluster volume heal vol info
  gluster volume heal vol info summary
  gluster volume get vol all
  gluster volume start vol
  gluster volume stop vol
  gluster volume delete vol
  gluster volume set vol performance.io-thread-count 8
  gluster system:: uuid get
  gluster --as volume-create volume create vol replica 2 node01:$BRICK node02:$BRICK
  record --as getfattr-after-failed-create \
    getfattr -n trusted.glusterfs.volume-id -e hex --absolute-names $BRICK
  gluster --as volume-create-after-failed-create volume create vol replica 2 \
    node01:$BRICK node02:$BRICK
  remove_bricks

  state 12-probe
  gluster --as peer-probe-unresolvable peer probe nosuch
  gluster --as peer-probe-unreachable peer probe 192.168.8.77
  quietly node03 systemctl stop glusterd
  gluster --as peer-probe-daemon-down peer probe node03
  quietly node03 systemctl start glusterd
  gluster --as peer-probe-self peer probe node01
  gluster --as peer-probe-localhost peer probe localhost
  gluster peer probe node02
  gluster --as pool-list-at-once pool list
  gluster --on node02 --as pool-list-at-once pool list
  sleep 3

  state 13-probed
  observe node01
  observe node02
  gluster --as peer-probe-again peer probe node02
  gluster --as peer-probe-address peer probe 192.168.8.12
  gluster --as peer-detach-stranger peer detach nosuch
  observe_pool_of node01
  gluster --on node02 --as peer-probe-back peer probe node01
  sleep 2
  observe_pool_of node02

  # Bricks on the storage network's names: they belong to the pool only once they were probed.
  state 14-probed-aliases
  gluster --as volume-create-unknown-alias volume create vol replica 2 \
    node01m:$BRICK node02m:$BRICK
  remove_bricks
  gluster --as peer-probe-alias peer probe node02m
  gluster --as volume-create-half-known-alias volume create vol replica 2 \
    node01m:$BRICK node02m:$BRICK
  record --as getfattr-after-failed-create \
    getfattr -n trusted.glusterfs.volume-id -e hex --absolute-names $BRICK
  gluster --on node02 --as peer-probe-alias peer probe node01m
  observe_pool_of node01
  observe_pool_of node02
  remove_bricks
  gluster --as volume-create-known-aliases volume create vol replica 2 \
    node01m:$BRICK node02m:$BRICK
  gluster volume info
  gluster volume start vol
  gluster volume status vol
  quietly node01 gluster --mode=script volume stop vol
  quietly node01 gluster --mode=script volume delete vol
  remove_bricks
}

# A failed create leaves its mark on the bricks it had already looked at.
remove_bricks() {
  local node
  for node in node01 node02 node03; do quietly "$node" rm -rf $BRICK ${BRICK}2 /brick; done
}

# After something changed on one side: how both sides name their peers now.
observe_pool_of() {
  gluster --on "$1" --as pool-list-after pool list
  gluster --on "$1" --as peer-status-after peer status
}

volume_states() {
  state 20-create
  gluster --as volume-create-bad-replica volume create vol replica 3 node01:$BRICK node02:$BRICK
  remove_bricks
  gluster --as volume-create-same-node volume create vol replica 2 node01:$BRICK node01:${BRICK}2
  remove_bricks
  gluster --as volume-create-root-partition volume create vol replica 2 node01:/brick node02:/brick
  gluster --as volume-create-mount-point volume create vol replica 2 node01:/glvol00 node02:/glvol00
  gluster --as volume-create-no-parent volume create vol replica 2 \
    node01:/glvol00/no/such node02:/glvol00/no/such
  remove_bricks
  gluster --as volume-create-stranger volume create vol replica 2 node01:$BRICK node03:$BRICK
  gluster --as volume-create-bad-name volume create 'v o l' replica 2 node01:$BRICK node02:$BRICK
  remove_bricks
  gluster --as volume-create volume create vol replica 2 node01:$BRICK node02:$BRICK
  gluster --as volume-create-exists volume create vol replica 2 node01:$BRICK node02:$BRICK
  gluster --as volume-create-brick-in-use volume create other node01:$BRICK
  gluster --as volume-create-inside-brick volume create other node01:$BRICK/inside

  state 21-created
  observe node01 vol
  observe node02 vol
  gluster volume stop vol
  record --as getfattr-present \
    getfattr -n trusted.glusterfs.volume-id -e hex --absolute-names $BRICK
  record --as getfattr-absent \
    getfattr -n trusted.glusterfs.volume-id -e hex --absolute-names /glvol00
  record --as getfattr-nosuch \
    getfattr -n trusted.glusterfs.volume-id -e hex --absolute-names /nosuch
  record --as mount-not-started mount -t glusterfs node01:/vol /mnt
  record --as findmnt-after-failed-mount findmnt --json -t fuse.glusterfs
  lab in node01 umount -l /mnt 2>/dev/null || true

  state 22-started
  gluster volume start vol
  gluster --as volume-status-at-once volume status vol
  wait_for 'the self-heal daemon' self_heal_daemon_runs
  observe node01 vol
  observe node02 vol
  gluster --as volume-start-again volume start vol
  gluster volume delete vol
  gluster volume get vol all
  gluster volume status vol detail

  state 23-mounted
  quietly node01 mkdir -p /mnt/vol
  record --as mount mount -t glusterfs -o log-level=WARNING node01:/vol /mnt/vol
  record --as findmnt-type findmnt --json -t fuse.glusterfs
  record --as findmnt-path findmnt --json /mnt/vol
  record --as df df -kP /mnt/vol
  record --as mount-again mount -t glusterfs node01:/vol /mnt/vol
  record --as mount-nosuch-volume mount -t glusterfs node01:/nosuch /mnt
  # Some releases leave the mount point behind a failed mount, or two behind a repeated one.
  record --as findmnt-after findmnt --json -t fuse.glusterfs
  lab in node01 umount -l /mnt 2>/dev/null || true
}

self_heal_daemon_runs() {
  in_shell node01 'gluster --mode=script volume status vol shd | grep -q "Self-heal.* Y "'
}

option_states() {
  state 30-options
  gluster volume set vol network.ping-timeout 10
  gluster --as volume-set-same-again volume set vol network.ping-timeout 10
  gluster --as volume-set-unknown volume set vol network.pingtimeout 10
  gluster --as volume-set-bad-number volume set vol network.ping-timeout ten
  gluster --as volume-set-bad-bool volume set vol performance.read-ahead maybe
  gluster --as volume-set-out-of-range volume set vol network.ping-timeout 5000
  gluster --as volume-set-user volume set vol user.bricklayer.options 'a;b'
  gluster --as volume-set-several volume set vol performance.read-ahead off \
    performance.cache-size 256MB user.bricklayer.options 'network.ping-timeout;performance.cache-size'
  gluster --as volume-set-several-one-bad volume set vol performance.write-behind off \
    network.ping-timeout ten
  gluster --as volume-set-bool volume set vol features.cache-invalidation enable
  gluster --as volume-set-size volume set vol performance.cache-size 1048576KB
  gluster --as volume-set-group volume set vol group db-workload
  observe node01 vol
  gluster --as volume-set-user-none volume set vol user.bricklayer.options none
  gluster --as volume-set-user-empty volume set vol user.bricklayer.options ''
  gluster --as volume-reset volume reset vol performance.read-ahead
  gluster --as volume-reset-unset volume reset vol performance.read-ahead
  gluster --as volume-reset-unknown volume reset vol network.pingtimeout
  gluster --as volume-reset-user volume reset vol user.bricklayer.options
  gluster --as volume-info-after volume info vol
  gluster --as volume-get-after volume get vol all
  record --as group-db-workload cat /var/lib/glusterd/groups/db-workload
  record --as group-virt cat /var/lib/glusterd/groups/virt
  record --as groups ls /var/lib/glusterd/groups
  gluster --as volume-reset-all volume reset vol
  gluster --as volume-info-after-reset-all volume info vol

  state 31-busy
  provoke_busy
}

# Two nodes change the same volume until one is told to wait.
provoke_busy() {
  local file=$WORK/busy
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node02 'for i in {1..60}; do
    gluster --mode=script volume set vol network.ping-timeout $((20 + i)); done' >/dev/null 2>&1 &
  for _ in {1..60}; do
    gluster --as volume-set-busy volume set vol performance.io-thread-count 8 2>"$file"
    cat "$file" >&2
    grep -q 'Another transaction' "$SAMPLES/$STATE/volume-set-busy.txt" && break
  done
  for _ in {1..60}; do
    gluster --as volume-status-busy volume status vol 2>/dev/null
    grep -q 'Another transaction' "$SAMPLES/$STATE/volume-status-busy.txt" && break
  done
  wait
  quietly node01 gluster --mode=script volume reset vol
}

failure_states() {
  state 40-brick-killed
  kill_brick node02
  sleep 1
  observe node01 vol
  observe node02 vol

  state 41-written-while-brick-down
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node01 'for i in {1..20}; do echo $i >/mnt/vol/file$i; done'
  observe node01 vol
  record --as indices-xattrop ls $BRICK/.glusterfs/indices/xattrop
  record --on node02 --as indices-xattrop ls $BRICK/.glusterfs/indices/xattrop
  record --as indices-dirty ls $BRICK/.glusterfs/indices/dirty

  state 42-healing
  watch_heal $BRICK node01 node02 &
  gluster --as volume-start-force volume start vol force
  gluster --as volume-heal-info-at-once volume heal vol info
  gluster --as volume-heal volume heal vol
  gluster --as volume-heal-full volume heal vol full
  wait
  gluster --as volume-heal-later volume heal vol
  gluster --as volume-heal-full-later volume heal vol full
  observe node01 vol
  record --as indices-xattrop ls $BRICK/.glusterfs/indices/xattrop

  state 43-peer-glusterd-stopped
  quietly node02 systemctl stop glusterd
  observe node01 vol
  gluster volume set vol network.ping-timeout 11
  gluster volume start vol force
  gluster --as volume-create volume create other replica 2 node01:${BRICK}2 node02:${BRICK}2
  gluster peer probe node02
  gluster --as peer-detach peer detach node02
  record --on node02 --as pgrep-bricks pgrep -c -x glusterfsd
  quietly node02 systemctl start glusterd
  gluster --as volume-reset-at-once volume reset vol
  sleep 3
  # While the returned glusterd still restarts what changed without it, this may fail there.
  gluster --as volume-reset-later volume reset vol
  sleep 10
  gluster --as volume-reset-much-later volume reset vol

  # Left alone, glusterd notices a silent peer by its keepalive.
  state 44-node-off
  lab cut node02
  watch_pool
  observe node01 vol
  gluster volume set vol network.ping-timeout 12
  gluster volume start vol force
  gluster peer probe node02

  state 45-node-back
  lab boot node02
  gluster --as pool-list-before-glusterd pool list
  quietly node02 systemctl start glusterd
  gluster --on node02 --as volume-status-at-once volume status vol
  watch_brick node02
  observe node01 vol
  observe node02 vol

  # Asked before it noticed, it waits for the peer's answer, and holds the volume's lock.
  state 46-node-off-unnoticed
  lab cut node02
  gluster volume status vol
  gluster volume set vol network.ping-timeout 13
  gluster pool list
  lab boot node02
  quietly node02 systemctl start glusterd
  gluster --as volume-set-node-back volume set vol network.ping-timeout 13
  wait_for 'the brick on node02' brick_is_online node02
}

kill_brick() {
  in_shell "$1" "kill -9 \"\$(cat /run/gluster/vols/vol/$1-glvol00-brick.pid)\""
}

# How long a silent peer still counts as connected.
watch_pool() {
  local second pool=
  {
    printf '# seconds since the power cut, peers as node01 sees them\n'
    for ((second = 0; second < 120; second += 2)); do
      [[ $pool != *Disconnected* ]] || break
      pool=$(lab in node01 gluster pool list | grep -v -e UUID -e localhost)
      printf '%3d %s\n' "$second" "$(awk '{ print $2, $3 }' <<<"$pool")"
      sleep 2
    done
  } >"$SAMPLES/$STATE/pool-list-over-time.txt"
}

# A glusterd that comes back shows its brick online, restarts it if the volume was changed
# without it, and calls it offline meanwhile.
watch_brick() {
  local node=$1 started=${EPOCHREALTIME/./} sample online=0
  {
    printf '# milliseconds since glusterd started, brick of %s: online, pid\n' "$node"
    while ((online < 10 && ${EPOCHREALTIME/./} - started < 90000000)); do
      sample=$(lab in node01 gluster --mode=script volume status vol 2>&1 |
        awk -v brick="$node:" 'index($2, brick) { print $(NF - 1), $NF }')
      printf '%6d %s\n' "$(((${EPOCHREALTIME/./} - started) / 1000))" "${sample:-not listed}"
      [[ $sample == Y* ]] && online=$((online + 1)) || online=0
      sleep 0.2
    done
  } >"$SAMPLES/$STATE/brick-over-time.txt"
}

brick_is_online() {
  lab in node01 gluster --mode=script volume status vol 2>/dev/null |
    awk -v brick="$1:" 'index($2, brick) && $(NF - 1) == "Y" { up = 1 } END { exit !up }'
}

# How many entries each brick lists as stale elsewhere and how many files the last brick has,
# until the lists stayed empty for a while.
watch_heal() {
  local brick=$1 node counts quiet=0 started=${EPOCHREALTIME/./}
  shift
  {
    printf '# milliseconds, entries in indices/xattrop of %s, files and directories on %s\n' \
      "$*" "${!#}"
    while ((quiet < 60 && ${EPOCHREALTIME/./} - started < 180000000)); do
      counts=()
      for node in "$@"; do counts+=("$(stale_entries "$node" "$brick")"); done
      printf '%6d %s  %s\n' "$(((${EPOCHREALTIME/./} - started) / 1000))" "${counts[*]}" \
        "$(files_on "${!#}" "$brick")"
      [[ ${counts[*]} =~ [1-9] ]] && quiet=0 || quiet=$((quiet + 1))
      sleep 0.1
    done
  } >"$SAMPLES/$STATE/xattrop-over-time.txt"
}

files_on() {
  # shellcheck disable=SC2016 # expanded in the node
  in_shell "$1" 'find "$1" -mindepth 1 -path "$1/.glusterfs" -prune -o -print 2>/dev/null | wc -l' \
    sh "$2"
}

arbiter_states() {
  state 50-arbiter-added
  gluster --as volume-heal-info-before volume heal vol info
  # shellcheck disable=SC2016 # expanded in the node
  in_shell node01 'for d in a b c d e f; do dir=/mnt/vol/$d; for depth in {1..6}; do
      dir=$dir/$depth; mkdir -p $dir; for i in {1..10}; do echo $i >$dir/file$i; done; done; done
    dd if=/dev/zero of=/mnt/vol/big bs=1M count=64 status=none'
  gluster --as add-brick-stranger volume add-brick vol replica 3 arbiter 1 node03:$BRICK
  gluster peer probe node03
  sleep 3
  observe_pool_of node03
  gluster --as add-brick-bad-count volume add-brick vol replica 3 arbiter 1 \
    node03:$BRICK node03:${BRICK}2
  watch_heal $BRICK node01 node02 node03 &
  gluster --as add-brick volume add-brick vol replica 3 arbiter 1 node03:$BRICK
  observe node01 vol
  record --on node03 --as find-on-new-brick find $BRICK -maxdepth 1
  wait

  state 51-arbiter-healed
  observe node01 vol
  observe node03 vol
  record --on node03 --as find-on-new-brick find $BRICK -maxdepth 1
  gluster --as add-brick-again volume add-brick vol replica 3 arbiter 1 node03:$BRICK

  state 52-stopped
  gluster volume stop vol
  gluster --as volume-stop-again volume stop vol
  observe node01 vol
  gluster volume set vol network.ping-timeout 13
  gluster volume delete vol
  gluster --as volume-delete-again volume delete vol
  observe node01
  record --as getfattr-after-delete \
    getfattr -n trusted.glusterfs.volume-id -e hex --absolute-names $BRICK
  gluster --as volume-create-on-old-brick volume create vol replica 3 arbiter 1 \
    node01:$BRICK node02:$BRICK node03:$BRICK
}

shape_states() {
  state 60-shapes
  local base=/glvol00
  gluster --as volume-create-distribute volume create dist node01:$base/d1 node02:$base/d1
  gluster --as volume-create-2x2 volume create rep2x2 replica 2 \
    node01:$base/r1 node02:$base/r1 node01:$base/r2 node02:$base/r2
  gluster --as volume-create-replica-3 volume create rep3 replica 3 \
    node01:$base/t1 node02:$base/t1 node03:$base/t1
  gluster --as volume-create-2x-2-1 volume create arb replica 3 arbiter 1 \
    node01:$base/a1 node02:$base/a1 node03:$base/a1 node02:$base/a2 node03:$base/a2 node01:$base/a2
  gluster --as volume-create-disperse volume create disp disperse 3 redundancy 1 \
    node01:$base/e1 node02:$base/e1 node03:$base/e1
  gluster volume info
  local volume
  for volume in dist rep2x2 rep3 arb disp; do
    gluster volume start "$volume"
    gluster volume info "$volume"
  done
  sleep 2
  gluster volume status
  gluster volume heal arb info
  gluster volume heal disp info
  gluster volume heal dist info
  gluster --as add-brick-replica-set volume add-brick rep2x2 node01:$base/r3 node02:$base/r3
  gluster --as add-brick-to-replica-3 volume add-brick rep2x2 replica 3 \
    node03:$base/r1 node03:$base/r2 node03:$base/r3
  gluster --as volume-info-grown volume info rep2x2
  gluster --as volume-rebalance-start volume rebalance rep2x2 start
  gluster --as volume-status-rebalance volume status rep2x2

  state 61-peer-left
  gluster --as peer-detach-with-bricks peer detach node03
}
