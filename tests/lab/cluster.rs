//! The cluster itself, without a service in it: two empty nodes become members, what is changed in the file comes into
//! force, and a node that comes back joins when the file says so.

use std::time::Instant;

use crate::harness::{Lab, tell};

pub const NODES: [&str; 2] = ["node01", "node02"];

/// The two nodes as a cluster that fences nobody, with more of the file behind it.
pub fn file(lab: &Lab, name: &str, corosync: &str, rest: &str) -> String {
    let entry = |(index, node): (usize, &&str)| {
        format!("  {node}: {{id: {}, addresses: {{cluster: {node}h, storage: {node}m}}}}\n", index + 1)
    };
    let nodes: String = NODES.iter().enumerate().map(entry).collect();
    let body = format!("nodes:\n{nodes}corosync: {corosync}\nfencing: {{none: \"a test without data\"}}\n{rest}");
    let path = lab.spec_of(&body);
    if name != "lab" {
        let text = std::fs::read_to_string(&path)
            .expect("the lab wrote it")
            .replace("cluster: lab", &format!("cluster: {name}"));
        std::fs::write(&path, text).expect("the folder is ours");
    }
    path
}

/// Waits until both nodes are members for Pacemaker, as each tells it.
pub fn are_online(lab: &Lab) {
    for node in NODES {
        lab.until(node, "crm_mon -1 | grep -q 'Online: \\[ node01 node02 \\]'");
    }
}

/// Asserts that both nodes are members, as Corosync and Pacemaker of each tell it.
fn are_members(lab: &Lab) {
    are_online(lab);
    for node in NODES {
        let quorum = lab.on(node, "corosync-quorumtool -s");
        assert!(quorum.contains("Quorate:          Yes") && quorum.contains("2Node Quorate"), "{quorum}");
        assert_eq!(lab.on(node, "stat -c '%a %U' /etc/corosync/authkey").trim(), "400 root");
    }
    let key = |node| lab.on(node, "sha256sum </etc/corosync/authkey; sha256sum </etc/corosync/corosync.conf");
    assert_eq!(key("node01"), key("node02"));
}

fn has_key(lab: &Lab, node: &str, key: &str) -> String {
    let found = lab.on(node, &format!("corosync-cmapctl -g {key}"));
    found.trim().rsplit(' ').next().unwrap_or_default().to_owned()
}

/// How often the members were told to read their files, since they were booted.
fn reloads(lab: &Lab) -> usize {
    lab.on("node01", "journalctl -u corosync -o cat --no-pager").matches("Config reload requested").count()
}

