//! Failovers that take longer than a gate should: fencing that only powers off, that fails, and a third node with a
//! brick. `tests/soak/failover` runs them.

use std::time::Duration;

use crate::failover::{NODES, SERVICE, VIP, cut, deployed, is_whole_again};
use crate::harness::{Client, Lab};

/// The agent may try for as long as it takes a node that does not come on again.
const FENCING_FAILS: Duration = Duration::from_secs(400);

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn fencing_that_only_powers_off_is_enough_where_it_is_known_in_time() {
    let (lab, spec) = deployed(&NODES, &[]);
    lab.hypervisor("only-off");
    cut(&lab, "node02", "ping-timeout + 3 s", |_| lab.until_fenced("node01", "node02"));
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    lab.lab(&["boot", "node02"]).exits(0);
    is_whole_again(&lab, &spec);

    // The agent waits for a node that does not come on, longer than the lost one would have waited for its sibling.
    lab.lab(&["cut", "node01"]).exits(0);
    lab.until_fenced("node02", "node01");
    lab.bricklayer(&["status", &spec]).exits(2).says("service recover");
    assert!(!lab.is_mounted("node02", "data00", "/gldata00"));
    lab.lab(&["boot", "node01"]).exits(0);
    is_whole_again(&lab, &spec);

    // Who would rather wait, in the other cases, says so.
    let patient = lab.spec_from("postgres-ha-tuned.yaml", &[PATIENT]);
    lab.apply(&patient).exits(0);
    cut(&lab, "node01", "12 s, and what the agent waits for a node that does not come on", |_| {
        lab.until_service_is_on("node02", SERVICE);
    });
    lab.lab(&["boot", "node01"]).exits(0);
    is_whole_again(&lab, &patient);
}

/// Clients that wait for longer than the agent does.
const PATIENT: (&str, &str) = ("profile: db-workload", "profile: db-workload\n    options: {network.ping-timeout: 40}");

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn nothing_starts_elsewhere_while_fencing_fails() {
    let (lab, spec) = deployed(&NODES, &[]);
    let client = Client::start(&lab, VIP);
    lab.hypervisor("refuses");
    lab.on("node01", "kill -9 $(pgrep -x corosync)");
    lab.until_within(FENCING_FAILS, "node02", "crm_mon -1 --output-as=xml | grep -q 'fence_event.*status=.failed'");
    // The lost node may still write; nobody else may.
    assert_eq!(lab.owner("node02", SERVICE), None);
    assert!(!lab.is_mounted("node02", "data00", "/gldata00"), "two nodes have the files of one database");
    lab.bricklayer(&["status", &spec]).exits(2);

    // Where it goes on depends on how long that took: fenced later than its clients would have waited for the other node,
    // it may have written alone, and then nothing starts before it is heard again.
    lab.hypervisor("works");
    lab.until_fenced("node02", "node01");
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
    client.stop().lost_nothing(&lab, VIP);
}

/// A third node that has a brick and a vote, and never the service.
const THIRD: [(&str, &str); 3] = [
    (
        "\n\ncorosync:",
        "\n  node03: {id: 3, addresses: {management: 192.168.8.13, cluster: node03h, storage: node03m}}\n\ncorosync:",
    ),
    ("node02:/glvol00/brick]", "node02:/glvol00/brick, node03:/glvol00/brick]"),
    ("node02: RHCSvm02-gluster}", "node02: RHCSvm02-gluster, node03: RHCSvm03-gluster}"),
];

/// Deploys the tuned file with a third brick, in a volume of `shape`.
fn deployed_on_three(shape: &str) -> (Lab, String) {
    let edits = [&THIRD[..], &[("replica: 2", shape)]].concat();
    deployed(&["node01", "node02", "node03"], &edits)
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn with_an_arbiter_a_power_cut_of_any_node_loses_no_row() {
    let (lab, spec) = deployed_on_three("replica: 3\n    arbiter: 1");
    cut(&lab, "node01", "12 s", |_| lab.until_service_is_on("node02", SERVICE));
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
    cut(&lab, "node03", "8 s", |_| lab.until_fenced("node01", "node03"));
    lab.until_booted("node03");
    is_whole_again(&lab, &spec);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn with_three_full_copies_a_power_cut_loses_no_row() {
    let (lab, spec) = deployed_on_three("replica: 3");
    cut(&lab, "node01", "12 s", |_| lab.until_service_is_on("node02", SERVICE));
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
}
