//! Verbs that are a command of their own and no change of the configuration: restart, cleanup, a test of fencing.

use std::time::Duration;

use super::{Live, POLL, gates, groups, off, outcome, recover, stages};
use crate::kinds::{Assessment, healgate, timing};
use crate::model::{Cause, Item, Lane, NodeName, Place, Risk, ServiceName, Subject, Threat, VolumeName, Wish};
use crate::tools::pacemaker::{self, Member};

/// Plans for a wish, and for nothing else.
pub(super) fn assess(live: &Live<'_>, wish: &Wish, found: &mut Assessment) {
    match wish {
        Wish::Fence(node, since) => return fence(live, node, since.as_deref(), found),
        Wish::ConfirmOff(node) => return off::confirm(live, node, found),
        Wish::Recover(name, from) => return recover::assess(live, name, from, found),
        Wish::Measured(node, ms) => return remember(live, node, *ms, found),
        // What only the cluster manager can do for these, `maintenance` has it do.
        Wish::Drain(_) => return,
        Wish::Resume(_) => return gates::opening(live, found),
        Wish::Replace(_) => {
            tell_gates(live, found);
            return gates::opening(live, found);
        }
        Wish::Enable(name) | Wish::Relocate(name, _) => cleanup(live, name, found),
        _ => {}
    }
    let Some(group) = groups::granted(live.cx, live.standing, wish) else { return };
    if live.standing.cib.resource(group.id.as_str()).is_none() {
        let because = format!("the cluster manager does not know service {} yet", group.id);
        let held =
            Item::held(&outcome::subject(&group.id), "verb", VERB, Cause::Refused, because, "`apply` the file first");
        return found.item(held);
    }
    if let Wish::Relocate(name, to) = wish
        && let Some(wait) = gate_to(live, name, to)
    {
        return found.item(wait);
    }
    if let Wish::Relocate(name, to) = wish
        && let Some((because, hint)) = no_way(live, name, to)
    {
        let summary = format!("relocate service {name} to {to}");
        return found.item(Item::held(&outcome::subject(name), "relocate", summary, Cause::Refused, because, hint));
    }
    let configuration = &live.standing.cib.configuration;
    let stages = stages::at_once(configuration, pacemaker::granted(configuration, &group));
    live.put_into_force(&stages, found);
    match wish {
        Wish::Restart(name) => once(live, restart(live, name).needs(super::configured(live.cx.spec)), found),
        Wish::Freeze(_) | Wish::Unfreeze(_) => {}
        _ => outcome::assess(live, &group, stages.is_empty(), found),
    }
}

/// Has the gates know where bricks lie that took the places of others.
fn tell_gates(live: &Live<'_>, found: &mut Assessment) {
    let configuration = &live.standing.cib.configuration;
    let watchers = healgate::watchers(live.cx, &live.standing.measured());
    let candidate = pacemaker::watching(configuration, &watchers);
    live.put_into_force(&stages::at_once(configuration, candidate), found);
}

const VERB: &str = "do as the verb says";

/// The volume whose gate is shut on the node that a service is to go to.
fn shut_to<'a>(live: &Live<'a>, name: &ServiceName, to: &NodeName) -> Option<&'a VolumeName> {
    let elsewhere = live.standing.state.owner(name.as_str()) != Some(to.as_str());
    let service = live.cx.spec.services.get(name).filter(|_| elsewhere)?;
    gates::is_shut(live.standing, live.cx.spec, service, to.as_str())
}

/// The wait for the gate of the node that a service is to go to, if it opens by itself.
fn gate_to(live: &Live<'_>, name: &ServiceName, to: &NodeName) -> Option<Item> {
    let takes = live.standing.state.member(to.as_str()).is_some_and(Member::takes_services);
    let volume = shut_to(live, name, to).filter(|_| takes)?;
    gates::wait_for(live.standing, live.cx.spec, volume, to)
}

