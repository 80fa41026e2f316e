//! `cibadmin`, `crm_resource`, `stonith_admin`, and the scripts that try and push a configuration.

use super::cib_text;
use super::config::{Primitive, Resource};
use super::element::Element;
use super::fencing::Unfenced;
use super::situation::Situation;
use super::{mon, simulate, verify};
use crate::model::{NodeName, Output};
use crate::transport::simulated::output::{Call, failed, printed, silent};
use crate::transport::simulated::world::World;

/// What Pacemaker's programs end with when no daemon answers (`CRM_EX_DISCONNECT`).
const DISCONNECTED: i32 = 102;
/// `CRM_EX_NOSUCH`.
const NO_SUCH: i32 = 105;
/// `CRM_EX_TIMEOUT`.
const TIMED_OUT: i32 = 124;
/// How long `cibadmin` waits for a DC.
const WAIT_MS: u64 = 30_000;
const OFF: &str = "Could not connect to the CIB: Transport endpoint is not connected\nInit failed, could not perform requested operations\n";

/// `cibadmin --query`.
pub fn cibadmin(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    if !matches!(call.args, ["-Q" | "--query"]) {
        return failed(64, "cibadmin: only queries are played here\n");
    }
    match world.cib(at) {
        Some(cib) => printed(cib_text::document(world, at, cib).print()),
        None => failed(DISCONNECTED, OFF),
    }
}

/// `try-cib`, with a configuration on standard input.
pub fn try_cib(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let Some(cib) = world.cib(at) else { return failed(DISCONNECTED, OFF) };
    let head = |verify: i32, simulate: i32| format!("{}\t{}\t{verify}\t{simulate}\n", cib.version.0, cib.version.1);
    let lines = |said: &[String]| said.iter().fold(String::new(), |text, line| text + "! " + line + "\n");
    let configuration = match Element::read(call.stdin) {
        Ok(configuration) => configuration,
        Err(error) => {
            let said = vec![
                format!("(log_xmllib_err) \terror: XML Error: :1: parser error : {error}"),
                "crm_verify: Errors found during check: config not valid".to_owned(),
            ];
            return printed(head(verify::INVALID, 0) + &lines(&said) + "--\n");
        }
    };
    let candidate = super::data::Cib { configuration: configuration.into(), ..cib.clone() };
    let config = candidate.configuration.config();
    let orphans = !Situation::of(&candidate, &config, true, world.clock_ms).orphans.is_empty();
    let (mut status, said) = verify::verify(&candidate.configuration, call.stdin, orphans);
    if said.iter().any(|line| line.contains("Warnings found")) {
        status = 0;
    }
    let mut text = head(status, 0) + &lines(&said) + "--\n";
    if status == 0 {
        let dc = world.dc_of(at);
        text += &simulate::simulate(&candidate, world.has_votes(at), dc.as_ref(), world.clock_ms).print();
    }
    printed(text)
}

/// `push-cib ADMIN_EPOCH EPOCH`, with a configuration on standard input.
pub fn push_cib(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [admin_epoch, epoch] = call.args else { return failed(2, "push-cib: ADMIN_EPOCH EPOCH\n") };
    let Some(cib) = world.cib(at) else { return failed(DISCONNECTED, OFF) };
    let now = format!("{}.{}", cib.version.0, cib.version.1);
    let planned = format!("{admin_epoch}.{epoch}");
    if now != planned {
        return failed(75, format!("the CIB has changed: epoch {now}, planned {planned}\n"));
    }
    let Ok(configuration) = Element::read(call.stdin) else { return failed(65, "Could not parse the XML\n") };
    if !verify::schema(call.stdin).is_empty() {
        let mut refused = super::data::Cib { configuration: configuration.into(), ..cib.clone() };
        refused.patched(world.clock_ms, at);
        return Output {
            status: verify::INVALID,
            stdout: cib_text::document(world, at, &refused).print(),
            stderr: "Call cib_apply_diff failed: Update does not conform to the configured schema\n".to_owned(),
        };
    }
    let Some(dc) = world.dc_of(at) else {
        world.hang_ms = world.hang_ms.max(WAIT_MS);
        return failed(TIMED_OUT, "Call cib_apply_diff failed: Timer expired\n");
    };
    let now_ms = world.clock_ms;
    if let Some(cib) = &mut world.node_mut(&dc).pacemaker.cib {
        if configuration == *cib.configuration {
            // The patch raises the epoch all the same.
            cib.changed(now_ms, at, "cibadmin", "root");
        } else {
            cib.configuration = configuration.into();
            cib.patched(now_ms, at);
        }
    }
    world.replicate(&dc);
    silent()
}

