//! Pacemaker's daemons: starting and ending them, who is the DC, who has joined, and one CIB for all who have.

use std::collections::BTreeMap;

use super::config::Config;
use super::data::{Cib, Daemon, History, NodeState, Op, Task, rc};
use super::element::Element;
use super::{agents, corosync};
use crate::model::NodeName;
use crate::transport::simulated::world::World;

/// The unit.
pub const UNIT: &str = "pacemaker.service";
/// After how long systemd starts it again (`RestartSec=`).
pub const RESTART_MS: u64 = 1000;
/// What a DC writes about itself.
const VERSION: &str = "2.1.5-a3f44794f94";
/// How long a lonely Pacemaker looks for a DC unless it is told otherwise.
const DC_DEADTIME_MS: u64 = 20_000;
/// What it takes beside that. Measured: 21.0 s by default, 5.8 to 6.0 s with two seconds.
const ELECTION_MS: u64 = 1000;
const FIRST_ELECTION_MS: u64 = 5900;
/// How long a node takes to join a DC.
const JOIN_MS: u64 = 1000;

impl World {
    /// Starts Pacemaker's daemons beside a Corosync that runs.
    pub(in super::super) fn start_pacemaker(&mut self, at: &NodeName) -> bool {
        let Some(corosync) = self.corosync(at) else { return false };
        let listed = corosync.conf.nodes().to_vec();
        let now = self.clock_ms;
        let node = self.node_mut(at);
        node.pacemaker.daemon = Some(Daemon { started_ms: now, lonely_ms: now, ..Daemon::default() });
        let cib = node.pacemaker.cib.get_or_insert_with(Cib::default);
        for listed in listed {
            let nodes = cib.configuration.child_mut("nodes");
            if !nodes.all("node").any(|known| known.get("uname") == Some(&listed.name)) {
                nodes.children.push(Element::new("node").with("id", listed.id).with("uname", &listed.name));
                cib.changed(now, at, "crmd", "hacluster");
            }
        }
        true
    }

    /// Ends Pacemaker's daemons and nothing else; says whether they ran.
    pub(in super::super) fn end_pacemaker(&mut self, at: &NodeName) -> bool {
        let pacemaker = &mut self.node_mut(at).pacemaker;
        if let Some(cib) = &mut pacemaker.cib {
            cib.close();
        }
        pacemaker.daemon.take().is_some()
    }

    /// Stops Pacemaker as systemd does: what it runs on this node ends first, and the others know.
    pub(in super::super) fn stop_pacemaker(&mut self, at: &NodeName) {
        let Some(daemon) = &self.nodes[at].pacemaker.daemon else { return };
        let dc = daemon.dc.clone();
        if let Some(cib) = self.nodes[at].pacemaker.cib.clone().filter(|_| dc.is_some()) {
            let config = cib.configuration.config();
            self.release_all(at, &config);
        }
        if let Some(dc) = dc.filter(|dc| self.nodes[dc].pacemaker.daemon.is_some()) {
            if let Some(cib) = &mut self.node_mut(&dc).pacemaker.cib {
                cib.status.insert(at.clone(), NodeState { in_ccm: true, ..NodeState::default() });
                cib.updated();
            }
            self.replicate(&dc);
        }
        self.end_pacemaker(at);
    }

    /// Stops what Pacemaker may stop on a node, the last member of each group first.
    fn release_all(&mut self, at: &NodeName, config: &Config) {
        let all_managed = !config.is_on("maintenance-mode", false);
        for primitive in config.resources.iter().rev().flat_map(|resource| resource.members.iter().rev()) {
            if self.nodes[at].held.contains_key(&primitive.id) && primitive.is_managed() && all_managed {
                let took_ms = agents::takes_ms(&primitive.kind, Task::Stop);
                self.hang_ms += took_ms;
                agents::stop(self, at, primitive);
            }
        }
    }

    /// Whether Pacemaker runs on a node.
    #[must_use]
    pub fn manages(&self, at: &NodeName) -> bool {
        let node = &self.nodes[at];
        node.is_on() && node.pacemaker.daemon.is_some() && node.corosync.is_some()
    }

    /// The members of a node's ring on which Pacemaker runs.
    #[must_use]
    pub fn peers(&self, at: &NodeName) -> Vec<NodeName> {
        let members = self.corosync(at).map(|corosync| corosync.members.keys().cloned().collect::<Vec<_>>());
        members.unwrap_or_default().into_iter().filter(|member| self.manages(member)).collect()
    }

