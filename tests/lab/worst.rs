//! The worst day: all power is lost, and one of two nodes does not come back. A person says what only a person can
//! know, and the service is there again, from the one copy that is left.

use std::time::{Duration, Instant};

use crate::failover::{NODES, SERVICE, VIP, deployed};
use crate::harness::tell;

/// How many rows there are.
const COUNT: &str = "SELECT count(*) FROM kept";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_node_that_is_lost_for_good_after_a_power_loss_of_all_is_gone_on_without_and_comes_back_emptied() {
    let (lab, spec) = deployed(&NODES, &[]);
    lab.psql(VIP, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
    lab.lab(&["cut", "node01", "node02"]).exits(0);
    lab.hypervisor("refuses");
    lab.lab(&["boot", "node01"]).exits(0);
    lab.until_booted("node01");

    // What blocks, and which verb frees it.
    lab.until("node01", "systemctl is-active --quiet pacemaker");
    lab.bricklayer(&["status", &spec]).exits(2).says("node confirm-off");
    let refused = lab.bricklayer(&["node", "confirm-off", "node01", "--off", "node01", &spec]);
    refused.exits(3).says("node01 answers, so it is not off");
    lab.bricklayer(&["node", "confirm-off", "node02", &spec]).exits(1);
    lab.bricklayer(&["node", "confirm-off", "node02", "--off", "node02", &spec])
        .exits(0)
        .says("goes on without node02");
    lab.until_within(
        Duration::from_secs(120),
        "node01",
        "crm_mon -1 --output-as=xml | grep -q 'resource id=\"healgate-data00\".*role=\"Started\"'",
    );
    assert_eq!(lab.owner("node01", SERVICE), None, "nobody knows whether this copy misses something");
    lab.bricklayer(&["status", &spec]).exits(2).says("node02 is not here");

    let recover = ["service", "recover", SERVICE, "--from", "node01", "--off", "node02", &spec];
    let began = Instant::now();
    lab.bricklayer(&recover).exits(0).says("service service01: started on node01");
    tell(&format!("recovered in {:.1} s", began.elapsed().as_secs_f64()));
    assert_eq!(lab.psql(VIP, COUNT).trim(), "1000");
    lab.bricklayer(&recover).exits(0);

    // The lost node is repaired. What is on its disk is older, and is not touched before a person empties it.
    lab.hypervisor("works");
    lab.lab(&["boot", "node02"]).exits(0);
    lab.until_booted("node02");
    lab.bricklayer(&["apply", "--yes", "--timeout", "15s", &spec]).says("was given up");
    assert_eq!(lab.psql(VIP, COUNT).trim(), "1000");
    lab.on("node02", "rm -rf /glvol00/brick");
    lab.apply(&spec).exits(0);
    lab.is_healed("data00");
    assert_eq!(lab.plan(&spec).code, 0);
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    assert_eq!(lab.psql(VIP, COUNT).trim(), "1000");
}
