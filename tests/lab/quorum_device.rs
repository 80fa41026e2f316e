//! A quorum device: a host outside of the cluster that votes with one of two nodes, here a real corosync-qnetd on the
//! admin host.

use crate::cluster::{NODES, are_online, file};
use crate::harness::{Lab, tell};

/// The cluster of two with a device that is spoken to in clear, or as `tls` says.
fn with_device(lab: &Lab, tls: &str) -> String {
    file(lab, "lab", "{token: 3s}", &format!("quorumDevice: {{host: admin, algorithm: ffsplit, tls: {tls}}}\n"))
}

fn without_device(lab: &Lab) -> String {
    file(lab, "lab", "{token: 3s}", "")
}

fn quorum(lab: &Lab, node: &str) -> String {
    lab.try_on(node, "corosync-quorumtool -s").stdout
}

/// Whether a line of what is printed begins with `key` and goes on with `value`.
fn has(printed: &str, key: &str, value: &str) -> bool {
    printed.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim().starts_with(value)))
}

/// Asserts that both nodes are members and that each has the device's vote.
fn have_three_votes(lab: &Lab) {
    for node in NODES {
        // The votes are counted a moment before the quorum that they make is told.
        lab.until(
            node,
            "said=$(corosync-quorumtool -s); for line in 'Total votes: *3' 'Quorate: *Yes'; do \
            echo \"$said\" | grep -q \"^$line\" || exit 1; done",
        );
        let quorum = quorum(lab, node);
        assert!(has(&quorum, "Quorate:", "Yes") && has(&quorum, "Quorum:", "2"), "{quorum}");
        assert!(
            has(&quorum, "Expected votes:", "3") && has(&quorum, "Flags:", "Quorate WaitForAll Qdevice"),
            "{quorum}"
        );
        assert!(has(&quorum, "         0          1", "Qdevice"), "{quorum}");
        assert_eq!(lab.on(node, "systemctl is-enabled corosync-qdevice").trim(), "enabled");
    }
    are_online(lab);
}

/// Asserts that the cluster is one of two nodes, with nothing of a device left.
fn have_two_votes(lab: &Lab) {
    for node in NODES {
        let quorum = quorum(lab, node);
        assert!(has(&quorum, "Flags:", "2Node Quorate WaitForAll") && !quorum.contains("Qdevice"), "{quorum}");
        assert!(has(&quorum, "Expected votes:", "2") && has(&quorum, "Quorum:", "1"), "{quorum}");
        // Its own worker may end before it does, and then it ends as a failure.
        let unit =
            lab.try_on(node, "systemctl is-enabled corosync-qdevice; systemctl is-active corosync-qdevice").stdout;
        assert!(["disabled\ninactive", "disabled\nfailed"].contains(&unit.trim()), "{unit}");
    }
    are_online(lab);
}

