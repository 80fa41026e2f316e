//! What a person does by hand when bricklayer cannot: chapters of instructions, with the commands as they are typed.

use super::ClusterName;

/// The runbook of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// The cluster.
    pub cluster: ClusterName,
    /// What may be wanted, one after the other.
    pub chapters: Vec<Chapter>,
}

/// What is done in one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// The case.
    pub title: String,
    /// The instructions, in order.
    pub steps: Vec<Instruction>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What is done, and what to see before the next step.
    pub says: String,
    /// Where the commands are typed: `node01`, `any node`.
    pub on: String,
    /// The commands.
    pub commands: Vec<String>,
}
