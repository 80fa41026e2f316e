//! What `status --history` shows: how nodes were lost and came back, and how long services were down.
//!
//! `None` is "not known", as far as the nodes' logs go. Times are by the clock of the node that tells.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{ClusterName, NodeName, ServiceName, VolumeName};

/// The past as the nodes' logs tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The cluster.
    pub cluster: ClusterName,
    /// What the nodes' clocks showed, the latest; nothing where nobody answered.
    #[schemars(with = "Option<String>")]
    pub asked_at: Option<Timestamp>,
    /// The nodes that could not be asked: what they alone know is missing.
    pub unheard: Vec<NodeName>,
    /// Nodes that were lost, the earliest first.
    pub absences: Vec<Absence>,
    /// Services that were down for another reason, the earliest first.
    pub interruptions: Vec<Interruption>,
}

/// A node that was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Absence {
    /// The node.
    pub node: NodeName,
    /// The last entry in its journal; nothing if it did not go off before the others noticed.
    #[schemars(with = "Option<String>")]
    pub failed_at: Option<Timestamp>,
    /// When the others took it for lost.
    #[schemars(with = "String")]
    pub lost_at: Timestamp,
    /// The attempts to fence it.
    pub fencing: Vec<FenceAttempt>,
    /// When it was on again.
    #[schemars(with = "Option<String>")]
    pub on_at: Option<Timestamp>,
    /// When it was a member again.
    #[schemars(with = "Option<String>")]
    pub member_at: Option<Timestamp>,
    /// The heals that followed.
    pub heals: Vec<Heal>,
    /// The services that it took down.
    pub services: Vec<Interruption>,
    /// The services that were moved to it afterwards.
    pub taken_back: Vec<Interruption>,
}

impl Absence {
    /// When it began, as far as that is known.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        self.failed_at.unwrap_or(self.lost_at)
    }

    /// When the last of it was heard of.
    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        let heals = self.heals.iter().map(|heal| heal.to);
        let services = self.services.iter().chain(&self.taken_back).filter_map(|down| down.until);
        let node = [self.on_at, self.member_at].into_iter().flatten();
        heals.chain(services).chain(node).fold(self.lost_at, Timestamp::max)
    }
}

/// An attempt to fence a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FenceAttempt {
    /// When it ended.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What was done: `reboot`, `off`.
    pub action: String,
    /// Who did it.
    pub by: String,
    /// How it ended, in Pacemaker's words.
    pub outcome: String,
}

impl FenceAttempt {
    /// Whether the node was fenced by it.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome.starts_with("OK")
    }
}

/// A self-heal, as the daemons that did it wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heal {
    /// The volume.
    pub volume: VolumeName,
    /// The first entry that was mended,
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// and the last.
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// How many were mended. One that was written to meanwhile counts more than once.
    pub entries: u64,
}

/// A service that was down for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interruption {
    /// The service.
    pub service: ServiceName,
    /// Where it had run.
    pub from: NodeName,
    /// Why it went down.
    pub cause: Reason,
    /// When it went down, or was last heard of.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// When it was up again; nothing if it is not.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// Where it was up again.
    pub to: Option<NodeName>,
    /// How long nobody was served, in milliseconds.
    pub down_ms: Option<u64>,
}

/// Why a service went down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Its node was lost.
    NodeLost,
    /// One of its resources failed.
    Failed {
        /// The resource.
        resource: String,
        /// Pacemaker's words for it.
        outcome: String,
    },
    /// It was stopped: to be moved, to be restarted, or because somebody wanted it to.
    Stopped,
}
