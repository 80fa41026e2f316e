//! A cluster of fake programs, for trying things out and for tests with faults.
//!
//! The fakes stand below our own code: they take the same command lines as the real programs and print what
//! those print, so that everything above is the same as on real nodes. This room does not use `tools`, so that a
//! bug in a reader cannot hide behind its twin in a writer; what is printed was recorded from real nodes
//! (`tests/samples`).
//!
//! Time is virtual: a command costs some of it, and [`Simulated::advance`] lets more pass. With
//! [`Simulated::follow_time`] the world also ages with tokio's clock, so that a wait above is a wait in here.

mod by_hand;
mod cluster;
mod disks;
mod faults;
mod files;
mod gluster;
mod guard;
mod journal;
mod lease;
mod looks;
mod mounts;
mod node;
mod output;
mod packages;
mod programs;
mod storage;
mod systemd;
mod time;
mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use cluster::{Cib, FenceMode, GateRule};
pub use disks::{Directory, Filesystem, Mount, Process};
pub use faults::{Fault, Schedule};
pub use node::{Active, Alias, BrickRef, File, Glusterd, Node, Peer, Power, Unit, Volume};
pub use world::{Cut, Error, NoQuorum, Sight, World};

use self::output::Call;
use super::Transport;
use crate::model::{Command, Failure, Lease, NodeName, Outcome, Output};

/// One operator's way into a simulated cluster.
pub struct Simulated {
    shared: Arc<Shared>,
    operator: Mutex<Operator>,
    death: Notify,
}

/// What all operators of one cluster share.
struct Shared {
    world: Mutex<World>,
    store: Option<PathBuf>,
    /// Up to when the world has aged with the time outside, if it does.
    follows: Mutex<Option<Instant>>,
    /// Whether what keeps a caller waiting in the world does so outside.
    takes_time: bool,
}

/// What one operator goes through.
#[derive(Default)]
struct Operator {
    schedule: Schedule,
    commands: u64,
    over: bool,
    crashed: bool,
    unreachable: BTreeMap<NodeName, u64>,
    trace: Vec<Traced>,
}

/// One command as it was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// When it ended, in milliseconds of the world.
    pub at_ms: u64,
    /// Where.
    pub node: NodeName,
    /// What.
    pub command: Command,
    /// How it ended for the operator.
    pub outcome: Ended,
}

/// How a command ended for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Exit(i32),
    /// The node could not be reached.
    Unreachable,
    /// The deadline passed.
    TimedOut,
    /// The connection broke.
    Lost,
    /// Another operator holds the node.
    Leased,
    /// The operator is dead.
    Crashed,
}

