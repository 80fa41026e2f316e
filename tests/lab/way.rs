//! The way to the nodes: a host that is not there, and one that is not who it should be.

use crate::harness::{Lab, PAIR};

/// Whether anybody has logged in on a node.
const LOGINS: &str = "journalctl -q -u ssh | grep Accepted";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn on_nodes_with_another_host_key_nothing_is_run() {
    let lab = Lab::up(&["node01", "node02"]);
    // Each node has the other's key.
    let known = std::fs::read_to_string(lab.ssh().join("known_hosts")).expect("the lab wrote it");
    let swapped = known.replace("node01", "node0x").replace("node02", "node01").replace("node0x", "node02");
    let swapped = swapped.replace(".11,", ".1x,").replace(".12,", ".11,").replace(".1x,", ".12,");
    assert_ne!(swapped, known);
    std::fs::write(lab.ssh().join("swapped"), swapped).expect("the lab is ours");
    std::fs::write(lab.ssh().join("empty"), "").expect("the lab is ours");
    let body = format!("nodes: {{node01: {{}}, node02: {{}}}}\n{PAIR}");

    let spec = lab.spec_with_keys("swapped", &body);
    let changed = "the key of node02 is not the one in known_hosts";
    lab.bricklayer(&["plan", &spec]).exits(3).says(changed);
    lab.apply(&spec).exits(3).says(changed);
    let spec = lab.spec_with_keys("empty", &body);
    lab.apply(&spec).exits(3).says("no key of node01 is in known_hosts");

    assert!(lab.journal().is_empty());
    for node in ["node01", "node02"] {
        assert_eq!(lab.try_on(node, "systemctl is-active glusterd").stdout.trim(), "inactive");
        lab.on(node, &format!("! {LOGINS}"));
        // Had there been a login, it would have been seen.
        lab.lab(&["ssh", node, "true"]).exits(0);
        lab.until(node, LOGINS);
    }
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_host_that_is_not_there_holds_what_needs_it_and_nothing_else() {
    let lab = Lab::up(&["node01"]);
    let nodes =
        "node01: {addresses: {storage: node01m}}, node02: {addresses: {management: 192.168.8.99, storage: node02m}}";
    let spec = lab.spec_of(&format!("nodes: {{{nodes}}}\n{PAIR}"));
    let held = "look at node node02 held: cannot be reached";
    lab.bricklayer(&["plan", &spec]).exits(2).says(held);
    lab.apply(&spec).exits(3).says(held);
    assert_eq!(lab.on("node01", "systemctl is-active glusterd").trim(), "active");
    assert!(lab.gluster("volume list 2>&1").contains("No volumes present"));
}
