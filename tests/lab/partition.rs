//! The network between two nodes is cut while both live, and clients and the hypervisor reach either: each takes the
//! other for lost. One of them is fenced, and until it is off only the one that served has the database.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::failover::{CALM, NODES, SERVICE, VIP, deployed, is_whole_again};
use crate::harness::{Client, Lab, Log, Phases, now, tell};

/// How long a node that comes back to a network that is still cut is watched.
const ALONE: Duration = Duration::from_secs(8);
/// Longer than the ping-timeout of the file, 12 s: who serves goes on without the other.
const HANGS: Duration = Duration::from_secs(20);

/// Cuts the network below a client that inserts, and tells what it cost until `over` has come true. The cables are
/// pulled at `winner`: who is fenced comes back with its own in place, and to a network that is still cut.
#[track_caller]
pub fn cut_between(lab: &Lab, winner: &str, over: impl FnOnce(SystemTime)) -> Log {
    let client = Client::start(lab, VIP);
    sleep(CALM);
    let failure = now();
    lab.never_two_owners(|| {
        lab.lab(&["link", winner, "down", "storage", "cluster"]).exits(0);
        over(failure);
        sleep(CALM);
    });
    let log = client.stop();
    let gap = log.gap();
    Phases::of(lab, winner, failure).tell(&gap);
    log
}

/// Plugs the cables in again, and waits until all is as written.
#[track_caller]
pub fn mend(lab: &Lab, spec: &str, winner: &str) {
    lab.lab(&["link", winner, "up", "storage", "cluster"]).exits(0);
    is_whole_again(lab, spec);
}

/// When the database was started, which a service that moves cannot hide.
pub fn started(lab: &Lab) -> String {
    lab.psql(VIP, "SELECT pg_postmaster_start_time()")
}

/// Asserts that a node that was fenced comes back, and neither starts anything nor fences who it does not see.
#[track_caller]
fn waits_alone(lab: &Lab, node: &str, other: &str) {
    lab.until_booted(node);
    lab.never_two_owners(|| sleep(ALONE));
    assert!(!lab.has_files(node), "{node} has the files, and sees nobody");
    assert_eq!(lab.owner(other, SERVICE).as_deref(), Some(other));
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn in_a_partition_the_node_that_serves_wins_and_its_service_never_moves() {
    let (lab, spec) = deployed(&NODES, &[]);
    let since = started(&lab);
    let log = cut_between(&lab, "node01", |_| lab.until_fenced("node01", "node02"));
    log.lost_nothing(&lab, VIP);
    waits_alone(&lab, "node02", "node01");
    mend(&lab, &spec, "node01");
    assert_eq!(started(&lab), since);
    log.lost_nothing(&lab, VIP);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn in_a_partition_that_the_node_that_serves_loses_no_row_is_lost() {
    let (lab, spec) = deployed(&NODES, &[]);
    lab.hide_hypervisor("node01");
    let log = cut_between(&lab, "node02", |_| lab.until_service_is_on("node02", SERVICE));
    log.lost_nothing(&lab, VIP);
    waits_alone(&lab, "node01", "node02");
    lab.show_hypervisor("node01");
    mend(&lab, &spec, "node02");
    log.lost_nothing(&lab, VIP);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn in_a_partition_nothing_starts_elsewhere_while_fencing_hangs_nor_when_it_came_too_late() {
    let (lab, spec) = deployed(&NODES, &[]);
    let since = started(&lab);
    // Long after the ping-timeout the node that serves wins, and has lost nothing meanwhile.
    lab.hide_hypervisor("node02");
    lab.hypervisor("hangs");
    let log = cut_between(&lab, "node01", |_| {
        goes_on_alone(&lab);
        lab.until_fenced("node01", "node02");
    });
    tell(&format!("{:.1} s without service", log.gap().lasted.as_secs_f64()));
    log.lost_nothing(&lab, VIP);
    lab.until_booted("node02");
    lab.show_hypervisor("node02");
    mend(&lab, &spec, "node01");
    assert_eq!(started(&lab), since);

    // The other one wins: what was acknowledged after the ping-timeout lies on the copy of who was fenced alone.
    lab.hide_hypervisor("node01");
    lab.hypervisor("hangs");
    let log = cut_between(&lab, "node02", |_| {
        goes_on_alone(&lab);
        lab.until_fenced("node02", "node01");
        sleep(ALONE);
        assert!(!lab.has_files("node02"), "node02 serves a copy that misses what node01 acknowledged");
    });
    lab.bricklayer(&["status", &spec]).exits(2).says("or may lack it, and node01 is not here");
    lab.until_booted("node01");
    lab.show_hypervisor("node01");
    mend(&lab, &spec, "node02");
    log.lost_nothing(&lab, VIP);
}

/// Waits until who serves has given up the other one, and writes alone.
#[track_caller]
fn goes_on_alone(lab: &Lab) {
    sleep(HANGS);
    assert!(lab.has_files("node01") && !lab.has_files("node02"));
    lab.psql(VIP, "CREATE TABLE goes_on AS SELECT now(); DROP TABLE goes_on");
    lab.hypervisor("works");
}
