//! A gate that is shut keeps every promise but one: that somebody serves. Here is when somebody has to.

use std::collections::{BTreeMap, BTreeSet};

use super::ground::{NODES, other};
use super::run::{cib_of, has_joined, sees_other};
use crate::laws::node;
use crate::transport::simulated::World;

/// How long a takeover may take, in seconds: a start, and what lies between looks.
const TAKEOVER: u64 = 30;
/// How much earlier than its clients would have gone on alone a node must be fenced, in milliseconds: the law looks once
/// a second.
const IN_TIME_MS: u64 = 1000;

/// How long the other node must take part until it is certainly heard, in seconds.
const HEARD: u64 = 20;

/// Who could serve while nobody does.
pub struct Takeover {
    /// For how long after it is to be fenced the client of a lost node waits for the other brick, in milliseconds.
    patience_ms: u64,
    /// Since when each node has been without the other, or has not heard it again, in milliseconds.
    parted: BTreeMap<&'static str, u64>,
    /// Since when the other takes part, in seconds.
    beside: BTreeMap<&'static str, u64>,
    /// The cluster manager of each node that knows its copy to miss nothing, by when it was started.
    knows: BTreeMap<&'static str, u64>,
    /// Since when each could serve, in seconds.
    since: BTreeMap<&'static str, u64>,
}

impl Takeover {
    pub fn new(patience_ms: u64) -> Self {
        let (parted, beside, knows, since) = Default::default();
        Self { patience_ms, parted, beside, knows, since }
    }

    /// Looks, once a second. The copies in `known` have missed nothing for some time, and their nodes can know.
    pub fn note(&mut self, world: &World, owners: &BTreeSet<&'static str>, known: &BTreeSet<&'static str>) {
        for name in NODES {
            self.meet(world, name);
            self.learn(world, name, known.contains(name));
            if owners.is_empty() && self.could_serve(world, name) {
                self.since.entry(name).or_insert(world.clock_ms / 1000);
            } else {
                self.since.remove(name);
            }
        }
    }

    fn meet(&mut self, world: &World, name: &'static str) {
        let now = world.clock_ms / 1000;
        if !is_beside(world, name) {
            self.beside.remove(name);
            self.parted.entry(name).or_insert(world.clock_ms);
        } else if now > *self.beside.entry(name).or_insert(now) + HEARD {
            self.parted.remove(name);
        }
    }

    /// Whether the cluster manager of a node knows of its copy, that misses nothing or not: it is told of it by the other
    /// one, and forgets it when it ends.
    fn learn(&mut self, world: &World, name: &'static str, misses_nothing: bool) {
        let started_ms = world.nodes[&node(name)].pacemaker.daemon.as_ref().map(|daemon| daemon.started_ms);
        match started_ms.filter(|_| misses_nothing) {
            Some(started_ms) if sees_other(world, name) => drop(self.knows.insert(name, started_ms)),
            Some(started_ms) if self.knows.get(name) == Some(&started_ms) => {}
            _ => drop(self.knows.remove(name)),
        }
    }

    /// A node that should have taken the service over by now.
    pub fn is_overdue(&self, now: u64) -> Option<&'static str> {
        self.since.iter().find(|(_, since)| now > **since + TAKEOVER).map(|(name, _)| *name)
    }

    fn could_serve(&self, world: &World, name: &'static str) -> bool {
        self.knows.contains_key(name)
            && has_joined(world, name)
            && (is_beside(world, name) || self.was_fenced_in_time(world, name))
            && nothing_has_failed(world, name)
    }

    /// Whether the other node was fenced before its client can have written alone.
    fn was_fenced_in_time(&self, world: &World, name: &'static str) -> bool {
        let Some(&parted_ms) = self.parted.get(name) else { return false };
        let Some(cib) = cib_of(world, name) else { return false };
        let in_time = parted_ms..parted_ms + self.patience_ms.saturating_sub(IN_TIME_MS);
        let fenced = cib.fencing.iter().filter(|fencing| fencing.target == node(other(name)));
        fenced.into_iter().any(|fencing| fencing.success == Some(true) && in_time.contains(&fencing.until_ms))
    }
}

/// Whether the other node takes part, so that it need not be fenced.
fn is_beside(world: &World, name: &str) -> bool {
    sees_other(world, name) && has_joined(world, other(name))
}

/// Whether the service can be started on a node, as far as its cluster manager knows.
fn nothing_has_failed(world: &World, name: &str) -> bool {
    let state = cib_of(world, name).and_then(|cib| cib.status.get(&node(name)));
    state.is_some_and(|state| {
        !state.history.iter().any(|(resource, history)| resource.starts_with("db-") && history.failure.is_some())
    })
}
