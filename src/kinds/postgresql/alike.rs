//! What must be the same on every node that may serve a database.
//!
//! The order of texts comes from the system's libraries: an index that was written under one order and is read under
//! another silently misses rows. Files belong to a number, not to a name.

use std::collections::BTreeMap;

use super::One;
use crate::kinds::nodes;
use crate::model::NodeName;
use crate::tools::{gluster, postgresql};

/// What differs between the nodes of `one`, in a sentence; nothing as far as all that is known is the same.
pub(super) fn differs(one: &One<'_>) -> Option<String> {
    let package =
        |package: &'static str| different(package, one.nodes.iter().map(|node| (*node, version(one, node, package))));
    let server = one.nodes.iter().find_map(|node| one.programs(node)).map(|programs| programs.package);
    let packages = server.into_iter().chain(postgresql::ORDERING_PACKAGES.iter().copied()).chain([gluster::PACKAGE]);
    let users = || {
        let user = |node| one.server(node).and_then(|server| server.user);
        different("the number of the user postgres", one.nodes.iter().map(|node| (*node, user(node))))
    };
    packages.into_iter().find_map(package).or_else(users)
}

/// The version of `package` on `node`; nothing if that is not known or it is not there.
fn version(one: &One<'_>, node: &NodeName, package: &str) -> Option<String> {
    one.cx.see(node, &nodes::look(one.cx.spec)).known()?.packages.get(package).cloned()
}

fn different<'a>(what: &str, of: impl Iterator<Item = (&'a NodeName, Option<String>)>) -> Option<String> {
    let mut values: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (node, value) in of {
        if let Some(value) = value {
            values.entry(value).or_default().push(node.as_str());
        }
    }
    let list: Vec<String> = values.iter().map(|(value, nodes)| format!("{value} on {}", nodes.join(", "))).collect();
    (list.len() > 1).then(|| format!("{what} differs: {}", list.join("; ")))
}
