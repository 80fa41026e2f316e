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
use tracing::Span;
use tracing::field::Empty;

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

/// Runs `commands` by way of `told`, each in a span of its own that ends with what became of it. What they read is never
/// written.
async fn recorded(node: &NodeName, commands: &[Command], told: impl Future<Output = Vec<batch::Told>>) -> Vec<Outcome> {
    let spans: Vec<Span> = commands.iter().map(|command| span(node, command)).collect();
    let told = told.await;
    for ((command, span), told) in commands.iter().zip(&spans).zip(&told) {
        if let Some(took) = told.took {
            span.record("seconds", took.as_secs_f64());
        }
        match &told.outcome {
            Ok(output) => span.record("status", output.status),
            Err(failure) => span.record("failure", tracing::field::display(failure)),
        };
        span.in_scope(|| match command.effect {
            Effect::Reads => tracing::debug!(target: "bricklayer::command", "ended"),
            Effect::Changes => tracing::info!(target: "bricklayer::command", "ended"),
        });
    }
    told.into_iter().map(|told| told.outcome).collect()
}

/// The span of a command that is about to be run.
fn span(node: &NodeName, command: &Command) -> Span {
    macro_rules! span {
        ($level:ident) => {
            tracing::$level!(
                target: "bricklayer::command",
                "command",
                %node,
                %command,
                status = Empty,
                failure = Empty,
                seconds = Empty
            )
        };
    }
    match command.effect {
        Effect::Reads => span!(debug_span),
        Effect::Changes => span!(info_span),
    }
}
