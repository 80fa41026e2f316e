//! Items: what a kind answers with when asked what differs.
//!
//! Each item says what it is about, why it is there, what must be true before it and what is true after it.
//! Needs and gives are milestones, so a kind never has to know which other kind's step comes first.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Command, NodeName, VolumeName};

/// The name of an item, made from the names of what it is about: the same difference has the same id in every plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct ItemId(pub String);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an item is about: `volume data00`, `mount gldata00 on node01`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The kind of thing: `node`, `peer`, `brick`, `volume`, `mount`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The node, where the thing exists once a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
}

impl Subject {
    /// Something that exists once in the cluster.
    #[expect(clippy::needless_pass_by_value, reason = "names, texts and borrowed names alike")]
    pub fn new(kind: &'static str, name: impl ToString) -> Self {
        Self { kind, name: name.to_string(), node: None }
    }

    /// Something that exists once on each node.
    #[expect(clippy::needless_pass_by_value, reason = "names, texts and borrowed names alike")]
    pub fn on(kind: &'static str, name: impl ToString, node: &NodeName) -> Self {
        Self { kind, name: name.to_string(), node: Some(node.clone()) }
    }

    /// The id of the item that does `verb` to this.
    #[must_use]
    pub fn item(&self, verb: &str) -> ItemId {
        match &self.node {
            Some(node) => ItemId(format!("{}/{}/{node}/{verb}", self.kind, self.name)),
            None => ItemId(format!("{}/{}/{verb}", self.kind, self.name)),
        }
    }

    /// The milestone that this is in `state`.
    #[must_use]
    pub fn is(&self, state: &'static str) -> Milestone {
        Milestone { subject: self.clone(), state }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{} {} on {node}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A state that something must have reached: `volume data00 is started`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Milestone {
    /// What must have reached it.
    pub subject: Subject,
    /// The state.
    pub state: &'static str,
}

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.subject, self.state)
    }
}

/// One field that is not as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The field, as the file or the program calls it.
    pub field: String,
    /// What was seen; none if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What the file says; none if it is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Difference {
    /// A field that is not there yet.
    pub fn new(field: impl Into<String>, to: impl Into<String>) -> Self {
        Self { field: field.into(), from: None, to: Some(to.into()) }
    }

    /// A field with another value.
    pub fn changed(field: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { field: field.into(), from: Some(from.into()), to: Some(to.into()) }
    }

    /// A field that is to go.
    pub fn gone(field: impl Into<String>, from: impl Into<String>) -> Self {
        Self { field: field.into(), from: Some(from.into()), to: None }
    }
}

/// Where a command may run. The planner lists who may, best first; execution only takes the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// On this node and no other.
    On(NodeName),
    /// On any of these, best first; never empty.
    AnyOf(Vec<NodeName>),
}

impl Place {
    /// The node that will be asked first.
    #[must_use]
    pub fn first(&self) -> Option<&NodeName> {
        match self {
            Self::On(node) => Some(node),
            Self::AnyOf(nodes) => nodes.first(),
        }
    }
}

/// How much a step could surprise somebody who wrote the file and knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Risk {
    /// Nobody who uses the service notices.
    Safe,
    /// An interruption that the file does not itself ask for.
    Disruptive,
    /// Data, or what may be data, ends.
    Destructive,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Safe => "safe",
            Self::Disruptive => "disruptive",
            Self::Destructive => "destructive",
        })
    }
}

/// Which queue a step stands in: one step at a time in a lane, except in [`Lane::Free`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Lane {
    /// A step of one node; different nodes side by side, on one node one after the other.
    Free,
    /// glusterd takes one transaction at a time in the whole pool.
    Gluster,
    /// What the cluster manager is told, one thing after the other.
    Cib,
}

/// What a step would endanger if the moment were wrong; `planner/safety.rs` knows when it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Threat {
    /// It changes which bricks hold the volume's data.
    Replicas(VolumeName),
    /// It makes something on the volume that must be made only once, and that an incomplete copy would hide.
    Once(VolumeName),
    /// It takes the volume, or a way to it, from its users.
    Access(VolumeName),
    /// It changes what the cluster manager does.
    Cluster,
    /// It takes a member away, or has the members need more votes.
    Quorum,
}

/// How far something that takes its time has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// How much is left.
    pub left: u64,
    /// Of what: `entries`.
    pub unit: &'static str,
}

/// A step that can be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Where.
    pub place: Place,
    /// What.
    pub command: Command,
    /// How much it could surprise.
    pub risk: Risk,
    /// What people will notice, a sentence each.
    pub impact: Vec<String>,
    /// Which queue it stands in.
    pub lane: Lane,
}

