//! `crm_mon -1 --output-as=xml`, as of Pacemaker 2.1.5, and the parts of it that `crm_simulate` prints as well.

use std::collections::BTreeMap;

use super::config::{Config, INFINITY, Primitive, Resource, is_true};
use super::data::{Cib, Fencing, History, Op, Task, rc};
use super::element::Element;
use super::situation::Situation;
use super::{pacemaker, times};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Active;
use crate::transport::simulated::output::Call;
use crate::transport::simulated::world::World;

/// Runs `crm_mon`.
pub fn crm_mon(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let request = ["crm_mon"].iter().chain(call.args).copied().collect::<Vec<_>>().join(" ");
    let root = Element::new("pacemaker-result").with("api-version", "2.25").with("request", request);
    let result = |root: Element, status: i32| Output { status, stdout: root.print(), stderr: String::new() };
    let daemon = Element::new("pacemakerd").with("sys_from", "pacemakerd").with("state", "running");
    let daemon = daemon.with("last_updated", times::short(world, at, world.clock_ms));
    let Some(cib) = world.cib(at) else {
        // Pacemaker whose Corosync was killed under it: its unit runs, and the CIB answers nobody.
        let unit = world.nodes[at].units.get(pacemaker::UNIT);
        if unit.is_some_and(|unit| unit.active == Active::Active) {
            let error = "Could not connect to the CIB: Transport endpoint is not connected";
            return result(root.holding([daemon, status(0, "OK", &[error])]), 0);
        }
        let errors = [
            "error: Could not connect to launcher: Connection refused",
            "crm_mon: Connection to cluster failed: Connection refused",
        ];
        return result(root.holding([status(102, "Not connected", &errors)]), 102);
    };
    let config = cib.configuration.config();
    let quorate = world.has_votes(at);
    let situation = Situation::of(cib, &config, quorate, world.clock_ms);
    let dc = world.dc_of(at).filter(|_| !cib.status.is_empty());
    let mut parts = vec![daemon, summary(world, at, cib, &config, &situation, dc.as_ref())];
    parts.push(nodes(&situation, dc.as_ref()));
    parts.extend(resources(&config, &situation));
    parts.extend(node_attributes(&situation));
    parts.extend(dc.is_some().then(|| node_history(world, at, cib, &config)));
    parts.extend(failures(world, at, cib));
    parts.extend(fence_history(world, at, &cib.fencing));
    parts.extend(bans(&config));
    parts.push(status(0, "OK", &[]));
    result(root.holding(parts), 0)
}

/// How a program ended; its errors are elements with a text, which only this one has.
pub fn status(code: i32, message: &str, errors: &[&str]) -> Element {
    let status = Element::new("status").with("code", code).with("message", message);
    if errors.is_empty() {
        return status;
    }
    status.holding([Element::new("errors").holding(errors.iter().map(|error| Element::text("error", error)))])
}

fn summary(
    world: &World,
    at: &NodeName,
    cib: &Cib,
    config: &Config,
    situation: &Situation,
    dc: Option<&NodeName>,
) -> Element {
    let known = config.options.contains_key("cluster-infrastructure");
    let stack = Element::new("stack").with("type", if known { "corosync" } else { "unknown" });
    let current = match dc {
        None => Element::new("current_dc").with("present", "false"),
        Some(dc) => Element::new("current_dc")
            .with("present", "true")
            .with("version", config.options.get("dc-version").map_or("", String::as_str))
            .with("name", dc)
            .with("id", situation.nodes.get(dc).map_or("", |standing| &standing.id))
            .with("with_quorum", situation.quorate)
            .with("mixed_version", situation.nodes.values().any(|standing| standing.online && standing.pending)),
    };
    let update = Element::new("last_update").with("time", times::long(world, at, world.clock_ms));
    let change = Element::new("last_change")
        .with("time", cib.written_ms.map_or(String::new(), |ms| times::long(world, at, ms)))
        .with("user", &cib.user)
        .with("client", &cib.client)
        .with("origin", &cib.origin);
    // A clone counts once for each node.
    let instances = |resource: &Resource| if resource.clone { situation.nodes.len() } else { resource.members.len() };
    let count = config.resources.iter().map(instances).sum::<usize>() + situation.orphans.len();
    let disabled = config.primitives().filter(|primitive| primitive.is_stopped()).count();
    let blocked = config.primitives().filter(|primitive| is_blocked(situation, primitive)).count();
    let set = |name: &str, default: &str| config.options.get(name).map_or(default, String::as_str).to_owned();
    let on = |name: &str, default: bool| config.is_on(name, default);
    let options = Element::new("cluster_options")
        .with("stonith-enabled", on("stonith-enabled", true))
        .with("symmetric-cluster", on("symmetric-cluster", true))
        .with("no-quorum-policy", set("no-quorum-policy", "stop"))
        .with("maintenance-mode", on("maintenance-mode", false))
        .with("stop-all-resources", on("stop-all-resources", false))
        .with("stonith-timeout-ms", config.duration_ms("stonith-timeout", 60_000))
        .with("priority-fencing-delay-ms", config.duration_ms("priority-fencing-delay", 0));
    Element::new("summary").holding([
        stack,
        current,
        update,
        change,
        Element::new("nodes_configured").with("number", config.nodes.len()),
        Element::new("resources_configured").with("number", count).with("disabled", disabled).with("blocked", blocked),
        options,
    ])
}

