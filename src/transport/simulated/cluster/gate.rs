//! The agent `ocf:bricklayer:healgate`: what it says in an attribute of its node, and what it keeps there.
//!
//! It listens to the agents of the other nodes with which its own shares a set; in this world it hears them at once.

use super::config::{Config, Primitive};
use super::data::History;
use crate::model::NodeName;
use crate::transport::simulated::world::World;

/// The agent's name.
pub const AGENT: &str = "healgate";

/// Between attempts that follow each other lies less than this.
const BREAK_MS: u64 = 10_000;

/// A rule that the agent keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Whoever is blamed is shut.
    Blame,
    /// Nobody opens who has not heard every sibling.
    Hearing,
    /// Nobody goes on behind a node that served and was fenced so late that it may have written alone.
    Patience,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Blame, Self::Hearing, Self::Patience];
}

/// What a node can tell of its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Open,
    Shut,
    /// Somebody is not heard, so that it stays as it was.
    Nothing,
}

/// A brick as the agent is told of it: its node and its path.
type Brick<'a> = (&'a str, &'a str);

/// The sets of copies that the agent is told.
fn sets(primitive: &Primitive) -> Vec<Vec<Brick<'_>>> {
    let sets = primitive.parameters.get("sets").map_or("", String::as_str);
    sets.split(' ').map(|set| set.split(',').filter_map(|brick| brick.split_once(':')).collect()).collect()
}

/// The attribute in which it speaks.
fn attribute(primitive: &Primitive) -> String {
    format!("healgate-{}", primitive.parameters.get("volume").map_or("", String::as_str))
}

/// What it leaves on its node while the copy there is complete.
fn note(attribute: &str) -> String {
    format!("/run/bricklayer/{attribute}.right")
}

/// The resources that mount its volume, and where.
fn mounts(primitive: &Primitive) -> impl Iterator<Item = (&str, &str)> {
    let mounts = primitive.parameters.get("mounts").map_or("", String::as_str);
    mounts.split(' ').filter_map(|mount| mount.split_once('='))
}

/// How long fencing may take.
fn patience_ms(primitive: &Primitive) -> Option<u64> {
    primitive.parameters.get("patience")?.parse().ok()
}

impl World {
    /// Lets the agents on the nodes of a partition speak.
    pub(super) fn tell_of_gates(&mut self, dc: &NodeName, name: &NodeName, primitive: &Primitive) {
        if primitive.kind != AGENT || !self.nodes[name].held.contains_key(&primitive.id) {
            return;
        }
        let Some(volume) = primitive.parameters.get("volume") else { return };
        let attribute = attribute(primitive);
        let serves = self.serves(name, primitive);
        let said = if primitive.parameters.get("quorum").is_some_and(|quorum| quorum != "0") {
            self.said_of_quorum(name, volume)
        } else {
            self.said_of_copies(dc, name, primitive)
        };
        let right = serves && self.is_right(name, primitive, said);
        let lost = serves && !right && !self.has_other_copy(name, primitive);
        let Some(cib) = &mut self.node_mut(dc).pacemaker.cib else { return };
        let attributes = &mut cib.status.entry(name.clone()).or_default().attributes;
        let value = match said {
            _ if serves => {
                if lost {
                    "0"
                } else {
                    "1"
                }
            }
            Said::Nothing if attributes.get(&attribute).is_some_and(|now| now == "1") => "1",
            Said::Open => "1",
            Said::Shut | Said::Nothing => "0",
        };
        if attributes.insert(attribute.clone(), value.to_owned()).as_deref() != Some(value) {
            cib.updated();
        }
        if !serves {
            self.remember(name, &attribute, value == "1");
        }
    }

