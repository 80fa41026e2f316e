//! What people and accidents change is shown by `plan` and mended by `apply`.

use crate::harness::{Lab, PAIR};

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn what_drifts_is_shown_by_plan_and_mended_by_apply() {
    let lab = Lab::up(&["node01", "node02", "node03"]);
    let spec = lab.spec(&["node01", "node02"], PAIR);
    lab.apply(&spec).exits(0);
    lab.has_the_pair();
    let id = volume_id(&lab);

    for drift in [
        an_option_changed_by_hand,
        a_volume_stopped_by_hand,
        a_brick_without_its_process,
        glusterd_stopped_and_disabled,
        glusterd_stopped_on_all_nodes,
        a_mount_gone,
    ] {
        drift(&lab, &spec);
        assert_eq!(lab.plan(&spec).code, 2, "apply has to have something to do");
        lab.apply(&spec).exits(0);
        lab.has_the_pair();
        lab.is_healed("data00");
        assert_eq!(lab.plan(&spec).code, 0);
    }
    assert_eq!(volume_id(&lab), id, "it is still the same volume");
    lab.on("node01", "cat /data00/node01-node02 /data00/node02-node01");

    a_third_node_in_the_file(&lab);
}

fn volume_id(lab: &Lab) -> String {
    lab.gluster("volume info data00 | grep 'Volume ID'")
}

fn an_option_changed_by_hand(lab: &Lab, spec: &str) {
    // What the file does not name is nobody's business.
    lab.gluster("volume set data00 performance.cache-size 64MB");
    assert_eq!(lab.plan(spec).code, 0);
    lab.gluster("volume set data00 network.ping-timeout 30");
    let plan = lab.plan(spec);
    plan.runs(&["volume/data00/set"]).wants("volume/data00/set", "network.ping-timeout", "30", "7");
}

fn a_volume_stopped_by_hand(lab: &Lab, spec: &str) {
    lab.gluster("volume stop data00");
    let plan = lab.plan(spec);
    plan.runs(&["volume/data00/start"]).wants("volume/data00/start", "state", "stopped", "started");
}

fn a_brick_without_its_process(lab: &Lab, spec: &str) {
    lab.on("node02", "kill -9 $(cat /run/gluster/vols/data00/node02m-glvol00-brick.pid)");
    let plan = lab.plan(spec);
    plan.runs(&["volume/data00/serve"]);
    plan.wants("volume/data00/serve", "process of node02:/glvol00/brick", "none", "running");
    // It has something to heal when it comes back.
    lab.on("node01", "for i in $(seq 20); do echo $i >/data00/while-away-$i; done");
}

fn glusterd_stopped_and_disabled(lab: &Lab, spec: &str) {
    lab.on("node02", "systemctl disable --now glusterd");
    let plan = lab.plan(spec);
    assert!(plan.ids("run").contains(&"node/node02/glusterd"));
    plan.wants("node/node02/glusterd", "glusterd.service", "inactive", "active");
    plan.wants("node/node02/glusterd", "at boot", "disabled", "enabled");
    assert_eq!(plan.risky(), Vec::<&str>::new());
}

fn glusterd_stopped_on_all_nodes(lab: &Lab, spec: &str) {
    for node in ["node01", "node02"] {
        lab.on(node, "systemctl stop glusterd");
    }
    let plan = lab.plan(spec);
    for id in ["node/node01/glusterd", "node/node02/glusterd"] {
        plan.wants(id, "glusterd.service", "inactive", "active");
    }
    assert_eq!(plan.risky(), Vec::<&str>::new());
}

fn a_mount_gone(lab: &Lab, spec: &str) {
    lab.on("node01", "umount /data00");
    let plan = lab.plan(spec);
    plan.runs(&["mount/data00/node01/mount"]);
    plan.wants("mount/data00/node01/mount", "/data00", "not mounted", "mounted");
}

fn a_third_node_in_the_file(lab: &Lab) {
    let spec = lab.spec(&["node01", "node02", "node03"], PAIR);
    let plan = lab.plan(&spec);
    plan.runs(&["node/node03/glusterd", "peer/node03/join", "mount/data00/node03/replace"]);
    lab.apply(&spec).exits(0);
    for node in ["node01", "node02", "node03"] {
        let peers = lab.on(node, "gluster peer status");
        assert_eq!(peers.matches("Peer in Cluster (Connected)").count(), 2, "{peers}");
    }
    lab.has_the_pair();
    assert!(lab.is_mounted("node03", "data00", "/data00"));
    lab.carries("/data00", "node01", "node03");
    assert_eq!(lab.plan(&spec).code, 0);
}