/// The nodes and how they stand.
pub fn nodes(situation: &Situation, dc: Option<&NodeName>) -> Element {
    let list = situation.nodes.iter().map(|(name, standing)| {
        let feature_set = standing.attributes.get("#feature-set").map(String::as_str);
        let feature_set = if standing.pending { Some("<3.15.1") } else { feature_set };
        Element::new("node")
            .with("name", name)
            .with("id", &standing.id)
            .with("online", standing.online)
            .with("standby", standing.standby)
            .with("standby_onfail", "false")
            .with("maintenance", standing.maintenance)
            .with("pending", standing.pending)
            .with("unclean", standing.unclean)
            .with("health", "green")
            .with_some("feature_set", feature_set)
            .with("shutdown", "false")
            .with("expected_up", standing.expected)
            .with("is_dc", dc == Some(name))
            .with("resources_running", situation.count(name))
            .with("type", "member")
    });
    Element::new("nodes").holding(list)
}

/// The resources and where they are; nothing if there are none.
pub fn resources(config: &Config, situation: &Situation) -> Option<Element> {
    let mut list: Vec<Element> = config.resources.iter().map(|resource| shown(config, situation, resource)).collect();
    for (id, agent) in situation.found_orphans() {
        let none = BTreeMap::new();
        let resource = Element::new("resource").with("id", id).with("resource_agent", agent);
        list.push(state(config, situation, resource, id, &none, true));
    }
    (!list.is_empty()).then(|| Element::new("resources").holding(list))
}

fn shown(config: &Config, situation: &Situation, resource: &Resource) -> Element {
    let one = |primitive: &Primitive| {
        let element = Element::new("resource").with("id", &primitive.id).with("resource_agent", primitive.agent());
        state(config, situation, element, &primitive.id, &primitive.meta, false)
    };
    if resource.clone {
        return clone(config, situation, resource);
    }
    if !resource.group {
        return one(&resource.members[0]);
    }
    let managed = is_managed(config, &resource.meta);
    let disabled = resource.meta.get("target-role").is_some_and(|role| role.eq_ignore_ascii_case("stopped"));
    Element::new("group")
        .with("id", &resource.id)
        .with("number_resources", resource.members.len())
        .with("managed", managed)
        .with("disabled", disabled)
        .holding(resource.members.iter().map(one))
}

/// A clone with an instance for each node on which it runs, and one that rests for each other.
fn clone(config: &Config, situation: &Situation, resource: &Resource) -> Element {
    let primitive = &resource.members[0];
    let count = situation.nodes.len();
    let places: Vec<_> = situation.running(&primitive.id).cloned().collect();
    let instances = (0..count).map(|number| {
        let mut one = situation.clone();
        one.places.insert(primitive.id.clone(), places.get(number).cloned().into_iter().collect());
        let element = Element::new("resource").with("id", &primitive.id).with("resource_agent", primitive.agent());
        state(config, &one, element, &primitive.id, &primitive.meta, false)
    });
    Element::new("clone")
        .with("id", &resource.id)
        .with("multi_state", "false")
        .with("unique", "false")
        .with("managed", is_managed(config, &resource.meta))
        .with("disabled", primitive.is_stopped())
        .with("failed", "false")
        .with("failure_ignored", "false")
        .holding(instances)
}

fn is_managed(config: &Config, meta: &BTreeMap<String, String>) -> bool {
    let is = |name: &str, default| meta.get(name).map_or(default, |value| is_true(value));
    is("is-managed", true) && !is("maintenance", false) && !config.is_on("maintenance-mode", false)
}

