//! Corosync 3.1: who is a member of what, and whether they may decide.
//!
//! Nobody passes a token around here. A member that is silent for the token's time and the consensus's is lost, one
//! that says goodbye or comes back as another process is lost at once, and rings that hear each other become one.

use std::collections::{BTreeMap, BTreeSet};

use super::conf::{Conf, Listed, PATH};
use super::data::Corosync;
use crate::model::NodeName;
use crate::transport::simulated::journal;
use crate::transport::simulated::node::Active;
use crate::transport::simulated::world::World;

/// The unit.
pub const UNIT: &str = "corosync.service";
/// The key's file.
pub const KEY: &str = "/etc/corosync/authkey";
/// How long two rings need to become one. Measured: one to two seconds.
const JOIN_MS: u64 = 1500;

impl World {
    /// Starts Corosync, if its file lets it.
    pub(in super::super) fn start_corosync(&mut self, at: &NodeName) -> bool {
        let Some(conf) = self.corosync_conf(at) else { return false };
        let key = self.nodes[at].files.get(KEY).map(|file| file.text.clone());
        if self.listed(at, &conf).is_none() || (conf.needs_key() && key.is_none()) {
            return false;
        }
        let started_ms = self.clock_ms;
        self.node_mut(at).corosync = Some(Corosync {
            key: if conf.needs_key() { key.unwrap_or_default() } else { String::new() },
            conf,
            started_ms,
            members: BTreeMap::from([(at.clone(), started_ms)]),
            joins: BTreeMap::from([(at.clone(), 1)]),
            ..Corosync::default()
        });
        true
    }

    /// Ends Corosync, with a goodbye to the others or without one.
    pub(in super::super) fn end_corosync(&mut self, at: &NodeName, goodbye: bool) {
        if self.node_mut(at).corosync.take().is_none() {
            return;
        }
        if goodbye {
            let hears = |other: &&NodeName| *other != at && self.cut_between(at, other).is_none();
            let others: Vec<NodeName> = self.nodes.keys().filter(hears).cloned().collect();
            for other in others {
                let Some(corosync) = &mut self.node_mut(&other).corosync else { continue };
                corosync.silent.remove(at);
                if corosync.members.remove(at).is_some() {
                    self.log_member(&other, at, "lost");
                }
            }
        }
    }

    /// What lies in the file now.
    #[must_use]
    pub fn corosync_conf(&self, at: &NodeName) -> Option<Conf> {
        Conf::read(&self.nodes[at].files.get(PATH)?.text).ok()
    }

