//! The cluster at work: what time finishes, what the DC begins next, and what monitors find.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::agents;
use super::config::{Config, INFINITY, Primitive, add, score};
use super::data::{Cib, Daemon, History, Job, Op, Task, rc};
use super::place::{self, Step};
use super::situation::Situation;
use super::{gate, mon, times};
use crate::model::NodeName;
use crate::transport::simulated::journal;
use crate::transport::simulated::world::World;

impl World {
    /// Lets the cluster manager go on as far as it does by now.
    pub(in super::super) fn run_cluster(&mut self) {
        let idle =
            |node: &crate::transport::simulated::node::Node| node.corosync.is_none() && node.pacemaker.daemon.is_none();
        if self.nodes.values().all(idle) {
            return;
        }
        self.join_the_healed();
        self.form_rings();
        for dc in self.elect() {
            self.keep_members(&dc);
            self.finish_fencing(&dc);
            self.finish_jobs(&dc);
            self.monitor(&dc);
            self.look_for_the_new(&dc);
            self.schedule(&dc);
            self.replicate(&dc);
        }
    }

    pub(super) fn config_of(&self, dc: &NodeName) -> Arc<Config> {
        self.nodes[dc].pacemaker.cib.as_ref().map(|cib| cib.configuration.config()).unwrap_or_default()
    }

    /// The situation for a DC.
    #[must_use]
    pub fn situation(&self, dc: &NodeName, cib: &Cib, config: &Config) -> Situation {
        Situation::of(cib, config, self.has_votes(dc), self.clock_ms)
    }

    /// Ends what has taken its time.
    fn finish_jobs(&mut self, dc: &NodeName) {
        let now = self.clock_ms;
        let config = self.config_of(dc);
        for name in self.peers(dc) {
            let Some(daemon) = &mut self.node_mut(&name).pacemaker.daemon else { continue };
            let due: Vec<String> =
                daemon.jobs.iter().filter(|(_, job)| job.until_ms <= now).map(|(id, _)| id.clone()).collect();
            let jobs: Vec<(String, Job)> =
                due.into_iter().filter_map(|id| daemon.jobs.remove(&id).map(|job| (id, job))).collect();
            for (id, job) in jobs {
                self.finish(dc, &config, &name, &id, &job);
            }
        }
    }

    fn finish(&mut self, dc: &NodeName, config: &Config, name: &NodeName, id: &str, job: &Job) {
        let known = config.primitives().find(|primitive| primitive.id == id).cloned();
        let primitive = known.unwrap_or_else(|| self.orphan(name, id));
        let (rc, reason) = match job.task {
            Task::Start => agents::start(self, name, &primitive),
            Task::Stop => agents::stop(self, name, &primitive),
            Task::Monitor | Task::Probe => (rc::OK, String::new()),
        };
        self.log_result(name, job.task, id, rc);
        let took_ms = job.until_ms - job.since_ms;
        let call = self.call(name);
        let op = Op { call, task: job.task, interval_ms: 0, rc: Some(rc), reason, at_ms: job.since_ms, took_ms };
        self.record(dc, name, &primitive, op.clone());
        self.tell_of_link(dc, name, &primitive);
        let interval_ms = primitive.operations.get("monitor").map_or(0, |monitor| monitor.interval_ms);
        if job.task == Task::Start && rc == rc::OK && interval_ms > 0 {
            let call = self.call(name);
            let at_ms = self.clock_ms;
            let look = Op { call, task: Task::Monitor, interval_ms, took_ms: 100, at_ms, ..op };
            self.record(dc, name, &primitive, look);
        }
    }

    fn log_result(&mut self, name: &NodeName, task: Task, id: &str, rc: u8) {
        let text = format!("Result of {} operation for {id} on {name}: {}", task.name(), mon::text(rc));
        self.log(name, journal::CONTROLLER, text);
    }

