//! This machine itself, for a cluster that bricklayer runs in the middle of.

use futures::future::{BoxFuture, FutureExt};

use super::batch::{Batch, Told};
use super::exchange::exchange;
use super::{Transport, recorded};
use crate::model::{Command, Failure, Lease, NodeName, Outcome};

/// Runs commands on this machine, as who bricklayer runs as: for changes that has to be root.
///
/// A shell that was started is never killed, not even when nobody waits for it any more: it ends its commands at
/// their deadlines and takes its files away by itself, as it does on a node whose connection is lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Transport for Local {
    fn run<'a>(
        &'a self,
        node: &'a NodeName,
        commands: &'a [Command],
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Vec<Outcome>> {
        async move {
            if commands.is_empty() {
                return Vec::new();
            }
            recorded(node, commands, told(&Batch::new(commands, lease))).await
        }
        .boxed()
    }
}

async fn told(batch: &Batch<'_>) -> Vec<Told> {
    #[allow(clippy::disallowed_methods)] // this room is the one that runs programs
    let shell = tokio::process::Command::new("sh");
    let said = match exchange(shell, batch).await {
        Ok(said) => said,
        Err(error) => return batch.read(&[], |_| Failure::Unreachable(format!("sh cannot be started: {error}"))),
    };
    let begun = batch.begun(&said.stdout);
    batch.read(&said.stdout, |command| match said.ended {
        None => Failure::TimedOut(command.deadline),
        Some(_) if begun => Failure::Lost(said.complaint()),
        Some(_) => Failure::Unreachable(said.complaint()),
    })
}
