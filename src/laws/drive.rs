//! An operator at work in a simulated world: runs of the real loop, watched command by command.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{normal, oracle};
use crate::execute::journal::Journal;
use crate::kinds::Spec;
use crate::model::{
    Allow, Command, Effect, Event, Failure, Intent, Lease, NodeName, Outcome, Output, Plan, Report, Risk, Stdin, Wish,
};
use crate::observe::Clock;
use crate::reconcile::Reconciler;
use crate::tools::{self, Judgement};
use crate::transport::Transport;
use crate::transport::simulated::Simulated;

/// Runs `test` to its end on a clock that jumps over every wait.
pub fn timeless<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without threads").block_on(test)
}

/// One changing command as it was run.
#[derive(Clone, Debug)]
pub struct Change {
    /// What was run where, in words.
    pub said: String,
    /// How dangerous it was at that moment.
    pub danger: Risk,
    /// From when to when it was under way.
    pub during: (Instant, Instant),
    /// What was wrong with it: refused, without effect, never to be done. `None` if it was right.
    pub wrong: Option<String>,
}

/// What was seen of an operator.
#[derive(Default)]
pub struct Seen {
    /// Every changing command but those about the lease.
    pub changes: Vec<Change>,
    /// How often a lease was asked for.
    pub leases: usize,
    /// What no fault excuses.
    pub crimes: Vec<String>,
    /// The one command that was refused to make trouble.
    refused: Option<(NodeName, Command)>,
}

/// A transport that looks at what is run through it.
pub struct Watched<'a> {
    /// The operator's way into the world.
    pub sim: &'a Simulated,
    spec: &'a Spec,
    meddling: Meddling,
    meanwhile: Option<&'a (dyn Fn() + Sync)>,
    seen: Mutex<Seen>,
}

/// What the transport itself does to what is run through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meddling {
    /// Nothing.
    None,
    /// It runs each changing command twice.
    Stuttering,
    /// It refuses the changing command of that number, those about leases not counted, and the same ever after.
    Refusing(usize),
    /// It refuses this one, on the node on which it is run first, and ever after.
    RefusingThat(Command),
    /// It refuses this one everywhere.
    RefusingAll(Command),
    /// What this question is answered with says nothing usable, on any node.
    Blinding(Command),
}

impl<'a> Watched<'a> {
    /// Watches the operator of `sim`.
    pub fn new(sim: &'a Simulated, spec: &'a Spec) -> Self {
        Self { sim, spec, meddling: Meddling::None, meanwhile: None, seen: Mutex::default() }
    }

    /// The same with a transport that does this to it.
    pub fn meddling(self, meddling: Meddling) -> Self {
        Self { meddling, ..self }
    }

    /// The same in a world in which this happens while a batch is on its way.
    pub fn meanwhile(self, meanwhile: &'a (dyn Fn() + Sync)) -> Self {
        Self { meanwhile: Some(meanwhile), ..self }
    }

    /// What was seen until now.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics with it")
    }

    /// Whether this command is the one that is to be refused.
    fn refuses(&self, node: &NodeName, command: &Command) -> bool {
        let mut seen = self.seen();
        let begins = match &self.meddling {
            Meddling::Refusing(number) => seen.changes.len() == *number,
            Meddling::RefusingThat(refused) => refused == command,
            Meddling::RefusingAll(refused) => return refused == command,
            Meddling::None | Meddling::Stuttering | Meddling::Blinding(_) => false,
        };
        if seen.refused.is_none() && begins {
            seen.refused = Some((node.clone(), command.clone()));
        }
        seen.refused.as_ref().is_some_and(|refused| *refused == (node.clone(), command.clone()))
    }

    /// What comes back of looks.
    async fn looks(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> Vec<Outcome> {
        let whole: Vec<Command> = commands.iter().map(with_secret).collect();
        let mut outcomes = self.sim.run(node, &whole, lease).await;
        if let Meddling::Blinding(question) = &self.meddling {
            let blinded = commands.iter().zip(&mut outcomes).filter(|(command, _)| *command == question);
            for output in blinded.filter_map(|(_, outcome)| outcome.as_mut().ok()) {
                *output = Output { status: 70, stdout: "?".to_owned(), stderr: "it cannot tell".to_owned() };
            }
        }
        outcomes
    }

    /// The command with a secret or another node's file on its standard input, if that is what it asks for.
    fn with_file(&self, command: &Command) -> Result<Command, Failure> {
        let Stdin::FileOf { node, path } = &command.stdin else { return Ok(with_secret(command)) };
        if !self.sim.world().nodes[node].is_on() {
            return Err(Failure::Unreachable("connection timed out".to_owned()));
        }
        let read = self.sim.by_hand(node, "base64", &["-w0", "--", path.as_str()]);
        Ok(command.clone().with_input(read.stdout))
    }

    async fn one(&self, node: &NodeName, command: &Command, lease: Option<&Lease>) -> Outcome {
        let run = async |command: &Command| self.sim.run(node, std::slice::from_ref(command), lease).await.remove(0);
        if command.effect == Effect::Reads {
            return run(command).await;
        }
        if command.program.name() == "lease" {
            self.seen().leases += 1;
            return run(command).await;
        }
        if self.refuses(node, command) {
            let said = "it is refused, whatever it is".to_owned();
            return Ok(Output { status: 1, stdout: String::new(), stderr: said });
        }
        let read = match self.with_file(command) {
            Ok(read) => read,
            Err(why) => return Err(why),
        };
        let command = &read;
        let before = self.sim.world().clone();
        let danger = oracle::danger(&before, node, command);
        let said = oracle::named(node, command);
        if let Some(why) = oracle::never(&before, node, command) {
            self.seen().crimes.push(format!("{said}: {why}"));
        }
        let start = Instant::now();
        let mut outcome = run(command).await;
        if self.meddling == Meddling::Stuttering {
            outcome = run(command).await;
        }
        if let Some(why) = oracle::broken(&self.sim.world()) {
            self.seen().crimes.push(format!("after {said}: {why}"));
        }
        let idle = || {
            let after = self.sim.world();
            normal::normal(&before, self.spec) == normal::normal(&after, self.spec)
                && normal::passing(&before) == normal::passing(&after)
        };
        let refused = match &outcome {
            Err(failure) => Some(failure.to_string()),
            Ok(output) => match tools::judge(command, output) {
                Judgement::Done => None,
                Judgement::Busy(why) | Judgement::Refused(why) => Some(why),
            },
        };
        let useless = || idle().then(|| "it changed nothing".to_owned());
        let wrong = refused.or_else(|| oracle::unwise(&before, command)).or_else(useless);
        self.seen().changes.push(Change { said, danger, during: (start, Instant::now()), wrong });
        outcome
    }
}