fn is_blocked(situation: &Situation, primitive: &Primitive) -> bool {
    let stuck = situation.running(&primitive.id).any(|place| place.stuck);
    stuck && matches!(primitive.on_fail("stop"), Some("block"))
}

fn state(
    config: &Config,
    situation: &Situation,
    element: Element,
    id: &str,
    meta: &BTreeMap<String, String>,
    orphan: bool,
) -> Element {
    let running: Vec<_> = situation.running(id).collect();
    let kept = running.iter().any(|place| situation.nodes.get(&place.node).is_some_and(|node| node.maintenance));
    let role = match running.first().map(|place| place.pending) {
        None => "Stopped",
        Some(Some(Task::Start)) => "Starting",
        Some(Some(Task::Stop)) => "Stopping",
        Some(_) => "Started",
    };
    let target = meta.get("target-role").map(|role| {
        let mut letters = role.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    });
    let blocked = running.iter().any(|place| place.stuck);
    let nodes: Vec<Element> = running
        .iter()
        .map(|place| {
            let standing = situation.nodes.get(&place.node);
            Element::new("node")
                .with("name", &place.node)
                .with("id", standing.map_or("", |standing| &standing.id))
                .with("cached", standing.is_some_and(|standing| standing.online))
        })
        .collect();
    element
        .with("role", role)
        .with_some("target_role", target)
        .with("active", !running.is_empty())
        .with("orphaned", orphan)
        .with("blocked", blocked)
        .with("managed", is_managed(config, meta) && !kept)
        .with("failed", running.iter().any(|place| place.failed || place.stuck))
        .with("failure_ignored", "false")
        .with("nodes_running_on", nodes.len())
        .holding(nodes)
}

/// Attributes that are not among those that are shown elsewhere.
fn node_attributes(situation: &Situation) -> Option<Element> {
    let hidden = ["standby", "fail-count-", "last-failure-", "#"];
    let shown = |name: &str| !hidden.iter().any(|prefix| name.starts_with(prefix));
    let nodes: Vec<Element> = situation
        .nodes
        .iter()
        .filter(|(_, standing)| standing.online)
        .filter_map(|(name, standing)| {
            let list: Vec<Element> = standing
                .attributes
                .iter()
                .filter(|(name, _)| shown(name))
                .map(|(name, value)| Element::new("attribute").with("name", name).with("value", value))
                .collect();
            (!list.is_empty()).then(|| Element::new("node").with("name", name).holding(list))
        })
        .collect();
    (!nodes.is_empty()).then(|| Element::new("node_attributes").holding(nodes))
}

fn node_history(world: &World, at: &NodeName, cib: &Cib, config: &Config) -> Element {
    let nodes = cib.status.iter().filter_map(|(name, state)| {
        let list: Vec<Element> = state
            .history
            .iter()
            .filter_map(|(id, history)| {
                let failures = super::situation::counted(&state.attributes, id);
                resource_history(world, at, config, id, history, failures)
            })
            .collect();
        (!list.is_empty()).then(|| Element::new("node").with("name", name).holding(list))
    });
    Element::new("node_history").holding(nodes)
}

fn resource_history(
    world: &World,
    at: &NodeName,
    config: &Config,
    id: &str,
    history: &History,
    failures: i64,
) -> Option<Element> {
    let primitive = config.primitives().find(|primitive| primitive.id == id);
    let quiet = |op: &&Op| !(op.task == Task::Probe && op.rc == Some(rc::STOPPED));
    let failed = history.failure.as_ref();
    let mut ops: Vec<&Op> = [failed, history.last.as_ref(), history.monitor.as_ref()].into_iter().flatten().collect();
    ops.retain(quiet);
    // What failed is told once where it is looked at again and again, and else in both of its places.
    ops.dedup_by(|one, other| one == other && one.task == Task::Monitor);
    if ops.is_empty() {
        return None;
    }
    ops.sort_by_key(|op| (op.rc.is_none(), op.call));
    let threshold = primitive.and_then(|primitive| primitive.meta_score("migration-threshold")).unwrap_or(INFINITY);
    let last = history.failed().filter(|_| failures > 0).map(|op| times::long(world, at, op.at_ms + op.took_ms));
    let element = Element::new("resource_history")
        .with("id", id)
        .with("orphan", primitive.is_none())
        .with("migration-threshold", threshold)
        .with_some("fail-count", (failures > 0).then_some(failures))
        .with_some("last-failure", last);
    Some(element.holding(ops.into_iter().map(|op| operation(world, at, op))))
}