    /// A resource that is written nowhere any more, as its node remembers it.
    fn orphan(&self, name: &NodeName, id: &str) -> Primitive {
        let held = self.nodes[name].held.get(id);
        let kind = held.map_or("", |held| held.agent.as_str());
        Primitive {
            id: id.to_owned(),
            class: if kind.starts_with("fence_") { "stonith" } else { "ocf" }.to_owned(),
            provider: Some("heartbeat".to_owned()),
            kind: kind.to_owned(),
            parameters: held.map(|held| held.parameters.clone()).unwrap_or_default(),
            meta: std::collections::BTreeMap::new(),
            operations: std::collections::BTreeMap::new(),
            digest: String::new(),
        }
        .digested()
    }

    fn call(&mut self, name: &NodeName) -> u32 {
        self.node_mut(name).pacemaker.daemon.as_mut().map_or(0, |daemon| {
            daemon.calls += 1;
            daemon.calls
        })
    }

    /// Writes an operation into the status, with what it says about failures.
    fn record(&mut self, dc: &NodeName, name: &NodeName, primitive: &Primitive, op: Op) {
        let seconds = times::seconds(self, name, op.at_ms + op.took_ms);
        let Some(cib) = &mut self.node_mut(dc).pacemaker.cib else { return };
        let state = cib.status.entry(name.clone()).or_default();
        let history = state.history.entry(primitive.id.clone()).or_insert_with(History::default);
        history.agent = primitive.agent();
        if op.rc.is_some_and(|rc| rc != rc::OK) {
            let key = format!("{}#{}_{}", primitive.id, op.task.name(), op.interval_ms);
            let count = state.attributes.get(&format!("fail-count-{key}")).map_or(0, |count| score(count));
            let more = if op.task == Task::Start { INFINITY } else { 1 };
            let count = add(count, more);
            let shown = if count >= INFINITY { "INFINITY".to_owned() } else { count.to_string() };
            state.attributes.insert(format!("fail-count-{key}"), shown);
            state.attributes.insert(format!("last-failure-{key}"), seconds.to_string());
            history.failure = Some(op.clone());
        }
        match op.task {
            Task::Monitor => history.monitor = Some(op),
            Task::Start => {
                history.digest.clone_from(&primitive.digest);
                history.monitor = None;
                history.last = Some(op);
            }
            Task::Stop | Task::Probe => history.last = Some(op),
        }
        cib.updated();
    }

    /// Looks everywhere for a resource that has just been written down: it may run already.
    fn look_for_the_new(&mut self, dc: &NodeName) {
        let config = self.config_of(dc);
        for name in self.peers(dc) {
            for primitive in config.primitives() {
                let cib = self.nodes[dc].pacemaker.cib.as_ref();
                let Some(state) = cib.and_then(|cib| cib.status.get(&name)).filter(|state| state.member) else {
                    continue;
                };
                if state.history.contains_key(&primitive.id) {
                    continue;
                }
                let history = self.probe(&name, primitive, None);
                if let Some(cib) = &mut self.node_mut(dc).pacemaker.cib {
                    cib.status.entry(name.clone()).or_default().history.insert(primitive.id.clone(), history);
                    cib.updated();
                }
            }
        }
    }

    /// Looks at what runs, as often as it is to be looked at.
    fn monitor(&mut self, dc: &NodeName) {
        let config = self.config_of(dc);
        if config.is_on("maintenance-mode", false) {
            return;
        }
        let now = self.clock_ms;
        for name in self.peers(dc) {
            for primitive in config.primitives() {
                let cib = self.nodes[dc].pacemaker.cib.as_ref();
                let history = cib.and_then(|cib| cib.status.get(&name)?.history.get(&primitive.id));
                let Some(history) = history.filter(|history| history.is_active()) else { continue };
                let busy =
                    self.nodes[&name].pacemaker.daemon.as_ref().is_some_and(|d| d.jobs.contains_key(&primitive.id));
                let Some(monitor) = history.monitor.clone() else {
                    let found = history.last.clone();
                    self.begin_to_monitor(dc, &name, primitive, found);
                    continue;
                };
                self.tell_of_link(dc, &name, primitive);
                self.tell_of_gates(dc, &name, primitive);
                let due = monitor.rc == Some(rc::OK) && now >= monitor.at_ms + monitor.interval_ms;
                if !due || busy || agents::is_up(self, &name, primitive) {
                    continue;
                }
                self.log_result(&name, Task::Monitor, &primitive.id, rc::STOPPED);
                let op = Op { rc: Some(rc::STOPPED), at_ms: now, took_ms: 0, ..monitor };
                self.record(dc, &name, primitive, op);
            }
        }
    }

