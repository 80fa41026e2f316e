//! What the scheduler goes by: the nodes and the resources as the CIB's status has them. Pure.

use std::collections::BTreeMap;

use super::config::{Config, duration_ms};
use super::data::{Cib, History, Task, rc};
use crate::model::NodeName;

/// The cluster as its DC sees it.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// Whether it may decide.
    pub quorate: bool,
    /// The nodes.
    pub nodes: BTreeMap<NodeName, Standing>,
    /// Where each resource is, or was last tried.
    pub places: BTreeMap<String, Vec<Place>>,
    /// Resources that run and that nobody has written, with their agents.
    pub orphans: BTreeMap<String, String>,
}

/// How a node stands.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "they are the attributes that crm_mon shows, one for one")]
pub struct Standing {
    /// Its id.
    pub id: String,
    /// Whether it takes part.
    pub online: bool,
    /// Whether it has not joined yet.
    pub pending: bool,
    /// Whether it must be fenced.
    pub unclean: bool,
    /// Whether it is to run nothing.
    pub standby: bool,
    /// Whether its resources are left alone.
    pub maintenance: bool,
    /// Whether it is expected to take part.
    pub expected: bool,
    /// Its attributes, lasting ones and others.
    pub attributes: BTreeMap<String, String>,
}

impl Standing {
    /// Whether resources may run on it.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.online && !self.pending && !self.unclean && !self.standby
    }
}

/// A resource on a node.
#[derive(Clone, Debug)]
pub struct Place {
    /// The node.
    pub node: NodeName,
    /// Whether it runs there, as far as is known.
    pub active: bool,
    /// Whether it failed there and was not mended since.
    pub failed: bool,
    /// Whether it could not be stopped there.
    pub stuck: bool,
    /// What is being done.
    pub pending: Option<Task>,
    /// What it was started with.
    pub digest: String,
    /// How often it failed there.
    pub failures: i64,
}

impl Situation {
    /// Reads it out of a CIB.
    #[must_use]
    pub fn of(cib: &Cib, config: &Config, quorate: bool, now_ms: u64) -> Self {
        let fencing = config.is_on("stonith-enabled", true);
        let mut situation = Self { quorate, ..Self::default() };
        for (name, known) in &config.nodes {
            let state = cib.status.get(name);
            let mut attributes = known.attributes.clone();
            attributes.extend(state.iter().flat_map(|state| state.attributes.clone()));
            let is = |name: &str| attributes.get(name).is_some_and(|value| super::config::is_true(value));
            let (standby, maintenance) = (is("standby"), is("maintenance"));
            let here = state.is_some_and(|state| state.in_ccm && state.online);
            let clean = state.is_some_and(|state| here || !state.expected);
            // A member without Pacemaker is shown as pending and in standby; nobody put it there.
            let bare = state.is_some_and(|state| state.in_ccm && !state.online && !state.expected);
            let standing = Standing {
                id: known.id.clone(),
                online: here || bare,
                pending: bare || (here && state.is_some_and(|state| !state.member)),
                unclean: fencing && !clean,
                standby: bare || standby,
                maintenance,
                expected: state.is_some_and(|state| state.expected),
                attributes,
            };
            situation.nodes.insert(name.clone(), standing);
        }
        for (name, state) in &cib.status {
            for (resource, history) in &state.history {
                let failures = counted(&state.attributes, resource);
                situation.enter(config, name, resource, history, expired(config, resource, history, failures, now_ms));
            }
        }
        situation
    }

    fn enter(&mut self, config: &Config, node: &NodeName, resource: &str, history: &History, failures: i64) {
        if !config.primitives().any(|primitive| primitive.id == resource) {
            if !history.is_active() {
                return;
            }
            self.orphans.insert(resource.to_owned(), history.agent.clone());
        }
        let last = history.last.as_ref();
        let bad = |op: &&super::data::Op| op.rc.is_some_and(|rc| !matches!(rc, rc::OK | rc::STOPPED));
        let failed_start = last.filter(bad).is_some_and(|op| op.task != Task::Stop);
        let failed_monitor = history.monitor.as_ref().is_some_and(|op| op.rc.is_some_and(|rc| rc != rc::OK));
        let place = Place {
            node: node.clone(),
            active: history.is_active(),
            failed: failed_start || (failed_monitor && history.is_active()),
            stuck: last.filter(bad).is_some_and(|op| op.task == Task::Stop),
            pending: last.filter(|op| op.rc.is_none()).map(|op| op.task),
            digest: history.digest.clone(),
            failures,
        };
        self.places.entry(resource.to_owned()).or_default().push(place);
    }

    /// What runs and is not written any more, with its agent: as it is found, node by node.
    #[must_use]
    pub fn found_orphans(&self) -> Vec<(&String, &String)> {
        let mut list: Vec<_> = self.orphans.iter().collect();
        list.sort_by_key(|(id, _)| self.running(id).next().map(|place| &place.node));
        list
    }

    /// Where a resource runs.
    pub fn running<'a>(&'a self, resource: &str) -> impl Iterator<Item = &'a Place> {
        self.places.get(resource).into_iter().flatten().filter(|place| place.active)
    }

    /// How often a resource failed on a node.
    #[must_use]
    pub fn failures(&self, resource: &str, node: &NodeName) -> i64 {
        let mut places = self.places.get(resource).into_iter().flatten();
        places.find(|place| place.node == *node).map_or(0, |place| place.failures)
    }

    /// Whether anything is being done to a resource.
    #[must_use]
    pub fn is_busy(&self, resource: &str) -> bool {
        self.places.get(resource).into_iter().flatten().any(|place| place.pending.is_some())
    }

    /// How many resources run on a node.
    #[must_use]
    pub fn count(&self, node: &NodeName) -> usize {
        self.places.values().flatten().filter(|place| place.active && place.node == *node).count()
    }
}

/// How often a resource failed, by the attributes of a node.
#[must_use]
pub fn counted(attributes: &BTreeMap<String, String>, resource: &str) -> i64 {
    let counts = |name: &str| {
        let rest = name.strip_prefix("fail-count-").and_then(|rest| rest.strip_prefix(resource));
        rest.is_some_and(|rest| rest.starts_with('#'))
    };
    attributes
        .iter()
        .filter(|(name, _)| counts(name))
        .fold(0, |sum, (_, n)| super::config::add(sum, super::config::score(n)))
}

/// Failures count until `failure-timeout` has passed since the last one.
fn expired(config: &Config, resource: &str, history: &History, failures: i64, now_ms: u64) -> i64 {
    let primitive = config.primitives().find(|primitive| primitive.id == resource);
    let timeout = primitive.and_then(|primitive| duration_ms(primitive.meta.get("failure-timeout")?));
    let since = history.failed().map(|op| op.at_ms + op.took_ms);
    match (timeout, since) {
        (Some(timeout), Some(since)) if timeout > 0 && now_ms >= since + timeout => 0,
        _ => failures,
    }
}
