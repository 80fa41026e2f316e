//! The one boundary: the only room through which anything reaches a node.
//!
//! Three ways, one trait: `ssh` over the system's OpenSSH, `local` on this machine, and `simulated`, a
//! cluster of fake programs that print what the real ones print. Nothing above knows which it speaks to.
//! The first two send the same thing to a real `sh`: a `batch` of commands as one program.

mod batch;
mod exchange;
mod local;
mod quote;
mod secrets;
mod ssh;

pub mod simulated;

use futures::future::BoxFuture;

pub use local::Local;
pub use secrets::WithSecrets;
pub use ssh::{Login, Ssh};

use crate::model::{Command, Effect, Lease, NodeName, Outcome};

/// A way to run commands on nodes.
pub trait Transport: Send + Sync {
    /// Runs `commands` on `node` in one round trip and gives one outcome for each, in order: those that look run side
    /// by side, those that change something one after the other.
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

    /// Ends what is kept open between two runs. Dropping does the same, but not in a process that exits.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// What stands behind the cluster's name in headings: `simulated`, or nothing for real nodes.
    fn label(&self) -> Option<&'static str> {
        None
    }
}

/// Writes what became of `commands` to the log and passes it on. What they read is never written.
fn record(node: &NodeName, commands: &[Command], told: Vec<batch::Told>) -> Vec<Outcome> {
    macro_rules! log {
        ($level:ident, $command:expr, $told:expr) => {{
            let seconds = $told.took.map(|took| took.as_secs_f64());
            match &$told.outcome {
                Ok(output) => {
                    let status = output.status;
                    tracing::$level!(target: "bricklayer::command", %node, command = %$command, status, seconds);
                }
                Err(failure) => {
                    tracing::$level!(target: "bricklayer::command", %node, command = %$command, %failure, seconds);
                }
            }
        }};
    }
    for (command, told) in commands.iter().zip(&told) {
        match command.effect {
            Effect::Reads => log!(debug, command, told),
            Effect::Changes => log!(info, command, told),
        }
    }
    told.into_iter().map(|told| told.outcome).collect()
}
