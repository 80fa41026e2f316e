//! What is told of a cluster, and in which words: every sentence of the watch's log about nodes is here.
//!
//! The fields are for programs, `what` first of all; the sentence says the same to people.

use std::time::Duration;

use crate::model::{Cause, Difference, Held, Item, ItemId, NodeName, Work};
use crate::view::spent;

/// Something that was not so before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Something differs that can be mended.
    Differs {
        /// The item.
        id: ItemId,
        /// What is to be done.
        summary: String,
        /// What differs, field by field.
        why: String,
    },
    /// Something has to come by itself.
    Waits {
        /// The item.
        id: ItemId,
        /// What comes.
        on: String,
    },
    /// A step's command has ended well.
    Ran {
        /// The item.
        id: ItemId,
        /// What it did.
        summary: String,
        /// Where.
        node: NodeName,
        /// How long it took.
        took: Duration,
    },
    /// A step's command has not ended well.
    Fails {
        /// The item.
        id: ItemId,
        /// What it was to do.
        summary: String,
        /// What went wrong.
        why: String,
        /// Whether it is given up for now.
        for_good: bool,
    },
    /// Something that differed does not any more, and it was not this watch that mended it.
    Gone {
        /// The item.
        id: ItemId,
        /// What would have been done.
        summary: String,
    },
    /// Something differs and is not acted on.
    Held {
        /// The item.
        id: ItemId,
        /// What would be done.
        summary: String,
        /// Why not.
        because: String,
        /// What a person can do.
        hint: Option<String>,
    },
    /// It is not held any more.
    NoLongerHeld {
        /// The item.
        id: ItemId,
        /// What would have been done.
        summary: String,
    },
    /// A node gives no answer.
    Unreachable {
        /// The node.
        node: String,
        /// What happened instead.
        because: String,
    },
    /// It answers again.
    Reachable {
        /// The node.
        node: String,
    },
    /// Something on the nodes needs a person.
    Doubt(String),
    /// Another bricklayer is at work.
    Kept(String),
    /// Something is in the way before any look.
    Trouble(String),
    /// Nothing differs any more.
    AsWritten,
}

impl News {
    /// `item` is to be done.
    #[must_use]
    pub fn differs(item: &Item) -> Self {
        let why: Vec<String> = item.why.iter().map(difference).collect();
        Self::Differs { id: item.id.clone(), summary: item.summary.clone(), why: why.join(", ") }
    }

    /// `item` is held: a node that cannot be looked at is a case of its own.
    #[must_use]
    pub fn held(item: &Item, held: &Held) -> Self {
        let Held { cause, because, hint } = held;
        if item.subject.kind == "node" && *cause == Cause::Unknown {
            return Self::Unreachable { node: item.subject.name.clone(), because: because.clone() };
        }
        let (id, summary) = (item.id.clone(), item.summary.clone());
        Self::Held { id, summary, because: because.clone(), hint: hint.clone() }
    }

    /// `item`, as it was held, is not any more.
    #[must_use]
    pub fn no_longer_held(item: &Item) -> Self {
        let unknown = matches!(&item.work, Work::Held(held) if held.cause == Cause::Unknown);
        if item.subject.kind == "node" && unknown {
            return Self::Reachable { node: item.subject.name.clone() };
        }
        Self::NoLongerHeld { id: item.id.clone(), summary: item.summary.clone() }
    }

    /// Writes it to the log, as said of `cluster`.
    pub fn log(&self, cluster: &str) {
        macro_rules! log {
            ($level:ident, $what:literal, $($rest:tt)*) => {
                tracing::$level!(target: "bricklayer::watch", cluster, what = $what, $($rest)*)
            };
        }
        match self {
            Self::Differs { id, summary, why } => log!(info, "differs", item = %id, why, "to do: {summary}"),
            Self::Waits { id, on } => log!(info, "waits", item = %id, "waiting for {on}"),
            Self::Ran { id, summary, node, took } => {
                let seconds = took.as_secs_f64();
                log!(info, "ran", item = %id, %node, seconds, "done in {}: {summary}", spent(*took));
            }
            Self::Fails { id, summary, why, for_good: false } => {
                log!(warn, "retries", item = %id, why, "did not work and is tried again: {summary}");
            }
            Self::Fails { id, summary, why, for_good: true } => {
                log!(error, "fails", item = %id, why, "does not work and is tried again later: {summary}");
            }
            Self::Gone { id, summary } => log!(info, "gone", item = %id, "no longer to do: {summary}"),
            Self::Held { id, summary, because, hint } => {
                log!(warn, "held", item = %id, because, hint, "held: {summary}");
            }
            Self::NoLongerHeld { id, summary } => {
                log!(info, "no-longer-held", item = %id, "no longer held: {summary}");
            }
            Self::Unreachable { node, because } => log!(warn, "unreachable", node, because, "no answer from {node}"),
            Self::Reachable { node } => log!(info, "reachable", node, "{node} answers again"),
            Self::Doubt(message) => log!(warn, "doubt", "{message}"),
            Self::Kept(why) => log!(warn, "kept-out", "waiting: {why}"),
            Self::Trouble(why) => log!(error, "trouble", "{why}"),
            Self::AsWritten => log!(info, "as-written", "everything is as written"),
        }
    }
}

fn difference(Difference { field, from, to }: &Difference) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{field}: {from} → {to}"),
        (None, Some(to)) => format!("{field}: {to}"),
        (Some(from), None) => format!("{field}: not {from}"),
        (None, None) => field.clone(),
    }
}
