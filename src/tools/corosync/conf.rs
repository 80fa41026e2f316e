//! `corosync.conf` (corosync.conf(5)): how it is written, and how any such file is read.
//!
//! A file is compared key by key, in the words in which a running Corosync tells its own: `totem.token`. Only a node
//! is called by its name there and not by its place in the list, so that one node more does not look like a change of
//! all others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::tools::MARK;

/// The values of a file, by their keys.
pub type Keys = BTreeMap<String, String>;

/// A file to be written.
pub struct Conf<'a> {
    /// What it belongs to, for people: `cluster cluster01`.
    pub owner: &'a str,
    /// The cluster's name.
    pub cluster: &'a str,
    /// How long a member may be silent, in milliseconds.
    pub token: u64,
    /// How long those that are left then look for it, in milliseconds, where that is not Corosync's own choice.
    pub consensus: Option<u64>,
    /// The members.
    pub members: Vec<Member<'a>>,
    /// Who has a vote besides them.
    pub device: Option<Device<'a>>,
}

/// A member in the file.
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number.
    pub id: u32,
    /// What it is reached by, the best way first.
    pub links: Vec<&'a str>,
}

/// A quorum device in the file.
pub struct Device<'a> {
    /// The host of corosync-qnetd.
    pub host: &'a str,
    /// How it gives its vote.
    pub algorithm: &'static str,
    /// Whether it is spoken to with TLS.
    pub tls: &'static str,
    /// How many votes it has, where that is not Corosync's own choice.
    pub votes: Option<usize>,
}

impl Conf<'_> {
    /// The file's text. What is left out, Corosync derives.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { owner, cluster, token, consensus, members, device } = self;
        let consensus = consensus.map(|consensus| format!("\tconsensus: {consensus}\n")).unwrap_or_default();
        let mut text = format!(
            "{MARK} {owner}\ntotem {{\n\tversion: 2\n\tcluster_name: {cluster}\n\ttransport: knet\n\
             \tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n\ttoken: {token}\n{consensus}}}\n\nnodelist {{\n"
        );
        for Member { name, id, links } in members {
            let _ = write!(text, "\tnode {{\n\t\tname: {name}\n\t\tnodeid: {id}\n");
            for (number, address) in links.iter().enumerate() {
                let _ = writeln!(text, "\t\tring{number}_addr: {address}");
            }
            text += "\t}\n";
        }
        text += "}\n\nquorum {\n\tprovider: corosync_votequorum\n";
        if members.len() == 2 && device.is_none() {
            text += "\ttwo_node: 1\n";
        }
        if members.len() > 1 {
            text += "\twait_for_all: 1\n";
        }
        if let Some(device) = device {
            text += &device.text(members.len());
        }
        text + "}\n\nlogging {\n\tto_syslog: yes\n\tto_logfile: no\n\tto_stderr: no\n}\n"
    }
}

impl Device<'_> {
    /// Its part of the file. Of votes that are written, Corosync has to be told the sum, too: left to itself it expects
    /// the nodes' alone, so that one node and the device make up for all that are waited for (seen with 3.1.7: a node
    /// that came back alone after a power loss of both was quorate).
    fn text(&self, members: usize) -> String {
        let Self { host, algorithm, tls, votes } = self;
        let expected = votes.map(|votes| format!("\texpected_votes: {}\n", members + votes)).unwrap_or_default();
        let votes = votes.map(|votes| format!("\t\tvotes: {votes}\n")).unwrap_or_default();
        format!(
            "{expected}\tdevice {{\n\t\tmodel: net\n{votes}\t\tnet {{\n\t\t\thost: {host}\n\
             \t\t\talgorithm: {algorithm}\n\t\t\ttls: {tls}\n\t\t}}\n\t}}\n"
        )
    }
}

/// The values of any such file. What Corosync would not take is left out: it is not compared, and not run with.
#[must_use]
pub fn keys(text: &str) -> Keys {
    let mut flat = BTreeMap::new();
    let mut open: Vec<String> = Vec::new();
    let mut nodes = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some((section, _)) = line.split_once('{') {
            let section = section.trim();
            if section == "node" && open == ["nodelist"] {
                open.push(format!("node.{nodes}"));
                nodes += 1;
            } else {
                open.push(section.to_owned());
            }
        } else if line.starts_with('}') {
            open.pop();
        } else if let Some((key, value)) = line.split_once(':') {
            let path = open.iter().map(String::as_str).chain([key.trim()]).collect::<Vec<_>>().join(".");
            flat.insert(path, value.trim().to_owned());
        }
    }
    by_name(flat)
}

/// The same keys with each node called by its name, where it has one.
pub(super) fn by_name(flat: Keys) -> Keys {
    const NODE: &str = "nodelist.node.";
    let place =
        |key: &str| key.strip_prefix(NODE)?.split_once('.').map(|(place, rest)| (place.to_owned(), rest.to_owned()));
    let named = |(key, name): (&String, &String)| match place(key)? {
        (place, rest) if rest == "name" => Some((place, name.clone())),
        _ => None,
    };
    let called: BTreeMap<String, String> = flat.iter().filter_map(named).collect();
    let renamed = |(key, value): (String, String)| match place(&key) {
        Some((place, rest)) => (format!("{NODE}{}.{rest}", called.get(&place).unwrap_or(&place)), value),
        None => (key, value),
    };
    flat.into_iter().map(renamed).collect()
}

