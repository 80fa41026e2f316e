//! The article of 2011, step by step, from empty nodes: a highly available database on a replicated volume, the node
//! that runs it lost, and brought back.

use crate::harness::{Client, Lab, Phases, now};

const NODES: [&str; 2] = ["node01", "node02"];
/// The service's address.
const VIP: &str = "192.168.7.99";
const SERVICE: &str = "service01";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn the_article_from_empty_nodes_to_the_service_taken_back() {
    let lab = Lab::up(&NODES);
    let spec = lab.spec_from("postgres-ha.yaml", &[]);
    // The key lies on the nodes before: the file names it where it is.
    for node in NODES {
        lab.place_fence_key(node);
    }

    // The nodes become a cluster with a service that nobody has started yet.
    lab.apply(&spec).exits(0);
    // Degraded, because nobody has seen the fence device work yet.
    lab.bricklayer(&["status", &spec]).exits(2).says("service01 (none) stopped");
    assert_eq!(lab.owner("node01", SERVICE), None);

    // clusvcadm -e service01
    lab.bricklayer(&["service", "enable", SERVICE, &spec]).exits(0).says("started");
    // Both nodes are equally good, and the article's service came up on node01.
    if lab.owner("node01", SERVICE).as_deref() != Some("node01") {
        lab.bricklayer(&["service", "relocate", SERVICE, "--to", "node01", &spec]).exits(0);
    }
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    assert!(lab.is_mounted("node01", "data00", "/gldata00"), "the service has its files");
    // su - postgres -c "psql -l"
    assert_eq!(lab.databases(VIP), ["postgres", "template0", "template1"]);
    assert_eq!(lab.plan(&spec).code, 0);

    // pkill -9 corosync
    let client = Client::start(&lab, VIP);
    let failure = now();
    lab.on("node01", "kill -9 $(pgrep -x corosync)");
    lab.until_service_is_on("node02", SERVICE);
    lab.until_fenced("node02", "node01");
    let log = client.stop();
    log.lost_nothing(&lab, VIP);
    Phases::of(&lab, "node02", failure).tell(&log.gap());
    assert!(lab.is_mounted("node02", "data00", "/gldata00"), "the service has its files");

    // createdb testdb
    lab.psql(VIP, "CREATE DATABASE testdb");

    // The node has been rebooted by the fence; what the article does by hand is one command.
    lab.until_booted("node01");
    lab.apply(&spec).exits(0);
    lab.is_healed("data00");
    // Nothing went home by itself.
    lab.bricklayer(&["status", &spec]).says("service01 node02 started");
    assert_eq!(lab.owner("node02", SERVICE).as_deref(), Some("node02"));

    // clusvcadm -r service01 -m node01h
    lab.bricklayer(&["service", "relocate", SERVICE, "--to", "node01", &spec]).exits(0);
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    assert_eq!(lab.databases(VIP), ["postgres", "template0", "template1", "testdb"]);
    // No constraint of the move is left behind, and nothing is to be done.
    assert!(!lab.on("node01", "cibadmin -Q -o constraints").contains("cli-"));
    assert_eq!(lab.plan(&spec).code, 0);
}
