//! What the tests of partitions can see: with slow fencing, a partition loses nothing while the ping-timeout keeps its
//! bound, and rows as soon as it does not. `tests/soak/partition` runs it.

use crate::failover::{NODES, SERVICE, VIP, deployed};
use crate::harness::Lab;
use crate::partition::{cut_between, mend};

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

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_ping_timeout_below_its_bound_loses_rows_that_were_acknowledged() {
    let (lab, spec) = deployed(&NODES, &SLOW);
    assert_eq!(lost(&lab), 0, "the ping-timeout that follows from the file is long enough");
    lab.until_booted("node01");
    lab.show_hypervisor("node01");
    mend(&lab, &spec, "node02");

    // No file may say so: `validate` refuses it.
    lab.gluster("volume set data00 network.ping-timeout 3");
    let lost = lost(&lab);
    assert!(lost > 10, "{lost} rows are lost, and it was to be seen that there are many");
}
