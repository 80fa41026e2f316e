//! What a change of the configuration does to what runs, as Pacemaker foresees it; and whether somebody who knows the
//! file would be surprised.

use std::collections::{BTreeMap, BTreeSet};

use super::Live;
use crate::kinds::{ServiceState, ids};
use crate::model::{Risk, ServiceName, Wish};
use crate::tools::pacemaker::{self, Action, Verb};
use crate::tools::xml::Element;

/// The risk of the foreseen actions once `candidate` is in force, and a sentence for each service, resource or node that
/// they are about.
pub(super) fn of(live: &Live<'_>, candidate: &Element, actions: &[Action]) -> (Risk, Vec<String>) {
    let ours: BTreeSet<&str> =
        [&live.standing.cib.configuration, candidate].into_iter().flat_map(pacemaker::owned_resources).collect();
    let mut by_service: BTreeMap<&ServiceName, Vec<&Action>> = BTreeMap::new();
    let mut risk = Risk::Safe;
    let mut impact = Vec::new();
    for action in actions {
        match service_of(live, &action.object) {
            Some(service) if action.verb != Verb::Fence => by_service.entry(service).or_default().push(action),
            _ => {
                if let Some(sentence) = alone(&ours, action) {
                    risk = risk.max(sentence.0);
                    impact.push(sentence.1);
                }
            }
        }
    }
    for (service, actions) in by_service {
        let (this, sentence) = together(live, service, &actions);
        risk = risk.max(this);
        impact.push(sentence);
    }
    (risk, impact)
}

/// The service that a resource is of, as it runs now or as it is written.
fn service_of<'a>(live: &'a Live<'_>, resource: &str) -> Option<&'a ServiceName> {
    let owned = |name: &&ServiceName| {
        let now = live.standing.state.group(name.as_str()).any(|member| member.id == resource);
        now || ids::members(name, &live.cx.spec.services[*name]).iter().any(|id| id == resource)
    };
    live.cx.spec.services.keys().find(owned)
}

/// What happens to something that is in no service: a fence device, a foreign resource, a node.
fn alone(ours: &BTreeSet<&str>, Action { verb, object, node, to }: &Action) -> Option<(Risk, String)> {
    let on = node.as_deref().unwrap_or("a node");
    let sentence = match verb {
        Verb::Fence => return Some((Risk::Disruptive, format!("{object} is fenced"))),
        // What fences and watches serves nobody: nobody notices where it runs.
        _ if ours.contains(instance_of(object)) => return None,
        Verb::Start => return Some((Risk::Safe, format!("{object} starts on {on}"))),
        Verb::Stop => format!("{object} stops on {on}"),
        Verb::Restart => format!("{object} is restarted on {on}"),
        Verb::Move => format!("{object} moves from {on} to {}", to.as_deref().unwrap_or("another node")),
    };
    Some((Risk::Disruptive, sentence))
}

/// The resource that a clone's instance, `NAME:NUMBER`, is one of.
fn instance_of(object: &str) -> &str {
    object.rsplit_once(':').map_or(object, |(name, _)| name)
}

/// What happens to a service as a whole.
fn together(live: &Live<'_>, service: &ServiceName, actions: &[&Action]) -> (Risk, String) {
    let first = |verb: Verb| actions.iter().find(|action| action.verb == verb);
    let on = |action: &Action| action.node.clone().unwrap_or_else(|| "a node".to_owned());
    if let Some(moved) = first(Verb::Move) {
        let to = moved.to.clone().unwrap_or_else(|| "another node".to_owned());
        let risk = if moves_as_written(live, service) { Risk::Safe } else { Risk::Disruptive };
        return (risk, format!("service {service} moves from {} to {to}", on(moved)));
    }
    if let Some(stopped) = first(Verb::Stop) {
        let risk = if stops_as_written(live, service) { Risk::Safe } else { Risk::Disruptive };
        return (risk, format!("service {service} stops on {}", on(stopped)));
    }
    if let Some(restarted) = first(Verb::Restart) {
        return (Risk::Disruptive, format!("service {service} is interrupted on {}", on(restarted)));
    }
    match first(Verb::Start) {
        Some(started) => (Risk::Safe, format!("service {service} starts on {}", on(started))),
        None => (Risk::Safe, format!("service {service} is looked at")),
    }
}

/// Whether the file or the person asks for the move: a domain that goes home, a relocation.
fn moves_as_written(live: &Live<'_>, service: &ServiceName) -> bool {
    let wished = matches!(&live.cx.intent.wish, Some(Wish::Relocate(name, _)) if name == service);
    let written = live.cx.spec.services.get(service);
    let domain = written.and_then(|service| live.cx.spec.domain_of(service));
    wished || domain.is_some_and(|domain| domain.failback && domain.ordered)
}

fn stops_as_written(live: &Live<'_>, service: &ServiceName) -> bool {
    let wished = matches!(&live.cx.intent.wish, Some(Wish::Disable(name)) if name == service);
    let state = live.cx.spec.services.get(service).and_then(|service| service.state);
    wished || matches!(state, Some(ServiceState::Stopped | ServiceState::Absent))
}
