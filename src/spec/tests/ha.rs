//! Bad input to the sections for the cluster manager: each test makes one mistake in the article's own file and looks
//! at what is told of it and where.

mod coherence;
mod fencing;
mod services;
mod timing;

use super::*;

/// The article's cluster, which has one warning of its own.
const ARTICLE: &str = include_str!("../../../specs/postgres-ha.yaml");

/// The file with `from` put in place of `to`, each of which must be there.
#[track_caller]
fn with_mistakes(mistakes: &[(&str, &str)]) -> String {
    let mut text = ARTICLE.to_owned();
    for (from, to) in mistakes {
        assert!(text.contains(from), "{from} is not there any more");
        text = text.replace(from, to);
    }
    text
}

/// What is found, each as `code @ what is underlined`; without the one warning that the article has anyway.
fn told(text: &str) -> Vec<String> {
    let loaded = from_bytes("test.yaml", text.as_bytes().to_vec());
    let others = loaded.findings.iter().filter(|located| located.finding.code != "replica-2");
    others.map(|located| format!("{} @ {}", located.finding.code, &text[located.at.start..located.at.end])).collect()
}

/// Asserts what is told of a mistake.
#[track_caller]
fn tells(from: &str, to: &str, expected: &[&str]) {
    let text = with_mistakes(&[(from, to)]);
    assert_eq!(told(&text), expected, "\n{text}");
}

/// The message of the one finding of a code, with its hint.
#[track_caller]
fn message(mistakes: &[(&str, &str)], code: &str) -> String {
    let loaded = from_bytes("test.yaml", with_mistakes(mistakes).into_bytes());
    let mut found = loaded.findings.into_iter().map(|located| located.finding).filter(|finding| finding.code == code);
    let finding = found.next().unwrap_or_else(|| panic!("there is no {code}"));
    assert_eq!(found.next(), None);
    format!("{} ({})", finding.message, finding.hint.unwrap_or_default())
}

/// Whether nothing is run with the mistake in the file.
#[track_caller]
fn refused(from: &str, to: &str) -> bool {
    from_bytes("test.yaml", with_mistakes(&[(from, to)]).into_bytes()).spec.is_none()
}

const TWO_NODES: &str =
    "  node02: {id: 2, addresses: {management: 192.168.8.12, cluster: node02h, storage: node02m}}\n";
const PLUGS: &str = "plugs: {node01: RHCSvm01-gluster, node02: RHCSvm02-gluster}";

/// The article with more nodes, which the fence device knows too.
fn with_nodes(count: usize) -> String {
    let mut nodes = TWO_NODES.to_owned();
    let mut plugs = PLUGS.trim_end_matches('}').to_owned();
    for n in 3..=count {
        writeln!(nodes, "  node0{n}: {{id: {n}}}").unwrap();
        write!(plugs, ", node0{n}: vm{n}").unwrap();
    }
    plugs.push('}');
    with_mistakes(&[(TWO_NODES, &nodes), (PLUGS, &plugs)])
}

#[test]
fn the_articles_files_have_the_one_warning_that_two_replicas_deserve() {
    assert_eq!(told(ARTICLE), [""; 0]);
    assert_eq!(told(include_str!("../../../specs/postgres-ha-tuned.yaml")), [""; 0]);
    let loaded = from_bytes("test.yaml", ARTICLE.as_bytes().to_vec());
    assert!(loaded.spec.is_some());
    assert_eq!(loaded.findings.len(), 1);
    assert_eq!(
        loaded.findings[0].finding.message,
        "with two replicas, fencing excludes a split-brain only by its timing: a node that is cut off goes on alone \
         after 31 s and must be off within 20 s token + 2 s consensus + 2 s fence delay + 4 s fencing + 2 s = 30 s; \
         where fencing hangs or fails, both go on writing"
    );
}

#[test]
fn members_have_numbers_of_their_own() {
    tells("node02: {id: 2, ", "node02: {", &["missing-id @ node02"]);
    assert!(
        message(&[("node02: {id: 2, ", "node02: {")], "missing-id").ends_with("(write `id: 2`, and keep it for ever)")
    );
    tells("node02: {id: 2, ", "node02: {id: 1, ", &["duplicate-id @ id: 1"]);
    let without = "apiVersion: bricklayer/v1\ncluster: c\ntransport: ssh\nnodes: {a: {}, b: {}}\n";
    assert_eq!(told(without), ["nothing-to-do @ "], "without a cluster manager nobody needs a number");
}

