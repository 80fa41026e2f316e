//! `crm_attribute --node NODE --name standby`: what a person tells the cluster of a node, until it is told otherwise.

use super::element::Element;
use crate::model::{NodeName, Output};
use crate::transport::simulated::output::{Call, failed, printed, silent};
use crate::transport::simulated::world::World;

/// `CRM_EX_DISCONNECT`, `CRM_EX_NOSUCH` and `CRM_EX_TIMEOUT`.
const DISCONNECTED: i32 = 102;
const NO_SUCH: i32 = 105;
const TIMED_OUT: i32 = 124;

/// `crm_attribute --node NODE --name NAME` with `--update VALUE`, `--delete` or `--query`.
pub fn crm_attribute(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let value = |name: &str| call.args.iter().skip_while(|arg| **arg != name).nth(1).copied();
    let (Some(target), Some(name)) = (value("--node"), value("--name")) else {
        return failed(64, "crm_attribute: only attributes of nodes are played here\n");
    };
    if world.cib(at).is_none() {
        return failed(
            DISCONNECTED,
            "crm_attribute: Could not connect to the CIB: Transport endpoint is not connected\n",
        );
    }
    let Some(dc) = world.dc_of(at) else {
        return failed(TIMED_OUT, "crm_attribute: Error performing operation: Timer expired\n");
    };
    let now_ms = world.clock_ms;
    let Some(cib) = &mut world.node_mut(&dc).pacemaker.cib else { return silent() };
    let nodes = &mut cib.configuration.child_mut("nodes").children;
    let Some(node) = nodes.iter_mut().find(|node| node.get("uname") == Some(target)) else {
        return failed(NO_SUCH, format!("crm_attribute: Could not map name={target} to a UUID\n"));
    };
    let set = format!("nodes-{}", node.id());
    let there =
        node.child("instance_attributes").and_then(|set| set.all("nvpair").find(|pair| pair.get("name") == Some(name)));
    let (id, now) = (format!("{set}-{name}"), there.and_then(|pair| pair.get("value")).map(str::to_owned));
    if call.args.contains(&"--query") {
        return match now {
            Some(now) => printed(format!("scope=nodes  name={name} value={now}\n")),
            None => failed(NO_SUCH, "crm_attribute: Error performing operation: No such device or address\n"),
        };
    }
    let wanted = value("--update");
    let pairs = node.child_mut("instance_attributes");
    if pairs.get("id").is_none() {
        *pairs = Element::new("instance_attributes").with("id", &set);
    }
    pairs.children.retain(|pair| pair.get("name") != Some(name));
    let pair = |value: &str| Element::new("nvpair").with("id", &id).with("name", name).with("value", value);
    pairs.children.extend(wanted.map(pair));
    if wanted != now.as_deref() {
        cib.changed(now_ms, at, "crm_attribute", "root");
    }
    world.replicate(&dc);
    match wanted {
        Some(_) => silent(),
        None => printed(format!("Deleted nodes attribute: id={id} name={name}\n")),
    }
}