/// `crm_resource --cleanup --resource ID` and `crm_resource --restart --resource ID`.
pub fn crm_resource(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let value = |name: &str| call.args.iter().skip_while(|arg| **arg != name).nth(1).copied();
    let Some(id) = value("--resource") else { return failed(64, "crm_resource: no resource\n") };
    let Some(cib) = world.cib(at) else {
        let said = "crm_resource: Could not connect to the CIB: Transport endpoint is not connected\n\
                    Error performing operation: Not connected\n";
        return failed(DISCONNECTED, said);
    };
    let config = cib.configuration.config();
    // One member stands for its whole group.
    let is = |resource: &&Resource| resource.id == id || resource.members.iter().any(|member| member.id == id);
    let Some(members) = config.resources.iter().find(is).map(|resource| resource.members.clone()) else {
        return failed(
            NO_SUCH,
            format!("crm_resource: Resource '{id}' not found\nError performing operation: No such object\n"),
        );
    };
    if call.args.contains(&"--cleanup") {
        let nodes: Vec<NodeName> = config.nodes.keys().rev().cloned().collect();
        let replies = world.clean_up(at, &members);
        let pairs = members.iter().flat_map(|member| nodes.iter().map(move |node| (&member.id, node)));
        let said =
            pairs.fold(String::new(), |text, (id, node)| text + "Cleaned up " + id + " on " + node.as_str() + "\n");
        let waited = match replies {
            0 => String::new(),
            1 => "Waiting for 1 reply from the controller\n... got reply (done)\n".to_owned(),
            n => {
                let each = "... got reply\n".repeat(n - 1);
                format!("Waiting for {n} replies from the controller\n{each}... got reply (done)\n")
            }
        };
        printed(said + &waited)
    } else if call.args.contains(&"--restart") {
        restart(world, at, id, &members)
    } else {
        failed(64, "crm_resource: only --cleanup and --restart are played here\n")
    }
}

/// Has the resource started anew: what it was started with is not what is wanted any more.
fn restart(world: &mut World, at: &NodeName, id: &str, members: &[Primitive]) -> Output {
    let Some(dc) = world.dc_of(at) else { return failed(TIMED_OUT, "Error performing operation: Timeout occurred\n") };
    let now_ms = world.clock_ms;
    let Some(cib) = &mut world.node_mut(&dc).pacemaker.cib else { return silent() };
    let mut takes_ms = 0;
    for state in cib.status.values_mut() {
        for member in members {
            if let Some(history) = state.history.get_mut(&member.id).filter(|history| history.is_active()) {
                "restart".clone_into(&mut history.digest);
                takes_ms += super::agents::takes_ms(&member.kind, super::data::Task::Stop);
                takes_ms += super::agents::takes_ms(&member.kind, super::data::Task::Start);
            }
        }
    }
    if takes_ms == 0 {
        let said = format!("{id} is not running anywhere and so cannot be restarted\n");
        return failed(NO_SUCH, said + "crm_resource: Error performing operation: No such object\n");
    }
    // Its role is taken away and given back.
    let role = target_role(&cib.configuration, id);
    for _ in 0..2 {
        cib.changed(now_ms, at, "crm_resource", "root");
    }
    world.replicate(&dc);
    world.hang_ms += takes_ms + 2000;
    let list = members.iter().fold(String::new(), |text, member| text + " * " + &member.id + "\n");
    let count = members.len();
    let set = |value: &str| format!("Set '{id}' option: id={role} name=target-role value={value}\n");
    printed(format!(
        "{}Waiting for {count} resources to stop:\n{list}{}Waiting for {count} resources to start again:\n{list}",
        set("stopped"),
        set("Started")
    ))
}