    /// What was found to be running is looked at from now on as if it had been started.
    fn begin_to_monitor(&mut self, dc: &NodeName, name: &NodeName, primitive: &Primitive, last: Option<Op>) {
        let found = last.filter(|last| last.task == Task::Probe && last.rc == Some(rc::OK));
        let interval_ms = primitive.operations.get("monitor").map_or(0, |monitor| monitor.interval_ms);
        if let Some(found) = found.filter(|_| interval_ms > 0 && primitive.is_managed()) {
            let (call, at_ms) = (self.call(name), self.clock_ms);
            let look = Op { call, task: Task::Monitor, interval_ms, at_ms, took_ms: 100, ..found };
            self.record(dc, name, primitive, look);
        }
    }

    /// An `ethmonitor` says in an attribute of its node whether its interface has a link.
    fn tell_of_link(&mut self, dc: &NodeName, name: &NodeName, primitive: &Primitive) {
        let attribute = primitive.parameters.get("name").filter(|_| primitive.kind == "ethmonitor");
        let (Some(attribute), Some(interface)) = (attribute, primitive.parameters.get("interface")) else { return };
        let node = &self.nodes[name];
        let link = u8::from(!node.unplugged.contains(interface)).to_string();
        let value = node.held.contains_key(&primitive.id).then_some(link);
        let Some(cib) = &mut self.node_mut(dc).pacemaker.cib else { return };
        let attributes = &mut cib.status.entry(name.clone()).or_default().attributes;
        if attributes.get(attribute) == value.as_ref() {
            return;
        }
        match value {
            Some(value) => attributes.insert(attribute.clone(), value),
            None => attributes.remove(attribute),
        };
        cib.updated();
    }

    /// Begins what can be begun.
    fn schedule(&mut self, dc: &NodeName) {
        let config = self.config_of(dc);
        let Some(cib) = &self.nodes[dc].pacemaker.cib else { return };
        let situation = self.situation(dc, cib, &config);
        for (target, _) in place::to_fence(&config, &situation) {
            self.fence(dc, &config, &situation, &target);
        }
        let wishes = place::wishes(&config, &situation);
        let due = place::due(&config, &situation, &wishes);
        let gates = self.starting_gates(&config, &due);
        for step in due {
            let (task, id, node) = match step {
                // An agent of the gate speaks before what is behind it starts (`rsc_order`, kind Optional).
                Step::Start(id, node) if gates.contains(&node) && waits_for_gates(&config, &id) => continue,
                Step::Start(id, node) => (Task::Start, id, node),
                Step::Stop(id, node) => (Task::Stop, id, node),
            };
            self.set_about(dc, &config, task, &id, &node);
        }
    }

    /// The nodes on which an agent of the gate starts.
    fn starting_gates(&self, config: &Config, due: &[Step]) -> BTreeSet<NodeName> {
        let is_gate =
            |id: &str| config.primitives().any(|primitive| primitive.id == id && primitive.kind == gate::AGENT);
        let begins = due.iter().filter_map(|step| match step {
            Step::Start(id, node) if is_gate(id) => Some(node.clone()),
            _ => None,
        });
        let starts = |daemon: &Daemon| daemon.jobs.iter().any(|(id, job)| job.task == Task::Start && is_gate(id));
        let under_way = self.nodes.iter().filter(|(_, node)| node.pacemaker.daemon.as_ref().is_some_and(starts));
        begins.chain(under_way.map(|(name, _)| name.clone())).collect()
    }

