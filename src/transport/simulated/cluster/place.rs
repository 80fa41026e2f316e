//! The scheduler: where everything is to run, what must be fenced first, and what that means for each resource. Pure.
//!
//! Small on purpose: groups, scores by node and rule, stickiness, failures, roles, standby and maintenance. What
//! Pacemaker has beside that (clones, utilization, tickets) nobody here asks for.

use std::collections::BTreeMap;

use super::config::{Config, INFINITY, Primitive, Resource, add, is_true};
use super::situation::Situation;
use crate::model::NodeName;

/// Where the members of a resource are to be.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The primitives in the order in which they start.
    pub members: Vec<Wished>,
}

/// Where one primitive is to be.
#[derive(Clone, Debug)]
pub struct Wished {
    /// Its id.
    pub id: String,
    /// Where: on one node or none, and for a clone on each that may have it.
    pub nodes: Vec<NodeName>,
    /// Whether each node has one of its own.
    pub clone: bool,
    /// Whether the cluster may touch it.
    pub managed: bool,
    /// By which it is known whether it runs as written.
    pub digest: String,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start a resource on a node.
    Start(String, NodeName),
    /// Stop it there.
    Stop(String, NodeName),
}

/// Whose loss must be answered with fencing before anything else, with the reason.
#[must_use]
pub fn to_fence(config: &Config, situation: &Situation) -> Vec<(NodeName, &'static str)> {
    if !situation.quorate || !config.is_on("stonith-enabled", true) {
        return Vec::new();
    }
    let mut list: Vec<(NodeName, &'static str)> = situation
        .nodes
        .iter()
        .filter(|(_, standing)| standing.unclean)
        .map(|(name, _)| (name.clone(), "peer is no longer part of the cluster"))
        .collect();
    for primitive in config.primitives().filter(|primitive| primitive.class != "stonith" && is_free(config, primitive))
    {
        // A resource that cannot be stopped is stopped with its node.
        let fences = matches!(primitive.on_fail("stop"), None | Some("fence"));
        for place in situation.places.get(&primitive.id).into_iter().flatten().filter(|place| place.stuck && fences) {
            if !list.iter().any(|(node, _)| *node == place.node) {
                list.push((place.node.clone(), "a resource failed there"));
            }
        }
    }
    list
}

fn is_free(config: &Config, primitive: &Primitive) -> bool {
    primitive.is_managed() && !config.is_on("maintenance-mode", false)
}

/// Where everything is to be.
#[must_use]
pub fn wishes(config: &Config, situation: &Situation) -> Vec<Wish> {
    let mut load: BTreeMap<NodeName, usize> = BTreeMap::new();
    let mut wishes = Vec::new();
    for resource in &config.resources {
        let found = if resource.clone {
            all(config, situation, resource).map(|node| (node, 1)).collect()
        } else {
            best(config, situation, resource, &load).into_iter().collect::<Vec<_>>()
        };
        let members = resource.members.iter().enumerate().map(|(number, primitive)| {
            let managed = is_free(config, primitive) && !in_maintenance(situation, &primitive.id);
            let wanted = found.iter().filter(|(_, count)| number < *count).map(|(node, _)| node.clone());
            let nodes = if managed { wanted.collect() } else { now(situation, &primitive.id) };
            Wished { id: primitive.id.clone(), nodes, clone: resource.clone, managed, digest: primitive.digest.clone() }
        });
        let wish = Wish { members: members.collect() };
        for node in wish.members.iter().flat_map(|member| &member.nodes) {
            *load.entry(node.clone()).or_default() += 1;
        }
        wishes.push(wish);
    }
    wishes.extend(situation.found_orphans().into_iter().map(|(id, _)| {
        let managed = !config.is_on("maintenance-mode", false) && !in_maintenance(situation, id);
        let nodes = if managed { Vec::new() } else { now(situation, id) };
        Wish { members: vec![Wished { id: id.clone(), nodes, clone: false, managed, digest: String::new() }] }
    }));
    wishes
}

/// Where a resource runs.
fn now(situation: &Situation, id: &str) -> Vec<NodeName> {
    situation.running(id).map(|place| place.node.clone()).collect()
}

/// Whether so few are there that nothing is to run.
fn is_hushed(config: &Config, situation: &Situation) -> bool {
    !situation.quorate && config.options.get("no-quorum-policy").is_none_or(|policy| policy != "ignore")
}

/// Every node for a clone.
fn all<'a>(
    config: &'a Config,
    situation: &'a Situation,
    resource: &'a Resource,
) -> impl Iterator<Item = NodeName> + 'a {
    let rests = is_hushed(config, situation) || resource.members.iter().any(Primitive::is_stopped);
    let nodes =
        situation.nodes.iter().filter(move |(_, standing)| !rests && standing.serves() && !standing.maintenance);
    let may = |name: &NodeName| score(config, situation, resource, resource.members.len(), name).is_some();
    nodes.map(|(name, _)| name).filter(move |name| may(name)).cloned()
}