    /// The DC of a node, if it has one that is still there.
    #[must_use]
    pub fn dc_of(&self, at: &NodeName) -> Option<NodeName> {
        let dc = self.nodes[at].pacemaker.daemon.as_ref()?.dc.clone()?;
        let is = self.nodes[&dc].pacemaker.daemon.as_ref().is_some_and(|daemon| daemon.dc.as_ref() == Some(&dc));
        (is && self.peers(at).contains(&dc)).then_some(dc)
    }

    /// The id of a node in the cluster.
    #[must_use]
    pub fn id_of(&self, at: &NodeName, node: &NodeName) -> u32 {
        self.corosync(at).and_then(|own| self.listed_as(at, node, &own.conf)).map_or(0, |listed| listed.id)
    }

    /// Makes DCs where there is none, and keeps one where there are several. Gives them all.
    pub(super) fn elect(&mut self) -> Vec<NodeName> {
        let mut left: Vec<NodeName> = self.nodes.keys().filter(|name| self.manages(name)).cloned().collect();
        let mut dcs = Vec::new();
        while let Some(first) = left.first().cloned() {
            let group = self.peers(&first);
            left.retain(|name| !group.contains(name));
            left.retain(|name| *name != first);
            dcs.extend(self.elect_among(&group));
        }
        dcs
    }

    fn elect_among(&mut self, group: &[NodeName]) -> Option<NodeName> {
        let now = self.clock_ms;
        let rank = |world: &Self, name: &NodeName| {
            let started_ms = world.nodes[name].pacemaker.daemon.as_ref().map_or(0, |daemon| daemon.started_ms);
            (started_ms / 5000, world.id_of(name, name))
        };
        let is_dc = |world: &Self, name: &NodeName| world.dc_of(name).as_ref() == Some(name);
        let sitting = group.iter().filter(|name| is_dc(self, name)).min_by_key(|name| rank(self, name)).cloned();
        if let Some(dc) = sitting {
            for name in group {
                if let Some(daemon) = &mut self.node_mut(name).pacemaker.daemon
                    && daemon.dc.as_ref() != Some(&dc)
                {
                    daemon.dc = Some(dc.clone());
                    daemon.joined_ms = None;
                    daemon.lonely_ms = now;
                }
            }
            return Some(dc);
        }
        for name in group {
            if let Some(daemon) = &mut self.node_mut(name).pacemaker.daemon
                && daemon.dc.take().is_some()
            {
                daemon.lonely_ms = now;
            }
        }
        let due = group.iter().filter_map(|name| self.election_ms(name)).min()?;
        let dc = group.iter().min_by_key(|name| rank(self, name)).cloned().filter(|_| due <= now)?;
        self.take_office(&dc, group);
        Some(dc)
    }

    /// When a node without a DC calls for one.
    fn election_ms(&self, name: &NodeName) -> Option<u64> {
        let pacemaker = &self.nodes[name].pacemaker;
        let (daemon, cib) = (pacemaker.daemon.as_ref()?, pacemaker.cib.as_ref()?);
        if daemon.joined_ms.is_some() {
            return Some(daemon.lonely_ms + ELECTION_MS);
        }
        let deadtime_ms = cib.configuration.config().duration_ms("dc-deadtime", DC_DEADTIME_MS);
        Some(daemon.lonely_ms + (deadtime_ms + ELECTION_MS).max(FIRST_ELECTION_MS))
    }

    fn take_office(&mut self, dc: &NodeName, group: &[NodeName]) {
        let now = self.clock_ms;
        // Whoever has the newest configuration gives it to all.
        let cibs = group.iter().filter_map(|name| self.nodes[name].pacemaker.cib.as_ref());
        let newest = cibs.max_by_key(|cib| cib.version).cloned().unwrap_or_default();
        let cluster = self.corosync(dc).map(|corosync| corosync.conf.cluster().to_owned()).unwrap_or_default();
        for name in group {
            if let Some(daemon) = &mut self.node_mut(name).pacemaker.daemon {
                daemon.dc = Some(dc.clone());
                if name == dc {
                    daemon.joined_ms.get_or_insert(now);
                }
            }
        }
        let pacemaker = &mut self.node_mut(dc).pacemaker;
        let own = pacemaker.cib.get_or_insert_with(Cib::default);
        if own.version < newest.version {
            let (status, fencing) = (std::mem::take(&mut own.status), std::mem::take(&mut own.fencing));
            *own = newest;
            own.status.extend(status);
            own.fencing.extend(fencing);
        }
        write_own_options(own, &cluster, now, dc);
    }

