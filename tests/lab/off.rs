//! A node without power: unknown, which is neither absent nor well.

use crate::harness::{Lab, PAIR};

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_node_that_is_switched_off_is_unknown_and_comes_back_healed() {
    let lab = Lab::up(&["node01", "node02"]);
    let spec = lab.spec(&["node01", "node02"], PAIR);
    lab.apply(&spec).exits(0);
    lab.has_the_pair();

    lab.lab(&["cut", "node02"]).exits(0);
    lab.on("node01", "for i in $(seq 30); do echo $i >/data00/while-off-$i; done");
    let marks = || lab.on("node01", "cat /var/log/glusterfs/cmd_history.log; gluster volume info");
    let (journal, before) = (lab.journal(), marks());

    lab.bricklayer(&["plan", &spec]).exits(3).says("look at node node02 held: cannot be reached");
    let plan = lab.plan(&spec);
    assert_eq!((plan.ids("run"), plan.ids("held")), (vec![], vec!["node/node02/look"]));
    let applied = lab.bricklayer(&["apply", "--yes", "--allow", "disruptive,destructive", &spec]);
    applied.exits(3).says("look at node node02 held: cannot be reached");
    lab.bricklayer(&["status", &spec]).exits(2).says("node02 does not answer");
    assert_eq!(lab.journal(), journal, "something was run");
    assert_eq!(marks(), before);

    lab.lab(&["boot", "node02"]).exits(0);
    lab.apply(&spec).exits(0);
    lab.is_healed("data00");
    let files = "cd /glvol00/brick && cat $(ls while-off-* | sort -V) | sha256sum";
    assert_eq!(lab.on("node01", files), lab.on("node02", files));
    assert_eq!(lab.on("node02", "ls /glvol00/brick | grep -c while-off").trim(), "30");
    lab.has_the_pair();
    lab.bricklayer(&["status", &spec]).exits(0);
}