fn in_maintenance(situation: &Situation, resource: &str) -> bool {
    situation.running(resource).any(|place| situation.nodes.get(&place.node).is_some_and(|node| node.maintenance))
}

/// The best node for a resource, and how many of its members may run there.
fn best(
    config: &Config,
    situation: &Situation,
    resource: &Resource,
    load: &BTreeMap<NodeName, usize>,
) -> Option<(NodeName, usize)> {
    if is_hushed(config, situation) {
        return None;
    }
    let most = resource.members.iter().position(Primitive::is_stopped).unwrap_or(resource.members.len());
    for count in (1..=most).rev() {
        let usable = situation.nodes.iter().filter(|(_, standing)| standing.serves() && !standing.maintenance);
        let scored = usable.filter_map(|(name, _)| Some((name, score(config, situation, resource, count, name)?)));
        let free = |name: &NodeName| std::cmp::Reverse(load.get(name).copied().unwrap_or(0));
        let first = &resource.members[0].id;
        let here = |name: &NodeName| situation.running(first).any(|place| place.node == *name);
        // Of equals the one with the least so far, then the one where it is, then the first.
        let found = scored.rev_max_by_key(|(name, score)| (*score, free(name), here(name)));
        if let Some((name, _)) = found {
            return Some((name.clone(), count));
        }
    }
    None
}

/// What a node is worth for the first `count` members of a resource; nothing if they must not run there.
fn score(config: &Config, situation: &Situation, resource: &Resource, count: usize, node: &NodeName) -> Option<i64> {
    let attributes = &situation.nodes[node].attributes;
    let members = &resource.members[..count];
    for primitive in members {
        let threshold = primitive.meta_score("migration-threshold").filter(|most| *most > 0).unwrap_or(INFINITY);
        if situation.failures(&primitive.id, node) >= threshold {
            return None;
        }
    }
    let sticky = members
        .iter()
        .filter(|primitive| situation.running(&primitive.id).any(|place| place.node == *node))
        .fold(0, |sum, primitive| add(sum, primitive.stickiness()));
    let symmetric = config.options.get("symmetric-cluster").is_none_or(|value| is_true(value));
    let written = config.preference(resource, node, attributes);
    let total = add(written, sticky);
    (total >= 0 && (symmetric || written > 0)).then_some(total)
}

/// The first of the greatest.
trait FirstMax: Iterator + Sized {
    fn rev_max_by_key<K: Ord>(self, key: impl Fn(&Self::Item) -> K) -> Option<Self::Item> {
        self.fold(None, |best: Option<Self::Item>, item| match best {
            Some(best) if key(&best) >= key(&item) => Some(best),
            _ => Some(item),
        })
    }
}
impl<I: Iterator> FirstMax for I {}

/// What can be done now for what is wished: stops from the end of a group, then starts from its beginning.
#[must_use]
pub fn due(config: &Config, situation: &Situation, wishes: &[Wish]) -> Vec<Step> {
    let mut steps = Vec::new();
    let fenced = to_fence(config, situation).is_empty();
    let startable = fenced && (!config.is_on("stonith-enabled", true) || config.fencers().next().is_some());
    for wish in wishes {
        let first = stops(situation, wish);
        if wish.members.iter().any(|member| situation.is_busy(&member.id)) {
            continue;
        }
        let Some((resource, node)) = first.last() else {
            if startable {
                steps.extend(start(situation, wish));
            }
            continue;
        };
        let there = situation.nodes.get(node).is_some_and(|standing| standing.online && !standing.unclean);
        if there {
            steps.push(Step::Stop(resource.clone(), node.clone()));
        }
    }
    steps
}

/// What of a wish must stop where it is, in the order of the group.
#[must_use]
pub fn stops(situation: &Situation, wish: &Wish) -> Vec<(String, NodeName)> {
    let mut list = Vec::new();
    let mut broken = false;
    for member in &wish.members {
        if !member.managed {
            continue;
        }
        let places: Vec<_> = situation.running(&member.id).filter(|place| !place.stuck).collect();
        // What is lost of a clone is no matter of its others.
        let twice = !member.clone && places.len() > member.nodes.len().max(1);
        let before = broken;
        for place in &places {
            let changed = !member.digest.is_empty() && place.digest != member.digest;
            if before || twice || changed || place.failed || !member.nodes.contains(&place.node) {
                list.push((member.id.clone(), place.node.clone()));
                broken = true;
            }
        }
    }
    list
}

/// The next member that can start.
fn start(situation: &Situation, wish: &Wish) -> Option<Step> {
    for member in &wish.members {
        if situation.running(&member.id).any(|place| place.stuck) {
            return None;
        }
        let there = now(situation, &member.id);
        if member.nodes.is_empty() && there.is_empty() {
            return None;
        }
        let missing = member.nodes.iter().find(|node| member.managed && !there.contains(node));
        if let Some(node) = missing {
            return Some(Step::Start(member.id.clone(), node.clone()));
        }
    }
    None
}
