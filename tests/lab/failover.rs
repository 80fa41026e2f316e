//! What a failover costs: never an acknowledged row, and how many seconds, told by phase.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::harness::{Client, Lab, Phases, now, tell};

pub const NODES: [&str; 2] = ["node01", "node02"];
/// The service's address.
pub const VIP: &str = "192.168.7.99";
/// Its name.
pub const SERVICE: &str = "service01";
/// How long the client inserts before something happens and after it is over.
pub const CALM: Duration = Duration::from_secs(3);
/// Longer is no failover. The goals are shorter and are told, because a machine that is busy does not reach them.
pub const BEARABLE: Duration = Duration::from_secs(60);

/// The tuned file on fresh nodes, with its service on node01.
pub fn deployed(nodes: &[&str], edits: &[(&str, &str)]) -> (Lab, String) {
    let lab = Lab::up(nodes);
    let spec = lab.spec_from("postgres-ha-tuned.yaml", edits);
    lab.apply(&spec).exits(0);
    lab.until_service_is_on("node01", SERVICE);
    (lab, spec)
}

/// Cuts the power of a node below a client that inserts, until `over` has come true, and tells what it cost: gives how
/// long the client had no answer.
#[track_caller]
pub fn cut(lab: &Lab, node: &str, goal: &str, over: impl Fn(SystemTime)) -> Duration {
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
    gap.lasted
}

/// The nodes' own logs tell of the power cut of node01 as the client has seen it.
#[track_caller]
fn is_told(lab: &Lab, spec: &str, without: Duration) {
    tell(&lab.bricklayer(&["status", "--history", spec]).exits(0).stdout);
    let past = lab.bricklayer(&["status", "--history", "-o", "json", spec]).exits(0).stdout.clone();
    let past: serde_json::Value = serde_json::from_str(&past).expect("a history is JSON");
    let absence = &past["absences"][0];
    let moments = ["failedAt", "lostAt", "onAt", "memberAt"].map(|name| absence[name].as_str().unwrap_or_default());
    assert!(moments.is_sorted() && !moments[0].is_empty(), "{past:#}");
    assert_eq!((&absence["node"], &absence["fencing"][0]["outcome"]), (&"node01".into(), &"OK (complete)".into()));
    assert!(absence["heals"][0]["entries"].as_u64().is_some_and(|entries| entries > 0), "{past:#}");
    assert_eq!(absence["takenBack"][0]["to"], "node01");
    let told = Duration::from_millis(absence["services"][0]["downMs"].as_u64().expect("it is up again"));
    // The last sign of life is the last line in a journal, which gets one every five seconds or more often.
    assert!(
        told.abs_diff(without) < Duration::from_secs(7),
        "told are {told:?} without service, seen were {without:?}"
    );
}

/// Everything is as written again, and the service is at home.
#[track_caller]
pub fn is_whole_again(lab: &Lab, spec: &str) {
    lab.apply(spec).exits(0);
    lab.is_healed("data00");
    lab.until_service_is_on("node01", SERVICE);
    // All that is left to say is that nobody has tested the fencing.
    let status = lab.bricklayer(&["status", "-o", "json", spec]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("a status is JSON");
    let because = status["because"].as_array().expect("a status says why");
    assert!(because.iter().all(|why| why.as_str().is_some_and(|why| why.contains("was never tested"))), "{because:?}");
    assert_eq!(lab.plan(spec).code, 0);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_power_cut_of_the_services_node_loses_no_row_and_the_service_comes_home_healed() {
    let (lab, spec) = deployed(&NODES, &[]);
    let without = cut(&lab, "node01", "12 s", |_| lab.until_service_is_on("node02", SERVICE));
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
    is_told(&lab, &spec, without);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_power_cut_of_the_other_replica_loses_no_row_and_moves_nothing() {
    let (lab, spec) = deployed(&NODES, &[]);
    for node in ["node02", "node01"] {
        lab.bricklayer(&["fence", "test", node, "--yes", &spec]).exits(0).says("and is back");
        is_whole_again(&lab, &spec);
    }
    lab.bricklayer(&["status", &spec]).exits(0);
    // It was fenced before, for the tests.
    cut(&lab, "node02", "8 s", |_| lab.until_lost("node01", "node02"));
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    lab.until_booted("node02");
    is_whole_again(&lab, &spec);
}
