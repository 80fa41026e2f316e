//! What two programs must agree on, with the figures that are told.

use super::*;

const PROFILE: &str = "profile: db-workload";
const MOUNT: &str = "- mount: gldata00";
const DATA: &str = "dataDir: /gldata00/pgsql";

fn option(option: &str) -> String {
    format!("{PROFILE}\n    options: {{{option}}}")
}

#[test]
fn a_ping_timeout_below_the_sum_of_detection_and_fencing_is_an_error_that_prints_it() {
    tells(PROFILE, &option("network.ping-timeout: 25"), &["ping-timeout-bound @ network.ping-timeout: 25"]);
    assert!(refused(PROFILE, &option("network.ping-timeout: 25")));
    assert_eq!(
        message(&[(PROFILE, &option("network.ping-timeout: 25"))], "ping-timeout-bound"),
        "a node that is cut off goes on alone after 25 s, and is fenced only after 20 s token + 2 s consensus + 2 s \
         fence delay + 4 s fencing + 2 s = 30 s: what it acknowledges in between is lost (leave it out, or write 31 \
         or more; a shorter token makes it less)"
    );
    tells(PROFILE, &option("network.ping-timeout: 30"), &["ping-timeout-bound @ network.ping-timeout: 30"]);
    tells(PROFILE, &option("network.ping-timeout: 31"), &[]);
    tells(PROFILE, &option("network.ping-timeout: 43"), &["ping-timeout @ network.ping-timeout: 43"]);
    let tuned = |ping: u32| {
        let option = option(&format!("network.ping-timeout: {ping}"));
        told(&with_mistakes(&[("token: 20s", "token: 3s"), (PROFILE, &option)]))
    };
    assert_eq!(tuned(11), ["ping-timeout-bound @ network.ping-timeout: 11"]);
    assert_eq!(tuned(12), [""; 0]);
}

#[test]
fn the_bound_holds_where_clients_have_no_quorum_and_somebody_fences() {
    let low = "network.ping-timeout: 20";
    let quorums = [
        ("none", true),
        ("fixed, cluster.quorum-count: 1", true),
        ("fixed, cluster.quorum-count: 2", false),
        ("auto", false),
    ];
    for (quorum, bound) in quorums {
        let text = with_mistakes(&[(PROFILE, &option(&format!("{low}, cluster.quorum-type: {quorum}")))]);
        assert_eq!(told(&text).iter().any(|told| told.starts_with("ping-timeout-bound")), bound, "{quorum}");
    }
    let arbiter = |option: &str| {
        let text = with_nodes(3);
        let text = text.replace("replica: 2", "replica: 3\n    arbiter: 1");
        let text = text.replace("node02:/glvol00/brick]", "node02:/glvol00/brick, node03:/glvol00/brick]");
        told(&text.replace(PROFILE, option))
    };
    assert_eq!(arbiter(&option(low)), [""; 0]);
    let without = arbiter(&option(&format!("{low}, cluster.quorum-type: none")));
    assert_eq!(without, ["ping-timeout-bound @ network.ping-timeout: 20"]);
}

#[test]
fn a_delay_of_fencing_counts() {
    let text = with_mistakes(&[
        ("username: root", "username: root, pcmk_delay_base: 5s"),
        (PROFILE, &option("network.ping-timeout: 40")),
    ]);
    let loaded = from_bytes("test.yaml", text.into_bytes());
    let told = loaded.findings.iter().find(|located| located.finding.code == "ping-timeout-bound").unwrap();
    assert!(told.finding.message.contains("+ 15 s fence delay + 4 s fencing + 2 s = 43 s"), "{told:?}");
}

#[test]
fn operations_outlast_two_ping_timeouts() {
    let slow = (PROFILE, option("network.ping-timeout: 42"));
    for (from, head, tail) in
        [(MOUNT, "- mount: {name: gldata00, ".to_owned(), "}"), (DATA, format!("{DATA}\n          "), "")]
    {
        for operation in ["start", "stop", "monitor"] {
            let to = |seconds: u32| format!("{head}timeouts: {{{operation}: {seconds}s}}{tail}");
            let written = |seconds: u32| with_mistakes(&[(slow.0, &slow.1), (from, &to(seconds))]);
            assert_eq!(told(&written(103)), [format!("operation-timeout @ {operation}: 103s")]);
            assert!(from_bytes("t", written(103).into_bytes()).spec.is_none(), "{from} {operation}");
            let message = message(&[(slow.0, &slow.1), (from, &to(103))], "operation-timeout");
            assert!(message.contains("2 x 42 s ping-timeout + 20 s = 104 s"), "{message}");
            assert_eq!(told(&written(104)), [""; 0]);
        }
    }
    let told = message(&[(MOUNT, "- mount: {name: gldata00, timeouts: {stop: 20s}}")], "operation-timeout");
    assert!(told.contains("2 x 31 s ping-timeout + 20 s = 82 s"), "{told}");
    assert!(told.contains("gets the healthy node fenced"), "{told}");
}

