//! What can be wrong with failover domains.

use std::collections::BTreeMap;

use crate::kinds::{FailoverDomain, Spec, nodes};
use crate::model::{Findings, NodeName, SpecPath};

/// The lowest priority, as rgmanager had it.
const LOWEST: u32 = 100;

/// Looks at the failover domains.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    for (name, domain) in &spec.failover_domains {
        let path = SpecPath::of(["failoverDomains"]).at(name);
        let nodes = path.at("nodes");
        if domain.nodes.is_empty() {
            let message = if domain.restricted {
                "this domain has no nodes, and its services may run on no other"
            } else {
                "this domain has no nodes"
            };
            findings.error(
                nodes.clone(),
                "empty-domain",
                message,
                "write each with its priority: `nodes: {node01: 1}`",
            );
        }
        for (node, &priority) in &domain.nodes {
            nodes::known(spec, node, nodes.at(node), findings);
            if !(1..=LOWEST).contains(&priority) {
                let message = format!("{node} has the priority {priority}, and 1 is the best, {LOWEST} the last");
                findings.error(nodes.at(node), "priority-range", message, format!("write 1 to {LOWEST}"));
            }
        }
        if domain.ordered {
            equal_priorities(domain, &nodes, findings);
        } else if domain.failback {
            let message = "`failback` brings a service to a better member, and all are equal unless `ordered`";
            findings.warn(path.at("failback"), "failback-unordered", message, "write `ordered: true`, or leave it out");
        }
    }
}

fn equal_priorities(domain: &FailoverDomain, path: &SpecPath, findings: &mut Findings) {
    let mut taken: BTreeMap<u32, &NodeName> = BTreeMap::new();
    for (node, &priority) in &domain.nodes {
        if let Some(other) = taken.insert(priority, node) {
            let message = format!("{other} and {node} both have the priority {priority}: neither is preferred");
            findings.warn(path.at(node), "equal-priorities", message, "give each its own, or leave `ordered` out");
        }
    }
}