/// Why a service cannot go to a node, or would not stay there.
fn no_way(live: &Live<'_>, name: &ServiceName, to: &NodeName) -> Option<(String, &'static str)> {
    let spec = live.cx.spec;
    let state = &live.standing.state;
    if !state.member(to.as_str()).is_some_and(Member::takes_services) {
        return Some((format!("{to} is not a member that takes services now"), "`bricklayer status` tells more"));
    }
    if let Some(volume) = shut_to(live, name, to) {
        let because = format!("the copy of volume {volume} on {to} is not known to be complete");
        return Some((because, "`bricklayer status` shows how far its heal is; then ask again"));
    }
    let domain = spec.domain_of(spec.services.get(name)?)?;
    if domain.restricted && !domain.nodes.contains_key(to) {
        return Some((format!("{to} is not in the domain of service {name}"), "add it to the domain's `nodes`"));
    }
    let online = |node: &&NodeName| state.member(node.as_str()).is_some_and(|member| member.online && !member.standby);
    let rank = |node: &NodeName| domain.nodes.get(node).copied().unwrap_or(u32::MAX);
    let best = domain.nodes.keys().filter(online).min_by_key(|node| rank(node))?;
    let goes_home = domain.failback && domain.ordered && rank(best) < rank(to);
    goes_home.then(|| {
        let because = format!("service {name} would go home to {best} at once: its domain fails back");
        (because, "write `failback: false`, or take the better node out of service first")
    })
}

fn remember(live: &Live<'_>, node: &NodeName, ms: u64, found: &mut Assessment) {
    let configuration = &live.standing.cib.configuration;
    let candidate = pacemaker::remembering(configuration, &[(format!("fenced-{node}"), ms.to_string())].into());
    live.put_into_force(&stages::at_once(configuration, candidate), found);
}

fn once(live: &Live<'_>, item: Item, found: &mut Assessment) {
    if !live.cx.intent.ran.contains(&item.id) {
        found.item(item);
    }
}

fn place(live: &Live<'_>) -> Place {
    Place::On(live.standing.node.clone())
}

fn restart(live: &Live<'_>, name: &ServiceName) -> Item {
    let written = &live.cx.spec.services[name];
    let longest = timing::longest_operation(live.cx.spec, written, &live.standing.measured());
    let resources = u32::try_from(written.resources.len()).unwrap_or(1).max(1);
    let within = longest.saturating_mul(2 * resources).min(Duration::from_secs(3600));
    let subject = outcome::subject(name);
    let command = pacemaker::restart(name.as_str(), within);
    let item = Item::run(&subject, "restart", format!("restart service {name}"), place(live), command);
    item.in_lane(Lane::Cib).threatens(Threat::Cluster)
}

/// What failed before is tried again when a person asks for the service.
pub(super) fn cleanup(live: &Live<'_>, name: &ServiceName, found: &mut Assessment) {
    let state = &live.standing.state;
    if state.failures_of(name.as_str()).next().is_some() {
        let summary = format!("forget the failures of service {name}");
        let command = pacemaker::cleanup(name.as_str());
        let item = Item::run(&outcome::subject(name), "cleanup", summary, place(live), command);
        once(live, item.in_lane(Lane::Cib), found);
    }
}

fn fence(live: &Live<'_>, node: &NodeName, since: Option<&str>, found: &mut Assessment) {
    let subject = Subject::new("fencing", node);
    let state = &live.standing.state;
    let last = state.fenced.iter().find(|event| event.target == node.as_str() && event.status == "success");
    if last.and_then(|event| event.completed.as_deref()) != since && last.is_some() {
        if state.member(node.as_str()).is_none_or(|member| !member.online || member.pending) {
            found.item(Item::wait(&subject, "return", format!("{node} to come back"), POLL));
        }
        return;
    }
    let summary = format!("fence {node}");
    let other = state.members.iter().find(|member| member.online && member.name != node.as_str());
    let on = other.and_then(|member| live.cx.spec.nodes.keys().find(|name| name.as_str() == member.name));
    let (Some(on), true) = (on, state.member(node.as_str()).is_some_and(|member| member.online)) else {
        let because = format!("a node is fenced for a test by another member, and {node} and one more must be online");
        return found.item(Item::held(
            &subject,
            "fence",
            summary,
            Cause::Unsafe,
            because,
            "bring both into the cluster",
        ));
    };
    let command = pacemaker::fence(node.as_str());
    let item = Item::run(&subject, "fence", summary, Place::On(on.clone()), command).in_lane(Lane::Cib);
    let mut item =
        item.threatens(Threat::Cluster).at_risk(Risk::Disruptive, format!("{node} is switched off and on again"));
    let services = live.cx.spec.services.keys().filter(|name| state.owner(name.as_str()) == Some(node.as_str()));
    for name in services {
        item = item.at_risk(Risk::Disruptive, format!("service {name} runs there and moves"));
    }
    found.item(item);
}
