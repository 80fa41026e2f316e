//! The plan: every item with what it waits for. What a person reads and what the loop runs are this one value.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ClusterName, Finding, Item, ItemId, NodeName, Risk, ServiceName, VolumeName, Work};

/// The risks that a run may take beyond [`Risk::Safe`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Allow(pub BTreeSet<Risk>);

impl Allow {
    /// Everything: what `plan` assumes, so that it shows the whole way.
    #[must_use]
    pub fn all() -> Self {
        Self([Risk::Safe, Risk::Disruptive, Risk::Destructive].into())
    }

    /// Whether a step of this risk may run.
    #[must_use]
    pub fn permits(&self, risk: Risk) -> bool {
        risk == Risk::Safe || self.0.contains(&risk)
    }
}

/// What the person wants now, beside what the file says for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The risks this run may take.
    pub allow: Allow,
    /// Items that were tried in this run and failed for good, with the reason.
    pub given_up: std::collections::BTreeMap<ItemId, String>,
    /// What is wanted once, beside what is written.
    pub wish: Option<Wish>,
    /// The steps that ended well in this run: what is wished once is not done again.
    pub ran: BTreeSet<ItemId>,
    /// The waits of this run of which nothing has come for a while: what is waited for may want a push.
    pub stalled: BTreeSet<ItemId>,
}

/// What a person wants once: a verb of the command line, as a part of the plan, so that it obeys the same safety.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Wish {
    /// The service is to run.
    Enable(ServiceName),
    /// The service is to rest.
    Disable(ServiceName),
    /// The cluster manager is to leave the service alone.
    Freeze(ServiceName),
    /// The cluster manager is to look after the service again.
    Unfreeze(ServiceName),
    /// The service is to run on this node.
    Relocate(ServiceName, NodeName),
    /// The service is to be stopped and started where it is.
    Restart(ServiceName),
    /// What the volume's copies lack is to be healed now.
    Heal(VolumeName),
    /// The node is to be fenced, for a test, unless it was fenced after this moment, in the words of the cluster.
    Fence(NodeName, Option<String>),
    /// The node is off, as a person has seen: it is to be gone on without it.
    ConfirmOff(NodeName),
    /// The node is to run nothing and serve nothing, so that it can be switched off.
    Drain(NodeName),
    /// The node is to take part again.
    Resume(NodeName),
    /// The node is a new machine in the place of a lost one, and is to take that place.
    Replace(NodeName),
    /// The service is to start from this node's copies alone: those of nodes that are off are given up.
    Recover(ServiceName, NodeName),
    /// It is to be written down that fencing the node took so long, in milliseconds.
    Measured(NodeName, u64),
}

impl Wish {
    /// Whether what a drained `node` answers counts for it: where the wish is about that node, or about whether nodes
    /// are off.
    #[must_use]
    pub fn minds(&self, node: &NodeName) -> bool {
        match self {
            Self::Drain(own) | Self::Resume(own) | Self::Replace(own) => own == node,
            Self::ConfirmOff(_) | Self::Recover(..) => true,
            _ => false,
        }
    }
}

/// Where an item stands in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "is", content = "on")]
pub enum State {
    /// All its needs are met: it can run now, or is being waited for now.
    Ready,
    /// It comes after these.
    After(Vec<ItemId>),
    /// It is held itself.
    Held,
    /// It cannot come, because these that it needs are held.
    Blocked(Vec<ItemId>),
}

/// An item and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// Where it stands.
    pub state: State,
}

impl Step {
    /// Whether it cannot come: held itself, or behind something that is.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        matches!(self.state, State::Held | State::Blocked(_))
    }
}

/// What differs between the file and the nodes, in the order in which it can be mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The cluster.
    pub cluster: ClusterName,
    /// The steps; each stands after those it needs.
    pub steps: Vec<Step>,
    /// What is doubtful on the nodes and needs a person.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Whether everything is as written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether anything in it can come: by being run or by itself.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        self.steps.iter().any(|step| !step.is_stuck())
    }

    /// The steps that can run now.
    pub fn ready(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.state == State::Ready && matches!(step.item.work, Work::Run(_)))
    }

    /// The steps that come by themselves and whose time is now.
    pub fn waiting(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.state == State::Ready && matches!(step.item.work, Work::Wait(_)))
    }

    /// The steps that are held themselves: causes, not echoes.
    pub fn held(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.state == State::Held)
    }
}
