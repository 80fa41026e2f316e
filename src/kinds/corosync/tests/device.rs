//! What is planned for a quorum device: added to a cluster that runs, taken out of it, changed, silent.

use super::*;

const IN_CLEAR: &str = "QNetd host:\tqd1:5403\nTLS:\tUnsupported\nAlgorithm:\tFifty-Fifty split\nState:\tConnected";
const START_1: &str = "quorum-device/c1/node01/start";
const RETIRE_1: &str = "quorum-device/c1/node01/retire";
const RETIRE_2: &str = "quorum-device/c1/node02/retire";

fn with_device(tls: &str) -> String {
    format!("{FILE}quorumDevice: {{host: qd1, algorithm: ffsplit, tls: {tls}}}\n")
}

/// Two members and their device as `tls` says.
fn running(tls: &str) -> Scene {
    Scene::running(&with_device(tls)).with_all(|node| {
        node.device = Some((IN_CLEAR, true));
        node.at_boot.push("corosync-qdevice.service");
        node.uptime = 1000;
    })
}

fn alone(scene: Scene) -> Scene {
    scene
        .with("node01", |node| node.runs = node.runs.take().map(|(text, _)| (text, vec![1])))
        .with("node02", |node| (node.runs, node.device) = (None, None))
}

#[test]
fn a_cluster_that_runs_gets_a_device_by_one_reload_and_its_daemons_after_it() {
    let scene = Scene::running(FILE).under(&with_device("off"));
    // It takes two votes where it took one, for a node that boots with the file as well.
    for id in [CONF_1, CONF_2, RELOAD] {
        assert_eq!(scene.plan().held(id).0, Cause::NotAllowed, "{id}");
    }
    let told = scene.plan_with(&allowed());
    let starts = [START_1, "quorum-device/c1/node02/start"].map(|id| format!("{id}*"));
    assert_eq!(told.runs(), [CONF_1, CONF_2, &format!("{RELOAD}*"), &starts[0], &starts[1]]);
    assert!(told.why(RELOAD).contains(&"quorum.expected_votes: - → 3".to_owned()), "{:?}", told.why(RELOAD));
    let reloaded = |node: &mut Fake| {
        node.runs = Some((conf(&with_device("off")), vec![1, 2]));
        node.files.insert(corosync::CONF.to_owned(), conf(&with_device("off")));
    };
    let told = scene.with_all(reloaded).plan();
    assert_eq!(told.runs(), [START_1, "quorum-device/c1/node02/start"]);
    assert_eq!(told.command(START_1), "systemctl enable --now corosync-qdevice.service");
    assert_eq!(running("off").plan().ids(), [""; 0]);
}

#[test]
fn a_file_without_the_device_is_in_force_after_its_daemons_have_gone() {
    let told = running("off").under(FILE).plan();
    assert_eq!(told.runs(), [CONF_1, CONF_2, &format!("{RETIRE_1}*"), &format!("{RETIRE_2}*"), &format!("{RELOAD}*")]);
    assert_eq!(told.command(RETIRE_1), "systemctl disable --now corosync-qdevice.service");
    let State::After(after) = &told.step(RELOAD).state else { panic!() };
    assert!([RETIRE_1, RETIRE_2].iter().all(|id| after.iter().any(|on| on.0 == *id)), "{after:?}");
    let told = alone(running("off")).under(FILE).plan_with(&allowed());
    assert!(told.held(CONF_1).1.contains("node02 is not a member"), "node01 lives by the device's vote");
    assert!(told.runs().contains(&"member/c1/node02/start".to_owned()), "{:?}", told.runs());
}

#[test]
fn without_certificates_nothing_counts_on_a_device_that_needs_them() {
    let told = Scene::empty(&with_device("required")).with("node01", |node| node.certificate = Some("c1")).plan();
    let (cause, because) = told.held("quorum-device/c1/node02/certify");
    assert_eq!((cause, because), (Cause::Refused, "there is no certificate on node02 that qd1 has signed"));
    let Work::Held(held) = &told.step("quorum-device/c1/node02/certify").item.work else { panic!() };
    let certify = "`corosync-qdevice-net-certutil -Q -n c1 qd1 node01 node02`";
    assert!(held.hint.as_ref().unwrap().starts_with(certify), "{held:?}");
    for id in [CONF_1, CONF_2, "member/c1/node01/start", START_1] {
        assert!(told.blocked_on(id).contains(&"quorum-device/c1/node02/certify"), "{id}");
    }
    let foreign = Scene::running(FILE).under(&with_device("on")).with_all(|node| node.certificate = Some("other"));
    assert!(foreign.plan().held("quorum-device/c1/node01/certify").1.contains("of the cluster other"));
    assert!(!foreign.plan().runs().contains(&CONF_1.to_owned()), "what runs is left as it is");
    let certified = foreign.with_all(|node| node.certificate = Some("c1"));
    assert!(certified.plan_with(&allowed()).runs().contains(&format!("{START_1}*")));
}

#[test]
fn a_daemon_that_runs_with_other_values_is_restarted_on_one_node_after_the_other() {
    let scene = running("required").with_all(|node| node.certificate = Some("c1"));
    let (first, second) = ("quorum-device/c1/node01/restart", "quorum-device/c1/node02/restart");
    let told = scene.plan();
    assert_eq!(told.runs(), [first.to_owned(), format!("{second}*")]);
    assert_eq!(told.why(first), ["tls: off → required"]);
    assert_eq!(told.command(first), "systemctl restart corosync-qdevice.service");
    assert_eq!(alone(scene).plan().held(first).0, Cause::Unsafe);
}

#[test]
fn a_device_that_does_not_vote_is_waited_for_and_then_told() {
    let silent = running("off").with("node02", |node| node.device = Some((IN_CLEAR, false)));
    let vote = "quorum-device/c1/node02/vote";
    assert!(silent.plan().held(vote).1.contains("qd1 does not vote with node02: connected"));
    let told = silent.with("node02", |node| node.uptime = 3).plan();
    assert!(matches!(told.step(vote).item.work, Work::Wait(_)));
    let disabled = running("off").with("node01", |node| node.at_boot.retain(|unit| !unit.contains("qdevice")));
    assert_eq!(disabled.plan().runs(), ["quorum-device/c1/node01/enable"]);
}

#[test]
fn a_node_alone_is_a_member_with_the_vote_and_not_without_it() {
    let join = "member/c1/node01/join";
    assert!(!alone(running("off")).plan().has(join));
    let silent = |scene: Scene| scene.with_all(|node| node.device = node.device.map(|(state, _)| (state, false)));
    let told = silent(alone(running("off"))).plan();
    assert!(told.step(join).item.summary.contains("quorum, without node02 and qd1"), "{:?}", told.ids());
    let told = silent(running("off")).with_all(|node| node.waits_for_all = true).plan();
    assert!(told.step(join).item.summary.contains("qd1 to join for the first time"));
}