    /// The node's own entry in the list: the one with an address of this machine.
    #[must_use]
    pub fn listed<'a>(&self, at: &NodeName, conf: &'a Conf) -> Option<&'a Listed> {
        let own = |address: &String| self.node_called(at, address) == Some(at);
        conf.nodes().iter().find(|listed| listed.addresses.values().any(own))
    }

    /// What Corosync has read, where it runs.
    #[must_use]
    pub fn corosync(&self, at: &NodeName) -> Option<&Corosync> {
        let node = &self.nodes[at];
        node.corosync.as_ref().filter(|_| node.is_on())
    }

    /// Whether the Corosync of `b` is heard by that of `a`, over any link. With knet only the key decides who belongs
    /// together: the cluster's name makes a multicast address, and nothing else (corosync.conf(5)).
    #[must_use]
    pub fn hears(&self, a: &NodeName, b: &NodeName) -> bool {
        let (Some(one), Some(other)) = (self.corosync(a), self.corosync(b)) else { return false };
        one.key == other.key && self.has_link(a, b, &one.conf) && self.has_link(b, a, &other.conf)
    }

    fn has_link(&self, a: &NodeName, b: &NodeName, conf: &Conf) -> bool {
        let (Some(_), Some(there)) = (self.listed(a, conf), self.listed_as(a, b, conf)) else { return false };
        there.addresses.values().any(|address| self.reaches_over(a, b, self.network_of(a, address)))
    }

    /// The entry of another node in the list of `at`.
    #[must_use]
    pub fn listed_as<'a>(&self, at: &NodeName, other: &NodeName, conf: &'a Conf) -> Option<&'a Listed> {
        let is =
            |listed: &&Listed| listed.addresses.values().any(|address| self.node_called(at, address) == Some(other));
        conf.nodes().iter().find(is)
    }

    /// Whether the members that `at` sees may decide.
    #[must_use]
    pub fn has_votes(&self, at: &NodeName) -> bool {
        self.corosync(at).is_some_and(|corosync| {
            let waits = corosync.conf.wait_for_all() && !corosync.saw_all;
            corosync.members.len() + self.device_votes(at) >= corosync.conf.quorum() && !waits
        })
    }

    /// Whether members that decide now would be too few to, once they had read their files.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn would_hush(&self, at: &NodeName) -> bool {
        let Some(corosync) = self.corosync(at).filter(|_| self.has_votes(at)) else { return false };
        let quorum = corosync.members.keys().filter_map(|member| Some(self.corosync_conf(member)?.quorum())).max();
        quorum.is_some_and(|quorum| corosync.members.len() < quorum)
    }

    /// Lets the rings change as far as they do by now.
    pub(super) fn form_rings(&mut self) {
        let names: Vec<NodeName> = self.nodes.keys().filter(|name| self.corosync(name).is_some()).cloned().collect();
        let heard: BTreeSet<(NodeName, NodeName)> = names
            .iter()
            .flat_map(|a| names.iter().map(move |b| (a.clone(), b.clone())))
            .filter(|(a, b)| a != b && self.hears(a, b))
            .collect();
        for name in &names {
            self.lose_members(name, &heard);
        }
        self.agree(&names);
        self.merge(&names, &heard);
        for name in &names {
            self.count_all(name);
        }
    }

    /// It is Pacemaker that tells, where it runs.
    fn log_member(&mut self, at: &NodeName, member: &NodeName, state: &str) {
        if self.nodes[at].pacemaker.daemon.is_some() {
            self.log(at, journal::CONTROLLER, format!("Node {member} state is now {state}"));
        }
    }

    /// Takes out who has been silent for too long, or is another process by now.
    fn lose_members(&mut self, at: &NodeName, heard: &BTreeSet<(NodeName, NodeName)>) {
        let now = self.clock_ms;
        let started: BTreeMap<NodeName, u64> = self
            .nodes
            .iter()
            .filter_map(|(name, node)| Some((name.clone(), node.corosync.as_ref()?.started_ms)))
            .collect();
        let Some(corosync) = &mut self.node_mut(at).corosync else { return };
        let patience_ms = corosync.conf.token_ms() + corosync.conf.consensus_ms();
        let mut lost = Vec::new();
        for (member, known_ms) in corosync.members.iter().filter(|(member, _)| *member != at) {
            if heard.contains(&(at.clone(), member.clone())) {
                corosync.silent.remove(member);
                if started.get(member) != Some(known_ms) {
                    lost.push(member.clone());
                }
                continue;
            }
            let since_ms = *corosync.silent.entry(member.clone()).or_insert(now);
            if now >= since_ms + patience_ms {
                lost.push(member.clone());
            }
        }
        for member in &lost {
            corosync.members.remove(member);
            corosync.silent.remove(member);
        }
        for member in &lost {
            self.log_member(at, member, "lost");
        }
    }

    /// A ring is one for all its members: who is not one for another is none at all.
    fn agree(&mut self, names: &[NodeName]) {
        for name in names {
            let Some(corosync) = &self.nodes[name].corosync else { continue };
            let one_sided = |member: &&NodeName| {
                let other = self.nodes[*member].corosync.as_ref();
                *member != name && !other.is_some_and(|other| other.members.contains_key(name))
            };
            // One that is silent is believed in for as long as it may be; one that runs has had its say.
            let gone: Vec<NodeName> = corosync
                .members
                .keys()
                .filter(one_sided)
                .filter(|member| self.corosync(member).is_some() && !corosync.silent.contains_key(*member))
                .cloned()
                .collect();
            if let Some(corosync) = &mut self.node_mut(name).corosync {
                corosync.members.retain(|member, _| !gone.contains(member));
            }
            for member in &gone {
                self.log_member(name, member, "lost");
            }
        }
    }

    /// Makes one ring of two that have heard each other for long enough.
    fn merge(&mut self, names: &[NodeName], heard: &BTreeSet<(NodeName, NodeName)>) {
        let now = self.clock_ms;
        for a in names {
            for b in names.iter().filter(|b| a < *b) {
                let Some((left, right)) = self.two_rings(a, b) else { continue };
                let all = left.keys().all(|l| right.keys().all(|r| heard.contains(&(l.clone(), r.clone()))));
                let Some(corosync) = &mut self.node_mut(a).corosync else { continue };
                if !all {
                    corosync.found.remove(b);
                    continue;
                }
                let since_ms = *corosync.found.entry(b.clone()).or_insert(now);
                if now < since_ms + JOIN_MS {
                    continue;
                }
                corosync.found.remove(b);
                let ring: BTreeMap<NodeName, u64> = left.into_iter().chain(right).collect();
                for member in ring.keys() {
                    let Some(corosync) = &mut self.node_mut(member).corosync else { continue };
                    let new: Vec<&NodeName> =
                        ring.keys().filter(|other| !corosync.members.contains_key(*other)).collect();
                    for other in &new {
                        *corosync.joins.entry((*other).clone()).or_default() += 1;
                    }
                    corosync.members.clone_from(&ring);
                    for other in new {
                        self.log_member(member, other, "member");
                    }
                }
            }
        }
    }

    /// The rings of two nodes, if they are two.
    fn two_rings(&self, a: &NodeName, b: &NodeName) -> Option<(BTreeMap<NodeName, u64>, BTreeMap<NodeName, u64>)> {
        let (one, other) = (self.corosync(a)?, self.corosync(b)?);
        let apart = !one.members.contains_key(b) && !other.members.contains_key(a);
        apart.then(|| (one.members.clone(), other.members.clone()))
    }

    fn count_all(&mut self, at: &NodeName) {
        let Some(corosync) = self.corosync(at) else { return };
        let saw = corosync.members.len() + self.device_votes(at) >= corosync.conf.waited_for()
            || corosync.members.keys().any(|member| self.corosync(member).is_some_and(|other| other.saw_all));
        if saw && let Some(corosync) = &mut self.node_mut(at).corosync {
            corosync.saw_all = true;
        }
    }

    /// Kills Corosync. What Pacemaker has started stays; its unit counts as active, and nobody answers for it.
    pub fn kill_corosync(&mut self, at: &NodeName) {
        if self.corosync(at).is_none() {
            return;
        }
        self.end_qdevice(at, Active::Failed);
        self.end_corosync(at, false);
        self.end_pacemaker(at);
        if let Some(unit) = self.node_mut(at).units.get_mut(UNIT) {
            unit.active = Active::Failed;
        }
    }
}