    /// Lets who is there join, notices who is not, and gives all the same CIB.
    pub(super) fn keep_members(&mut self, dc: &NodeName) {
        let now = self.clock_ms;
        let ring: Vec<NodeName> =
            self.corosync(dc).map(|corosync| corosync.members.keys().cloned().collect()).unwrap_or_default();
        let peers = self.peers(dc);
        let names: Vec<NodeName> = self.nodes.keys().cloned().collect();
        for name in names {
            let daemon = self.nodes[&name].pacemaker.daemon.as_ref().filter(|_| peers.contains(&name));
            let joined = daemon.is_some_and(|daemon| daemon.joined_ms.is_some());
            let may_join = daemon.is_some_and(|daemon| now >= daemon.lonely_ms + JOIN_MS);
            let known = self.nodes[dc].pacemaker.cib.as_ref().and_then(|cib| cib.status.get(&name));
            let in_ccm = ring.contains(&name);
            // One that has gone silent is believed in until Corosync has lost it.
            let silent = self.corosync(dc).is_some_and(|corosync| corosync.silent.contains_key(&name));
            if silent || (known.is_none() && !in_ccm) {
                continue;
            }
            let member = known.is_some_and(|state| state.member);
            let expected = known.is_some_and(|state| state.expected);
            let was_lost = expected && member && !joined && !self.was_member(&name, dc);
            let online = daemon.is_some() && !was_lost;
            let joins = online && (!joined && may_join || (name == *dc && !member));
            if !joins && known.is_some_and(|state| (state.in_ccm, state.online) == (in_ccm, online)) {
                continue;
            }
            let known_out = known.is_some_and(|state| !state.in_ccm);
            let mut state = NodeState { in_ccm, online, ..known.cloned().unwrap_or_default() };
            if joins {
                self.join(dc, &name, &mut state);
            }
            // What a node says goes with it, and comes back with it.
            if !in_ccm {
                state.attributes.clear();
            } else if joins || known_out {
                state.attributes.extend(self.kept_gates(dc, &name));
            }
            self.write_state(dc, name, state);
        }
        self.replicate(dc);
    }

    /// Whether a node was one under another DC before: then its operations and resources are known.
    fn was_member(&self, name: &NodeName, dc: &NodeName) -> bool {
        // A daemon that was there when the last DC went keeps its number of calls.
        name == dc || self.nodes[name].pacemaker.daemon.as_ref().is_some_and(|daemon| daemon.calls > 0)
    }

    fn write_state(&mut self, dc: &NodeName, name: NodeName, state: NodeState) {
        if let Some(cib) = &mut self.node_mut(dc).pacemaker.cib {
            cib.status.insert(name, state);
            cib.updated();
        }
    }

    /// A node joins: its CIB is the cluster's if it is newer, and what runs on it is looked at.
    fn join(&mut self, dc: &NodeName, name: &NodeName, state: &mut NodeState) {
        let now = self.clock_ms;
        let theirs = self.nodes[name].pacemaker.cib.clone();
        if let (Some(theirs), Some(own)) = (theirs, &mut self.node_mut(dc).pacemaker.cib)
            && theirs.version > (own.version.0, own.version.1, u64::MAX)
        {
            own.configuration = theirs.configuration;
            own.version = (theirs.version.0, theirs.version.1, 0);
        }
        state.member = true;
        state.expected = true;
        state.attributes.insert("#feature-set".to_owned(), "3.16.1".to_owned());
        if let Some(daemon) = &mut self.node_mut(name).pacemaker.daemon {
            daemon.joined_ms = Some(now);
            daemon.calls += 1;
        }
        let config = self.nodes[dc].pacemaker.cib.as_ref().map(|cib| cib.configuration.config()).unwrap_or_default();
        state.history = self.probe_all(name, &config, &state.history);
    }

    /// What runs on a node, as its probes find it.
    pub(super) fn probe_all(
        &mut self,
        name: &NodeName,
        config: &Config,
        known: &BTreeMap<String, History>,
    ) -> BTreeMap<String, History> {
        let mut history = BTreeMap::new();
        for primitive in config.primitives() {
            history.insert(primitive.id.clone(), self.probe(name, primitive, known.get(&primitive.id)));
        }
        history
    }

