//! The shapes of volumes, as glusterd has them.

use crate::harness::Lab;

const NODES: [&str; 3] = ["node01", "node02", "node03"];

/// An arbiter; two chained sets with an arbiter each, 2 x (2 + 1) on three nodes; and erasure code.
const BODY: &str = "\
volumes:
  arbited:
    replica: 3
    arbiter: 1
    bricks: [node01:/glvol00/arbited, node02:/glvol00/arbited, node03:/glvol00/arbited]
  chained:
    replica: 3
    arbiter: 1
    bricks:
      - node01:/glvol00/chained-1
      - node02:/glvol00/chained-1
      - node03:/glvol00/chained-1-arbiter
      - node02:/glvol00/chained-2
      - node03:/glvol00/chained-2
      - node01:/glvol00/chained-2-arbiter
  coded:
    disperse: 3
    redundancy: 1
    bricks: [node01:/glvol00/coded, node02:/glvol00/coded, node03:/glvol00/coded]
mounts:
  arbited: {volume: arbited, path: /mnt/arbited}
  chained: {volume: chained, path: /mnt/chained}
  coded: {volume: coded, path: /mnt/coded}
";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn arbiters_chained_sets_and_erasure_code_come_from_empty_nodes() {
    let lab = Lab::up(&NODES);
    let spec = lab.spec(&NODES, BODY);
    lab.apply(&spec).exits(0);

    for (volume, kind, bricks, arbiters) in [
        ("arbited", "Type: Replicate", "Number of Bricks: 1 x (2 + 1) = 3", 1),
        ("chained", "Type: Distributed-Replicate", "Number of Bricks: 2 x (2 + 1) = 6", 2),
        ("coded", "Type: Disperse", "Number of Bricks: 1 x (2 + 1) = 3", 0),
    ] {
        let info = lab.gluster(&format!("volume info {volume}"));
        for words in [kind, bricks, "Status: Started"] {
            assert!(info.contains(words), "{info}");
        }
        assert_eq!(info.matches("(arbiter)").count(), arbiters, "{info}");
        let path = format!("/mnt/{volume}");
        for (node, other) in [("node01", "node02"), ("node02", "node03"), ("node03", "node01")] {
            assert!(lab.is_mounted(node, volume, &path));
            lab.carries(&path, node, other);
        }
        lab.is_healed(volume);
    }
    let info = lab.gluster("volume info chained");
    for arbiter in ["node03m:/glvol00/chained-1-arbiter (arbiter)", "node01m:/glvol00/chained-2-arbiter (arbiter)"] {
        assert!(info.contains(arbiter), "{info}");
    }
    lab.apply(&spec).exits(0).says("nothing to do");
}
