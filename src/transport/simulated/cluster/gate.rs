//! The agent `ocf:bricklayer:healgate`: what it says in an attribute of its node, and what it keeps there.
//!
//! It looks and speaks in rounds, and hears what the agents of the other nodes with which its own shares a set see then.

use std::collections::BTreeSet;

use super::config::Primitive;
use super::data::{Held, History};
use crate::model::NodeName;
use crate::transport::simulated::node::Power;
use crate::transport::simulated::world::World;

/// The agent's name.
pub const AGENT: &str = "healgate";

/// How often it looks, as its monitor.
const ROUND_MS: u64 = 5000;
/// How long it looks all the time when it starts.
const BURST_MS: u64 = 6000;
/// How long a change of an attribute waits for others (`attrd_updater -d 1`).
const DAMPENING_MS: u64 = 1000;
/// For how long the brick of a sibling must be silent for a client until the sibling's gate is shut.
const SILENCE_MS: u64 = 2000;

/// A rule that the agent keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Whoever is blamed is shut.
    Blame,
    /// Nobody opens who has not heard every sibling.
    Hearing,
    /// Nobody goes on behind a node that served and was fenced so late that it may have written alone.
    Patience,
    /// A sibling that is silent for the client of the node that serves is shut before that client goes on without it.
    Silence,
    /// A copy is as right as it was once a sibling was fenced in time, whatever a round in between has said of it.
    Return,
    /// A gate that was shut while a sibling was to be fenced opens again once that was in time.
    Reopening,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Blame, Self::Hearing, Self::Patience, Self::Silence, Self::Return, Self::Reopening];
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
pub(super) fn attribute(primitive: &Primitive) -> String {
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

/// Whether the clients of its volume keep a quorum, so that no copy is ever written to alone.
pub(super) fn has_quorum(primitive: &Primitive) -> bool {
    primitive.parameters.get("quorum").is_some_and(|quorum| quorum != "0")
}

/// The nodes with which a node shares a set.
pub(super) fn siblings(primitive: &Primitive, name: &NodeName) -> BTreeSet<NodeName> {
    let has = |set: &&Vec<Brick<'_>>| set.iter().any(|(node, _)| *node == name.as_str());
    let sets = sets(primitive);
    let nodes = sets.iter().filter(has).flatten().filter_map(|(node, _)| NodeName::new(*node).ok());
    nodes.filter(|node| node != name).collect()
}

/// What a node leaves while it serves, as the second attribute of the lasting kind, which counts while the first is lost.
fn lasting(attribute: &str) -> String {
    format!("/run/bricklayer/{attribute}.serves")
}

/// What a node leaves of a sibling that it has heard: what that said, and since when, if it has said anything new.
fn heard(attribute: &str, sibling: &NodeName) -> String {
    format!("/run/bricklayer/{attribute}.heard-{sibling}")
}

/// The attribute by which a node tells a sibling: `1` if it blames it, `0` if not, `-` while nobody can tell;
/// when; and the same of its last round.
fn view(attribute: &str, sibling: &NodeName) -> String {
    format!("{attribute}.view-{sibling}")
}

impl World {
    /// Lets the agent on a node of a partition have a round, if it is time for one.
    pub(super) fn tell_of_gates(&mut self, dc: &NodeName, name: &NodeName, primitive: &Primitive) {
        let now = self.clock_ms;
        let Some(held) = self.node_mut(name).held.get_mut(&primitive.id).filter(|_| primitive.kind == AGENT) else {
            return;
        };
        let Held { since_ms, read_ms, .. } = held;
        let rests = now >= *since_ms + BURST_MS && now < *read_ms + ROUND_MS;
        if !rests {
            *read_ms = now;
            if self.speak(dc, name) {
                self.round(dc, name, primitive);
            }
        }
        self.write_gates(dc, &attribute(primitive));
    }

    fn round(&mut self, dc: &NodeName, name: &NodeName, primitive: &Primitive) {
        let Some(volume) = primitive.parameters.get("volume") else { return };
        let attribute = attribute(primitive);
        let serves = self.serves(name, primitive);
        let said = if has_quorum(primitive) {
            self.said_of_quorum(name, volume)
        } else {
            for sibling in siblings(primitive, name) {
                self.tell(dc, name, &sibling, primitive);
            }
            self.said_of_copies(dc, name, primitive)
        };
        let right = serves && self.is_right(name, primitive, said);
        let lost = serves && !right && !self.has_other_copy(name, primitive);
        let open = match said {
            _ if serves => !lost,
            _ if self.is_in_doubt(dc, name, primitive) => false,
            Said::Nothing => self.attribute_of(name, &attribute) == Some("1"),
            Said::Open => true,
            Said::Shut => false,
        };
        self.set_gate(name, &attribute, open);
        if serves {
            self.node_mut(name).put(&lasting(&attribute), "", "0644");
        } else {
            self.node_mut(name).files.remove(&lasting(&attribute));
            self.remember(name, &attribute, open);
        }
    }

    /// What a node that comes back into a partition says of its gates, before its agents have looked again.
    pub(super) fn kept_gates(&self, dc: &NodeName, name: &NodeName) -> Vec<(String, String)> {
        let config = self.config_of(dc);
        let says = |agent: &Primitive| {
            let attribute = attribute(agent);
            // A probe that finds nothing mounted drops what lasts.
            let lasts = self.nodes[name].files.contains_key(&lasting(&attribute)) && self.serves(name, agent);
            let says = self.attribute_of(name, &attribute).or(lasts.then_some("1"))?.to_owned();
            Some((attribute, says))
        };
        config.primitives().filter(|primitive| primitive.kind == AGENT).filter_map(says).collect()
    }

    /// What a node says in an attribute, as its own daemon for attributes knows it.
    pub(super) fn attribute_of(&self, name: &NodeName, attribute: &str) -> Option<&str> {
        self.nodes[name].pacemaker.daemon.as_ref()?.attributes.get(attribute).map(String::as_str)
    }

    fn set_attribute(&mut self, name: &NodeName, attribute: &str, value: String) {
        if let Some(daemon) = &mut self.node_mut(name).pacemaker.daemon {
            daemon.attributes.insert(attribute.to_owned(), value);
        }
    }

    pub(super) fn set_gate(&mut self, name: &NodeName, attribute: &str, open: bool) {
        self.set_attribute(name, attribute, if open { "1" } else { "0" }.to_owned());
    }

    /// Writes what the gates of a partition say into its CIB, some time after the first of them has changed, so that
    /// those that change together do so there, too.
    fn write_gates(&mut self, dc: &NodeName, attribute: &str) {
        let Some(cib) = &self.nodes[dc].pacemaker.cib else { return };
        let new: Vec<(NodeName, String)> = self
            .peers(dc)
            .into_iter()
            .filter(|name| self.speak(dc, name))
            .filter_map(|name| Some((name.clone(), self.attribute_of(&name, attribute)?.to_owned())))
            .filter(|(name, says)| cib.status.get(name).and_then(|s| s.attributes.get(attribute)) != Some(says))
            .collect();
        let due = format!("{attribute}.due");
        let now = self.clock_ms;
        let node = self.node_mut(dc);
        let (Some(cib), Some(daemon)) = (&mut node.pacemaker.cib, &mut node.pacemaker.daemon) else { return };
        if new.is_empty() {
            daemon.attributes.remove(&due);
            return;
        }
        let since = daemon.attributes.entry(due.clone()).or_insert_with(|| now.to_string());
        if since.parse::<u64>().is_ok_and(|since| now < since + DAMPENING_MS) {
            return;
        }
        daemon.attributes.remove(&due);
        for (name, says) in new {
            cib.status.entry(name).or_default().attributes.insert(attribute.to_owned(), says);
        }
        cib.updated();
    }

    /// Tells a sibling whether a node blames it, and shuts its gate if so, or if it is silent for the client here, unless
    /// it may serve.
    fn tell(&mut self, dc: &NodeName, name: &NodeName, sibling: &NodeName, primitive: &Primitive) {
        let blamed = self.blames(name, sibling, primitive);
        let silent = blamed == Some(false) && self.is_silent(name, sibling, primitive);
        let says = match blamed {
            Some(true) => "1",
            Some(false) if !silent => "0",
            _ => "-",
        };
        let attribute = attribute(primitive);
        let view = view(&attribute, sibling);
        let before = self.attribute_of(name, &view).and_then(|text| Some(text.split_once(' ')?.0.to_owned()));
        let text = format!("{says}@{} {}", self.clock_ms, before.unwrap_or_default());
        self.set_attribute(name, &view, text);
        let shuts = silent || (blamed == Some(true) && self.keeps(Rule::Blame));
        if shuts && self.speak(dc, sibling) && !self.may_serve(dc, sibling, primitive) {
            self.set_gate(sibling, &attribute, false);
        }
    }

    /// Whether what one says reaches the other now. That a member is lost is only seen later.
    fn speak(&self, one: &NodeName, other: &NodeName) -> bool {
        one == other || self.hears(one, other)
    }

    /// Whether the client of a node that serves has had no answer from a brick of another one for so long that its agent
    /// sees it, and would write to its own brick without that.
    fn is_silent(&self, name: &NodeName, other: &NodeName, primitive: &Primitive) -> bool {
        let since_ms = match (self.nodes[other].power, self.cut_between(name, other)) {
            (Power::Off { since_ms, .. }, _) => Some(since_ms),
            (Power::On, cut) => cut.map(|cut| cut.since_ms),
        };
        let just_now = since_ms.is_some_and(|since_ms| self.clock_ms < since_ms + SILENCE_MS);
        let silent = |set: &Vec<Brick<'_>>| {
            let own = set.iter().any(|(node, path)| *node == name.as_str() && self.has_process(name, path));
            let uuid = &self.nodes[other].glusterd.uuid;
            let gone = |(node, path): &Brick<'_>| *node == other.as_str() && !self.brick_answers(name, uuid, path);
            own && set.iter().any(gone)
        };
        self.keeps(Rule::Silence) && self.serves(name, primitive) && !just_now && sets(primitive).iter().any(silent)
    }

    /// Whether a partition takes a volume to be mounted on a node for the cluster, also where that is lost.
    pub(super) fn may_serve(&self, dc: &NodeName, name: &NodeName, primitive: &Primitive) -> bool {
        let state = self.nodes[dc].pacemaker.cib.as_ref().and_then(|cib| cib.status.get(name));
        let served =
            |resource: &str| state.and_then(|state| state.history.get(resource)).is_some_and(History::is_active);
        mounts(primitive).any(|(resource, _)| served(resource))
    }

    /// Whether the copy of a node that serves was complete and is still, also for a sibling that is torn from it.
    fn is_right(&mut self, name: &NodeName, primitive: &Primitive, said: Said) -> bool {
        let attribute = attribute(primitive);
        if said == Said::Open || (said == Said::Shut && !self.is_blaming(name, primitive)) {
            self.remember(name, &attribute, said == Said::Open);
        }
        let served = |(own, path): &Brick<'_>| *own != name.as_str() || self.has_process(name, path);
        self.nodes[name].files.contains_key(&note(&attribute)) && sets(primitive).iter().flatten().all(served)
    }

    pub(super) fn remember(&mut self, name: &NodeName, attribute: &str, right: bool) {
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

    /// Whether the brick of a node runs.
    fn has_process(&self, name: &NodeName, path: &str) -> bool {
        self.nodes[name].directory(path).is_some_and(|directory| directory.process.is_some())
    }

    pub(super) fn keeps(&self, rule: Rule) -> bool {
        self.gate_without != Some(rule)
    }

    /// Whether the volume is mounted there for the cluster.
    pub(super) fn serves(&self, name: &NodeName, primitive: &Primitive) -> bool {
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
    fn said_of_copies(&mut self, dc: &NodeName, name: &NodeName, primitive: &Primitive) -> Said {
        let sets = sets(primitive);
        let own = sets.iter().flatten().filter(|(node, _)| *node == name.as_str());
        if !own.into_iter().all(|(_, path)| self.has_process(name, path)) {
            return Said::Shut;
        }
        let mut said = Said::Open;
        for sibling in siblings(primitive, name) {
            match self.heard_of(dc, &sibling, name, primitive) {
                Some(true) if self.keeps(Rule::Blame) => return Said::Shut,
                None if self.keeps(Rule::Hearing) => said = Said::Nothing,
                _ => {}
            }
        }
        said
    }

    /// Whether a node has said of another one that it blames it, if it has said so again lately and can tell. What is heard
    /// for the first time may have been said long ago.
    pub(super) fn heard_of(
        &mut self,
        dc: &NodeName,
        from: &NodeName,
        of: &NodeName,
        agent: &Primitive,
    ) -> Option<bool> {
        let attribute = attribute(agent);
        let note = heard(&attribute, from);
        let seen = self.nodes[of].files.get(&note).map(|file| file.text.clone());
        let says = self.attribute_of(from, &view(&attribute, of)).and_then(|text| self.arrived(text));
        let there = self.peers(dc).contains(from) && self.nodes[from].held.contains_key(&agent.id);
        let Some(says) = says.filter(|_| there) else {
            self.node_mut(of).files.remove(&note);
            return None;
        };
        let now = self.clock_ms;
        let before = seen.as_deref().and_then(|seen| seen.split_once(' '));
        let (says, since) = match before {
            Some((said, since)) if said == says || !self.speak(of, from) => (said.to_owned(), since.parse().ok()),
            Some(_) => (says, Some(now)),
            None => (says, None),
        };
        let since_text = since.map_or("-".to_owned(), |since: u64| since.to_string());
        self.node_mut(of).put(&note, &format!("{says} {since_text}"), "0644");
        let lately = since.is_some_and(|since| now <= since + 3 * ROUND_MS);
        let (word, _) = says.split_once('@')?;
        (lately && word != "-").then_some(word == "1")
    }

    /// What a node has said that is heard by now: of two that speak at once, neither hears the other first.
    fn arrived(&self, view: &str) -> Option<String> {
        let (last, before) = view.split_once(' ')?;
        let is_new = last.ends_with(&format!("@{}", self.clock_ms));
        Some(if is_new { before } else { last }.to_owned()).filter(|said| !said.is_empty())
    }

    /// Whether a brick of a node blames one of a sibling in the same set, if it can be read.
    fn blames(&self, name: &NodeName, sibling: &NodeName, primitive: &Primitive) -> Option<bool> {
        let mut any = false;
        for set in sets(primitive) {
            for (_, path) in set.iter().filter(|(node, _)| *node == name.as_str()) {
                let own = self.nodes[name].directory(path)?;
                let of_sibling = |(node, _): &&Brick<'_>| *node == sibling.as_str();
                let blamed = |(node, path): &Brick<'_>| own.blames.contains_key(&format!("{node}:{path}"));
                any |= set.iter().filter(of_sibling).any(blamed);
            }
        }
        Some(any)
    }
}
