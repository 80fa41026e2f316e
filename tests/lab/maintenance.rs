//! Maintenance: each node is drained below a client that inserts, switched off, and brought back; nobody loses a row, and
//! nobody notices but those whose service moves.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failover::{BEARABLE, CALM, NODES, SERVICE, VIP, deployed};
use crate::harness::{Client, Lab, now, tell};

/// How long the client may be without an answer while a node leaves and comes back that does not serve it.
const UNDISTURBED: Duration = Duration::from_secs(2);
/// That nothing runs any more on a node that is drained.
const AT_REST: &str = "\
for daemon in glusterd glusterfsd corosync pacemakerd; do if pgrep -x $daemon; then exit 1; fi; done
! pgrep -f '[g]lustershd'";

/// Asks for a verb of `node`, and tells how long it took.
#[track_caller]
fn ask(lab: &Lab, verb: &str, node: &str, spec: &str, says: &str) {
    let began = Instant::now();
    lab.bricklayer(&["node", verb, node, spec]).exits(0).says(says);
    tell(&format!("{verb} {node} in {:.1} s", began.elapsed().as_secs_f64()));
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn each_node_is_drained_below_a_client_and_is_brought_back_and_no_row_is_lost() {
    let (lab, spec) = deployed(&NODES, &[]);
    let client = Client::start(&lab, VIP);
    sleep(CALM);

    let left = now();
    ask(&lab, "drain", "node02", &spec, "node02 is drained and can be switched off");
    lab.on("node02", AT_REST);
    lab.bricklayer(&["status", &spec]).exits(2).says("`bricklayer node resume node02` brings it back");
    lab.bricklayer(&["apply", "--yes", &spec]).exits(3).says("node02 is drained");
    lab.on("node02", AT_REST);
    lab.bricklayer(&["node", "drain", "node01", &spec]).exits(3).says("could run nowhere else");
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    ask(&lab, "resume", "node02", &spec, "node02 is back");
    let back = now();
    lab.is_healed("data00");
    assert_eq!(lab.plan(&spec).code, 0);

    // The one that serves, and it is switched off meanwhile.
    ask(&lab, "drain", "node01", &spec, "node01 is drained and can be switched off");
    lab.on("node01", AT_REST);
    assert_eq!(lab.owner("node02", SERVICE).as_deref(), Some("node02"));
    lab.lab(&["cut", "node01"]).exits(0);
    lab.lab(&["boot", "node01"]).exits(0);
    lab.until_booted("node01");
    lab.bricklayer(&["apply", "--yes", "--timeout", "10s", &spec]).exits(3).says("node01 is drained");
    assert_eq!(lab.owner("node02", SERVICE).as_deref(), Some("node02"), "nothing comes back with the boot");
    ask(&lab, "resume", "node01", &spec, "node01 is back");
    lab.until_service_is_on("node01", SERVICE);
    sleep(CALM);
    let log = client.stop();
    log.lost_nothing(&lab, VIP);
    lab.is_healed("data00");
    assert_eq!(lab.plan(&spec).code, 0);
    let gap = log.gap_between(left, back);
    tell(&format!(
        "longest time without an answer: {:.1?} while node02 was away, {:.1?} in all",
        gap.lasted,
        log.gap().lasted
    ));
    assert!(gap.lasted < UNDISTURBED, "{:?} without an answer while node02 was away", gap.lasted);
    assert!(log.gap().lasted < BEARABLE);
    let said = lab.on("node02", "crm_mon -1 --output-as=xml");
    assert!(!said.contains("fence_event"), "nobody is fenced who says goodbye: {said}");
}
