//! What can be wrong with the nodes and their addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::kinds::{Hosts, NetworkAddress, Node, Spec, TransportSpec};
use crate::model::{Findings, NodeName, SpecPath, did_you_mean};

/// Looks at the nodes.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    let path = SpecPath::of(["nodes"]);
    if spec.nodes.is_empty() {
        findings.error(path.clone(), "no-nodes", "there are no nodes", "write each machine by its name: `node01: {}`");
    }
    let mut ids: BTreeMap<u32, &NodeName> = BTreeMap::new();
    let mut taken: BTreeMap<String, &NodeName> = BTreeMap::new();
    for (name, node) in &spec.nodes {
        let path = path.at(name);
        check_id(name, node, &mut ids, &path, findings);
        let addresses = Addressed::of(name, node, &path);
        for at in &addresses {
            match taken.get(at.text.as_str()) {
                Some(other) if *other != name => {
                    let message = format!("`{}` is an address of {other} already", at.text);
                    findings.error(at.path.clone(), "duplicate-address", message, "give each node its own");
                }
                _ => drop(taken.insert(at.text.clone(), name)),
            }
        }
        check_storage(spec, name, node, &path, findings);
        if spec.hosts == Hosts::Managed {
            check_hosts(name, node, &path, findings);
        }
    }
}

fn check_id<'a>(
    name: &'a NodeName,
    node: &Node,
    ids: &mut BTreeMap<u32, &'a NodeName>,
    path: &SpecPath,
    findings: &mut Findings,
) {
    let Some(id) = node.id else { return };
    let path = path.at("id");
    if id == 0 {
        findings.error(path, "bad-value", "a node's id is 1 or more", "number the nodes from 1 up");
    } else if let Some(other) = ids.insert(id, name) {
        findings.error(path, "duplicate-id", format!("{other} has the id {id} already"), "number the nodes from 1 up");
    }
}

/// An address of a node, and where it is written.
struct Addressed {
    text: String,
    path: SpecPath,
}

impl Addressed {
    /// All that a node is known by, as written; its own name where nothing is.
    fn of(name: &NodeName, node: &Node, path: &SpecPath) -> Vec<Self> {
        let under = path.at("addresses");
        let mut all = vec![Self { text: node.management(name).to_owned(), path: place(node, path, "management") }];
        for (key, at) in [("cluster", &node.addresses.cluster), ("storage", &node.addresses.storage)] {
            let Some(at) = at else { continue };
            all.push(Self { text: at.name.to_string(), path: under.at(key) });
            all.extend(at.ip.map(|ip| Self { text: ip.to_string(), path: under.at(key).at("ip") }));
        }
        all
    }
}

/// Where an address is written: where what it defaults to is, at last the node itself.
fn place(node: &Node, path: &SpecPath, key: &str) -> SpecPath {
    let under = path.at("addresses");
    match key {
        "storage" if node.addresses.storage.is_some() => under.at("storage"),
        _ if node.addresses.management.is_some() => under.at("management"),
        _ => path.clone(),
    }
}

/// A name that each node takes for itself is no way to another.
fn check_storage(spec: &Spec, name: &NodeName, node: &Node, path: &SpecPath, findings: &mut Findings) {
    let storage = node.storage(name);
    let ip = node.addresses.storage.as_ref().and_then(|at| at.ip).or_else(|| storage.parse().ok());
    let loopback = ip.is_some_and(|ip: IpAddr| ip.is_loopback() || ip.is_unspecified())
        || storage == "localhost"
        || storage.starts_with("localhost.");
    if loopback && spec.nodes.len() > 1 && spec.transport != TransportSpec::Simulated {
        findings.error(
            place(node, path, "storage"),
            "loopback-address",
            format!("`{storage}` is each node itself: the others cannot reach {name} by it"),
            "write the address of its storage network: `addresses: {storage: 192.168.9.11}`",
        );
    }
}

/// What is written into `/etc/hosts` needs an IP address.
fn check_hosts(name: &NodeName, node: &Node, path: &SpecPath, findings: &mut Findings) {
    let under = path.at("addresses");
    let mut missing = |path: SpecPath, address: &str, key: &str| {
        findings.error(
            path,
            "hosts-need-ip",
            format!("`hosts: managed` cannot write `{address}` into /etc/hosts without its IP address"),
            format!("write `{key}: {{name: {address}, ip: 192.168.9.11}}` with the address of {name}"),
        );
    };
    if let Some(cluster) = &node.addresses.cluster
        && cluster.ip.is_none()
        && cluster.name.as_str().parse::<IpAddr>().is_err()
    {
        missing(under.at("cluster"), cluster.name.as_str(), "cluster");
    }
    let storage = node.storage(name);
    let has_ip = node.addresses.storage.as_ref().is_some_and(|at| at.ip.is_some());
    if !has_ip && storage.parse::<IpAddr>().is_err() {
        missing(place(node, path, "storage"), storage, "storage");
    }
}

/// Whether `node` is one of the nodes; if not, says so of `path`.
pub(in crate::kinds) fn known(spec: &Spec, node: &NodeName, path: SpecPath, findings: &mut Findings) -> bool {
    let known = spec.nodes.contains_key(node);
    if !known {
        let all = "write it below `nodes:`, or name one that is there";
        let hint = did_you_mean(node.as_str(), spec.nodes.keys().map(NodeName::as_str), all);
        findings.error(path, "unknown-node", format!("there is no node `{node}`"), hint);
    }
    known
}

/// The node of which `address` is one of its names or addresses.
pub(in crate::kinds) fn at_address<'a>(spec: &'a Spec, address: &str) -> Option<&'a NodeName> {
    let ip = address.parse::<IpAddr>().ok();
    // An address may be spelled in several ways, a name in upper case too.
    let same = |text: &str| text.eq_ignore_ascii_case(address) || (ip.is_some() && text.parse::<IpAddr>().ok() == ip);
    let known_by = |name: &NodeName, node: &Node| {
        let of = |at: &Option<NetworkAddress>| {
            at.as_ref().is_some_and(|at| same(at.name.as_str()) || (ip.is_some() && at.ip == ip))
        };
        same(name.as_str()) || same(node.management(name)) || of(&node.addresses.cluster) || of(&node.addresses.storage)
    };
    spec.nodes.iter().find(|(name, node)| known_by(name, node)).map(|(name, _)| name)
}
