//! What was seen: raw answers by node and command, and what reading them can give.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::{Command, Failure, Milestone, NodeName, Outcome};

/// One answer of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What came back.
    pub outcome: Outcome,
    /// When it came, by the operator's clock.
    pub at: Timestamp,
}

/// Everything that was seen and has not been made doubtful by a change since.
///
/// Facts are incomplete by nature: what is not in here was not asked, and that is never the same as "no".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    answers: BTreeMap<NodeName, BTreeMap<Command, Answer>>,
}

impl Facts {
    /// The answer of `node` to `command`, if it was asked.
    #[must_use]
    pub fn get(&self, node: &NodeName, command: &Command) -> Option<&Answer> {
        self.answers.get(node)?.get(command)
    }

    /// Keeps an answer; a newer one replaces an older one.
    pub fn record(&mut self, node: &NodeName, command: Command, answer: Answer) {
        self.answers.entry(node.clone()).or_default().insert(command, answer);
    }

    /// Keeps only the answers of which `keep` says so.
    pub fn retain(&mut self, keep: impl Fn(&Answer) -> bool) {
        for answers in self.answers.values_mut() {
            answers.retain(|_, answer| keep(answer));
        }
    }

    /// All answers, by node and command.
    pub fn iter(&self) -> impl Iterator<Item = (&NodeName, &Command, &Answer)> {
        self.answers.iter().flat_map(|(node, answers)| answers.iter().map(move |(c, a)| (node, c, a)))
    }
}

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody has asked yet; the next wave of questions will.
    NotAsked,
    /// The node gave no answer.
    NoAnswer(NodeName, Failure),
    /// The node is drained: what it answers does not count until it is resumed.
    Drained(NodeName),
    /// The node answered, and the answer says nothing usable.
    Unreadable(NodeName, String),
    /// None of the nodes that could tell has told; the reasons, one a node.
    Nobody(String),
}

impl Why {
    /// The node that nothing is known of, if that is why: it is silent, or drained.
    #[must_use]
    pub fn absent(&self) -> Option<&NodeName> {
        match self {
            Self::NoAnswer(node, _) | Self::Drained(node) => Some(node),
            Self::NotAsked | Self::Unreadable(..) | Self::Nobody(_) => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not looked at yet"),
            Self::NoAnswer(node, failure) => write!(f, "{node}: {failure}"),
            Self::Drained(node) => write!(f, "{node} is drained"),
            Self::Unreadable(node, what) => write!(f, "{node}: {what}"),
            Self::Nobody(reasons) => f.write_str(reasons),
        }
    }
}

/// The three things looking can give. Only [`Seen::Is`] is knowledge.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// It was seen.
    Is(Arc<T>),
    /// It cannot be read because something is off that we can turn on: plan on, but as an assumption.
    NotYet(Milestone),
    /// It cannot be read, and we cannot help it: hold everything that depends on it.
    Unknown(Why),
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Is(value) => Self::Is(Arc::clone(value)),
            Self::NotYet(milestone) => Self::NotYet(milestone.clone()),
            Self::Unknown(why) => Self::Unknown(why.clone()),
        }
    }
}

impl<T> Seen<T> {
    /// Whether it is not known because the node is silent or drained.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Unknown(why) if why.absent().is_some())
    }

    /// The value, if it was seen.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::NotYet(_) | Self::Unknown(_) => None,
        }
    }
}