/// The id of what says whether a resource is to run; it is made if there is none.
fn target_role(configuration: &Element, id: &str) -> String {
    let mut found = None;
    configuration.walk(&mut |element| {
        if element.id() == id {
            let pairs = element.all("meta_attributes").flat_map(|set| set.all("nvpair"));
            let role = pairs.filter(|pair| pair.get("name") == Some("target-role")).map(|pair| pair.id().to_owned());
            found = found.take().or(role.last());
        }
    });
    found.unwrap_or_else(|| format!("{id}-meta_attributes-target-role"))
}

/// `stonith_admin --reboot NODE --timeout SECONDS`, `--confirm NODE` and `--history NODE --output-as=xml`.
pub fn stonith_admin(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let value = |name: &str| call.args.iter().skip_while(|arg| **arg != name).nth(1).copied();
    let request = ["stonith_admin"].iter().chain(call.args).copied().collect::<Vec<_>>().join(" ");
    let root = Element::new("pacemaker-result").with("api-version", "2.25").with("request", request);
    let xml = |root: Element, status: i32| Output { status, stdout: root.print(), stderr: String::new() };
    let Some(cib) = world.cib(at) else {
        if let Some(target) = value("--reboot") {
            return not_fenced(DISCONNECTED, target, "Transport endpoint is not connected");
        }
        let error = "Could not connect to fencer: Transport endpoint is not connected";
        return xml(root.holding([mon::status(DISCONNECTED, "Not connected", &[error])]), DISCONNECTED);
    };
    if value("--history").is_some() {
        let list = mon::fencings(world, at, &cib.fencing, true);
        let history = Element::new("list").with("name", "fencing history").with("count", list.len()).holding(list);
        return xml(root.holding([history, mon::status(0, "OK", &[])]), 0);
    }
    if let Some(target) = value("--confirm").and_then(|node| NodeName::new(node).ok()) {
        world.confirm_off(at, &target);
        return silent();
    }
    let Some(target) = value("--reboot").and_then(|node| NodeName::new(node).ok()) else {
        return failed(64, "stonith_admin: only --reboot, --confirm and --history are played here\n");
    };
    match world.fence_by_hand(at, &target) {
        Ok(takes_ms) => {
            world.hang_ms += takes_ms;
            silent()
        }
        Err(Unfenced::NoDevice) => not_fenced(NO_SUCH, target.as_str(), "No such device"),
        Err(Unfenced::Refused(reason)) => not_fenced(1, target.as_str(), reason),
    }
}

fn not_fenced(status: i32, target: &str, reason: &str) -> Output {
    failed(status, format!("stonith_admin: Couldn't fence {target}: {reason}\n"))
}

/// The metadata of the one agent that is played: `look-agent AGENT` and `AGENT -o metadata`.
pub fn look_agent(_: &mut World, _: &NodeName, call: &Call<'_>) -> Output {
    let is_name = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match call.args {
        ["fence_virsh"] => printed(super::FENCE_VIRSH),
        [agent] if agent.strip_prefix("fence_").is_some_and(is_name) => {
            failed(127, format!("{agent} is not installed\n"))
        }
        [agent] => failed(1, format!("{agent} is not a fence agent\n")),
        _ => failed(2, "look-agent: AGENT\n"),
    }
}

impl World {
    /// Whether a configuration would stop, move or start anew anything that runs.
    #[must_use]
    pub fn would_disturb(&self, at: &NodeName, configuration: &str) -> bool {
        let (Some(cib), Ok(configuration)) = (self.cib(at), Element::read(configuration)) else { return false };
        let candidate = super::data::Cib { configuration: configuration.into(), ..cib.clone() };
        let document = simulate::simulate(&candidate, self.has_votes(at), None, self.clock_ms);
        let actions = document.child("actions").map(|actions| actions.children.as_slice()).unwrap_or_default();
        actions.iter().any(|action| action.get("action") != Some("start"))
    }
}
