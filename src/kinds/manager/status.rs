//! What `status` shows of the cluster manager: what `clustat` showed, and why it is not at full strength.

use super::{Standing, fencers, gates, groups, off, outcome};
use crate::kinds::{Cx, ServiceState, Spec, corosync};
use crate::model::{
    FencedStatus, FencingStatus, ManagerStatus, MemberStatus, NodeName, Role, Seen, ServiceName, ServiceStatus,
};
use crate::tools::pacemaker::{Fenced, Member};

/// The cluster manager as the answers tell it; with it, what is degraded and what could not be seen.
pub(in crate::kinds) fn status(cx: &Cx<'_>, degraded: &mut Vec<String>, unseen: &mut Vec<String>) -> ManagerStatus {
    let spec = cx.spec;
    let seen = Standing::of(cx);
    let standing = seen.known();
    let status = ManagerStatus {
        quorate: standing.map(Standing::is_coordinated),
        coordinator: standing.and_then(|standing| standing.state.dc.clone()),
        maintenance: standing.map(|standing| standing.state.maintenance),
        members: spec.nodes.keys().map(|node| member(spec, standing, node)).collect(),
        quorum_device: corosync::device_status(cx),
        services: spec.services.keys().map(|name| service(spec, standing, name)).collect(),
        fencing: if spec.fence_devices.is_empty() { Vec::new() } else { fencing(spec, standing) },
        fenced: standing.map(fenced).unwrap_or_default(),
        foreign: standing.map(|s| s.cib.foreign().into_iter().map(str::to_owned).collect()).unwrap_or_default(),
    };
    for device in &status.quorum_device {
        let connection = device.connection.as_deref().unwrap_or_default().to_lowercase();
        if device.votes == Some(false) {
            degraded.push(format!("quorum device {} does not vote with {}: {connection}", device.host, device.node));
        }
    }
    match &seen {
        Seen::Is(standing) => {
            judge(cx, &status, degraded, unseen);
            idle_devices(cx, standing, degraded);
        }
        Seen::NotYet(_) => degraded.push("Pacemaker runs on no node that answers".to_owned()),
        Seen::Unknown(why) => unseen.push(format!("the cluster manager cannot be read: {why}")),
    }
    status
}

fn member(spec: &Spec, standing: Option<&Standing>, node: &NodeName) -> MemberStatus {
    let state = standing.map(|standing| match standing.state.member(node.as_str()) {
        None | Some(Member { online: false, unclean: false, pending: false, .. }) => "offline",
        Some(Member { unclean: true, .. }) => "to be fenced",
        Some(Member { pending: true, .. }) => "joining",
        Some(Member { standby: true, .. }) => "standby",
        Some(Member { maintenance: true, .. }) => "maintenance",
        Some(_) => "online",
    });
    MemberStatus { name: node.clone(), id: spec.nodes[node].id, state: state.map(str::to_owned) }
}

fn service(spec: &Spec, standing: Option<&Standing>, name: &ServiceName) -> ServiceStatus {
    let mut status = ServiceStatus { name: name.clone(), owner: None, state: None, waits_for: None, failure: None };
    let Some(standing) = standing else { return status };
    let id = name.as_str();
    let members: Vec<_> = standing.state.group(id).collect();
    let failure = standing.state.failures_of(id).next();
    status.failure = failure.map(outcome::said);
    let owner = standing.state.owner(id);
    status.owner = owner.map(str::to_owned).or_else(|| members.iter().find_map(|member| member.on.first().cloned()));
    let told = standing.cib.meta(id, "target-role").unwrap_or(Role::Started.word());
    let wanted = groups::wants_to_run(&spec.services[name], Some(told));
    let rests = standing.state.rests(id);
    if wanted && rests {
        status.waits_for = gates::why_shut(standing, spec, name).map(gates::Shut::in_full);
    }
    let state = match owner {
        _ if standing.cib.resource(id).is_none() => "not configured",
        _ if standing.cib.is_frozen(id) => "frozen",
        Some(_) if wanted => "started",
        None if wanted && failure.is_some() && rests => "failed",
        None if status.waits_for.is_some() => "waiting",
        None if wanted => "starting",
        None if rests => "stopped",
        _ => "stopping",
    };
    status.state = Some(state.to_owned());
    status
}

fn fencing(spec: &Spec, standing: Option<&Standing>) -> Vec<FencingStatus> {
    let measured = standing.map(Standing::measured).unwrap_or_default();
    let ms = |node| measured.get(node).and_then(|time| u64::try_from(time.as_millis()).ok());
    spec.nodes.keys().map(|node| FencingStatus { node: node.clone(), measured_ms: ms(node) }).collect()
}

fn fenced(standing: &Standing) -> Vec<FencedStatus> {
    let event = |event: &Fenced| FencedStatus {
        node: event.target.clone(),
        action: event.action.clone(),
        outcome: event.status.clone(),
        at: event.completed.clone(),
    };
    standing.state.fenced.iter().map(event).collect()
}

/// A device that does not run fences nobody.
fn idle_devices(cx: &Cx<'_>, standing: &Standing, degraded: &mut Vec<String>) {
    let ids = cx.spec.fence_devices.iter().flat_map(|(name, device)| fencers::ids(name, device));
    for id in ids {
        let runs = standing.state.resources.iter().any(|resource| resource.id == id && resource.active);
        if !runs {
            let why = standing.state.failures.iter().find(|failure| failure.resource == id).map(outcome::said);
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            degraded.push(format!("fence device {id} does not run{why}"));
        }
    }
}

fn judge(cx: &Cx<'_>, status: &ManagerStatus, degraded: &mut Vec<String>, unseen: &mut Vec<String>) {
    if status.quorate == Some(false) {
        degraded.push("the cluster has no coordinator with quorum".to_owned());
        for node in off::waiting(cx) {
            degraded.push(format!(
                "{node} waits to see every other member once; of one that is off for good, `bricklayer node confirm-off \
                 NODE` says so"
            ));
        }
    }
    if status.maintenance == Some(true) {
        degraded.push("the cluster is in maintenance mode".to_owned());
    }
    for MemberStatus { name, state, .. } in &status.members {
        match state.as_deref() {
            Some("online") => {}
            // It is told of as a node.
            Some(_) if cx.is_drained(name) == Some(true) => {}
            Some(state) => degraded.push(format!("member {name} is {state}")),
            None => unseen.push(format!("member {name} cannot be seen")),
        }
    }
    for ServiceStatus { name, state, waits_for, failure, .. } in &status.services {
        let written = cx.spec.services[name].state;
        match (state.as_deref(), failure) {
            (Some("started"), _) => {}
            (Some("stopped"), _) if written != Some(ServiceState::Started) => {}
            (Some("not configured"), _) if written == Some(ServiceState::Absent) => {}
            (Some("failed"), Some(failure)) => degraded.push(format!("service {name} has failed: {failure}")),
            (Some(state), _) => {
                let why = waits_for.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                degraded.push(format!("service {name} is {state}{why}"));
            }
            (None, _) => unseen.push(format!("service {name} cannot be seen")),
        }
    }
    for FencingStatus { node, measured_ms } in &status.fencing {
        if measured_ms.is_none() {
            degraded.push(format!("fencing of {node} was never tested: `bricklayer fence test {node}`"));
        }
    }
}