    /// Whether the copy of a node that serves was complete and is still, also for a sibling that is torn from it.
    fn is_right(&mut self, name: &NodeName, primitive: &Primitive, said: Said) -> bool {
        let attribute = attribute(primitive);
        if said == Said::Open || (said == Said::Shut && !self.is_blaming(name, primitive)) {
            self.remember(name, &attribute, said == Said::Open);
        }
        let served = |(own, path): &Brick<'_>| {
            let serves = || self.nodes[name].directory(path).is_some_and(|directory| directory.process.is_some());
            *own != name.as_str() || serves()
        };
        self.nodes[name].files.contains_key(&note(&attribute)) && sets(primitive).iter().flatten().all(served)
    }

    fn remember(&mut self, name: &NodeName, attribute: &str, right: bool) {
        let node = self.node_mut(name);
        if right {
            node.put(&note(attribute), "", "0644");
        } else {
            node.files.remove(&note(attribute));
        }
    }

    /// Whether a brick of a node blames any.
    fn is_blaming(&self, name: &NodeName, primitive: &Primitive) -> bool {
        let sets = sets(primitive);
        let own = sets.iter().flatten().filter(|(node, _)| *node == name.as_str());
        own.into_iter().any(|(_, path)| self.nodes[name].directory(path).is_some_and(|own| !own.blames.is_empty()))
    }

    /// Shuts the gates behind a node that served and was fenced so late that it may have written alone. They stay shut
    /// until it is heard again.
    pub(super) fn doubt(&mut self, dc: &NodeName, config: &Config, lost: &NodeName) {
        let Some(cib) = self.nodes[dc].pacemaker.cib.as_ref().filter(|_| self.keeps(Rule::Patience)) else { return };
        let attempts = cib.fencing.iter().rev().filter(|fencing| fencing.target == *lost);
        // It was tried again and again since then.
        let since_ms = attempts.fold(self.clock_ms, |since_ms, fencing| {
            let goes_on = fencing.success != Some(true) && fencing.until_ms + BREAK_MS >= since_ms;
            if goes_on { fencing.since_ms } else { since_ms }
        });
        let took_ms = self.clock_ms - since_ms;
        let served = |resource: &str| {
            let history = cib.status.get(lost).and_then(|state| state.history.get(resource));
            history.is_some_and(History::is_active)
        };
        let doubts: Vec<(NodeName, String)> = config
            .primitives()
            .filter(|primitive| primitive.kind == AGENT)
            .filter(|primitive| patience_ms(primitive).is_some_and(|patience_ms| took_ms >= patience_ms))
            .filter(|primitive| mounts(primitive).any(|(resource, _)| served(resource)))
            .flat_map(|agent| self.siblings(dc, agent, lost).into_iter().map(|node| (node, attribute(agent))))
            .collect();
        let Some(cib) = &mut self.node_mut(dc).pacemaker.cib else { return };
        for (node, attribute) in doubts {
            cib.status.entry(node).or_default().attributes.insert(attribute, "0".to_owned());
        }
    }

    /// The nodes whose agents hear of what happens to another one with which they share a set, and serve nothing.
    fn siblings(&self, dc: &NodeName, agent: &Primitive, lost: &NodeName) -> Vec<NodeName> {
        let sets = sets(agent);
        let shares = |node: &NodeName| {
            let has = |set: &[Brick<'_>], node: &NodeName| set.iter().any(|brick| brick.0 == node.as_str());
            sets.iter().any(|set| has(set, node) && has(set, lost))
        };
        let hears = |node: &NodeName| node != lost && self.nodes[node].held.contains_key(&agent.id);
        self.peers(dc).into_iter().filter(|node| hears(node) && shares(node) && !self.serves(node, agent)).collect()
    }

    fn keeps(&self, rule: Rule) -> bool {
        self.gate_without != Some(rule)
    }

    /// Whether the volume is mounted there for the cluster.
    fn serves(&self, name: &NodeName, primitive: &Primitive) -> bool {
        mounts(primitive)
            .any(|(_, path)| self.nodes[name].mounts.get(path).is_some_and(|m| m.fstype == "fuse.glusterfs"))
    }

    fn said_of_quorum(&self, name: &NodeName, volume: &str) -> Said {
        let reached = self.volume(volume).is_some_and(|volume| self.has_quorum(name, volume));
        if reached { Said::Open } else { Said::Shut }
    }

    /// Whether a client on a node reaches a brick that the node's own do not blame, in one of its sets.
    fn has_other_copy(&self, name: &NodeName, primitive: &Primitive) -> bool {
        let sets = sets(primitive);
        let mine = sets.iter().filter(|set| set.iter().any(|(node, _)| *node == name.as_str()));
        let complete = |(node, path): &Brick<'_>| {
            let Ok(other) = NodeName::new(*node) else { return false };
            let blames = |own: &Brick<'_>| {
                let directory = self.nodes[name].directory(own.1);
                own.0 == name.as_str() && directory.is_some_and(|d| d.blames.contains_key(&format!("{node}:{path}")))
            };
            let answers = self.brick_answers(name, &self.nodes[&other].glusterd.uuid, path);
            other != *name && answers && !sets.iter().flatten().any(blames)
        };
        mine.flatten().any(complete)
    }

    /// Whether anybody blames the copies of a node, as far as everybody is heard, and they are served.
    fn said_of_copies(&self, dc: &NodeName, name: &NodeName, primitive: &Primitive) -> Said {
        let mut said = Said::Open;
        for set in sets(primitive) {
            for (own, path) in set.iter().filter(|(node, _)| *node == name.as_str()) {
                if self.nodes[name].directory(path).is_none_or(|directory| directory.process.is_none()) {
                    return Said::Shut;
                }
                let key = format!("{own}:{path}");
                for other in set.iter().filter(|(node, _)| node != own) {
                    match self.blames(dc, *other, &key, primitive) {
                        Some(true) if self.keeps(Rule::Blame) => return Said::Shut,
                        None if self.keeps(Rule::Hearing) => said = Said::Nothing,
                        _ => {}
                    }
                }
            }
        }
        said
    }

    /// Whether a brick blames another, if its node is heard and the brick can be read.
    fn blames(&self, dc: &NodeName, (node, path): Brick<'_>, key: &str, agent: &Primitive) -> Option<bool> {
        let node = NodeName::new(node).ok()?;
        if !self.peers(dc).contains(&node) || !self.nodes[&node].held.contains_key(&agent.id) {
            return None;
        }
        Some(self.nodes[&node].directory(path)?.blames.contains_key(key))
    }
}