impl Simulated {
    /// A cluster as `world` has it, with nothing going wrong and nothing kept on disk.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self::with(world, None)
    }

    fn with(world: World, store: Option<PathBuf>) -> Self {
        let shared = Shared { world: Mutex::new(world), store, follows: Mutex::default(), takes_time: false };
        Self { shared: Arc::new(shared), operator: Mutex::default(), death: Notify::new() }
    }

    /// A cluster that is kept in a file: as it was left, or as `fresh` gives it if there is none yet.
    ///
    /// # Errors
    /// [`Error`] if the file cannot be read.
    pub fn kept_in(path: PathBuf, fresh: impl FnOnce() -> World) -> Result<Self, Error> {
        let world = World::load(&path)?.unwrap_or_else(fresh);
        Ok(Self::with(world, Some(path)))
    }

    /// The same cluster, ageing with tokio's clock from now on as well.
    #[must_use]
    pub fn follow_time(self) -> Self {
        *lock(&self.shared.follows) = Some(Instant::now());
        self
    }

    /// The same cluster, in which a caller is kept waiting for as long as a command takes, so that others can act
    /// meanwhile; for tests, whose clock jumps.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn taking_time(self) -> Self {
        let Shared { world, store, follows, .. } = Arc::into_inner(self.shared).expect("no operator but this one yet");
        Self { shared: Arc::new(Shared { world, store, follows, takes_time: true }), ..self }
    }

    /// The same operator, to whom this happens.
    #[must_use]
    pub fn suffering(self, schedule: Schedule) -> Self {
        lock(&self.operator).schedule = schedule;
        self
    }

    /// A second operator of the same cluster, with troubles of its own.
    #[must_use]
    pub fn second(&self, schedule: Schedule) -> Self {
        let operator = Operator { schedule, ..Operator::default() };
        Self { shared: Arc::clone(&self.shared), operator: Mutex::new(operator), death: Notify::new() }
    }

    /// The world, to look at and to change by hand. No command runs meanwhile.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.shared.world)
    }

    /// How long the world has been there.
    #[must_use]
    pub fn clock(&self) -> Duration {
        Duration::from_millis(self.world().clock_ms)
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.world().advance(whole_ms(time));
    }

    /// Runs a program on a node as a person would who sits there: no faults, no lease, not in the trace.
    pub fn by_hand(&self, node: &NodeName, program: &str, args: &[&str]) -> Output {
        self.by_hand_with(node, program, args, "")
    }

    /// The same with something to read on its standard input.
    pub fn by_hand_with(&self, node: &NodeName, program: &str, args: &[&str], stdin: &str) -> Output {
        let mut world = self.world();
        let (output, _) = programs::run(&mut world, node, program, &Call { args, stdin });
        world.advance(programs::cost_ms(program));
        output
    }

    /// Something happens that nobody types a command for, and is kept.
    pub fn happen<T>(&self, event: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        let told = event(&mut world);
        self.shared.keep(&world);
        told
    }

    /// Everything this operator ran, in order.
    #[must_use]
    pub fn trace(&self) -> Vec<Traced> {
        lock(&self.operator).trace.clone()
    }

    /// Forgets what was run so far.
    pub fn clear_trace(&self) {
        lock(&self.operator).trace.clear();
    }

    /// How many commands this operator has begun.
    #[must_use]
    pub fn commands(&self) -> u64 {
        lock(&self.operator).commands
    }

    /// Whether the operator has died: none of its commands does anything any more.
    #[must_use]
    pub fn crashed(&self) -> bool {
        lock(&self.operator).crashed
    }

    /// Ends when the operator dies.
    pub async fn death(&self) {
        let notified = self.death.notified();
        if !self.crashed() {
            notified.await;
        }
    }

    /// A new operator in the place of the dead one: it begins anew, and the schedule goes on.
    pub fn restart(&self) {
        lock(&self.operator).crashed = false;
    }

    /// From now on nothing goes wrong, and the world is put right.
    pub fn end_faults(&self) {
        let mut operator = lock(&self.operator);
        operator.schedule = Schedule::none();
        operator.put_right(&mut self.world());
    }

    fn run_all(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> (Vec<Outcome>, Duration) {
        let mut operator = lock(&self.operator);
        let mut world = self.world();
        self.shared.keep_up(&mut world);
        let begin_ms = world.clock_ms;
        let mut slowest_ms = 0;
        let mut outcomes = Vec::new();
        for command in commands {
            if operator.crashed {
                outcomes.push(Err(Failure::Lost("the operator is gone".to_owned())));
                continue;
            }
            let (outcome, ms) = operator.run(&mut world, node, command, lease);
            slowest_ms = slowest_ms.max(ms);
            let (at_ms, ended) = (world.clock_ms, Ended::of(&outcome, operator.crashed));
            operator.trace.push(Traced { at_ms, node: node.clone(), command: command.clone(), outcome: ended });
            outcomes.push(outcome);
        }
        // Side by side: the batch takes as long as its slowest command waits.
        let wait = if self.shared.takes_time {
            self.shared.run_ahead(world.clock_ms - begin_ms) + Duration::from_millis(slowest_ms)
        } else {
            world.advance(slowest_ms);
            Duration::ZERO
        };
        if operator.crashed {
            self.death.notify_waiters();
        }
        self.shared.keep(&world);
        (outcomes, wait)
    }
}

impl Transport for Simulated {
    fn run<'a>(
        &'a self,
        node: &'a NodeName,
        commands: &'a [Command],
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Vec<Outcome>> {
        async move {
            let (outcomes, wait) = self.run_all(node, commands, lease);
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            outcomes
        }
        .boxed()
    }

    fn label(&self) -> Option<&'static str> {
        Some("simulated")
    }
}

impl Shared {
    /// Lets the time pass that has passed outside.
    fn keep_up(&self, world: &mut World) {
        if let Some(last) = &mut *lock(&self.follows) {
            let passed = whole_ms(last.elapsed());
            *last += Duration::from_millis(passed);
            world.advance(passed);
        }
    }

    /// The world is ahead of the time outside by so much more; says how long until that has caught up.
    fn run_ahead(&self, ms: u64) -> Duration {
        lock(&self.follows).as_mut().map_or(Duration::ZERO, |last| {
            *last += Duration::from_millis(ms);
            last.saturating_duration_since(Instant::now())
        })
    }

