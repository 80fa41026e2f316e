//! A node that is taken out of service for a while, and taken back: `node drain` and `node resume`; or that is lost, and
//! whose place a new machine takes: `node replace`.
//!
//! That a node is drained is a mark on the node itself and Pacemaker's standby of it: the one is there without a cluster
//! manager, the other is seen while the node is off, and both outlive a reboot. From the mark on, all but these two verbs
//! plan around the node as around a silent one (see `cx`): nothing that was stopped here is started there.

mod drain;
mod obstacles;
mod replace;
mod resume;

use super::{Assessment, Cx, Kind, Spec};
use crate::model::{Findings, Milestone, NodeName, Subject, Wish};

pub(super) use replace::{is_unlisted, refills};
pub(super) use resume::whole;

/// What is done about nodes that are drained, or to be, as a kind; the file says nothing of it.
pub(super) struct Maintenance;

impl Kind for Maintenance {
    fn check(&self, _spec: &Spec, _findings: &mut Findings) {}

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        match &cx.intent.wish {
            Some(Wish::Drain(node)) => drain::assess(cx, node, found),
            Some(Wish::Resume(node)) => resume::assess(cx, node, found),
            Some(Wish::Replace(node)) => replace::assess(cx, node, found),
            _ => {}
        }
    }
}

/// Whether `node` is a new machine, which takes the place of a lost one.
pub(super) fn replaces(cx: &Cx<'_>, node: &NodeName) -> bool {
    matches!(&cx.intent.wish, Some(Wish::Replace(new)) if new == node)
}

/// The milestone that nothing runs on `node` and nothing of it is waited for.
pub(super) fn drained(node: &NodeName) -> Milestone {
    Subject::new("drain", node).is("complete")
}

/// The milestone that `node` takes its part.
pub(super) fn resumed(node: &NodeName) -> Milestone {
    Subject::new("resume", node).is("complete")
}

/// How a person is told of a drained node.
pub(super) fn told(node: &NodeName) -> String {
    format!("{node} is drained; {}", hint(node))
}

/// What brings it back.
pub(super) fn hint(node: &NodeName) -> String {
    format!("`bricklayer node resume {node}` brings it back")
}
