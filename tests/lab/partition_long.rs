//! What the tests of partitions can see: with a ping-timeout below its bound, and fencing slow enough for it to matter, a
//! partition loses rows.
//! `tests/soak/partition` runs it.

use crate::failover::{NODES, SERVICE, VIP, deployed};
use crate::partition::cut_between;

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_ping_timeout_below_its_bound_loses_rows_that_were_acknowledged() {
    let (lab, _) = deployed(&NODES, &[]);
    // No file may say so: `validate` refuses it.
    lab.gluster("volume set data00 network.ping-timeout 3");
    lab.hide_hypervisor("node01");
    // Without it, the client had not yet given up the silent brick when its node was off, and nothing was lost.
    lab.on("node01", "crm_resource --resource kvmhost01 --set-parameter pcmk_delay_base --parameter-value 5s");
    let log = cut_between(&lab, "node02", |_| lab.until_service_is_on("node02", SERVICE));
    let lost = log.lost(&lab, VIP);
    assert!(!lost.contains(&1), "the database does not answer");
    assert!(lost.len() > 10, "{} rows are lost, and it was to be seen that there are many", lost.len());
}
