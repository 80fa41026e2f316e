//! `watch` on real daemons: what drifts is mended, what is edited is done, and otherwise nothing is run but reads.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Lab, PAIR, Running, tell};

const NODES: [&str; 2] = ["node01", "node02"];

/// A pair that is as written, with its file.
fn deployed() -> (Lab, String) {
    let lab = Lab::up(&NODES);
    let spec = lab.spec(&NODES, PAIR);
    lab.apply(&spec).exits(0);
    (lab, spec)
}

fn watch(lab: &Lab, spec: &str) -> Running {
    lab.start(&["watch", "--interval", "3s", spec])
}

/// A drift, made on a node, and what is true on that node once it is mended.
const DRIFTS: [(&str, &str, &str); 3] = [
    (
        "node01",
        "gluster --mode=script volume set data00 network.ping-timeout 30",
        "gluster volume get data00 network.ping-timeout | grep -qw 7",
    ),
    (
        "node02",
        "kill -9 $(cat /run/gluster/vols/data00/node02m-glvol00-brick.pid)",
        "kill -0 $(cat /run/gluster/vols/data00/node02m-glvol00-brick.pid)",
    ),
    ("node01", "gluster --mode=script volume stop data00", "gluster volume info data00 | grep -q 'Status: Started'"),
];

/// How long it took until it was mended.
#[track_caller]
fn mended(lab: &Lab, (node, drift, mended): (&str, &str, &str)) -> Duration {
    lab.on(node, drift);
    let start = Instant::now();
    lab.until(node, mended);
    start.elapsed()
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn watch_mends_what_drifts_does_what_is_edited_and_otherwise_only_looks() {
    let (lab, spec) = deployed();
    let watch = watch(&lab, &spec);

    let changes = lab.journal().len();
    sleep(Duration::from_secs(8));
    assert_eq!(lab.journal().len(), changes, "nothing differed, and something was run");
    lab.has_no_lease();

    for drift in DRIFTS {
        tell(&format!("{}: mended after {:.1?}", drift.1, mended(&lab, drift)));
    }
    lab.until("node01", "gluster volume heal data00 info | grep -c 'Number of entries: 0' | grep -qx 2");
    lab.has_the_pair();

    let start = Instant::now();
    lab.spec(&NODES, &PAIR.replace(": 7}", ": 9}"));
    lab.until("node01", "gluster volume get data00 network.ping-timeout | grep -qw 9");
    tell(&format!("an edited file: done after {:.1?}", start.elapsed()));

    // A file that cannot be used changes nothing: the last good one holds.
    lab.spec_of("nodes: [\n");
    sleep(Duration::from_secs(2));
    lab.gluster("volume set data00 network.ping-timeout 30");
    lab.until("node01", "gluster volume get data00 network.ping-timeout | grep -qw 9");

    watch.signal("TERM");
    watch.end().exits(0).says("lab.yaml");
    lab.has_no_lease();
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_watch_that_is_killed_and_started_again_reaches_the_same_end() {
    let (lab, spec) = deployed();
    for (round, drift) in DRIFTS.into_iter().enumerate() {
        lab.on(drift.0, drift.1);
        let first = watch(&lab, &spec);
        // Somewhere between its first look and its last step.
        sleep(Duration::from_millis(300 + 450 * round as u64));
        first.signal("KILL");
        first.end().exits(137);
        let second = watch(&lab, &spec);
        lab.until(drift.0, drift.2);
        // What is told as settled is settled: a last apply finds nothing.
        lab.until("node01", "gluster volume heal data00 info | grep -c 'Number of entries: 0' | grep -qx 2");
        second.signal("TERM");
        second.end().exits(0);
        lab.bricklayer(&["plan", &spec]).exits(0);
    }
    lab.has_the_pair();
}