/// When Corosync was started on each node: adding and taking out a device restarts nothing.
fn starts(lab: &Lab) -> Vec<String> {
    NODES
        .iter()
        .map(|node| lab.on(node, "systemctl show -p ActiveEnterTimestampMonotonic corosync pacemaker"))
        .collect()
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn two_empty_nodes_and_a_device_become_a_cluster_of_three_votes() {
    let lab = Lab::up(&NODES);
    lab.lab(&["qnetd", "on"]).exits(0);
    let spec = with_device(&lab, "off");
    lab.apply(&spec).exits(0);
    have_three_votes(&lab);
    lab.apply(&spec).exits(0).says("nothing to do");
    lab.bricklayer(&["status", &spec]).says("admin node01 yes connected").says("admin node02 yes connected");

    one_node_goes_on_with_the_device(&lab, &spec);
    a_node_that_is_back_alone_waits_for_the_other(&lab);
    a_device_that_is_away_is_told(&lab, &spec);
    it_is_taken_out_and_put_back_while_the_cluster_runs(&lab);
}

fn one_node_goes_on_with_the_device(lab: &Lab, spec: &str) {
    lab.lab(&["cut", "node02"]).exits(0);
    lab.until("node01", "corosync-quorumtool -s | grep -q 'Nodes: *1'");
    let alone = quorum(lab, "node01");
    assert!(has(&alone, "Quorate:", "Yes") && has(&alone, "Total votes:", "2"), "{alone}");
    // Its vote is what the node goes on with: nothing that costs it is done now.
    lab.bricklayer(&["apply", "--yes", "--allow", "disruptive", &without_device(lab)]).exits(3).says("not a member");
    assert!(has(&quorum(lab, "node01"), "Quorate:", "Yes"));
    with_device(lab, "off");
    lab.lab(&["boot", "node02"]).exits(0);
    have_three_votes(lab);
    lab.apply(spec).exits(0).says("nothing to do");
}

fn a_node_that_is_back_alone_waits_for_the_other(lab: &Lab) {
    lab.lab(&["cut", "node01", "node02"]).exits(0);
    lab.lab(&["boot", "node02"]).exits(0);
    lab.until("node02", "corosync-qdevice-tool -sv | grep -q 'cast vote'");
    let alone = quorum(lab, "node02");
    assert!(has(&alone, "Quorate:", "No") && has(&alone, "Total votes:", "2"), "it would serve what is stale: {alone}");
    lab.lab(&["boot", "node01"]).exits(0);
    have_three_votes(lab);
}

fn a_device_that_is_away_is_told(lab: &Lab, spec: &str) {
    lab.lab(&["qnetd", "stop"]).exits(0);
    lab.until("node01", "! corosync-qdevice-tool -sv | grep -q 'cast vote'");
    lab.bricklayer(&["status", spec]).exits(2).says("quorum device admin does not vote with node01: connect failed");
    lab.apply(spec).exits(3).says("start corosync-qnetd on admin");
    lab.lab(&["qnetd", "on"]).exits(0);
    have_three_votes(lab);
    lab.apply(spec).exits(0).says("nothing to do");
}

fn it_is_taken_out_and_put_back_while_the_cluster_runs(lab: &Lab) {
    let before = starts(lab);
    let spec = without_device(lab);
    lab.plan(&spec).runs(&[
        "file//etc/corosync/corosync.conf/node01/write",
        "file//etc/corosync/corosync.conf/node02/write",
        "quorum-device/lab/node01/retire",
        "quorum-device/lab/node02/retire",
        "corosync/lab/reload",
    ]);
    lab.apply(&spec).exits(0);
    have_two_votes(lab);
    lab.apply(&spec).exits(0).says("nothing to do");

    let spec = with_device(lab, "off");
    lab.apply(&spec).exits(3).says("--allow disruptive");
    have_two_votes(lab);
    lab.bricklayer(&["apply", "--yes", "--allow", "disruptive", &spec]).exits(0);
    have_three_votes(lab);
    lab.apply(&spec).exits(0).says("nothing to do");
    assert_eq!(starts(lab), before, "something was restarted");
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_device_with_tls_waits_for_its_certificates_and_a_change_restarts_its_daemon_alone() {
    let lab = Lab::up(&NODES);
    lab.lab(&["qnetd", "on"]).exits(0);
    let spec = with_device(&lab, "required");
    lab.apply(&spec).exits(3).says("corosync-qdevice-net-certutil -Q -n lab admin");
    for node in NODES {
        assert_ne!(lab.try_on(node, "systemctl is-active corosync").code, 0, "half a cluster");
    }
    lab.lab(&["qnetd", "certify", "lab", "node01", "node02"]).exits(0);
    lab.apply(&spec).exits(0);
    have_three_votes(&lab);
    for node in NODES {
        lab.on(node, "corosync-qdevice-tool -sv | grep -q 'TLS active:.*Yes'");
    }
    lab.apply(&spec).exits(0).says("nothing to do");

    let before = starts(&lab);
    let spec = with_device(&lab, "off");
    lab.apply(&spec).exits(0);
    have_three_votes(&lab);
    for node in NODES {
        lab.on(node, "corosync-qdevice-tool -sv | grep -q 'TLS active:.*No'");
    }
    lab.apply(&spec).exits(0).says("nothing to do");
    assert_eq!(starts(&lab), before, "something was restarted");
    tell("a change of the device restarts its daemon alone");
}