    fn keep(&self, world: &World) {
        if let Some(path) = &self.store
            && let Err(error) = world.save(path)
        {
            tracing::warn!("{error}; the next run will not know what this one did");
        }
    }
}

impl Operator {
    /// Runs one command through everything that can go wrong; also says how long it keeps its batch waiting.
    fn run(&mut self, world: &mut World, node: &NodeName, command: &Command, lease: Option<&Lease>) -> (Outcome, u64) {
        let number = self.commands;
        self.commands += 1;
        if self.schedule.is_over(number) && !self.over {
            self.put_right(world);
        }
        let nodes: Vec<NodeName> = world.nodes.keys().cloned().collect();
        let faults = self.schedule.at(number, node, &nodes);
        for fault in &faults {
            self.strike(world, number, fault);
        }
        let until = self.unreachable.get(node).copied().unwrap_or(0);
        if number < until || !world.nodes.get(node).is_some_and(Node::is_on) {
            return (Err(Failure::Unreachable("connection timed out".to_owned())), 0);
        }
        if faults.contains(&Fault::CrashBefore) {
            self.crashed = true;
            return (Err(Failure::Lost("the operator is gone".to_owned())), 0);
        }
        let deadline_ms = whole_ms(command.deadline);
        let late = (Err(Failure::TimedOut(command.deadline)), deadline_ms);
        if faults.contains(&Fault::TimeoutBefore) {
            return late;
        }
        let (outcome, hang_ms) = programs::perform(world, node, command, lease);
        if hang_ms >= deadline_ms || faults.contains(&Fault::TimeoutAfter) {
            return late;
        }
        self.crashed = faults.contains(&Fault::CrashAfter);
        if self.crashed || faults.contains(&Fault::Lost) {
            return (Err(Failure::Lost("connection reset by peer".to_owned())), hang_ms);
        }
        (outcome.map(|output| spoiled(output, &faults)), hang_ms)
    }

    /// What happens to the world before the command.
    fn strike(&mut self, world: &mut World, number: u64, fault: &Fault) {
        match fault {
            Fault::Unreachable { node, commands } => _ = self.unreachable.insert(node.clone(), number + commands),
            Fault::Busy => world.busy = true,
            Fault::PowerCut { node, for_ms } => world.cut_power(node, Some(*for_ms)),
            Fault::LinkCut { a, b, for_ms } => world.cut_link(a, b, Some(*for_ms)),
            Fault::KillGlusterd { node } => world.kill_glusterd(node),
            Fault::KillCorosync { node } => world.kill_corosync(node),
            Fault::NetworkCut { a, b, network, for_ms } => world.cut_network(a, b, *network, Some(*for_ms)),
            Fault::KillBricks { node } => {
                if let Some(node) = world.nodes.get_mut(node) {
                    node.end_bricks();
                }
            }
            Fault::ClockSkew { node, ms } => {
                if let Some(node) = world.nodes.get_mut(node) {
                    node.clock_offset_ms += ms;
                }
            }
            Fault::TimeoutBefore
            | Fault::TimeoutAfter
            | Fault::Lost
            | Fault::Garbage
            | Fault::Truncated
            | Fault::CrashBefore
            | Fault::CrashAfter => {}
        }
    }

    fn put_right(&mut self, world: &mut World) {
        self.over = true;
        self.unreachable.clear();
        world.restore();
    }
}

impl Ended {
    fn of(outcome: &Outcome, crashed: bool) -> Self {
        match outcome {
            _ if crashed => Self::Crashed,
            Ok(output) => Self::Exit(output.status),
            Err(Failure::Unreachable(_) | Failure::Untrusted(_) | Failure::Secret(_)) => Self::Unreachable,
            Err(Failure::TimedOut(_)) => Self::TimedOut,
            Err(Failure::Lost(_)) => Self::Lost,
            Err(Failure::Leased(_)) => Self::Leased,
        }
    }
}

/// The output as it arrives.
fn spoiled(mut output: Output, faults: &[Fault]) -> Output {
    if faults.contains(&Fault::Garbage) {
        output.stdout.replace_range(.., "\u{fffd}\u{fffd}<\u{1}?xm");
    } else if faults.contains(&Fault::Truncated) {
        let half = output.stdout.char_indices().nth(output.stdout.chars().count() / 2).map_or(0, |(at, _)| at);
        output.stdout.truncate(half);
    }
    output
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A lock that a panicking test left is as good as any: every change of the world is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