    fn set_about(&mut self, dc: &NodeName, config: &Config, task: Task, id: &str, node: &NodeName) {
        let since_ms = self.clock_ms;
        let known = config.primitives().find(|primitive| primitive.id == id).cloned();
        let primitive = known.unwrap_or_else(|| self.orphan(node, id));
        let until_ms = since_ms + agents::takes_ms(&primitive.kind, task);
        let Some(daemon) = &mut self.node_mut(node).pacemaker.daemon else { return };
        daemon.jobs.insert(id.to_owned(), Job { task, since_ms, until_ms });
        let Some(cib) = &mut self.node_mut(dc).pacemaker.cib else { return };
        let history = cib.status.entry(node.clone()).or_default().history.entry(id.to_owned()).or_default();
        let (rc, reason) = (None, String::new());
        history.agent = primitive.agent();
        history.last = Some(Op { call: 0, task, interval_ms: 0, rc, reason, at_ms: since_ms, took_ms: 0 });
        if task == Task::Start {
            history.digest.clone_from(&primitive.digest);
        }
        cib.updated();
    }

    /// Forgets the failures of a resource everywhere and looks at it again; gives how many there were.
    pub(super) fn clean_up(&mut self, at: &NodeName, primitives: &[Primitive]) -> usize {
        let mut count = 0;
        let Some(dc) = self.dc_of(at) else { return count };
        for name in self.peers(&dc) {
            for primitive in primitives {
                let Some(cib) = &mut self.node_mut(&dc).pacemaker.cib else { return count };
                let state = cib.status.entry(name.clone()).or_default();
                let ours = |key: &String| {
                    let rest = key.strip_prefix("fail-count-").or_else(|| key.strip_prefix("last-failure-"));
                    rest.and_then(|rest| rest.strip_prefix(&primitive.id)).is_some_and(|rest| rest.starts_with('#'))
                };
                state.attributes.retain(|key, _| !ours(key));
                let failed = state.history.get(&primitive.id).is_some_and(|history| history.failed().is_some());
                if failed {
                    state.history.remove(&primitive.id);
                }
                cib.updated();
                if failed {
                    count += 1;
                    self.note_refresh(&dc, &name);
                    let history = self.probe(&name, primitive, None);
                    if let Some(cib) = &mut self.node_mut(&dc).pacemaker.cib {
                        cib.status.entry(name.clone()).or_default().history.insert(primitive.id.clone(), history);
                    }
                }
            }
        }
        self.replicate(&dc);
        count
    }

    /// The controller of a node writes down when it forgot something last.
    fn note_refresh(&mut self, dc: &NodeName, name: &NodeName) {
        let (now_ms, seconds) = (self.clock_ms, times::seconds(self, name, self.clock_ms));
        if let Some(cib) = &mut self.node_mut(dc).pacemaker.cib {
            super::pacemaker::set_option(cib, "last-lrm-refresh", &seconds.to_string());
            cib.changed(now_ms, name, "crmd", "hacluster");
        }
    }

    /// A resource on a node breaks down, as if its process had been killed.
    pub fn kill_resource(&mut self, at: &NodeName, id: &str) {
        let node = self.node_mut(at);
        if let Some(held) = node.held.remove(id)
            && let Some(directory) = held.parameters.get("directory").filter(|_| held.agent == "Filesystem")
        {
            node.mounts.remove(directory);
        }
    }
}

/// Whether a resource is ordered behind the agents of gates: all but those and what fences.
fn waits_for_gates(config: &Config, id: &str) -> bool {
    config
        .primitives()
        .any(|primitive| primitive.id == id && primitive.kind != gate::AGENT && primitive.class != "stonith")
}
