//! A quorum device against what the real one printed, and through what it is there for.

use super::*;

const CONF: &str = "/etc/corosync/corosync.conf";

/// The file of the samples with a device in it.
fn conf() -> String {
    let device = "expected_votes: 3\n\tdevice {\n\t\tmodel: net\n\t\tvotes: 1\n\t\tnet {\n\t\t\thost: admin\n\t\t\t\
                  algorithm: ffsplit\n\t\t\ttls: off\n\t\t}\n\t}\n";
    sample("71-configured-off/corosync.conf").replace("two_node: 1", &format!("wait_for_all: 1\n\t{device}"))
}

fn write(sim: &Simulated, text: &str) {
    for name in NODES {
        sim.world().node_mut(&node(name)).put(CONF, text, "644");
    }
}

/// The two nodes as members with a device.
fn with_device() -> Simulated {
    let sim = prepared();
    write(&sim, &conf());
    for name in NODES {
        sure(&sim, name, "install-packages", &["debian", "corosync-qdevice"]);
        sure(&sim, name, "systemctl", &["enable", "--now", "corosync", "corosync-qdevice", "pacemaker"]);
    }
    sim.advance(Duration::from_secs(5));
    sim
}

fn quorum(sim: &Simulated, at: &str) -> (i32, String) {
    let output = sim.by_hand(&node(at), "corosync-quorumtool", &["-s", "-p"]);
    (output.status, lasting(&output.stdout))
}

fn real(name: &str) -> String {
    lasting(&sample(name))
}

/// What is printed, without what is another in each run.
fn lasting(printed: &str) -> String {
    let changing = ["Date:", "Ring ID:", "Node ID:"];
    let lines = printed.lines().filter(|line| !changing.iter().any(|key| line.starts_with(key)));
    lines.fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn votes(sim: &Simulated, at: &str) -> bool {
    sure(sim, at, "corosync-qdevice-tool", &["-sv"]).stdout.contains("Yes (cast vote)")
}

#[test]
fn a_device_votes_is_lost_and_is_stopped_as_the_real_one() {
    let sim = with_device();
    assert_eq!(quorum(&sim, "node01"), (0, real("92-quorum-device/corosync-quorumtool")));
    sim.world().qnetd_off = true;
    assert_eq!(quorum(&sim, "node01"), (0, real("93-quorum-device-lost/corosync-quorumtool")));
    sure(&sim, "node01", "systemctl", &["stop", "corosync-qdevice"]);
    let off = sim.by_hand(&node("node01"), "corosync-qdevice-tool", &["-sv"]);
    assert_eq!(off.status, 3);
    sim.world().qnetd_off = false;
    assert_eq!(quorum(&sim, "node01").1, real("94-quorum-device-taken-out/corosync-quorumtool-one-stopped"));
}

#[test]
fn one_of_two_nodes_goes_on_and_one_that_boots_alone_waits() {
    let sim = with_device();
    sim.world().cut_power(&node("node02"), None);
    sim.advance(Duration::from_secs(12));
    assert_eq!(quorum(&sim, "node01"), (0, real("93-quorum-device-lost/corosync-quorumtool-alone")));
    sim.world().cut_power(&node("node01"), None);
    sim.world().boot(&node("node02"));
    sim.advance(Duration::from_secs(12));
    assert!(votes(&sim, "node02"));
    assert_eq!(quorum(&sim, "node02").0, 2, "it would serve what is stale");
    sim.world().boot(&node("node01"));
    sim.advance(Duration::from_secs(5));
    assert_eq!(quorum(&sim, "node02").0, 0);
}

#[test]
fn of_two_halves_one_has_the_vote() {
    let sim = with_device();
    sim.world().cut_link(&node("node01"), &node("node02"), None);
    sim.advance(Duration::from_secs(12));
    assert_eq!(NODES.map(|name| quorum(&sim, name).0), [0, 2]);
}

#[test]
fn a_daemon_fails_with_a_file_that_has_no_device_and_returns_with_corosync() {
    let sim = with_device();
    sure(&sim, "node01", "systemctl", &["restart", "corosync.service", "pacemaker.service"]);
    assert_eq!(sure(&sim, "node01", "systemctl", &["is-active", "corosync-qdevice"]).stdout, "active\n");
    write(&sim, &sample("71-configured-off/corosync.conf"));
    sure(&sim, "node01", "corosync-cfgtool", &["-R"]);
    let state = sim.by_hand(&node("node01"), "systemctl", &["is-active", "corosync-qdevice"]);
    assert_eq!(state.stdout, "failed\n");
    assert_eq!(sim.by_hand(&node("node01"), "systemctl", &["start", "corosync-qdevice"]).status, 1);
}
