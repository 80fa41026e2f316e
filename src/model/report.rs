//! What a run tells: events while it goes on, a report at its end.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ItemId, NodeName, Plan};

/// Something that happened during a run, told at once.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "event")]
pub enum Event {
    /// The nodes are being looked at.
    Looking,
    /// A new plan stands.
    Planned(Plan),
    /// A step has been started.
    Started {
        /// The item.
        id: ItemId,
        /// What it does.
        summary: String,
        /// Where.
        node: NodeName,
    },
    /// A step's command has ended well. Whether the step is done, the next look tells.
    Ran {
        /// The item.
        id: ItemId,
        /// What it does.
        summary: String,
        /// Where.
        node: NodeName,
        /// How long the command took.
        took: Duration,
    },
    /// A step's command has not ended well and will be tried again if the next look still asks for it.
    Retrying {
        /// The item.
        id: ItemId,
        /// What went wrong.
        why: String,
        /// How long until then.
        pause: Duration,
    },
    /// A step has failed for good in this run.
    Failed {
        /// The item.
        id: ItemId,
        /// What went wrong.
        why: String,
    },
    /// Nothing can be run until something comes by itself.
    Waiting {
        /// The items that are waited for, each with what is left of how much, where it can be counted.
        on: Vec<(ItemId, String)>,
    },
    /// Somebody wants the run to end: what runs is ended well, and nothing else is started.
    Stopping,
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The item.
    pub id: ItemId,
    /// What it did.
    pub summary: String,
    /// Where.
    pub node: NodeName,
    /// How long its command took.
    pub took: Duration,
}

/// A step that failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The item.
    pub id: ItemId,
    /// What it was to do.
    pub summary: String,
    /// What went wrong, in the program's words.
    pub why: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Everything is as written.
    AsWritten,
    /// Something failed for good.
    Failed,
    /// Time was up, or somebody interrupted, with work left that could go on.
    Unsettled,
    /// Only held items are left.
    Held,
}

impl Verdict {
    /// The exit code of `apply` that says the same.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::AsWritten => 0,
            Self::Failed => 1,
            Self::Unsettled => 2,
            Self::Held => 3,
        }
    }
}

/// What a run did and what it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[must_use = "an unread report helps nobody"]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// What was done, in order.
    pub done: Vec<Done>,
    /// What failed for good.
    pub failed: Vec<Failed>,
    /// What still differs.
    pub left: Plan,
    /// How long it all took.
    pub took: Duration,
}
