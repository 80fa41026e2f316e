//! `crm_simulate --simulate --output-as=xml`: what would come of a configuration, by the scheduler that also runs it.

use std::collections::BTreeSet;

use super::data::Cib;
use super::element::Element;
use super::mon;
use super::place::{self, Wish, Wished};
use super::situation::{Place, Situation};
use crate::model::NodeName;

/// The document for a CIB with the configuration that is asked about.
#[must_use]
pub fn simulate(cib: &Cib, quorate: bool, dc: Option<&NodeName>, now_ms: u64) -> Element {
    let config = cib.configuration.config();
    let mut situation = Situation::of(cib, &config, quorate, now_ms);
    let fenced = place::to_fence(&config, &situation);
    let wishes = place::wishes(&config, &situation);
    let shown = |name: &str, situation: &Situation| {
        let parts = std::iter::once(mon::nodes(situation, dc)).chain(mon::resources(&config, situation));
        Element::new(name).holding(parts)
    };
    let status = shown("cluster_status", &situation);
    let mut actions = Element::new("actions");
    let mut transition = Element::new("transition");
    for (node, reason) in &fenced {
        let action = Element::new("node_action").with("task", "Fence (reboot)").with("node", node);
        actions.children.push(action.with("reason", reason));
        transition.children.push(Element::new("fencing_action").with("target", node).with("op", "reboot"));
    }
    let startable = !config.is_on("stonith-enabled", true) || config.fencers().next().is_some();
    for (wish, there) in wishes.iter().flat_map(|wish| apart(&situation, wish)) {
        foresee(&there, &wish, startable, &mut actions, &mut transition);
    }
    for (node, _) in &fenced {
        if let Some(standing) = situation.nodes.get_mut(node) {
            (standing.unclean, standing.online, standing.expected) = (false, false, false);
        }
    }
    for wish in &wishes {
        come_true(&mut situation, wish, startable);
    }
    let revised = shown("revised_cluster_status", &situation);
    Element::new("pacemaker-result")
        .with("api-version", "2.25")
        .with("request", "crm_simulate --xml-file=candidate --simulate --output-as=xml")
        .holding([status, actions, transition, revised, mon::status(0, "OK", &[])])
}

/// A wish for several nodes as one for each, with what runs there, so that what is done on each is told.
fn apart(situation: &Situation, wish: &Wish) -> Vec<(Wish, Situation)> {
    let [member] = wish.members.as_slice() else { return vec![(wish.clone(), situation.clone())] };
    let running = situation.running(&member.id).map(|place| &place.node);
    let nodes: BTreeSet<&NodeName> = member.nodes.iter().chain(running).collect();
    if member.nodes.len() < 2 {
        return vec![(wish.clone(), situation.clone())];
    }
    let one = |node: &&NodeName| {
        let nodes = member.nodes.iter().filter(|wanted| wanted == node).cloned().collect();
        let mut there = situation.clone();
        there.places.entry(member.id.clone()).or_default().retain(|place| place.node == **node);
        (Wish { members: vec![Wished { nodes, ..member.clone() }] }, there)
    };
    nodes.iter().map(one).collect()
}

/// What would be done for a wish: the actions as people read them, and the operations.
fn foresee(situation: &Situation, wish: &Wish, startable: bool, actions: &mut Element, transition: &mut Element) {
    let stops = place::stops(situation, wish);
    let mut stopped = Vec::new();
    let mut started = Vec::new();
    let mut before: Option<&str> = None;
    for member in &wish.members {
        let now = situation.running(&member.id).next();
        let stays = now.is_some() && !stops.iter().any(|(id, _)| *id == member.id);
        let wanted = member.nodes.first().filter(|_| member.managed && startable);
        let action = match (now, wanted) {
            _ if stays || !member.managed => None,
            (None, Some(node)) => Some(action("start").with("resource", &member.id).with("node", node)),
            (Some(place), None) => {
                let stop = action("stop").with("resource", &member.id).with("node", &place.node);
                Some(stop.with("reason", "node availability"))
            }
            (Some(place), Some(node)) if *node != place.node => {
                Some(action("move").with("resource", &member.id).with("source", &place.node).with("dest", node))
            }
            (Some(place), Some(_)) => {
                let what = if place.failed { "recover" } else { "restart" };
                let reason = match before {
                    _ if place.failed => None,
                    _ if place.digest != member.digest => Some("resource definition change".to_owned()),
                    Some(before) => Some(format!("required {before} start")),
                    None => None,
                };
                let again = action(what).with("resource", &member.id).with("source", &place.node);
                Some(again.with_some("reason", reason))
            }
            (None, None) => None,
        };
        if let Some(action) = action {
            actions.children.push(action);
            if let Some(place) = now {
                stopped.push((member.id.clone(), place.node.clone()));
            }
            if let Some(node) = wanted {
                started.push((member.id.clone(), node.clone()));
            }
            before = Some(&member.id);
        }
    }
    let operation = |op: &str, (id, node): &(String, NodeName)| {
        Element::new("rsc_action").with("resource", id).with("op", op).with("node", node)
    };
    transition.children.extend(stopped.iter().rev().map(|entry| operation("stop", entry)));
    transition.children.extend(started.iter().map(|entry| operation("start", entry)));
}

fn action(what: &str) -> Element {
    Element::new("rsc_action").with("action", what)
}

/// The situation once a wish has come true.
fn come_true(situation: &mut Situation, wish: &Wish, startable: bool) {
    for member in wish.members.iter().filter(|member| member.managed) {
        let stops = place::stops(situation, wish).iter().any(|(id, _)| *id == member.id);
        let runs = situation.running(&member.id).next().is_some();
        if runs && !stops {
            continue;
        }
        let places = situation.places.entry(member.id.clone()).or_default();
        places.clear();
        for node in member.nodes.iter().filter(|_| startable) {
            let (node, digest) = (node.clone(), member.digest.clone());
            places.push(Place { node, active: true, failed: false, stuck: false, pending: None, digest, failures: 0 });
        }
        if member.nodes.is_empty() && situation.orphans.contains_key(&member.id) {
            situation.orphans.remove(&member.id);
        }
    }
}