impl Transport for Watched<'_> {
    fn run<'a>(
        &'a self,
        node: &'a NodeName,
        commands: &'a [Command],
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            if let Some(meanwhile) = self.meanwhile {
                meanwhile();
            }
            if commands.iter().all(|command| command.effect == Effect::Reads) {
                return self.looks(node, commands, lease).await;
            }
            let mut outcomes = Vec::new();
            for command in commands {
                outcomes.push(self.one(node, command, lease).await);
            }
            outcomes
        })
    }
}

/// The command with what stands for a secret on its standard input, if that is what it asks for.
fn with_secret(command: &Command) -> Command {
    match &command.stdin {
        Stdin::Secret(secret) => command.clone().with_input(format!("what is in {secret}")),
        _ => command.clone(),
    }
}

/// The world's own clock.
pub struct WorldClock<'a>(pub &'a Simulated);

impl Clock for WorldClock<'_> {
    fn now(&self) -> Timestamp {
        let world = self.0.world();
        let right = world
            .nodes
            .values()
            .next()
            .map_or(0, |node| world.clock_of(node).saturating_add_signed(-node.clock_offset_ms));
        Timestamp::from_millisecond(i64::try_from(right).unwrap_or(0)).unwrap_or_default()
    }
}

/// An operator's errand.
pub struct Errand<'a> {
    /// What is written.
    pub spec: &'a Spec,
    /// The risks it may take.
    pub allow: &'a Allow,
    /// Who it is.
    pub owner: &'a str,
    /// How long it may take.
    pub limit: Duration,
    /// What it wants once.
    pub wish: Option<Wish>,
}

/// Runs `apply` once, telling `plans` each plan; nothing if the operator dies of it.
pub async fn apply(watched: &Watched<'_>, errand: &Errand<'_>, mut plans: impl FnMut(&Plan)) -> Option<Report> {
    let (stop, stopped) = watch::channel(false);
    let journal = Journal::default();
    let clock = WorldClock(watched.sim);
    let reconciler = Reconciler {
        spec: errand.spec,
        transport: watched,
        clock: &clock,
        journal: &journal,
        owner: errand.owner.to_owned(),
        is_gone: |_| false,
        seed: 1,
        limit: errand.limit,
        patience: Duration::MAX,
        stop: stopped,
    };
    let intent = Intent { allow: errand.allow.clone(), wish: errand.wish.clone(), ..Intent::default() };
    let mut events = |event: Event| {
        if let Event::Planned(plan) = event {
            plans(&plan);
        }
    };
    let report = tokio::select! {
        biased;
        () = watched.sim.death() => None,
        report = reconciler.run(intent, &mut events) => Some(report),
    };
    drop(stop);
    report.filter(|_| !watched.sim.crashed())
}

/// Has an operator that may do everything apply a file, or grant it a wish, undisturbed; nothing if it dies of it.
pub fn run(sim: &Simulated, spec: &Spec, wish: Option<Wish>) -> Option<Report> {
    let allow = Allow::all();
    let errand = Errand { spec, allow: &allow, owner: "first", limit: Duration::from_secs(600), wish };
    timeless(apply(&Watched::new(sim, spec), &errand, |_| ()))
}

impl Seen {
    /// How many changes were made and leases asked for.
    pub fn so_far(&self) -> (usize, usize) {
        (self.changes.len(), self.leases)
    }

    /// The dangerous things that were done.
    pub fn dangers(&self) -> BTreeSet<(Risk, String)> {
        let dangerous = self.changes.iter().filter(|change| change.danger > Risk::Safe);
        dangerous.map(|change| (change.danger, change.said.clone())).collect()
    }

    /// What was wrong, a line each.
    pub fn wrongs(&self) -> Vec<String> {
        let wrong = |change: &Change| change.wrong.as_ref().map(|why| format!("{}: {why}", change.said));
        self.crimes.iter().cloned().chain(self.changes.iter().filter_map(wrong)).collect()
    }

    /// Everything that was run.
    pub fn story(&self) -> String {
        self.changes.iter().fold(String::new(), |text, change| {
            let wrong = change.wrong.as_ref().map(|why| format!("   # {why}")).unwrap_or_default();
            format!("{text}  {}{wrong}\n", change.said)
        })
    }
}
