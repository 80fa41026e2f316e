//! The one boundary: the only room through which anything reaches a node.
//!
//! Three ways, one trait: `ssh` over the system's OpenSSH, `local` on this machine, and `simulated`, a
//! cluster of fake programs that print what the real ones print. Nothing above knows which it speaks to.

pub mod simulated;

use futures::future::BoxFuture;

use crate::model::{Command, Lease, NodeName, Outcome};

/// A way to run commands on nodes.
pub trait Transport: Send + Sync {
    /// Runs `commands` on `node`, side by side, in one round trip, and gives one outcome for each, in order.
    ///
    /// # Guarantees
    /// - Never fails as a whole: what could not be run has its [`Failure`](crate::model::Failure) in its place.
    /// - Each command is ended on the node when its deadline has passed, even if the connection is lost.
    /// - With a lease, a command that changes the node runs only while the node itself says that the lease is held.
    /// - A script that arrives incomplete runs nothing.
    fn run<'a>(
        &'a self,
        node: &'a NodeName,
        commands: &'a [Command],
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Vec<Outcome>>;

    /// What stands behind the cluster's name in headings: `simulated`, or nothing for real nodes.
    fn label(&self) -> Option<&'static str> {
        None
    }
}
