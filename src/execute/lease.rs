//! The lease: keeps two bricklayers apart, by a file on each node that the node itself checks.
//!
//! It is taken on the nodes in the order of their names, so that of two that start together one is first
//! everywhere, and only when there is something to run: a run that changes nothing takes none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::model::Program;
use crate::model::{Command, Failure, Lease, NodeName, Output};
use crate::tools::scripts;
use crate::transport::Transport;

/// How long a lease lasts without being renewed.
const TTL: Duration = Duration::from_secs(60);
/// The exit status with which the script says that another holds the lease (`EX_TEMPFAIL`).
const HELD_BY_ANOTHER: i32 = 75;

/// The leases of one run.
#[derive(Debug)]
pub struct Leases {
    lease: Lease,
    /// The nodes that gave it, and when it was taken or renewed last.
    held: BTreeMap<NodeName, Instant>,
    is_gone: fn(&str) -> bool,
}

/// Why a lease could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another bricklayer is at work.
    #[error("another bricklayer is at work on {node}: {holder}")]
    Held {
        /// The node that says so.
        node: NodeName,
        /// Who holds it.
        holder: String,
    },
    /// The node did not do it.
    #[error("{node} gives no lease: {why}")]
    Failed {
        /// The node.
        node: NodeName,
        /// What it said.
        why: String,
    },
}

impl Leases {
    /// The leases of the run of `owner`, none taken yet. `is_gone` tells of another owner whether its run is known
    /// to have ended without giving its leases back, so that nobody waits for the dead; when in doubt it is not.
    #[must_use]
    pub fn of(owner: String, is_gone: fn(&str) -> bool) -> Self {
        Self { lease: Lease { owner, ttl: TTL }, held: BTreeMap::new(), is_gone }
    }

    /// What changing commands carry.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// How often held leases must be renewed.
    #[must_use]
    pub fn renewal(&self) -> Duration {
        self.lease.ttl / 3
    }

    /// Whether the lease on `node` has been taken, and so lately that it cannot lapse during the next step.
    #[must_use]
    pub fn holds(&self, node: &NodeName) -> bool {
        self.held.get(node).is_some_and(|since| since.elapsed() < self.renewal())
    }

    /// `node` has said that it does not know of the lease: it was away, or the lease has lapsed.
    pub fn lost(&mut self, node: &NodeName) {
        self.held.remove(node);
    }

    /// Takes the lease on each of `nodes`, in order.
    ///
    /// # Errors
    /// On the first node that does not give it. What was taken stays taken, and lapses or is released later.
    pub async fn take(&mut self, transport: &dyn Transport, nodes: &BTreeSet<NodeName>) -> Result<(), Error> {
        for node in nodes {
            let since = Instant::now();
            match self.take_one(transport, node).await {
                Err(Error::Held { holder, .. }) if (self.is_gone)(&holder) => {
                    tracing::info!(%node, %holder, "a run that has ended left its lease, which is taken over");
                    self.give_back(transport, node, &holder).await;
                    self.take_one(transport, node).await?;
                }
                taken => taken?,
            }
            self.held.insert(node.clone(), since);
        }
        Ok(())
    }

    async fn take_one(&self, transport: &dyn Transport, node: &NodeName) -> Result<(), Error> {
        let ttl = self.lease.ttl.as_secs().to_string();
        let failed = |why: String| Error::Failed { node: node.clone(), why };
        match call(transport, node, ["take", &self.lease.owner, &ttl]).await {
            Ok(output) if output.success() => Ok(()),
            Ok(output) if output.status == HELD_BY_ANOTHER => {
                Err(Error::Held { node: node.clone(), holder: output.stderr.trim().to_owned() })
            }
            Ok(output) => Err(failed(output.stderr.trim().to_owned())),
            Err(failure) => Err(failed(failure.to_string())),
        }
    }

    /// Renews what is held. A node that does not answer keeps its old expiry and refuses changes after it.
    pub async fn renew(&mut self, transport: &dyn Transport) {
        let since = Instant::now();
        let renewed = join_all(self.held.keys().map(async |node| match self.take_one(transport, node).await {
            Ok(()) => Some(node.clone()),
            Err(error) => {
                tracing::warn!(%node, %error, "the lease could not be renewed");
                None
            }
        }))
        .await;
        self.held.extend(renewed.into_iter().flatten().map(|node| (node, since)));
    }

    /// Gives back what is held. What cannot be given back lapses by itself.
    pub async fn release(&mut self, transport: &dyn Transport) {
        let held = std::mem::take(&mut self.held);
        join_all(held.keys().map(|node| self.give_back(transport, node, &self.lease.owner))).await;
    }

    async fn give_back(&self, transport: &dyn Transport, node: &NodeName, owner: &str) {
        if let Err(error) = call(transport, node, ["release", owner, ""]).await {
            tracing::debug!(%node, %error, "the lease was not given back and will lapse");
        }
    }
}

async fn call(transport: &dyn Transport, node: &NodeName, args: [&str; 3]) -> Result<Output, Failure> {
    let args = args.into_iter().filter(|arg| !arg.is_empty());
    let command = Command::changes(Program::Script(scripts::LEASE), args).within(Duration::from_secs(20));
    let mut outcomes = transport.run(node, &[command], None).await;
    outcomes.pop().unwrap_or_else(|| Err(Failure::Lost("no outcome".into())))
}
