//! Two bricklayers at once: the lease lets one work at a time.

use crate::harness::{Lab, PAIR};

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn of_two_applies_at_once_one_works_and_the_other_finds_it_done() {
    let lab = Lab::up(&["node01", "node02"]);
    let spec = lab.spec(&["node01", "node02"], PAIR);
    // Two people, each with a state folder of their own.
    let states = ["one", "other"].map(|state| lab.path(state));
    let start = |state: &String| lab.start(&["apply", "--yes", "--state-dir", state, &spec]);
    let runs = states.each_ref().map(start);
    for run in runs {
        run.end().exits(0);
    }
    lab.has_the_pair();
    lab.has_no_lease();

    let mut journals = states.each_ref().map(|state| lab.journal_in(state));
    journals.sort_by_key(Vec::len);
    assert!(journals[0].is_empty() && !journals[1].is_empty(), "both have worked: {journals:#?}");
    for verb in ["volume create", "volume start", "peer probe node02m"] {
        let count = |node| lab.on(node, &format!("grep -c ': {verb}' /var/log/glusterfs/cmd_history.log || :"));
        let counts = ["node01", "node02"].map(count);
        assert_eq!(counts.iter().filter_map(|count| count.trim().parse::<u32>().ok()).sum::<u32>(), 1, "{verb}");
    }

    // One that vanished on another machine, as far as anybody can tell, keeps its lease until it lapses.
    lab.gluster("volume set data00 network.ping-timeout 30");
    let lapses = "read -r up _ </proc/uptime && printf 'elsewhere:1\\t%s\\n' $((${up%.*} + 12)) >/run/bricklayer/lease";
    lab.on("node02", lapses);
    let waited = lab.apply(&spec);
    waited.exits(0).says("another bricklayer is at work on node02: elsewhere:1");
    assert!(waited.seconds > 8.0, "it did not wait");
    lab.has_the_pair();
}
