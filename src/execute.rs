//! Running: one round of ready items, and nothing that was not planned.
//!
//! # Flow
//! Write down what will be run, run it, write down what became of it. Items of one node go in one round trip, in
//! order; different nodes side by side; of glusterd's queue one.
//!
//! # Guarantees
//! Every choice was made in the plan: execution only takes the first node of a place and tells what happened.
//!
//! # Caveats
//! A command that ended well is not yet a step that is done. Only the next look tells.

pub mod backoff;
pub mod journal;
pub mod lease;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::model::{Command, Failure, Item, ItemId, Lane, Lease, NodeName, Outcome, Run, SecretError, Step, Work};
use crate::observe::Clock;
use crate::tools::{self, Judgement};
use crate::transport::Transport;
use journal::{Journal, Line};

/// One item on its way to its node.
#[derive(Clone, Debug)]
pub struct Task {
    /// The item.
    pub id: ItemId,
    /// What it does.
    pub summary: String,
    /// Where.
    pub node: NodeName,
    /// With which command.
    pub command: Command,
    lane: Lane,
}

/// What became of a task.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The task.
    pub task: Task,
    /// What its program said.
    pub said: Said,
    /// How long it took.
    pub took: Duration,
}

/// What became of a command, sorted by what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It ended well.
    Done,
    /// It may work later: busy, timed out, lost; whether it had an effect, the next look tells.
    Later(String),
    /// It was not run, because the node does not know of the lease.
    Unleased(String),
    /// It was refused; trying once more is worth it only if something else changes.
    Refused(String),
}

/// Chooses what runs in this round: all ready steps of the free lane, and of each other lane the first.
pub fn round<'a>(ready: impl Iterator<Item = &'a Step>) -> Vec<Task> {
    let mut taken = BTreeSet::new();
    let mut tasks = Vec::new();
    for Step { item, .. } in ready {
        let Some(task) = task(item) else { continue };
        if task.lane != Lane::Free && !taken.insert(task.lane) {
            continue;
        }
        tasks.push(task);
    }
    tasks
}

fn task(item: &Item) -> Option<Task> {
    let Work::Run(Run { place, command, lane, .. }) = &item.work else { return None };
    let node = place.first()?.clone();
    Some(Task { id: item.id.clone(), summary: item.summary.clone(), node, command: command.clone(), lane: *lane })
}

/// What running needs.
pub struct Hands<'a> {
    /// The way to the nodes.
    pub transport: &'a dyn Transport,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The audit log.
    pub journal: &'a Journal,
}

impl Hands<'_> {
    /// Runs a round and gives what became of each task.
    pub async fn run(&self, tasks: Vec<Task>, lease: &Lease) -> Vec<Ran> {
        let mut queues: BTreeMap<(NodeName, Lane), Vec<Task>> = BTreeMap::new();
        for task in tasks {
            queues.entry((task.node.clone(), task.lane)).or_default().push(task);
        }
        let runs = queues.into_iter().map(|((node, _), tasks)| self.run_queue(node, tasks, lease));
        join_all(runs).await.into_iter().flatten().collect()
    }

    /// Runs the tasks of one queue of one node, in one round trip.
    async fn run_queue(&self, node: NodeName, tasks: Vec<Task>, lease: &Lease) -> Vec<Ran> {
        let line = |task: &Task, outcome: Option<String>| {
            let line = Line::new(self.clock.now(), &lease.owner, &task.id, &task.node, &task.command);
            self.journal.write(&Line { outcome, ..line })
        };
        if let Some(error) = tasks.iter().find_map(|task| line(task, None).err()) {
            let said = Said::Refused(format!("the journal cannot be written, so nothing is changed: {error}"));
            let ran = |task| Ran { task, said: said.clone(), took: Duration::ZERO };
            return tasks.into_iter().map(ran).collect();
        }
        let commands: Vec<Command> = tasks.iter().map(|task| task.command.clone()).collect();
        let start = Instant::now();
        let outcomes = self.transport.run(&node, &commands, Some(lease)).await;
        let took = start.elapsed();
        let ran = |(task, outcome): (Task, Outcome)| {
            let said = said(&task.command, outcome);
            if let Err(error) = line(&task, Some(format!("{said:?}"))) {
                tracing::error!(%error, item = %task.id, "the journal misses the outcome of a step");
            }
            Ran { task, said, took }
        };
        tasks.into_iter().zip(outcomes).map(ran).collect()
    }
}

fn said(command: &Command, outcome: Outcome) -> Said {
    match outcome {
        Ok(output) => match tools::judge(command, &output) {
            Judgement::Done => Said::Done,
            Judgement::Busy(why) => Said::Later(why),
            Judgement::Refused(why) => Said::Refused(why),
        },
        Err(failure @ Failure::Leased(_)) => Said::Unleased(failure.to_string()),
        // Another node's file may be there in a moment; a secret of the person's own will not.
        Err(failure @ Failure::Secret(SecretError::NoFile(..))) => Said::Later(failure.to_string()),
        Err(failure @ (Failure::Untrusted(_) | Failure::Secret(_))) => Said::Refused(failure.to_string()),
        Err(failure) => Said::Later(failure.to_string()),
    }
}
