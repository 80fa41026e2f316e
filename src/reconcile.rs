//! The loop: look, plan, run what is ready, forget what that may have changed, look again; until nothing is ready.
//!
//! There is no list of steps that is walked. A step that is gone from the next plan is done, one that is still there
//! is not, whatever its command said; so a lost reply, a crash and a colleague's command by hand are the same case.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::execute::backoff::Jitter;
use crate::execute::journal::Journal;
use crate::execute::lease::Leases;
use crate::execute::{self, Hands, Ran, Said, Task};
use crate::kinds::Spec;
use crate::model::{
    Cause, Command, Done, Event, Facts, Failed, Failure, Intent, ItemId, NodeName, Plan, Progress, Report, Step,
    Verdict, Wait, Work,
};
use crate::observe::{Clock, observe};
use crate::transport::Transport;

/// How often a step is tried that its program refuses.
const REFUSED_MAX: u32 = 3;
/// How often a step is tried that fails by the moment: busy, timed out, connection lost.
const LATER_MAX: u32 = 12;
/// How often a step is run that ends well and is asked for again all the same.
const FUTILE_MAX: u32 = 5;
/// How often an answer that says nothing usable is asked for again before it is taken for what it is.
const DOUBTS_MAX: u32 = 3;
/// How long a node that could not be reached is taken for silent without being asked again.
const SILENCE_HOLDS: Duration = Duration::from_secs(15);
/// After how long without any progress a wait counts as stalled. Self-heal mends tens of entries a second.
const STALLS: Duration = Duration::from_secs(20);
/// How long until a lease that another holds is asked for again.
const LEASE_POLL: Duration = Duration::from_secs(2);

/// What a run works with.
pub struct Reconciler<'a> {
    /// What is written.
    pub spec: &'a Spec,
    /// The way to the nodes.
    pub transport: &'a dyn Transport,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The audit log.
    pub journal: &'a Journal,
    /// Who this run is, for the lease and the journal: different in every run.
    pub owner: String,
    /// Whether the run of another owner is known to have ended without giving its leases back.
    pub is_gone: fn(&str) -> bool,
    /// For the jitter of pauses.
    pub seed: u64,
    /// After this long, what is left is left.
    pub limit: Duration,
    /// How long it may sit in all while there is nothing to do but wait for something that comes by itself.
    pub patience: Duration,
    /// Becomes true when the person has had enough; the running step still ends.
    pub stop: watch::Receiver<bool>,
}

/// The tries of one step in this run.
struct Tries {
    command: Command,
    refused: u32,
    later: u32,
    futile: u32,
    not_before: Instant,
}

impl Reconciler<'_> {
    /// Makes it so. Tells `events` what happens while it happens.
    ///
    /// # Guarantees
    /// Nothing is run that is not in a plan made from answers newer than the last change. A run in which nothing
    /// differs runs nothing but reads and takes no lease.
    pub async fn run(self, intent: Intent, events: &mut dyn FnMut(Event)) -> Report {
        self.run_after(Facts::default(), intent, events).await
    }

    /// As [`run`](Self::run), when what differs has been `seen` a moment ago, for a person to agree to: nothing is
    /// run on that, but the leases are taken at once, and so the nodes are looked at once less.
    pub async fn run_after(self, seen: Facts, intent: Intent, events: &mut dyn FnMut(Event)) -> Report {
        let start = Instant::now();
        let mut session = Session {
            deadline: start + self.limit,
            leases: Leases::of(self.owner.clone(), self.is_gone),
            jitter: Jitter::new(self.seed),
            stop: self.stop.clone(),
            with: &self,
            intent,
            facts: seen,
            tries: BTreeMap::new(),
            ran: BTreeMap::new(),
            done: Vec::new(),
            failed: Vec::new(),
            stood: BTreeMap::new(),
            doubts: 0,
            patience: self.patience,
        };
        session.prepare(events).await;
        let (left, end) = session.settle(events).await;
        session.leases.release(self.transport).await;
        let Session { done, failed, .. } = session;
        let verdict = match (end, left.is_empty(), failed.is_empty()) {
            (End::Settled | End::Ended, true, _) => Verdict::AsWritten,
            (_, _, false) => Verdict::Failed,
            (End::Ended | End::Blind, _, true) => Verdict::Unsettled,
            (End::Settled, false, true) => Verdict::Held,
        };
        Report { verdict, done, failed, left, took: start.elapsed() }
    }
}