/// Something that comes by itself and must be awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// What is awaited.
    pub on: String,
    /// How far it has got, where that can be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// How long until it is worth looking again.
    pub poll: Duration,
}

/// What kind of thing holds an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// Something is not known, a node that does not answer first of all.
    Unknown,
    /// It cannot be done as written; a person has to decide.
    Refused,
    /// It is not safe now.
    Unsafe,
    /// It is riskier than this run may be.
    NotAllowed,
    /// It was tried and failed for good.
    Failed,
}

/// A difference that is not acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// What kind of thing holds it.
    pub cause: Cause,
    /// Why, one sentence.
    pub because: String,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What is to be done about a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Work {
    /// Run a command.
    Run(Run),
    /// Wait.
    Wait(Wait),
    /// Nothing, and why.
    Held(Held),
}

/// One difference between the file and the nodes, with what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its name.
    pub id: ItemId,
    /// What it is about.
    pub subject: Subject,
    /// What is done, in a few words that start with a verb: `create volume data00 (replica 2)`.
    pub summary: String,
    /// What differs, field by field.
    pub why: Vec<Difference>,
    /// Whether it rests on something that could not be read yet and will be looked at again first.
    pub assumed: bool,
    /// What must have been reached before.
    pub needs: Vec<Milestone>,
    /// What will have been reached after.
    pub gives: Vec<Milestone>,
    /// What it would endanger at the wrong moment.
    pub threatens: Vec<Threat>,
    /// What is to be done.
    pub work: Work,
}

impl Item {
    /// A step: `verb` is done to `subject` by running `command` at `place`. Safe, in the free lane, until said otherwise.
    pub fn run(subject: &Subject, verb: &str, summary: impl Into<String>, place: Place, command: Command) -> Self {
        let run = Run { place, command, risk: Risk::Safe, impact: Vec::new(), lane: Lane::Free };
        Self::new(subject, verb, summary.into(), Work::Run(run))
    }

    /// Something that comes by itself.
    pub fn wait(subject: &Subject, verb: &str, summary: impl Into<String>, poll: Duration) -> Self {
        let summary = summary.into();
        let wait = Wait { on: summary.clone(), progress: None, poll };
        Self::new(subject, verb, summary, Work::Wait(wait))
    }

    /// A difference that is not acted on.
    pub fn held(
        subject: &Subject,
        verb: &str,
        summary: impl Into<String>,
        cause: Cause,
        because: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let hint = hint.into();
        let hint = (!hint.is_empty()).then_some(hint);
        Self::new(subject, verb, summary.into(), Work::Held(Held { cause, because: because.into(), hint }))
    }

    fn new(subject: &Subject, verb: &str, summary: String, work: Work) -> Self {
        Self {
            id: subject.item(verb),
            subject: subject.clone(),
            summary,
            why: Vec::new(),
            assumed: false,
            needs: Vec::new(),
            gives: Vec::new(),
            threatens: Vec::new(),
            work,
        }
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, difference: Difference) -> Self {
        self.why.push(difference);
        self
    }

    /// Adds a need.
    #[must_use]
    pub fn needs(mut self, milestone: Milestone) -> Self {
        self.needs.push(milestone);
        self
    }

    /// Adds what is reached after it.
    #[must_use]
    pub fn gives(mut self, milestone: Milestone) -> Self {
        self.gives.push(milestone);
        self
    }

    /// Adds what it endangers at the wrong moment.
    #[must_use]
    pub fn threatens(mut self, threat: Threat) -> Self {
        self.threatens.push(threat);
        self
    }

    /// Marks it as resting on something that could not be read yet.
    #[must_use]
    pub fn assumed_if(mut self, assumed: bool) -> Self {
        self.assumed |= assumed;
        self
    }

    /// Puts a step into glusterd's queue.
    #[must_use]
    pub fn in_lane(mut self, lane: Lane) -> Self {
        if let Work::Run(run) = &mut self.work {
            run.lane = lane;
        }
        self
    }

    /// Says how much a step could surprise, and what people will notice.
    #[must_use]
    pub fn at_risk(mut self, risk: Risk, impact: impl Into<String>) -> Self {
        if let Work::Run(run) = &mut self.work {
            run.risk = risk;
            run.impact.push(impact.into());
        }
        self
    }

    /// Says how much is left of what is waited for.
    #[must_use]
    pub fn left(mut self, left: u64, unit: &'static str) -> Self {
        if let Work::Wait(wait) = &mut self.work {
            wait.progress = Some(Progress { left, unit });
        }
        self
    }
}