#[test]
fn other_stops_that_would_fence_a_healthy_node_are_warned_of() {
    let more = |resource: &str| format!("{MOUNT}\n      - {resource}");
    tells(MOUNT, &more("lsb: {script: x, timeouts: {stop: 60s}}"), &["operation-timeout @ stop: 60s"]);
    let lsb = more("lsb: {script: x, timeouts: {stop: 60s}}");
    assert!(!refused(MOUNT, &lsb), "nobody knows whether it touches files");
    let short = "- ip: {address: 192.168.7.99/24, timeouts: {stop: 5s}}";
    tells("- ip: {address: 192.168.7.99/24, monitorLink: true}", short, &["short-timeout @ stop: 5s"]);
    let alone = |resource: &str| told(&format!("{ARTICLE}  s2: {{resources: [{resource}]}}\n"));
    assert_eq!(alone("{systemd: {unit: nginx, timeouts: {stop: 60s}}}"), ["short-timeout @ stop: 60s"]);
    assert_eq!(alone("{systemd: {unit: nginx, timeouts: {stop: 91s, start: 30s}}}"), [""; 0]);
    let stop = format!("{DATA}\n          timeouts: {{stop: 60s}}");
    let tuned = with_mistakes(&[("token: 20s", "token: 3s"), (DATA, &stop)]);
    assert_eq!(told(&tuned), ["short-timeout @ stop: 60s"], "long enough for the volume, not for the server");
}

#[test]
fn a_service_runs_where_its_mount_can_be() {
    let nodes = |nodes: &str| format!("path: /gldata00\n    nodes: [{nodes}]\n");
    tells("path: /gldata00\n", &nodes("node01, node02"), &[]);
    tells("path: /gldata00\n", &nodes("node01"), &["mount-not-everywhere @ mount: gldata00"]);
    let text = with_mistakes(&[("path: /gldata00\n", &nodes("node01")), ("node01: 1, node02: 2", "node02: 2")]);
    assert_eq!(told(&text), ["mount-outside-domain @ mount: gldata00"]);
    let text = text.replace("restricted: true", "restricted: false");
    assert_eq!(told(&text), ["mount-outside-domain @ mount: gldata00"]);
}

#[test]
fn a_service_does_not_go_home_to_a_stale_copy() {
    let failback = ("restricted: true", "restricted: true, ordered: true, failback: true");
    tells(failback.0, failback.1, &[]);
    let open = ("    autostart: false\n", "    autostart: false\n    healGate: prefer\n    acceptDataLoss: a cache\n");
    let found = with_mistakes(&[failback, open]);
    assert_eq!(told(&found), ["failback-before-heal @ failback: true"]);
    let message = message(&[failback, open], "failback-before-heal");
    assert!(message.contains("volume data00"), "{message}");
    assert!(message.ends_with("(leave `healGate` out at the service)"), "{message}");
    let after = with_mistakes(&[failback, open, ("token: 20s", "token: 20s, start: afterHeal")]);
    assert_eq!(told(&after), [""; 0]);
    let other = with_mistakes(&[failback, open, ("    failoverDomain: dom01\n", "")]);
    assert_eq!(told(&other), [""; 0], "no service is in the domain");
}

#[test]
fn a_database_stands_behind_a_gate_unless_somebody_says_why_not() {
    let autostart = "    autostart: false\n";
    let with = |lines: &str| format!("{autostart}{lines}");
    tells(autostart, &with("    healGate: strict\n"), &[]);
    for gate in ["prefer", "off"] {
        let written = format!("    healGate: {gate}\n");
        tells(autostart, &with(&written), &[&format!("open-heal-gate @ healGate: {gate}")]);
        tells(autostart, &with(&(written + "    acceptDataLoss: a cache\n")), &[]);
    }
    tells(autostart, &with("    acceptDataLoss: a cache\n"), &["accept-data-loss-alone @ acceptDataLoss: a cache"]);
    let mute = "    healGate: off\n    acceptDataLoss: \" \"\n";
    tells(autostart, &with(mute), &["no-reason @ acceptDataLoss: \" \""]);
    let message = message(&[(autostart, &with("    healGate: off\n"))], "open-heal-gate");
    assert!(message.contains("volume data00") && message.contains("two histories"), "{message}");
}

#[test]
fn a_database_wants_a_volume_that_keeps_its_files_whole() {
    let policy = "cluster.favorite-child-policy: mtime";
    tells(PROFILE, &option(policy), &[&format!("favorite-child @ {policy}")]);
    assert!(refused(PROFILE, &option(policy)));
    tells(PROFILE, &option("cluster.favorite-child-policy: none"), &[]);
    tells(&format!("    {PROFILE}\n"), "", &["database-profile @ data00"]);
    tells(PROFILE, &option("performance.write-behind: on"), &["database-profile @ data00"]);
    let told = message(&[(PROFILE, &option("performance.write-behind: on"))], "database-profile");
    assert!(told.contains("`performance.write-behind`"), "{told}");
    assert!(!refused(&format!("    {PROFILE}\n"), ""), "it is a warning");
}

#[test]
fn two_replicas_with_quorum_cannot_be_taken_over() {
    let told = message(&[(PROFILE, &option("cluster.quorum-type: auto"))], "replica-2");
    assert!(told.contains("no service can be taken over"), "{told}");
}
