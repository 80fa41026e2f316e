//! What the gate's agent does when Pacemaker tells it that a sibling is to be fenced, and that it was: a node that is
//! lost while it serves may go on to write, alone once its client has waited long enough.

use super::config::{Config, Primitive};
use super::gate::{self, Rule};
use crate::model::NodeName;
use crate::transport::simulated::world::World;

/// What it leaves on its node of a sibling that is to be fenced: since when, and what its own gate said.
fn note(attribute: &str, sibling: &NodeName) -> String {
    format!("/run/bricklayer/{attribute}.lost-{sibling}")
}

/// For how long after a node is lost its client still waits for the others.
fn patience_ms(agent: &Primitive) -> Option<u64> {
    agent.parameters.get("patience")?.parse().ok()
}

fn agents(config: &Config) -> impl Iterator<Item = &Primitive> {
    config.primitives().filter(|primitive| primitive.kind == gate::AGENT && !gate::has_quorum(primitive))
}

impl World {
    /// A node is to be fenced: if it may serve, the gates of its siblings are shut until it is.
    pub(super) fn tell_of_fencing(&mut self, dc: &NodeName, config: &Config, lost: &NodeName) {
        if !self.keeps(Rule::Patience) {
            return;
        }
        for agent in agents(config).filter(|agent| patience_ms(agent).is_some()) {
            if !self.may_serve(dc, lost, agent) {
                continue;
            }
            let attribute = gate::attribute(agent);
            let note = note(&attribute, lost);
            for name in self.hearers(dc, agent, lost) {
                if self.serves(&name, agent) || self.nodes[&name].files.contains_key(&note) {
                    continue;
                }
                let was = self.attribute_of(&name, &attribute).unwrap_or("0").to_owned();
                let since_ms = self.clock_ms;
                self.node_mut(&name).put(&note, &format!("{since_ms} {was}"), "0644");
                self.set_gate(&name, &attribute, false);
            }
        }
    }

    /// It was fenced: if that was before it can have written alone, the gates and the copies are what they were.
    pub(super) fn tell_of_fenced(&mut self, dc: &NodeName, config: &Config, lost: &NodeName) {
        for agent in agents(config) {
            let attribute = gate::attribute(agent);
            let note = note(&attribute, lost);
            for name in self.hearers(dc, agent, lost) {
                let Some((since_ms, was)) = self.noted(&name, &note) else { continue };
                if patience_ms(agent).is_some_and(|patience_ms| self.clock_ms - since_ms < patience_ms) {
                    self.node_mut(&name).files.remove(&note);
                    if self.keeps(Rule::Reopening) {
                        self.set_gate(&name, &attribute, was);
                    }
                    if self.keeps(Rule::Return) {
                        self.remember(&name, &attribute, was);
                    }
                }
            }
        }
    }

    /// Whether a sibling that may have written alone has not been heard again.
    pub(super) fn is_in_doubt(&mut self, dc: &NodeName, name: &NodeName, agent: &Primitive) -> bool {
        let attribute = gate::attribute(agent);
        let mut doubt = false;
        for sibling in gate::siblings(agent, name) {
            let note = note(&attribute, &sibling);
            if !self.nodes[name].files.contains_key(&note) {
                continue;
            }
            if self.heard_of(dc, &sibling, name, agent).is_some() {
                self.node_mut(name).files.remove(&note);
            } else {
                doubt = true;
            }
        }
        doubt
    }

    fn noted(&self, name: &NodeName, note: &str) -> Option<(u64, bool)> {
        let (since_ms, was) = self.nodes[name].files.get(note)?.text.split_once(' ')?;
        Some((since_ms.parse().ok()?, was == "1"))
    }

    /// The nodes whose agents hear of what happens to a sibling.
    fn hearers(&self, dc: &NodeName, agent: &Primitive, lost: &NodeName) -> Vec<NodeName> {
        let siblings = gate::siblings(agent, lost);
        let hears = |node: &NodeName| siblings.contains(node) && self.nodes[node].held.contains_key(&agent.id);
        self.peers(dc).into_iter().filter(|node| node != lost && hears(node)).collect()
    }
}