fn done(lab: &Lab, step: &str) -> usize {
    let ended = |line: &&serde_json::Value| line["item"] == step && !line["outcome"].is_null();
    lab.journal().iter().filter(ended).count()
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn two_empty_nodes_become_a_cluster_and_a_change_comes_into_force() {
    let lab = Lab::up(&NODES);
    let spec = file(&lab, "lab", "{token: 3s}", "");
    lab.apply(&spec).exits(0);
    are_members(&lab);
    let log = lab.on("node01", "journalctl -u pacemaker -u corosync -o short-unix --no-pager");
    let at = |words: [&str; 2]| {
        let line = log.lines().find(|line| words.iter().any(|words| line.contains(words)));
        let line = line.unwrap_or_else(|| panic!("{words:?}: {log}"));
        line.split(' ').next().and_then(|time| time.parse::<f64>().ok()).unwrap()
    };
    // The one that is elected, or the one that has found it.
    let took = at(["-> S_INTEGRATION", "-> S_NOT_DC"]) - at(["Starting Pacemaker 2", "Starting Pacemaker 3"]);
    tell(&format!("the first coordinator after {took:.1} s"));
    assert!(took < 8.0, "the first coordinator after {took} s");
    let again = lab.apply(&spec);
    again.exits(0).says("nothing to do");

    a_change_of_the_token_takes_one_reload(&lab);
    a_change_of_the_name_takes_a_restart_of_each(&lab);
    a_file_by_hand_is_put_right_and_a_key_that_differs_is_told(&lab);
    two_nodes_that_lose_their_power_come_back_by_themselves(&lab);
}

fn a_change_of_the_token_takes_one_reload(lab: &Lab) {
    let before = reloads(lab);
    let spec = file(lab, "lab", "{token: 5s}", "");
    let plan = lab.plan(&spec);
    let conf = |node| format!("file//etc/corosync/corosync.conf/{node}/write");
    plan.runs(&[&conf("node01"), &conf("node02"), "corosync/lab/reload"]);
    plan.wants(&conf("node02"), "totem.token", "3000", "5000");
    lab.apply(&spec).exits(0);
    for node in NODES {
        assert_eq!(has_key(lab, node, "runtime.config.totem.token"), "5000");
    }
    assert_eq!(reloads(lab) - before, 1);
    are_members(lab);
    lab.apply(&spec).exits(0).says("nothing to do");
}

fn a_change_of_the_name_takes_a_restart_of_each(lab: &Lab) {
    let spec = file(lab, "other", "{token: 5s}", "");
    lab.bricklayer(&["apply", "--yes", &spec]).exits(3).says("--allow disruptive");
    assert_eq!(has_key(lab, "node01", "totem.cluster_name"), "lab");
    lab.bricklayer(&["apply", "--yes", "--allow", "disruptive", &spec]).exits(0);
    for node in NODES {
        assert_eq!(has_key(lab, node, "totem.cluster_name"), "other");
    }
    are_members(lab);
    lab.apply(&spec).exits(0).says("nothing to do");
}

fn a_file_by_hand_is_put_right_and_a_key_that_differs_is_told(lab: &Lab) {
    let spec = file(lab, "other", "{token: 5s}", "");
    lab.on("node02", "sed -i 's/5000/7000/' /etc/corosync/corosync.conf; systemctl disable corosync");
    lab.apply(&spec).exits(0);
    assert_eq!(lab.on("node02", "systemctl is-enabled corosync pacemaker").trim(), "enabled\nenabled");
    are_members(lab);
    lab.on("node02", "cp -p /etc/corosync/authkey /root/key && echo wrong >/etc/corosync/authkey");
    lab.apply(&spec).exits(3).says("different keys");
    lab.on("node02", "cp -p /root/key /etc/corosync/authkey");
    lab.apply(&spec).exits(0).says("nothing to do");
}

fn two_nodes_that_lose_their_power_come_back_by_themselves(lab: &Lab) {
    lab.lab(&["cut", "node01", "node02"]).exits(0);
    lab.lab(&["boot", "node01", "node02"]).exits(0);
    are_members(lab);
    assert_eq!(done(lab, "secret//etc/corosync/authkey/node01/make"), 1, "the key is made once");
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_node_joins_after_its_bricks_are_healed_and_after_a_power_loss_of_all_at_once() {
    let lab = Lab::up(&NODES);
    let volume = "volumes:\n  data00:\n    replica: 2\n    bricks: [node01:/glvol00/brick, node02:/glvol00/brick]\n    \
                  options: {network.ping-timeout: 12}\nmounts:\n  data00: {volume: data00, path: /data00, nodes: [node01]}\n";
    let spec = file(&lab, "lab", "{token: 3s, start: afterHeal}", volume);
    lab.apply(&spec).exits(0);
    are_members(&lab);
    lab.apply(&spec).exits(0).says("nothing to do");
    for node in NODES {
        let units = lab.try_on(node, "systemctl is-enabled corosync pacemaker bricklayer-join");
        assert_eq!(units.stdout.trim(), "disabled\ndisabled\nenabled");
    }

    // A node that was away while the other wrote joins Corosync, and Pacemaker only when it has healed.
    lab.gluster("volume set data00 cluster.self-heal-daemon off");
    lab.lab(&["cut", "node02"]).exits(0);
    lab.on("node01", "for i in $(seq 300); do echo $i >/data00/while-away-$i; done");
    lab.lab(&["boot", "node02"]).exits(0);
    lab.until("node01", "corosync-cmapctl | grep -q 'members.2.status (str) = joined'");
    std::thread::sleep(std::time::Duration::from_secs(20));
    assert_ne!(lab.try_on("node02", "systemctl is-active pacemaker").code, 0, "not healed, and joined");
    lab.gluster("volume set data00 cluster.self-heal-daemon on");
    lab.gluster("volume heal data00");
    are_members(&lab);
    lab.on("node02", "journalctl -u bricklayer-join -o cat --no-pager | grep -q 'the bricks are healed'");

    lab.lab(&["cut", "node01", "node02"]).exits(0);
    let start = Instant::now();
    lab.lab(&["boot", "node01", "node02"]).exits(0);
    are_members(&lab);
    tell(&format!("both are members again {:.1} s after their power came back", start.elapsed().as_secs_f64()));
}
