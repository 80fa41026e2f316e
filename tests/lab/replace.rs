//! A node whose disks are lost: a new machine takes its place below a client that inserts, and nobody loses a row.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failover::{CALM, NODES, SERVICE, VIP, deployed};
use crate::harness::{Client, Lab, tell};

/// How long the client may be without an answer meanwhile: nothing that serves it is touched.
const UNDISTURBED: Duration = Duration::from_secs(3);

/// What makes a node that is a member a new machine with its name: nothing of the cluster, an empty file system for bricks.
const REINSTALL: &str = "systemctl disable --now pacemaker corosync glusterd glvol00.mount
    rm -rf /etc/corosync/corosync.conf /etc/corosync/authkey /var/lib/corosync/* /var/lib/pacemaker/cib/*
    rm -rf /etc/bricklayer /usr/local/lib/bricklayer /usr/lib/ocf/resource.d/bricklayer
    cd /var/lib/glusterd
    rm -rf glusterd.info options peers vols snaps bitd quotad scrub glustershd ss_brick
    mkfs.xfs -q -f -i size=512 /dev/vdb
    systemctl enable --now glvol00.mount";

/// A client that inserts, and node02 a new machine below it.
fn lost_below_a_client(lab: &Lab) -> Client {
    let client = Client::start(lab, VIP);
    sleep(CALM);
    lab.on("node02", REINSTALL);
    sleep(CALM);
    client
}

#[track_caller]
fn replace(lab: &Lab, spec: &str) {
    let began = Instant::now();
    lab.bricklayer(&["node", "replace", "node02", "--lost", "node02", spec])
        .exits(0)
        .says("node02 has taken the place of the lost machine");
    tell(&format!("replaced in {:.1} s", began.elapsed().as_secs_f64()));
    lab.is_healed("data00");
}

/// The client has hardly waited, all that it was acknowledged is there, and the new copy is as good as the other.
#[track_caller]
fn nothing_was_lost(lab: &Lab, spec: &str, client: Client) {
    let log = client.stop();
    log.lost_nothing(lab, VIP);
    assert!(log.gap().lasted < UNDISTURBED, "{:?} without an answer", log.gap().lasted);
    lab.bricklayer(&["node", "drain", "node01", spec]).exits(0);
    assert_eq!(lab.owner("node02", SERVICE).as_deref(), Some("node02"));
    log.lost_nothing(lab, VIP);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_new_machine_takes_the_place_of_a_lost_one_below_a_client_and_no_row_is_lost() {
    let (lab, spec) = deployed(&NODES, &[]);
    let client = lost_below_a_client(&lab);

    let plan = lab.bricklayer(&["apply", "--yes", "--timeout", "20s", &spec]);
    plan.says("`bricklayer node replace node02` has it take the place of the lost one");
    lab.bricklayer(&["node", "replace", "node02", &spec]).exits(1);
    let refused = lab.bricklayer(&["node", "replace", "node01", "--lost", "node01", &spec]);
    refused.exits(3).says("of volume data00 is not served");

    replace(&lab, &spec);
    lab.apply(&spec).exits(0);
    assert_eq!(lab.plan(&spec).code, 0);
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    nothing_was_lost(&lab, &spec, client);
}

/// Where the data of the second node lies from then on.
const ELSEWHERE: (&str, &str) = ("node02:/glvol00/brick", "node02:/glvol00/brick2");

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_new_machine_has_its_bricks_elsewhere_below_a_client_and_no_row_is_lost() {
    let (lab, _) = deployed(&NODES, &[]);
    let client = lost_below_a_client(&lab);

    let spec = lab.spec_from("postgres-ha-tuned.yaml", &[ELSEWHERE]);
    replace(&lab, &spec);
    assert!(lab.gluster("volume info data00").contains("node02m:/glvol00/brick2\n"));
    // Gates and guards go by where it lies.
    lab.on("node01", "cibadmin --query | grep -q 'node02:/glvol00/brick2\"'");
    lab.on("node01", "grep -q 'node02m /glvol00/brick2$' /etc/systemd/system/glusterd.service.d/bricklayer.conf");
    lab.apply(&spec).exits(0);
    assert_eq!(lab.plan(&spec).code, 0);
    nothing_was_lost(&lab, &spec, client);
}
