//! What `status` shows: the cluster as its nodes tell it, without any judgement of what to do.
//!
//! `None` is always "not known", never "no": what is missing has a value that says so.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AbsPath, ClusterName, MountName, NodeName, ServiceName, VolumeName};

/// The cluster as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The cluster.
    pub cluster: ClusterName,
    /// The whole in one word.
    pub health: Health,
    /// Why it is not healthy, a sentence each.
    pub because: Vec<String>,
    /// The machines.
    pub nodes: Vec<NodeStatus>,
    /// The pool, once from each node's point of view.
    pub pool: Vec<PoolView>,
    /// The volumes.
    pub volumes: Vec<VolumeStatus>,
    /// The bricks.
    pub bricks: Vec<BrickStatus>,
    /// The mounts, one entry for each node.
    pub mounts: Vec<MountStatus>,
    /// The cluster manager, if the file has anything for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<ManagerStatus>,
}

/// The cluster manager, as the best of its partitions tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagerStatus {
    /// Whether its members may act: more than half of all, or what stands for that.
    pub quorate: Option<bool>,
    /// The member that decides.
    pub coordinator: Option<String>,
    /// Whether a person has told it to hold still.
    pub maintenance: Option<bool>,
    /// The nodes, as it sees them.
    pub members: Vec<MemberStatus>,
    /// Which nodes have the vote of the quorum device.
    pub quorum_device: Vec<QuorumDeviceStatus>,
    /// The services.
    pub services: Vec<ServiceStatus>,
    /// How each node is fenced.
    pub fencing: Vec<FencingStatus>,
    /// Who was fenced, the newest first.
    pub fenced: Vec<FencedStatus>,
    /// Resources that are not in the file and are left alone.
    pub foreign: Vec<String>,
}

/// A node and the quorum device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuorumDeviceStatus {
    /// The device's host.
    pub host: String,
    /// The node.
    pub node: NodeName,
    /// Whether the node has its vote.
    pub votes: Option<bool>,
    /// How the node stands with it: `Connected`, `Connect failed`, … or `off` where the node does not ask it.
    pub connection: Option<String>,
}

/// A node as the cluster manager sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberStatus {
    /// Its name.
    pub name: NodeName,
    /// Its number.
    pub id: Option<u32>,
    /// `online`, `offline`, `joining`, `to be fenced`, `standby`, `maintenance`.
    pub state: Option<String>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Its name.
    pub name: ServiceName,
    /// The node that it runs on.
    pub owner: Option<String>,
    /// `started`, `starting`, `waiting`, `stopping`, `stopped`, `failed`, `frozen`, or `not configured`.
    pub state: Option<String>,
    /// What it waits for, one sentence.
    pub waits_for: Option<String>,
    /// The last thing that went wrong with it and was not forgotten.
    pub failure: Option<String>,
}

/// How a node is fenced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FencingStatus {
    /// The node.
    pub node: NodeName,
    /// How long a test of it took, in milliseconds; none if there was no test.
    pub measured_ms: Option<u64>,
}

/// A fencing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FencedStatus {
    /// Who was fenced.
    pub node: String,
    /// What was done: `reboot`, `off`.
    pub action: String,
    /// How it ended: `success`, `failed`, `pending`.
    pub outcome: String,
    /// When it ended, by the clock of the member that told.
    pub at: Option<String>,
}

/// A cluster in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// All of it was seen, and all of it works at full strength.
    Healthy,
    /// Some of it was seen not to work, or not at full strength.
    Degraded,
    /// Nothing was seen to be wrong, but not all of it could be seen.
    Unknown,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Its name.
    pub name: NodeName,
    /// Whether it answered.
    pub reachable: bool,
    /// Whether it is drained: nothing more is told of it then.
    pub drained: Option<bool>,
    /// Its operating system: `debian 12`.
    pub os: Option<String>,
    /// Its version of `GlusterFS`.
    pub glusterfs: Option<Installed>,
    /// Whether glusterd runs.
    pub glusterd: Option<bool>,
}

/// A program on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Installed {
    /// It is there, in this version.
    Version(String),
    /// It is not there.
    Missing,
}

/// The pool as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolView {
    /// Who looks.
    pub node: NodeName,
    /// Whom it sees.
    pub peers: Option<Vec<PeerStatus>>,
}

/// A peer as another node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeerStatus {
    /// The name it goes by, in the file if it is written there.
    pub name: String,
    /// Its state in glusterd's words: `Peer in Cluster`.
    pub state: String,
    /// Whether there is a connection to it.
    pub connected: bool,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeStatus {
    /// Its name.
    pub name: VolumeName,
    /// How it keeps its files: `replica 2`, `2 x (2 + 1)`.
    pub shape: String,
    /// Where it stands in glusterd's words, or `Missing`.
    pub state: Option<String>,
    /// How many entries have still to be healed.
    pub heal_pending: Option<u64>,
}

/// A brick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrickStatus {
    /// Its volume.
    pub volume: VolumeName,
    /// Its node.
    pub node: NodeName,
    /// Its directory.
    pub path: AbsPath,
    /// Whether it serves.
    pub online: Option<bool>,
    /// Its process; none also if it does not serve.
    pub pid: Option<u32>,
    /// How many entries other bricks have to heal from this one.
    pub pending: Option<u64>,
    /// How much room is left, in bytes.
    pub free: Option<u64>,
}

/// A mount on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MountStatus {
    /// Its name.
    pub name: MountName,
    /// What is mounted.
    pub volume: VolumeName,
    /// Where.
    pub path: AbsPath,
    /// On which node.
    pub node: NodeName,
    /// Whether it is.
    pub mounted: Option<bool>,
}
