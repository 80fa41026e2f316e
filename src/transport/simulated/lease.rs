//! The lease on a node: its script, and the wrapper's look at it.

use super::output::{Call, failed, silent};
use super::world::World;
use crate::model::{NodeName, Output};

const FILE: &str = "/run/bricklayer/lease";

/// `lease take OWNER TTL` and `lease release OWNER`.
pub fn lease(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let holder = holder(world, at);
    let now = uptime(world, at);
    let node = world.node_mut(at);
    match call.args {
        ["take", owner, ttl] => {
            let Ok(ttl) = ttl.parse::<u64>() else { return failed(2, format!("lease: bad number: {ttl}\n")) };
            if let Some(other) = holder.filter(|holder| holder != owner) {
                return failed(75, format!("{other}\n"));
            }
            node.put(FILE, &format!("{owner}\t{}\n", now + ttl), "644");
            silent()
        }
        ["release", owner] => {
            let ours = node.files.get(FILE).is_some_and(|file| file.text.split('\t').next() == Some(owner));
            if ours {
                node.files.remove(FILE);
            }
            silent()
        }
        ["take" | "release", ..] => failed(2, "lease: parameter not set\n"),
        _ => failed(1, format!("{} is neither take nor release\n", call.args.first().unwrap_or(&""))),
    }
}

/// Who holds the lease of a node now, by the node's own uptime.
#[must_use]
pub fn holder(world: &World, at: &NodeName) -> Option<String> {
    let (owner, expiry) = world.nodes[at].files.get(FILE)?.text.trim_end().split_once('\t')?;
    let expiry: u64 = expiry.parse().ok()?;
    (expiry > uptime(world, at)).then(|| owner.to_owned())
}

fn uptime(world: &World, at: &NodeName) -> u64 {
    (world.clock_ms - world.nodes[at].booted_ms) / 1000
}
