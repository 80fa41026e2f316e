//! What the tests of partitions can see: with slow fencing, a partition loses nothing while the ping-timeout keeps its
//! bound, and rows as soon as it does not; and what becomes of the copies then. `tests/soak/partition` runs it.

use std::thread::sleep;
use std::time::Duration;

use crate::failover::{NODES, SERVICE, VIP, deployed, is_whole_again};
use crate::harness::Lab;
use crate::partition::{cut_between, mend, started};

/// So slow that a client gives up the silent brick before its node is off, if the ping-timeout lets it.
const SLOW: [(&str, &str); 1] = [("username: root}", "username: root, pcmk_delay_base: 5s}")];

/// How many rows are lost when node01 serves, is cut off, and is fenced.
fn lost(lab: &Lab) -> usize {
    lab.hide_hypervisor("node01");
    let log = cut_between(lab, "node02", |_| lab.until_service_is_on("node02", SERVICE));
    let lost = log.lost(lab, VIP);
    assert!(!lost.contains(&1), "the database does not answer");
    lost.len()
}

/// Has clients give up a silent brick too early.
fn hurry(lab: &Lab, spec: &str) {
    lab.gluster("volume set data00 network.ping-timeout 3");
    // A client keeps the one that it began with.
    lab.bricklayer(&["service", "restart", SERVICE, spec]).exits(0);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_ping_timeout_below_its_bound_loses_rows_that_were_acknowledged() {
    let (lab, spec) = deployed(&NODES, &SLOW);
    assert_eq!(lost(&lab), 0, "the ping-timeout that follows from the file is long enough");
    lab.until_booted("node01");
    lab.show_hypervisor("node01");
    mend(&lab, &spec, "node02");

    // No file may say so: `validate` refuses it.
    hurry(&lab, &spec);
    let lost = lost(&lab);
    assert!(lost > 10, "{lost} rows are lost, and it was to be seen that there are many");
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn torn_copies_are_kept_apart_and_one_of_them_is_given_up_while_the_service_runs() {
    let (lab, spec) = deployed(&NODES, &SLOW);
    hurry(&lab, &spec);
    lab.hide_hypervisor("node01");
    cut_between(&lab, "node02", |_| lab.until_service_is_on("node02", SERVICE));
    lab.until_booted("node01");
    lab.show_hypervisor("node01");
    let since = started(&lab);
    lab.lab(&["link", "node02", "up", "storage", "cluster"]).exits(0);

    sleep(LOOKED_AT);
    lab.on("node01", "! systemctl is-active --quiet glusterd");
    lab.on("node01", "journalctl -u glusterd -b | grep -q 'volume data00 is torn'");
    lab.bricklayer(&["status", &spec]).exits(2).says("each copy of volume data00 misses something that the other has");
    lab.bricklayer(&["plan", &spec]).says("the copies of volume data00 are torn");
    assert_eq!(started(&lab), since, "the database has not been disturbed");

    let recover = ["service", "recover", SERVICE, "--from", "node02", &spec];
    lab.bricklayer(&recover).exits(1).says("--give-up node01");
    lab.bricklayer(&[&recover[..], &["--give-up", "node01"]].concat()).exits(0).says("started on node02");
    assert_eq!(started(&lab), since);
    lab.on("node01", "rm -rf /glvol00/brick");
    is_whole_again(&lab, &spec);
}

/// By then a node that has come back serves its bricks, if it may.
const LOOKED_AT: Duration = Duration::from_secs(25);
