//! Failovers that take longer than a gate should: fencing that only powers off, that fails, and a third node with a
//! brick. `tests/soak/failover` runs them.

use std::thread::sleep;
use std::time::Duration;

use crate::failover::{CALM, NODES, SERVICE, VIP, cut, deployed, is_whole_again};
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

/// A look of Pacemaker's, and a start.
const RESTART: Duration = Duration::from_secs(60);

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

/// Deploys the tuned file with a third brick, and with these edits.
fn deployed_on_three(edits: &[(&str, &str)]) -> (Lab, String) {
    deployed(&["node01", "node02", "node03"], &[&THIRD[..], edits].concat())
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn with_an_arbiter_a_power_cut_of_any_node_loses_no_row() {
    let (lab, spec) = deployed_on_three(&[("replica: 2", "replica: 3\n    arbiter: 1")]);
    cut(&lab, "node01", "12 s", |_| lab.until_service_is_on("node02", SERVICE));
    lab.until_booted("node01");
    is_whole_again(&lab, &spec);
    cut(&lab, "node03", "8 s", |_| lab.until_fenced("node01", "node03"));
    lab.until_booted("node03");
    is_whole_again(&lab, &spec);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn with_three_full_copies_neither_a_power_cut_nor_a_crash_after_it_loses_a_row() {
    let stays = ("failback: true", "failback: false");
    let (lab, spec) = deployed_on_three(&[("replica: 2", "replica: 3"), stays]);
    cut(&lab, "node01", "18 s", |_| lab.until_service_is_on("node02", SERVICE));

    // Its files were made durable for the server, and are again when one of its processes has died: it does not recover
    // by itself, and is started anew.
    let asks = |question: &str| format!("runuser -u postgres -- psql -XAtc '{question}'");
    assert_eq!(lab.on("node02", &asks("SHOW recovery_init_sync_method")).trim(), "syncfs");
    let client = Client::start(&lab, VIP);
    sleep(CALM);
    let server = "head -n 1 /gldata00/pgsql/postmaster.pid";
    let first = lab.on("node02", server).trim().to_owned();
    lab.on("node02", "kill -9 $(pgrep -f '[p]ostgres: checkpointer')");
    let another = format!("[ \"$({server})\" != {first} ] && {}", asks("SELECT 1"));
    lab.until_within(RESTART, "node02", &another);
    sleep(CALM);
    client.stop().lost_nothing(&lab, VIP);

    lab.until_booted("node01");
    lab.apply(&spec).exits(0);
    lab.is_healed("data00");
    assert_eq!(lab.owner("node02", SERVICE).as_deref(), Some("node02"));
}