    /// Looks at one resource on a node; what is known of it already and is still true stays.
    pub(super) fn probe(
        &mut self,
        name: &NodeName,
        primitive: &super::config::Primitive,
        known: Option<&History>,
    ) -> History {
        let at_ms = self.clock_ms;
        let runs = agents::is_up(self, name, primitive);
        let has_job = |daemon: &Daemon| daemon.jobs.contains_key(&primitive.id);
        let busy = self.nodes[name].pacemaker.daemon.as_ref().is_some_and(has_job);
        // What ended under another DC is still taken to be under way, and is not.
        let settled = |known: &History| known.last.as_ref().is_none_or(|last| last.rc.is_some());
        if let Some(known) = known.filter(|known| busy || (known.is_active() == runs && settled(known))) {
            return known.clone();
        }
        let Some(daemon) = &mut self.node_mut(name).pacemaker.daemon else { return History::default() };
        daemon.calls += 4;
        let rc = Some(if runs { rc::OK } else { rc::STOPPED });
        let (call, reason) = (daemon.calls, String::new());
        let last = Op { call, task: Task::Probe, interval_ms: 0, rc, reason, at_ms, took_ms: 140 };
        // What runs and was not expected to is kept in the place of a failure, and is none.
        let failure = runs.then(|| last.clone());
        let (agent, digest) = (primitive.agent(), primitive.digest.clone());
        History { agent, last: Some(last), failure, digest, ..History::default() }
    }

    /// Gives the DC's CIB to all who have joined it.
    pub(super) fn replicate(&mut self, dc: &NodeName) {
        let Some(version) = self.nodes[dc].pacemaker.cib.as_ref().map(|cib| cib.version) else { return };
        for name in self.peers(dc) {
            let pacemaker = &self.nodes[&name].pacemaker;
            let joined = pacemaker.daemon.as_ref().is_some_and(|daemon| daemon.joined_ms.is_some());
            if joined && pacemaker.cib.as_ref().is_none_or(|own| own.version != version) {
                let cib = self.nodes[dc].pacemaker.cib.clone();
                self.node_mut(&name).pacemaker.cib = cib;
            }
        }
    }

    /// The CIB by which a node's cluster goes: the DC's, or its own while it has none.
    #[must_use]
    pub fn cib(&self, at: &NodeName) -> Option<&Cib> {
        let holder = self.dc_of(at).unwrap_or_else(|| at.clone());
        let joined = self.nodes[at].pacemaker.daemon.as_ref().is_some_and(|daemon| daemon.joined_ms.is_some());
        let holder = if joined { &holder } else { at };
        self.nodes[holder].pacemaker.cib.as_ref().filter(|_| self.manages(at))
    }

    /// Kills Pacemaker alone, as if by hand; systemd starts it again.
    pub fn kill_pacemaker(&mut self, at: &NodeName) {
        let at_ms = self.clock_ms + RESTART_MS;
        if self.end_pacemaker(at)
            && let Some(unit) = self.node_mut(at).units.get_mut(UNIT)
        {
            unit.active = crate::transport::simulated::node::Active::Restarting { at_ms };
        }
    }

    /// What starting Pacemaker starts before it: its unit requires Corosync's.
    pub(in super::super) fn start_corosync_for(&mut self, at: &NodeName) -> bool {
        self.corosync(at).is_some() || self.start_unit(at, corosync::UNIT).is_ok()
    }
}

/// What a new DC writes into the options, one change for each that is not there yet.
fn write_own_options(cib: &mut Cib, cluster: &str, now: u64, dc: &NodeName) {
    let own = [
        ("have-watchdog", "false"),
        ("dc-version", VERSION),
        ("cluster-infrastructure", "corosync"),
        ("cluster-name", cluster),
    ];
    for (name, value) in own {
        let known = cib.configuration.config().options.get(name).map(String::as_str) == Some(value);
        if known {
            continue;
        }
        set_option(cib, name, value);
        cib.changed(now, dc, "crmd", "hacluster");
    }
}

/// Gives an option of the cluster a value, in the first set.
pub(super) fn set_option(cib: &mut Cib, name: &str, value: &str) {
    let sets = cib.configuration.child_mut("crm_config");
    if sets.child("cluster_property_set").is_none() {
        sets.children.push(Element::new("cluster_property_set").with("id", "cib-bootstrap-options"));
    }
    let set = sets.child_mut("cluster_property_set");
    set.children.retain(|pair| pair.get("name") != Some(name));
    let id = format!("{}-{name}", set.id());
    set.children.push(Element::new("nvpair").with("id", id).with("name", name).with("value", value));
}

impl History {
    /// The last failure that nobody has cleaned up.
    #[must_use]
    pub fn failed(&self) -> Option<&Op> {
        self.failure.as_ref().filter(|op| op.rc != Some(rc::OK))
    }

    /// Whether the resource runs, as far as is known.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.last.as_ref().is_some_and(|last| match (last.task, last.rc) {
            (Task::Start, _) | (_, Some(rc::OK)) if last.task != Task::Stop => true,
            (Task::Stop, rc) => rc != Some(rc::OK),
            _ => false,
        })
    }
}
