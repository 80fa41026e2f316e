//! Growth with data in place: no file is lost, and it is done only when every copy is whole.

use crate::harness::Lab;

const PAIR: &str = "\
volumes:
  raised: {replica: 2, bricks: [node01:/glvol00/raised, node02:/glvol00/raised]}
mounts:
  raised: {volume: raised, path: /mnt/raised}
";

const ARBITED: &str = "\
volumes:
  raised:
    replica: 3
    arbiter: 1
    bricks: [node01:/glvol00/raised, node02:/glvol00/raised, node03:/glvol00/raised]
mounts:
  raised: {volume: raised, path: /mnt/raised}
";

const FILL: &str = "\
for i in $(seq 120); do
  mkdir -p d$((i % 6)) && head -c $((i * 97)) /dev/urandom >d$((i % 6))/f$i
done";
const SUMS: &str = "find . -type f -exec sha256sum {} + | sort -k 2";
const NAMES: &str = "find . -path ./.glusterfs -prune -o -print | sort";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_pair_with_data_gets_an_arbiter_and_apply_ends_when_it_is_whole() {
    let lab = Lab::up(&["node01", "node02", "node03"]);
    let spec = lab.spec(&["node01", "node02"], PAIR);
    lab.apply(&spec).exits(0);
    let within = |node, folder: &str, words: &str| lab.on(node, &format!("cd {folder} && {words}"));
    within("node01", "/mnt/raised", FILL);
    let before = within("node01", "/mnt/raised", SUMS);
    assert_eq!(before.lines().count(), 120);

    let spec = lab.spec(&["node01", "node02", "node03"], ARBITED);
    let plan = lab.plan(&spec);
    assert_eq!(plan.risky(), Vec::<&str>::new());
    plan.wants("volume/raised/grow", "shape", "replica 2", "replica 3 arbiter 1");
    lab.apply(&spec).exits(0);

    // At once: an apply that ends with 0 has waited for the heal.
    lab.is_healed("raised");
    assert_eq!(within("node03", "/glvol00/raised", NAMES), within("node01", "/glvol00/raised", NAMES));
    let full = within("node03", "/glvol00/raised", "find . -path ./.glusterfs -prune -o -type f -size +0 -print");
    assert_eq!(full, "", "an arbiter holds names and no data");
    assert!(lab.gluster("volume info raised").contains("Number of Bricks: 1 x (2 + 1) = 3"));
    for node in ["node01", "node03"] {
        assert_eq!(within(node, "/mnt/raised", SUMS), before);
    }
    lab.apply(&spec).exits(0).says("nothing to do");
}
