//! What a failover costs: never an acknowledged row, and how many seconds, told by phase.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::harness::{Client, Lab, Phases, now, tell};

const NODES: [&str; 2] = ["node01", "node02"];
/// The service's address.
const VIP: &str = "192.168.7.99";
const SERVICE: &str = "service01";
/// How long the client inserts before something happens and after it is over.
const CALM: Duration = Duration::from_secs(3);
/// Longer is no failover. The goals are shorter and are told, because a machine that is busy does not reach them.
const BEARABLE: Duration = Duration::from_secs(60);

/// The tuned file on fresh nodes, with its service on node01.
fn deployed(nodes: &[&str], edits: &[(&str, &str)]) -> (Lab, String) {
    let lab = Lab::up(nodes);
    let spec = lab.spec_from("postgres-ha-tuned.yaml", edits);
    lab.apply(&spec).exits(0);
    lab.until_service_is_on("node01", SERVICE);
    (lab, spec)
}

/// Cuts the power of a node below a client that inserts, until `over` has come true, and tells what it cost.
#[track_caller]
fn cut(lab: &Lab, node: &str, goal: &str, over: impl Fn(SystemTime)) {
    let client = Client::start(lab, VIP);
    sleep(CALM);
    let failure = now();
    lab.lab(&["cut", node]).exits(0);
    over(failure);
    sleep(CALM);
    let log = client.stop();
    log.lost_nothing(lab, VIP);
    let gap = log.gap();
    assert!(gap.since >= failure - CALM, "the longest time without an answer has another cause");
    Phases::of(lab, if node == "node01" { "node02" } else { "node01" }, failure).tell(&gap);
    tell(&format!("{:.1} s without service; the goal is {goal}", gap.lasted.as_secs_f64()));
    assert!(gap.lasted < BEARABLE, "{:?} without service", gap.lasted);
}

/// Everything is as written again, and the service is at home.
#[track_caller]
fn is_whole_again(lab: &Lab, spec: &str) {
    lab.apply(spec).exits(0);
    lab.is_healed("data00");
    lab.until_service_is_on("node01", SERVICE);
    lab.bricklayer(&["status", spec]).exits(0);
    assert_eq!(lab.plan(spec).code, 0);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_power_cut_of_the_services_node_loses_no_row_and_the_service_comes_home_healed() {
    let (lab, spec) = deployed(&NODES, &[]);
    cut(&lab, "node01", "12 s", |_| lab.until_service_is_on("node02", SERVICE));
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_power_cut_of_the_other_replica_loses_no_row_and_moves_nothing() {
    let (lab, spec) = deployed(&NODES, &[]);
    cut(&lab, "node02", "8 s", |_| lab.until_fenced("node01", "node02"));
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    lab.until_booted("node02");
    is_whole_again(&lab, &spec);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn fencing_that_only_powers_off_is_enough() {
    let (lab, spec) = deployed(&NODES, &[]);
    lab.hypervisor("only-off");
    cut(&lab, "node02", "ping-timeout + 3 s", |_| lab.until_fenced("node01", "node02"));
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    lab.lab(&["boot", "node02"]).exits(0);
    is_whole_again(&lab, &spec);

    cut(&lab, "node01", "12 s, and what the agent waits for a node that does not come on", |_| {
        lab.until_service_is_on("node02", SERVICE);
    });
    lab.lab(&["boot", "node01"]).exits(0);
    is_whole_again(&lab, &spec);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn nothing_starts_elsewhere_while_fencing_fails() {
    let (lab, spec) = deployed(&NODES, &[]);
    lab.hypervisor("refuses");
    lab.on("node01", "kill -9 $(pgrep -x corosync)");
    lab.until("node02", "crm_mon -1 --output-as=xml | grep -q 'fence_event.*status=.failed'");
    // The lost node may still write; nobody else may.
    assert_eq!(lab.owner("node02", SERVICE), None);
    assert!(!lab.is_mounted("node02", "data00", "/gldata00"), "two nodes have the files of one database");
    lab.bricklayer(&["status", &spec]).exits(2);

    lab.hypervisor("works");
    lab.until_service_is_on("node02", SERVICE);
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
}

/// A third node that has the arbiter's brick and a vote, and never the service.
const ARBITER: [(&str, &str); 4] = [
    (
        "\n\ncorosync:",
        "\n  node03: {id: 3, addresses: {management: 192.168.8.13, cluster: node03h, storage: node03m}}\n\ncorosync:",
    ),
    ("replica: 2", "replica: 3\n    arbiter: 1"),
    ("node02:/glvol00/brick]", "node02:/glvol00/brick, node03:/glvol00/brick]"),
    ("node02: RHCSvm02-gluster}", "node02: RHCSvm02-gluster, node03: RHCSvm03-gluster}"),
];

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn with_an_arbiter_a_power_cut_of_any_node_loses_no_row() {
    let (lab, spec) = deployed(&["node01", "node02", "node03"], &ARBITER);
    cut(&lab, "node01", "12 s", |_| lab.until_service_is_on("node02", SERVICE));
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
    cut(&lab, "node03", "8 s", |_| lab.until_fenced("node01", "node03"));
    lab.until_booted("node03");
    is_whole_again(&lab, &spec);
}
