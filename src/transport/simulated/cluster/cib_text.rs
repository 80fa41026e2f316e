//! The CIB as `cibadmin -Q` prints it: header, configuration and status.

use super::data::{Cib, History, NodeState, Op, Task, rc};
use super::element::Element;
use super::times;
use crate::model::NodeName;
use crate::transport::simulated::world::World;

/// The whole document.
#[must_use]
pub fn document(world: &World, at: &NodeName, cib: &Cib) -> Element {
    let (admin_epoch, epoch, num_updates) = cib.version;
    let dc = world.dc_of(at).filter(|_| !cib.status.is_empty());
    let mut root = Element::new("cib")
        .with("crm_feature_set", "3.16.1")
        .with("validate-with", "pacemaker-3.9")
        .with("epoch", epoch)
        .with("num_updates", num_updates)
        .with("admin_epoch", admin_epoch);
    if let Some(written_ms) = cib.written_ms {
        root = root
            .with("cib-last-written", times::long(world, at, written_ms))
            .with("update-origin", &cib.origin)
            .with("update-client", &cib.client)
            .with("update-user", &cib.user);
    }
    if let Some(dc) = &dc {
        root = root.with("have-quorum", u8::from(world.has_votes(at))).with("dc-uuid", world.id_of(at, dc));
    }
    let states = cib.status.iter().map(|(name, state)| node_state(world, at, name, state));
    root.holding([Element::clone(&cib.configuration), Element::new("status").holding(states)])
}

fn node_state(world: &World, at: &NodeName, name: &NodeName, state: &NodeState) -> Element {
    let id = world.id_of(at, name);
    let role = |is: bool| if is { "member" } else { "down" };
    let resources = state.history.iter().map(|(resource, history)| lrm_resource(world, at, name, resource, history));
    let lrm = Element::new("lrm").with("id", id).holding([Element::new("lrm_resources").holding(resources)]);
    let set = format!("status-{id}");
    let pairs = state.attributes.iter().map(|(attribute, value)| {
        let pair = format!("{set}-{}", attribute.replace('#', "."));
        Element::new("nvpair").with("id", pair).with("name", attribute).with("value", value)
    });
    let attributes = Element::new("instance_attributes").with("id", &set).holding(pairs);
    let transient = Element::new("transient_attributes").with("id", id).holding([attributes]);
    let element = Element::new("node_state")
        .with("id", id)
        .with("uname", name)
        .with("in_ccm", state.in_ccm)
        .with("crmd", if state.online { "online" } else { "offline" })
        .with("crm-debug-origin", "do_state_transition")
        .with("join", role(state.member && state.online))
        .with("expected", role(state.expected));
    if state.member { element.holding([lrm, transient]) } else { element }
}

fn lrm_resource(world: &World, at: &NodeName, node: &NodeName, id: &str, history: &History) -> Element {
    let parts: Vec<&str> = history.agent.split(':').collect();
    let (class, provider, kind) = match parts.as_slice() {
        [class, provider, kind] => (*class, Some(*provider), *kind),
        [class, kind] => (*class, None, *kind),
        _ => ("", None, ""),
    };
    let ops = [(history.failure.as_ref(), "last_failure_0"), (history.last.as_ref(), "last_0")];
    let mut list: Vec<Element> =
        ops.into_iter().filter_map(|(op, name)| Some(lrm_op(world, at, node, id, op?, name, history))).collect();
    if let Some(op) = &history.monitor {
        list.push(lrm_op(world, at, node, id, op, &format!("monitor_{}", op.interval_ms), history));
    }
    Element::new("lrm_resource")
        .with("id", id)
        .with("type", kind)
        .with("class", class)
        .with_some("provider", provider)
        .holding(list)
}

fn lrm_op(world: &World, at: &NodeName, node: &NodeName, id: &str, op: &Op, name: &str, history: &History) -> Element {
    let rc = op.rc.unwrap_or(193);
    let wanted = if op.task == Task::Probe { rc::STOPPED } else { rc::OK };
    let status = if op.rc.is_none() { -1 } else { 0 };
    let key = format!("{}:1:{wanted}:00000000-0000-4000-8000-000000000001", op.call);
    Element::new("lrm_rsc_op")
        .with("id", format!("{id}_{name}"))
        .with("operation_key", format!("{id}_{}_{}", op.task.name(), op.interval_ms))
        .with("operation", op.task.name())
        .with("crm-debug-origin", "do_update_resource")
        .with("crm_feature_set", "3.16.1")
        .with("transition-key", &key)
        .with("transition-magic", format!("{status}:{rc};{key}"))
        .with("exit-reason", &op.reason)
        .with("on_node", node)
        .with("call-id", if op.rc.is_some() { i64::from(op.call) } else { -1 })
        .with("rc-code", rc)
        .with("op-status", status)
        .with("interval", op.interval_ms)
        .with("last-rc-change", times::seconds(world, at, op.at_ms))
        .with("exec-time", op.took_ms)
        .with("queue-time", 0)
        .with("op-digest", format!("{0}{0}", history.digest))
}
