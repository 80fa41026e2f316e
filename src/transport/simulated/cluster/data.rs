//! What the cluster manager keeps: in the memory of its daemons, in the CIB, and on a machine where it started things.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conf::Conf;
use super::element::Element;
use super::memo::Written;
use super::qdevice::Qdevice;
use crate::model::NodeName;

/// A node's Corosync, while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Corosync {
    /// What it has read of its file.
    pub conf: Conf,
    /// The key it encrypts with.
    pub key: String,
    /// When it was started: it is another one after a restart.
    pub started_ms: u64,
    /// Who is a member for it, itself included, and which Corosync of theirs.
    pub members: BTreeMap<NodeName, u64>,
    /// Since when a member is silent.
    pub silent: BTreeMap<NodeName, u64>,
    /// Since when one that is no member is heard.
    pub found: BTreeMap<NodeName, u64>,
    /// How often each node has become a member.
    pub joins: BTreeMap<NodeName, u32>,
    /// Whether all nodes have been seen, or a member has seen them.
    pub saw_all: bool,
    /// The daemon of the quorum device, while it runs.
    #[serde(default)]
    pub qdevice: Option<Qdevice>,
    /// The token's time before it read its file again, if it has.
    #[serde(default)]
    pub reloaded: Option<u64>,
}

/// A node's Pacemaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pacemaker {
    /// Its daemons, while they run.
    pub daemon: Option<Daemon>,
    /// Its copy of the CIB: what lies below `/var/lib/pacemaker/cib`, and the status while it runs.
    pub cib: Option<Cib>,
}

/// Pacemaker's daemons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Daemon {
    /// When they were started.
    pub started_ms: u64,
    /// Who is the DC for this node.
    pub dc: Option<NodeName>,
    /// Since when it has no DC.
    pub lonely_ms: u64,
    /// When it has joined the DC, if it has.
    pub joined_ms: Option<u64>,
    /// What is being done here, by resource.
    pub jobs: BTreeMap<String, Job>,
    /// The number of the last operation.
    pub calls: u32,
    /// What its daemon for attributes has in its memory.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// An operation on a resource that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// What is done.
    pub task: Task,
    /// Since when.
    pub since_ms: u64,
    /// Until when.
    pub until_ms: u64,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// It is started.
    Start,
    /// It is stopped.
    Stop,
    /// It is looked at again and again.
    Monitor,
    /// It is looked at once, to know whether it runs.
    Probe,
}

impl Task {
    /// Its name for Pacemaker.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Monitor | Self::Probe => "monitor",
        }
    }
}

/// The CIB as one node has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cib {
    /// `admin_epoch`, `epoch` and `num_updates`: the higher is the newer.
    pub version: (u64, u64, u64),
    /// When the configuration was changed last, by the world's clock,
    pub written_ms: Option<u64>,
    /// and on which node,
    pub origin: String,
    /// by which program,
    pub client: String,
    /// of which user.
    pub user: String,
    /// The configuration.
    pub configuration: Written,
    /// The status of each node that has been seen.
    pub status: BTreeMap<NodeName, NodeState>,
    /// What the fencers remember, the oldest first.
    pub fencing: Vec<Fencing>,
}

impl Default for Cib {
    fn default() -> Self {
        let sections = ["crm_config", "nodes", "resources", "constraints"].map(Element::new);
        Self {
            version: (0, 0, 0),
            written_ms: None,
            origin: String::new(),
            client: String::new(),
            user: String::new(),
            configuration: Element::new("configuration").holding(sections).into(),
            status: BTreeMap::new(),
            fencing: Vec::new(),
        }
    }
}

impl Cib {
    /// The configuration has been changed.
    pub fn changed(&mut self, now_ms: u64, origin: &NodeName, client: &str, user: &str) {
        self.version = (self.version.0, self.version.1 + 1, 0);
        self.written_ms = Some(now_ms);
        self.origin = origin.to_string();
        client.clone_into(&mut self.client);
        user.clone_into(&mut self.user);
    }

    /// The configuration has been changed by a patch of root's: that raises the epoch itself, and the daemon does once
    /// more.
    pub fn patched(&mut self, now_ms: u64, origin: &NodeName) {
        self.changed(now_ms, origin, "cibadmin", "root");
        self.version.1 += 1;
    }

    /// The status has been changed.
    pub fn updated(&mut self) {
        self.version.2 += 1;
    }

    /// What is left when the daemon ends: the file.
    pub fn close(&mut self) {
        self.version.2 = 0;
        self.status.clear();
        self.fencing.clear();
    }
}

/// What the DC knows of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "they are the attributes of the CIB's node_state, one for one")]
pub struct NodeState {
    /// Whether it is a member for Corosync.
    pub in_ccm: bool,
    /// Whether its controller is a peer.
    pub online: bool,
    /// Whether it has joined.
    pub member: bool,
    /// Whether it is expected to be a member: one that is not, and should be, must be fenced.
    pub expected: bool,
    /// Attributes that do not outlive a reboot.
    pub attributes: BTreeMap<String, String>,
    /// What was done to each resource.
    pub history: BTreeMap<String, History>,
}

/// What was done to a resource on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// `ocf:heartbeat:pgsql`.
    pub agent: String,
    /// The last start, stop or probe.
    pub last: Option<Op>,
    /// The recurring look since then.
    pub monitor: Option<Op>,
    /// The last operation that ended otherwise than it should and that nobody has cleaned up.
    pub failure: Option<Op>,
    /// What the resource was started with.
    pub digest: String,
}

/// An operation that was done, or is being done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Op {
    /// Its number on its node.
    pub call: u32,
    /// What was done.
    pub task: Task,
    /// How often, for a recurring one.
    pub interval_ms: u64,
    /// How it ended; nothing while it goes on.
    pub rc: Option<u8>,
    /// Why it failed, in the agent's words.
    pub reason: String,
    /// When it began, by the world's clock.
    pub at_ms: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// The agent's exit statuses (OCF).
pub mod rc {
    /// It is as wanted.
    pub const OK: u8 = 0;
    /// Something went wrong.
    pub const ERROR: u8 = 1;
    /// The parameters cannot be right.
    pub const CONFIGURED: u8 = 6;
    /// What is needed is not there.
    pub const INSTALLED: u8 = 5;
    /// It does not run.
    pub const STOPPED: u8 = 7;
}

/// A fencing, under way or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fencing {
    /// Who is fenced.
    pub target: NodeName,
    /// Who does it.
    pub by: NodeName,
    /// Who asked for it: `pacemaker-controld.NUMBER` or `stonith_admin.NUMBER`.
    pub client: String,
    /// When it began.
    pub since_ms: u64,
    /// When it ends, or ended.
    pub until_ms: u64,
    /// Whether it went well; nothing while it goes on.
    pub success: Option<bool>,
    /// What went wrong.
    pub reason: String,
}

/// How a fence device behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FenceMode {
    /// It reboots the node.
    #[default]
    Works,
    /// It says that it cannot.
    Fails,
    /// It never answers.
    Hangs,
    /// It says that it has, and has not.
    Lies,
    /// It switches the node off and not on again.
    OnlyOff,
}

/// Something that a resource agent has started on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The agent's type: `IPaddr2`.
    pub agent: String,
    /// What it was started with.
    pub parameters: BTreeMap<String, String>,
    /// Since when.
    pub since_ms: u64,
    /// When it read its files last.
    pub read_ms: u64,
}

/// The files of a database on a volume, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Its version: `15`.
    pub version: String,
    /// Its identifier, which no other database has.
    pub identifier: String,
}
