//! What the cluster manager is to have, without its language: devices that fence, services with their resources, and
//! where they may run. Kinds put it together; `tools` makes Pacemaker's XML of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{NodeName, ServiceName};

/// Everything that the file asks of the cluster manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterDocument {
    /// Properties of the cluster as a whole, by name.
    pub properties: BTreeMap<&'static str, String>,
    /// What fences.
    pub fencers: Vec<Fencer>,
    /// In which order fencers are tried, by node; each level is the ids of fencers that must all succeed.
    pub levels: BTreeMap<NodeName, Vec<Vec<String>>>,
    /// What runs on every node, to watch something there.
    pub watchers: Vec<Primitive>,
    /// What runs.
    pub services: Vec<Group>,
    /// The services that stay as the cluster manager has them, whatever [`ClusterDocument::services`] says: a person
    /// has told it to leave them alone.
    pub frozen: BTreeSet<ServiceName>,
}

/// A device that fences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fencer {
    /// Its id.
    pub id: String,
    /// The agent's name: `fence_virsh`.
    pub agent: String,
    /// What the agent is told, `pcmk_*` included.
    pub parameters: BTreeMap<String, String>,
    /// What the cluster manager is told of it.
    pub meta: BTreeMap<&'static str, String>,
    /// What is done to it, with its timeouts.
    pub operations: Vec<Operation>,
}

/// A service: resources that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: ServiceName,
    /// What the cluster manager is told of it as a whole, but for [`Group::initial_role`].
    pub meta: BTreeMap<&'static str, String>,
    /// Whether it starts by itself when it is new; afterwards its role is whatever it was last told.
    pub initial_role: Role,
    /// The role that the file demands, if it does.
    pub role: Option<Role>,
    /// Its resources, in the order in which they start.
    pub members: Vec<Primitive>,
    /// How much each node is preferred.
    pub places: BTreeMap<NodeName, Score>,
    /// Attributes of nodes that say whether it may run there, each with the watcher that sets it.
    pub gates: BTreeMap<String, Gate>,
    /// What a person has just told it, over what it was told before.
    pub wished: BTreeMap<&'static str, &'static str>,
}

/// What an attribute of a node that is 1, another number or not there means for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The id of the watcher that sets it.
    pub watcher: String,
    /// What it keeps the service from.
    pub force: Force,
}

/// How much a gate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// The service must not run where the attribute is not 1.
    Strict,
    /// The service prefers to run where it is 1.
    Prefer,
    /// The service prefers to run where it is 1, or where nobody has said anything.
    PreferUnlessShut,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primitive {
    /// Its id: `service01-ip`.
    pub id: String,
    /// Its agent.
    pub agent: Agent,
    /// What the agent is told.
    pub parameters: BTreeMap<String, String>,
    /// What the cluster manager is told of it.
    pub meta: BTreeMap<&'static str, String>,
    /// What is done to it, with its timeouts.
    pub operations: Vec<Operation>,
}

/// A resource agent (Pacemaker Explained, "Resource Classes").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Of the Open Cluster Framework, by provider and name.
    Ocf(String, String),
    /// A unit of systemd's, without `.service`.
    Systemd(String),
    /// An init script.
    Lsb(String),
}

/// What is done to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `start`, `stop`, `monitor`.
    pub name: &'static str,
    /// How often; nothing for what is done once.
    pub interval: Option<Duration>,
    /// How long it may take.
    pub timeout: Duration,
    /// What becomes of a failure, where that is not the cluster manager's own choice: `block`, `stop`, `fence`.
    pub on_fail: Option<&'static str>,
}

impl Operation {
    /// What is done to a watcher that looks every `interval`: it is there to tell, and must not get a node fenced by
    /// being slow.
    #[must_use]
    pub fn watching(interval: Duration, timeout: Duration) -> Vec<Self> {
        let once = |name| Self { name, interval: None, timeout, on_fail: None };
        let monitor = Self { interval: Some(interval), on_fail: Some("ignore"), ..once("monitor") };
        vec![once("start"), once("stop"), monitor]
    }

    /// What is done to a watcher that is told of its own on other nodes, before and after they stop.
    #[must_use]
    pub fn notified(timeout: Duration) -> Self {
        Self { name: Self::NOTIFY, interval: None, timeout, on_fail: None }
    }

    /// Its name.
    pub const NOTIFY: &str = "notify";
}

/// Whether a service is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is.
    Started,
    /// It is not.
    Stopped,
}

/// How much a node is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Score {
    /// Not at all: it must not run there.
    Never,
    /// So much.
    Points(i32),
    /// Above all others, for as long as a move there lasts.
    Always,
}