/// Why a run came to its end.
#[derive(Clone, Copy)]
enum End {
    /// Nothing more can be done.
    Settled,
    /// Time, patience or the person came to an end first.
    Ended,
    /// The person had enough in the middle of a look, so that nobody knows how things stand.
    Blind,
}

/// One run, as far as it has got.
struct Session<'a> {
    with: &'a Reconciler<'a>,
    intent: Intent,
    deadline: Instant,
    stop: watch::Receiver<bool>,
    leases: Leases,
    jitter: Jitter,
    facts: Facts,
    tries: BTreeMap<ItemId, Tries>,
    /// Steps whose command ended well, until a look shows whether they are done.
    ran: BTreeMap<ItemId, Done>,
    done: Vec<Done>,
    failed: Vec<Failed>,
    /// How much was left of each wait that can be counted, and since when.
    stood: BTreeMap<ItemId, (u64, Instant)>,
    /// How often in a row it was looked again at what could not be read.
    doubts: u32,
    /// What is left of it.
    patience: Duration,
}

type Events<'e> = dyn FnMut(Event) + 'e;

impl Session<'_> {
    /// Takes the leases if what was seen before tells that there will be something to run, and forgets it.
    async fn prepare(&mut self, events: &mut Events<'_>) {
        let plan = crate::planner::plan(self.with.spec, &self.facts, &self.intent);
        if plan.ready().next().is_some() {
            self.has_leases(&plan, events).await;
        }
        self.facts = Facts::default();
    }

    /// Goes on until nothing can be done or the run is ended. Gives the last plan that was whole.
    async fn settle(&mut self, events: &mut Events<'_>) -> (Plan, End) {
        let mut last = None;
        loop {
            events(Event::Looking);
            let Some(plan) = self.look().await else {
                let partial = || crate::planner::plan(self.with.spec, &self.facts, &self.intent);
                return (last.unwrap_or_else(partial), End::Blind);
            };
            self.take_stock(&plan);
            self.time_waits(&plan);
            events(Event::Planned(plan.clone()));
            if self.ended() {
                return (plan, End::Ended);
            }
            let now = Instant::now();
            let rested = |step: &&Step| self.tries.get(&step.item.id).is_none_or(|tries| tries.not_before <= now);
            let tasks = execute::round(plan.ready().filter(rested));
            if !tasks.is_empty() {
                self.doubts = 0;
                self.change(&plan, tasks, events).await;
            } else if let Some(next) = self.next_look(&plan, now) {
                let on = plan.waiting().map(|step| (step.item.id.clone(), left(step))).collect();
                events(Event::Waiting { on });
                // A step that rests before its next try is work, and takes no patience.
                if plan.ready().next().is_none() && !self.has_patience(next - now) {
                    return (plan, End::Ended);
                }
                self.sleep_until(next).await;
            } else if self.doubts < DOUBTS_MAX && plan.held().any(is_doubtful) {
                // What could not be read may just have been in motion: a glusterd that takes in a peer, say.
                self.doubts += 1;
                let pause = self.jitter.pause(self.doubts);
                self.sleep_until(now + pause).await;
            } else {
                return (plan, End::Settled);
            }
            last = Some(plan);
            self.forget();
        }
    }

    /// Forgets what was seen: before a change, or before time passed, it may have been otherwise. Only that a node
    /// cannot be reached is believed for a while, because each try of it takes as long as all the rest.
    fn forget(&mut self) {
        let now = self.with.clock.now();
        let young = |at: Timestamp| now.duration_since(at).unsigned_abs() < SILENCE_HOLDS;
        self.facts.retain(|answer| matches!(answer.outcome, Err(Failure::Unreachable(_))) && young(answer.at));
    }

    fn ended(&self) -> bool {
        *self.stop.borrow() || Instant::now() >= self.deadline
    }

    /// Looks at the nodes, unless the person has had enough before all of it is seen.
    async fn look(&mut self) -> Option<Plan> {
        let Reconciler { spec, transport, clock, .. } = *self.with;
        tokio::select! {
            biased;
            plan = observe(spec, &self.intent, transport, clock, &mut self.facts) => Some(plan),
            () = stopped(&mut self.stop) => None,
        }
    }

    /// Notes which waits have stood still for too long.
    fn time_waits(&mut self, plan: &Plan) {
        let now = Instant::now();
        let before = std::mem::take(&mut self.stood);
        for step in plan.waiting() {
            let (id, Some(Progress { left, .. })) = (&step.item.id, progress(step)) else { continue };
            let since = before.get(id).filter(|(there, _)| there == left).map_or(now, |(_, since)| *since);
            self.stood.insert(id.clone(), (*left, since));
        }
        let stalled = |(id, (_, since)): (&ItemId, &(u64, Instant))| (now - *since >= STALLS).then(|| id.clone());
        self.intent.stalled = self.stood.iter().filter_map(stalled).collect();
    }

    /// Compares the new plan with what was run: what is gone is done, what is still there was in vain.
    fn take_stock(&mut self, plan: &Plan) {
        let left: BTreeSet<&ItemId> = plan.steps.iter().map(|step| &step.item.id).collect();
        for (id, done) in std::mem::take(&mut self.ran) {
            if left.contains(&id) {
                if let Some(tries) = self.tries.get_mut(&id) {
                    tries.futile += 1;
                    tries.not_before = Instant::now() + self.jitter.pause(tries.futile);
                    if tries.futile >= FUTILE_MAX {
                        self.give_up(&done.id, &done.summary, "it ends well each time and still differs".to_owned());
                    }
                }
            } else {
                self.done.push(done);
            }
        }
        self.tries.retain(|id, _| left.contains(id));
    }

    fn give_up(&mut self, id: &ItemId, summary: &str, why: String) {
        self.intent.given_up.insert(id.clone(), why.clone());
        self.failed.push(Failed { id: id.clone(), summary: summary.to_owned(), why });
    }

    /// Whether this run holds the lease on every node that answers; if not, it takes them.
    async fn has_leases(&mut self, plan: &Plan, events: &mut Events<'_>) -> bool {
        let answering: BTreeSet<NodeName> =
            self.facts.iter().filter(|(_, _, answer)| answer.outcome.is_ok()).map(|(node, ..)| node.clone()).collect();
        if answering.iter().all(|node| self.leases.holds(node)) {
            return true;
        }
        if let Err(error) = self.leases.take(self.with.transport, &answering).await {
            let on = plan.ready().map(|step| (step.item.id.clone(), error.to_string())).collect();
            events(Event::Waiting { on });
            let pause = self.jitter.spread(LEASE_POLL);
            if self.has_patience(pause) {
                self.sleep_until(Instant::now() + pause).await;
            } else {
                self.deadline = Instant::now();
            }
        }
        false
    }

    /// Runs a round, once this run holds the leases.
    async fn change(&mut self, plan: &Plan, tasks: Vec<Task>, events: &mut Events<'_>) {
        if !self.has_leases(plan, events).await {
            // What was seen before the lease was had may have been another's work in progress: look again after.
            return;
        }
        for Task { id, summary, node, .. } in &tasks {
            events(Event::Started { id: id.clone(), summary: summary.clone(), node: node.clone() });
        }
        for ran in self.run_under_lease(tasks).await {
            self.note(ran, events);
        }
    }

    /// Runs a round and renews the leases while it lasts.
    async fn run_under_lease(&mut self, tasks: Vec<Task>) -> Vec<Ran> {
        let Reconciler { transport, clock, journal, .. } = *self.with;
        let hands = Hands { transport, clock, journal };
        let lease = self.leases.lease().clone();
        let run = hands.run(tasks, &lease);
        tokio::pin!(run);
        loop {
            match timeout_at(Instant::now() + self.leases.renewal(), &mut run).await {
                Ok(ran) => return ran,
                Err(_) => self.leases.renew(transport).await,
            }
        }
    }

    /// Remembers what became of a task, and when it may be tried again.
    fn note(&mut self, Ran { task, said, took }: Ran, events: &mut Events<'_>) {
        let Task { id, summary, node, command, .. } = task;
        let now = Instant::now();
        let fresh = || Tries { command: command.clone(), refused: 0, later: 0, futile: 0, not_before: now };
        let tries = self.tries.entry(id.clone()).or_insert_with(fresh);
        if tries.command != command {
            *tries = fresh();
        }
        let (why, over) = match said {
            Said::Done => {
                self.intent.ran.insert(id.clone());
                let done = Done { id: id.clone(), summary: summary.clone(), node: node.clone(), took };
                self.ran.insert(id.clone(), done);
                return events(Event::Ran { id, summary, node, took });
            }
            Said::Later(why) => {
                tries.later += 1;
                (why, tries.later >= LATER_MAX)
            }
            Said::Unleased(why) => {
                self.leases.lost(&node);
                (why, false)
            }
            Said::Refused(why) => {
                tries.refused += 1;
                (why, tries.refused >= REFUSED_MAX)
            }
        };
        let pause = self.jitter.pause(tries.later + tries.refused);
        tries.not_before = now + pause;
        if over {
            self.give_up(&id, &summary, why.clone());
            events(Event::Failed { id, why });
        } else {
            events(Event::Retrying { id, why, pause });
        }
    }

    /// When it is worth looking again although nothing can be run: the end of a pause, or of a wait.
    fn next_look(&self, plan: &Plan, now: Instant) -> Option<Instant> {
        let pauses = plan.ready().filter_map(|step| Some(self.tries.get(&step.item.id)?.not_before));
        let polls = plan.waiting().filter_map(|step| match &step.item.work {
            Work::Wait(wait) => Some(now + wait.poll),
            Work::Run(_) | Work::Held(_) => None,
        });
        pauses.chain(polls).min()
    }

    /// Whether there is patience for `pause`, and takes it.
    fn has_patience(&mut self, pause: Duration) -> bool {
        let left = self.patience.checked_sub(pause);
        self.patience = left.unwrap_or_default();
        left.is_some()
    }

    async fn sleep_until(&mut self, then: Instant) {
        tokio::select! {
            () = sleep_until(then.min(self.deadline)) => {}
            () = stopped(&mut self.stop) => {}
        }
    }
}

/// Ends when the person has had enough; never, if nobody is left who could say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether a step is held because an answer of a node that does answer said nothing usable.
fn is_doubtful(step: &Step) -> bool {
    step.item.subject.kind != "node" && matches!(&step.item.work, Work::Held(held) if held.cause == Cause::Unknown)
}

/// How far it is with what is waited for, where it can be counted.
fn progress(step: &Step) -> Option<&Progress> {
    match &step.item.work {
        Work::Wait(Wait { progress, .. }) => progress.as_ref(),
        Work::Run(_) | Work::Held(_) => None,
    }
}

/// What is left of what is waited for.
fn left(step: &Step) -> String {
    progress(step).map(|Progress { left, unit }| format!("{left} {unit} left")).unwrap_or_default()
}
