//! `state: absent`: removal is written, has to be allowed, and leaves the data where it is.

use crate::harness::{Lab, PAIR};

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn what_is_absent_goes_only_where_that_is_allowed_and_the_files_stay() {
    let lab = Lab::up(&["node01", "node02"]);
    let nodes = ["node01", "node02"];
    let spec = lab.spec(&nodes, PAIR);
    lab.apply(&spec).exits(0);
    lab.on("node01", "echo keep >/data00/kept");
    let volume_gone = PAIR.replace("    replica: 2", "    state: absent\n    replica: 2");

    // Under a mount the volume stays, whatever is allowed.
    let spec = lab.spec(&nodes, &volume_gone.replace("mounts:\n  data00: {volume: data00, path: /data00}\n", ""));
    let all = ["apply", "--yes", "--allow", "disruptive,destructive", &spec];
    lab.bricklayer(&all).exits(3).says("volume data00 is mounted on /data00 of node01");
    lab.has_the_pair();

    let spec = lab.spec(&nodes, &volume_gone.replace("path: /data00}", "path: /data00, state: absent}"));
    lab.apply(&spec).exits(3).says("--allow disruptive");
    lab.has_the_pair();

    lab.bricklayer(&["apply", "--yes", "--allow", "disruptive", &spec]).exits(3).says("--allow destructive");
    for node in nodes {
        assert!(!lab.is_mounted(node, "data00", "/data00"));
        lab.on(node, "test ! -e /etc/systemd/system/data00.mount");
    }
    assert!(lab.gluster("volume info data00").contains("Status: Stopped"));

    lab.bricklayer(&all).exits(0);
    assert!(lab.gluster("volume list 2>&1").contains("No volumes present"));
    for node in nodes {
        assert_eq!(lab.on(node, "cat /glvol00/brick/kept").trim(), "keep");
    }
    lab.apply(&spec).exits(0).says("nothing to do");
}
