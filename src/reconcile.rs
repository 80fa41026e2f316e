//! The loop: look, plan, run what is ready, forget what that may have changed, look again; until nothing is ready.
//!
//! There is no list of steps that is walked. A step that is gone from the next plan is done, one that is still there
//! is not, whatever its command said; so a lost reply, a crash and a colleague's command by hand are the same case.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::execute::backoff::Jitter;
use crate::execute::journal::Journal;
use crate::execute::lease::Leases;
use crate::execute::{self, Hands, Ran, Said, Task};
use crate::kinds::Spec;
use crate::model::{
    Command, Done, Event, Facts, Failed, Intent, ItemId, NodeName, Plan, Progress, Report, Step, Verdict, Wait, Work,
};
use crate::observe::{Clock, observe};
use crate::transport::Transport;

/// How often a step is tried that its program refuses.
const REFUSED_MAX: u32 = 3;
/// How often a step is tried that fails by the moment: busy, timed out, connection lost.
const LATER_MAX: u32 = 12;
/// How often a step is run that ends well and is asked for again all the same.
const FUTILE_MAX: u32 = 5;
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
    /// For the jitter of pauses.
    pub seed: u64,
    /// After this long, what is left is left.
    pub limit: Duration,
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
        let start = Instant::now();
        let mut session = Session {
            deadline: start + self.limit,
            leases: Leases::of(self.owner.clone()),
            jitter: Jitter::new(self.seed),
            stop: self.stop.clone(),
            with: &self,
            intent,
            facts: Facts::default(),
            tries: BTreeMap::new(),
            ran: BTreeMap::new(),
            done: Vec::new(),
            failed: Vec::new(),
        };
        let (left, settled) = session.settle(events).await;
        session.leases.release(self.transport).await;
        let Session { done, failed, .. } = session;
        let verdict = match (left.is_empty(), failed.is_empty(), settled) {
            (true, ..) => Verdict::AsWritten,
            (false, false, _) => Verdict::Failed,
            (false, true, false) => Verdict::Unsettled,
            (false, true, true) => Verdict::Held,
        };
        Report { verdict, done, failed, left, took: start.elapsed() }
    }
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
}

type Events<'e> = dyn FnMut(Event) + 'e;

impl Session<'_> {
    /// Goes on until nothing can be done; false if it was ended before that.
    async fn settle(&mut self, events: &mut Events<'_>) -> (Plan, bool) {
        loop {
            events(Event::Looking);
            let plan = self.look().await;
            self.take_stock(&plan);
            events(Event::Planned(plan.clone()));
            if self.ended() {
                return (plan, false);
            }
            let now = Instant::now();
            let rested = |step: &&Step| self.tries.get(&step.item.id).is_none_or(|tries| tries.not_before <= now);
            let tasks = execute::round(plan.ready().filter(rested));
            if !tasks.is_empty() {
                self.change(&plan, tasks, events).await;
            } else if let Some(next) = self.next_look(&plan, now) {
                let on = plan.waiting().map(|step| (step.item.id.clone(), left(step))).collect();
                events(Event::Waiting { on });
                self.sleep_until(next).await;
            } else {
                return (plan, true);
            }
            // Whatever was seen before a change, or before time passed, may no longer be so.
            self.facts = Facts::default();
        }
    }

    fn ended(&self) -> bool {
        *self.stop.borrow() || Instant::now() >= self.deadline
    }

    /// Looks at the nodes; what was seen until then, if the person has had enough.
    async fn look(&mut self) -> Plan {
        let Reconciler { spec, transport, clock, .. } = *self.with;
        tokio::select! {
            biased;
            plan = observe(spec, &self.intent, transport, clock, &mut self.facts) => return plan,
            () = stopped(&mut self.stop) => {}
        }
        crate::planner::plan(spec, &self.facts, &self.intent)
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

    /// Runs a round, once this run holds the lease on every node that answers.
    async fn change(&mut self, plan: &Plan, tasks: Vec<Task>, events: &mut Events<'_>) {
        let answering: BTreeSet<NodeName> =
            self.facts.iter().filter(|(_, _, answer)| answer.outcome.is_ok()).map(|(node, ..)| node.clone()).collect();
        if !answering.iter().all(|node| self.leases.holds(node)) {
            // What was seen before the lease was had may have been another's work in progress: look again after.
            if let Err(error) = self.leases.take(self.with.transport, &answering).await {
                let on = plan.ready().map(|step| (step.item.id.clone(), error.to_string())).collect();
                events(Event::Waiting { on });
                let pause = self.jitter.spread(LEASE_POLL);
                self.sleep_until(Instant::now() + pause).await;
            }
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

/// What is left of what is waited for, where it can be counted.
fn left(step: &Step) -> String {
    match &step.item.work {
        Work::Wait(Wait { progress: Some(Progress { left, unit }), .. }) => format!("{left} {unit} left"),
        Work::Wait(_) | Work::Run(_) | Work::Held(_) => String::new(),
    }
}
