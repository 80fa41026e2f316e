//! The main job: from empty nodes to a mounted volume, and then nothing more to do.

use crate::harness::{Lab, PAIR};

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn empty_nodes_become_a_mounted_volume_and_a_second_apply_changes_nothing() {
    let lab = Lab::up(&["node01", "node02"]);
    let spec = lab.spec(&["node01", "node02"], PAIR);
    let traced = ["-vv", "--log-format", "json", "apply", "--yes", &spec];

    let first = lab.bricklayer(&traced);
    first.exits(0).says("as written");
    lab.has_the_pair();
    lab.has_no_lease();
    // What is shown to be missing below has to be seen here.
    assert!(first.traced().iter().any(|(level, command)| level == "INFO" && command.contains("volume create")));
    assert!(first.traced().iter().any(|(_, command)| command.starts_with("lease take")));

    let marks = || ["node01", "node02"].map(|node| lab.on(node, MARKS));
    let (journal, before) = (lab.journal(), marks());
    let second = lab.bricklayer(&traced);
    second.exits(0).says("nothing to do");
    assert!(!second.traced().is_empty(), "the trace tells of what was read");
    for (level, command) in second.traced() {
        assert!(level != "INFO" && !command.starts_with("lease"), "it ran {command}");
    }
    assert_eq!(lab.journal(), journal);
    assert_eq!(marks(), before);
}

/// What the nodes themselves keep of changes: glusterd's history of commands, the configuration with the times of its
/// files, when units were started, and when a lease was last taken or given back.
const MARKS: &str = "\
cat /var/log/glusterfs/cmd_history.log
find /var/lib/glusterd/vols /var/lib/glusterd/peers /etc/systemd/system /etc/hosts -type f -printf '%p %T@\\n' | sort
systemctl show -p ActiveEnterTimestampMonotonic glusterd.service data00.mount
stat -c %y /run/bricklayer";