#[test]
fn members_are_reached_by_an_address_of_their_own() {
    tells("cluster: node01h", "cluster: 127.0.0.1", &["loopback-address @ cluster: 127.0.0.1"]);
    tells("cluster: node01h", "cluster: node02h", &["duplicate-address @ cluster: node02h"]);
}

#[test]
fn a_cluster_of_one_is_told_of() {
    let one = "apiVersion: bricklayer/v1\ncluster: c\ntransport: T\nnodes: {a: {id: 1}}\ncorosync: {}\n";
    assert_eq!(told(&one.replace('T', "ssh")), ["one-node @ nodes"]);
    assert_eq!(told(&one.replace('T', "local")), ["local-with-manager @ transport: local"]);
}

#[test]
fn tokens_have_a_unit_and_are_neither_a_breath_nor_an_age() {
    for bad in ["20", "0s", "-3s", "3 s", "25h", "three"] {
        tells("token: 20s", &format!("token: {bad}"), &[&format!("bad-value @ {bad}")]);
    }
    tells("token: 20s", "token: 100ms", &["token-too-short @ token: 100ms"]);
    tells("token: 20s", "token: 1500ms", &["short-token @ token: 1500ms"]);
    assert!(message(&[("token: 20s", "token: 1500ms")], "short-token").contains("lost after 1.8 s"));
    tells("token: 20s", "token: 17m", &["token-too-long @ token: 17m"]);
    let long = message(&[("token: 20s", "token: 17m")], "token-too-long");
    assert!(long.contains("1020 s token + 2 s consensus") && long.contains("1013 s"), "{long}");
}

#[test]
fn an_even_number_of_votes_beyond_two_wants_one_more() {
    assert_eq!(told(&with_nodes(3)), [""; 0]);
    assert_eq!(told(&with_nodes(4)), ["even-votes @ nodes"]);
    let device =
        |count: usize, device: &str| told(&format!("{}quorumDevice: {{tls: off, {device}}}\n", with_nodes(count)));
    assert_eq!(device(4, "host: qd1"), [""; 0]);
    assert_eq!(device(2, "host: qd1"), [""; 0]);
    assert_eq!(device(3, "host: qd1"), ["odd-votes @ quorumDevice"]);
    assert_eq!(device(3, "host: qd1, algorithm: lms"), [""; 0]);
    for host in ["node01", "NODE01", "node02m", "node01h", "192.168.8.12"] {
        assert_eq!(device(2, &format!("host: {host}")), [format!("quorum-device-on-node @ host: {host}")]);
    }
    assert_eq!(device(2, "host: 'a b'"), ["bad-value @ 'a b'"]);
    assert_eq!(device(2, "algorithm: ffsplit"), ["missing-key @ quorumDevice"]);
}

#[test]
fn a_quorum_device_in_clear_is_told_what_it_costs_unless_somebody_has_said_so() {
    let device = |tls: &str| told(&format!("{}quorumDevice: {{host: qd1{tls}}}\n", with_nodes(2)));
    assert_eq!(device(""), ["quorum-device-in-clear @ quorumDevice"]);
    assert_eq!(device(", tls: on"), ["quorum-device-may-be-in-clear @ tls: on"]);
    for tls in ["off", "required"] {
        assert_eq!(device(&format!(", tls: {tls}")), [""; 0]);
    }
    assert_eq!(device(", tls: yes"), ["bad-value @ yes"]);
}

#[test]
fn domains_have_members_that_there_are_with_priorities_that_count() {
    let nodes = "nodes: {node01: 1, node02: 2}";
    tells(nodes, "nodes: {}", &["empty-domain @ nodes"]);
    tells(nodes, "nodes: {node01: 1, nod02: 2}", &["unknown-node @ nod02: 2"]);
    tells(nodes, "nodes: {node01: 0, node02: 101}", &["priority-range @ node01: 0", "priority-range @ node02: 101"]);
    tells(nodes, "nodes: {node01: -1}", &["wrong-type @ -1"]);
    tells(nodes, "ordered: true, nodes: {node01: 1, node02: 1}", &["equal-priorities @ node02: 1"]);
    assert!(!refused(nodes, "ordered: true, nodes: {node01: 1, node02: 1}"), "it is a warning");
    tells("restricted: true", "restricted: maybe", &["wrong-type @ maybe"]);
    let text =
        with_mistakes(&[("restricted: true", "restricted: true, failback: true"), ("20s}", "20s, start: afterHeal}")]);
    assert_eq!(told(&text), ["failback-unordered @ failback: true"]);
}