/// Whether a file is the example that Debian's package brings, and so is nobody's.
#[must_use]
pub fn is_packaged(text: &str) -> bool {
    let keys = keys(text);
    let addresses = keys.iter().filter(|(key, _)| key.starts_with("nodelist.") && key.ends_with("_addr"));
    let addresses: BTreeSet<&str> = addresses.map(|(_, address)| address.as_str()).collect();
    keys.get("totem.cluster_name").is_some_and(|name| name == "debian") && addresses == BTreeSet::from(["127.0.0.1"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(nodes: &[&'static str], device: Option<Device<'static>>) -> String {
        let member = |(index, name): (usize, &&'static str)| {
            let id = u32::try_from(index).unwrap() + 1;
            Member { name, id, links: vec!["10.0.0.1", "10.0.1.1"] }
        };
        let members = nodes.iter().enumerate().map(member).collect();
        let consensus = (nodes.len() == 2).then_some(2_000);
        Conf { owner: "cluster c1", cluster: "c1", token: 20_000, consensus, members, device }.text()
    }

    #[test]
    fn a_file_is_read_back_as_it_was_written() {
        let text = conf(&["node01", "node02"], None);
        assert!(text.starts_with("# bricklayer: cluster c1\n"));
        let keys = keys(&text);
        let expected = [
            ("totem.token", "20000"),
            ("totem.consensus", "2000"),
            ("totem.crypto_cipher", "aes256"),
            ("totem.crypto_hash", "sha256"),
            ("nodelist.node.node02.nodeid", "2"),
            ("nodelist.node.node02.ring1_addr", "10.0.1.1"),
            ("quorum.provider", "corosync_votequorum"),
            ("quorum.two_node", "1"),
            ("quorum.wait_for_all", "1"),
        ];
        for (key, value) in expected {
            assert_eq!(keys.get(key).map(String::as_str), Some(value), "{key} in\n{text}");
        }
    }

    #[test]
    fn two_votes_are_a_special_case_and_three_wait_for_all_once() {
        let three = keys(&conf(&["a", "b", "c"], None));
        assert_eq!((three.get("quorum.two_node"), three["quorum.wait_for_all"].as_str()), (None, "1"));
        assert_eq!(three.get("totem.consensus"), None, "it is Corosync's own choice");
        let one = keys(&conf(&["a"], None));
        assert_eq!((one.get("quorum.two_node"), one.get("quorum.wait_for_all")), (None, None));
    }

    #[test]
    fn two_nodes_with_a_device_have_three_votes_and_all_of_them_are_waited_for() {
        let device = |votes| Device { host: "qd1", algorithm: "ffsplit", tls: "required", votes };
        let with_device = keys(&conf(&["a", "b"], Some(device(Some(1)))));
        assert_eq!(with_device.get("quorum.two_node"), None);
        assert_eq!((&*with_device["quorum.expected_votes"], &*with_device["quorum.wait_for_all"]), ("3", "1"));
        let expected = ["net", "1", "qd1", "ffsplit", "required"];
        let found = ["model", "votes", "net.host", "net.algorithm", "net.tls"];
        assert_eq!(found.map(|key| &with_device[&format!("quorum.device.{key}")]), expected);
        // Where Corosync counts the device's votes itself, it counts the sum, too.
        let own = keys(&conf(&["a", "b"], Some(device(None))));
        assert!(!own.contains_key("quorum.expected_votes") && !own.contains_key("quorum.device.votes"));
    }

    #[test]
    fn comments_blank_lines_and_spaces_are_nothing() {
        let text =
            "  # totem {\ntotem{\n\n token :  3000 \n #token: 1\n}\nnodelist {\n node {\n ring0_addr: fe80::1\n }\n}\n";
        let expected = [("totem.token", "3000"), ("nodelist.node.0.ring0_addr", "fe80::1")];
        let found = keys(text);
        let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found.len(), 2);
        for pair in expected {
            assert!(found.contains(&pair), "{found:?}");
        }
    }

    #[test]
    fn a_node_more_changes_no_key_of_the_others() {
        let (two, three) = (keys(&conf(&["b", "c"], None)), keys(&conf(&["b", "c", "a"], None)));
        let of = |keys: &Keys| {
            keys.iter().filter(|(key, _)| key.contains(".b.")).map(|(k, v)| (k.clone(), v.clone())).collect::<Keys>()
        };
        assert_eq!(of(&two), of(&three));
    }

    #[test]
    fn debians_example_is_nobodys_and_anything_else_is_somebodys() {
        let example = "totem {\n\tversion: 2\n\tcluster_name: debian\n}\nnodelist {\n\tnode {\n\t\tname: node1\n\t\tnodeid: 1\n\
                       \t\tring0_addr: 127.0.0.1\n\t}\n}\n";
        assert!(is_packaged(example));
        assert!(!is_packaged(&example.replace("127.0.0.1", "10.0.0.1")));
        assert!(!is_packaged(&example.replace("debian", "prod")));
        assert!(!is_packaged("totem {\n\tcluster_name: debian\n}\n"));
    }
}