fn operation(world: &World, at: &NodeName, op: &Op) -> Element {
    let call = if op.rc.is_some() { op.call.to_string() } else { "-1".to_owned() };
    let task = if op.task == Task::Probe { "probe" } else { op.task.name() };
    Element::new("operation_history")
        .with("call", call)
        .with("task", task)
        .with("rc", op.rc.unwrap_or(193))
        .with("rc_text", op.rc.map_or("unknown", text))
        .with_some("interval", (op.interval_ms > 0).then(|| format!("{}ms", op.interval_ms)))
        .with("last-rc-change", times::long(world, at, op.at_ms))
        .with("exec-time", format!("{}ms", op.took_ms))
        .with("queue-time", "0ms")
}

/// What Pacemaker calls an agent's exit status.
pub(super) fn text(rc: u8) -> &'static str {
    match rc {
        rc::OK => "ok",
        rc::INSTALLED => "not installed",
        rc::CONFIGURED => "not configured",
        rc::STOPPED => "not running",
        _ => "error",
    }
}

fn failures(world: &World, at: &NodeName, cib: &Cib) -> Option<Element> {
    let all = cib.status.iter().flat_map(|(name, state)| state.history.iter().map(move |entry| (name, entry)));
    let list: Vec<Element> = all
        .filter_map(|(name, (id, history))| {
            let op = history.failed()?;
            // The reason was escaped once when it went into the CIB.
            let reason = op.reason.replace('&', "&amp;").replace('\'', "&apos;").replace('"', "&quot;");
            let failure = Element::new("failure")
                .with("op_key", format!("{id}_{}_{}", op.task.name(), op.interval_ms))
                .with("node", name)
                .with("exitstatus", op.rc.map_or("unknown", text))
                .with("exitreason", reason)
                .with("exitcode", op.rc.unwrap_or(193))
                .with("call", op.call)
                .with("status", "complete")
                .with("last-rc-change", times::short(world, at, op.at_ms))
                .with("queued", 0)
                .with("exec", op.took_ms)
                .with("interval", op.interval_ms)
                .with("task", op.task.name());
            Some(failure)
        })
        .collect();
    (!list.is_empty()).then(|| Element::new("failures").holding(list))
}

/// The fencings, the newest first: a list, or nothing if there are none.
fn fence_history(world: &World, at: &NodeName, fencing: &[Fencing]) -> Option<Element> {
    let list: Vec<Element> = fencings(world, at, fencing, false);
    (!list.is_empty()).then(|| Element::new("fence_history").holding(list))
}

/// Fencings as elements, the newest first; only the last that worked for each node if `last` says so.
pub fn fencings(world: &World, at: &NodeName, all: &[Fencing], last: bool) -> Vec<Element> {
    let told = |fencing: &&Fencing| !last || fencing.success == Some(true);
    let mut events: Vec<&Fencing> = all.iter().filter(told).collect();
    events.sort_by_key(|fencing| std::cmp::Reverse(fencing.until_ms));
    events
        .into_iter()
        .map(|fencing| {
            let event = Element::new("fence_event")
                .with("action", "reboot")
                .with("target", &fencing.target)
                .with("client", &fencing.client)
                .with("origin", &fencing.by);
            let completed = || times::short(world, at, fencing.until_ms);
            match fencing.success {
                None => event.with("status", "pending").with("extended-status", 1),
                Some(true) => {
                    event.with("status", "success").with("delegate", &fencing.by).with("completed", completed())
                }
                // Nobody took it on.
                Some(false) if fencing.reason.is_empty() => {
                    event.with("status", "failed").with("completed", completed())
                }
                Some(false) => event
                    .with("status", "failed")
                    .with("exit-reason", &fencing.reason)
                    .with("delegate", &fencing.by)
                    .with("completed", completed()),
            }
        })
        .collect()
}

fn bans(config: &Config) -> Option<Element> {
    let banned = config.locations.iter().filter(|location| location.score <= -INFINITY && location.rule.is_none());
    let list: Vec<Element> = banned
        .map(|location| {
            Element::new("ban")
                .with("id", &location.id)
                .with("resource", &location.resource)
                .with("node", location.node.as_ref().map_or("", NodeName::as_str))
                .with("weight", location.score)
                .with("promoted-only", "false")
                .with("master_only", "false")
        })
        .collect();
    (!list.is_empty()).then(|| Element::new("bans").holding(list))
}
