//! `watch`: keeps clusters as their files say.
//!
//! ```text
//! files, SIGHUP ─triggers→ ┐
//! a timer a cluster ──────→ scheduler ─one wake a cluster→ tick ─outcome→ pace ─when→ scheduler
//! ```
//!
//! # Flow
//! A wake says only that a look is due. A tick reads the file, looks at the nodes, runs what is ready, and says how
//! it ended; from that comes the next wake. All of it is one task: a cluster is either in its place or away in its
//! tick, so it cannot be worked on twice at once.
//!
//! # Guarantees
//! - A file that cannot be used changes nothing; a file that is gone changes nothing on the nodes.
//! - A changed file ends the tick that goes by the old one after its running step.
//! - What is told is told once, until it is different.

mod cluster;
mod fleet;
mod manager;
mod news;
mod pace;
mod scheduler;
mod told;
mod triggers;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::{LocalBoxFuture, join_all};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub use triggers::{Outside, Trigger, Triggers};
pub use worker::{Open, Shift, Worker};

use crate::model::Allow;
use crate::spec::LoadError;
use crate::view::count;
use cluster::Cluster;
use fleet::Fleet;
use manager::Manager;
use pace::{Outcome, Pace};
use scheduler::Scheduler;

/// How many clusters are worked on side by side.
const SIDE_BY_SIDE: usize = 8;

/// How a watch is to go.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often a cluster is looked at when nothing else happens.
    pub interval: Duration,
    /// The risks that may be taken.
    pub allow: Allow,
    /// Whether it only looks and tells.
    pub dry_run: bool,
    /// For the jitter of pauses.
    pub seed: u64,
}

/// A file of the fleet and the cluster that goes by it.
struct Place {
    /// In a tick it is away.
    cluster: Option<Box<Cluster>>,
    /// Ends the running tick.
    stop: watch::Sender<bool>,
    outcome: Option<Outcome>,
    gone: bool,
}

/// A future of the loop has ended.
enum Ended {
    /// A tick, and this is its cluster again; how it ended, and how long it took.
    Tick(PathBuf, Box<Cluster>, Outcome, Duration),
    /// Connections have been closed.
    Closed,
}

struct Watch<'a> {
    settings: &'a Settings,
    open: &'a dyn Open,
    fleet: Fleet,
    places: BTreeMap<PathBuf, Place>,
    scheduler: Scheduler<PathBuf>,
    running: FuturesUnordered<LocalBoxFuture<'a, Ended>>,
    manager: Manager,
}

/// Keeps what `path` stands for as it is written, until `stop` becomes true; then ends the running steps.
///
/// # Errors
/// Where there is nothing at `path`.
pub async fn run(
    path: &Path,
    settings: &Settings,
    open: &dyn Open,
    triggers: &mut impl Triggers,
    mut stop: watch::Receiver<bool>,
) -> Result<(), LoadError> {
    let mut watch = Watch {
        settings,
        open,
        fleet: Fleet::of(path)?,
        places: BTreeMap::new(),
        scheduler: Scheduler::new(SIDE_BY_SIDE),
        running: FuturesUnordered::new(),
        manager: Manager::of_process(),
    };
    watch.look_at_files();
    let (clusters, dry_run) = (watch.places.len(), settings.dry_run);
    let (path, every, what) = (path.display(), settings.interval.as_secs_f64(), "starts");
    tracing::info!(target: "bricklayer::watch", %path, every, dry_run, what, "watching {}", count(clusters, "file"));
    Manager::ready();
    watch.turn(triggers, &mut stop).await;
    watch.end().await;
    tracing::info!(target: "bricklayer::watch", what = "ends", "the watch has ended; the nodes stay as they are");
    Ok(())
}

impl Watch<'_> {
    /// Starts what is due and hears what happens, until somebody wants it to end.
    async fn turn(&mut self, triggers: &mut impl Triggers, stop: &mut watch::Receiver<bool>) {
        // Where files cannot be watched, or a folder was replaced, this finds what is new in it.
        let mut reread = tokio::time::interval(self.settings.interval);
        loop {
            while let Some(file) = self.scheduler.start(Instant::now()) {
                self.begin(file);
            }
            self.manager.status(self.status());
            tokio::select! {
                () = stopped(stop) => return,
                Some(ended) = self.running.next() => self.ended(ended),
                trigger = triggers.next() => self.hear(trigger),
                () = due(self.scheduler.next()) => {}
                _ = reread.tick() => self.look_at_files(),
                () = self.manager.keep_telling() => {}
            }
        }
    }

    fn hear(&mut self, trigger: Trigger) {
        self.look_at_files();
        if trigger == Trigger::Reload {
            Manager::reloading();
            for file in self.places.keys() {
                self.scheduler.wake(file, Instant::now());
            }
            Manager::ready();
        }
    }

    /// Wakes the clusters of files that are new or changed, and lets go of those whose file is gone.
    fn look_at_files(&mut self) {
        let fleet::Changes { changed, gone } = self.fleet.look();
        for (file, place) in &mut self.places {
            place.gone = gone.contains(file);
        }
        for file in gone {
            self.let_go(&file);
        }
        for file in changed {
            let place = self.places.entry(file.clone()).or_insert_with(|| {
                let seed = self.settings.seed ^ seed(&file);
                let cluster = Cluster::of(file.clone(), Pace::new(self.settings.interval, seed));
                Place { cluster: Some(Box::new(cluster)), stop: watch::Sender::new(false), outcome: None, gone: false }
            });
            place.stop.send_replace(true);
            self.scheduler.wake(&file, Instant::now());
        }
    }

    /// The file is gone: its cluster is not kept any more, once a running step has ended.
    fn let_go(&mut self, file: &Path) {
        let file = file.to_owned();
        self.scheduler.forget(&file);
        if self.scheduler.works(&file) {
            self.places[&file].stop.send_replace(true);
            return;
        }
        let cluster = self.places.remove(&file).and_then(|place| place.cluster);
        let (name, shown) = (self.fleet.forget(&file), file.display());
        if let Some(name) = name {
            tracing::warn!(
                target: "bricklayer::watch", cluster = %name, file = %shown, what = "file-gone",
                "{shown} is gone: {name} is no longer kept, and nothing of it is removed on the nodes"
            );
        }
        if let Some(cluster) = cluster {
            self.running.push(Box::pin(async {
                cluster.close().await;
                Ended::Closed
            }));
        }
    }

    /// Begins a tick: what the file says now is what counts.
    fn begin(&mut self, file: PathBuf) {
        let spec = self.fleet.read(&file);
        let cluster = self.places.get_mut(&file).and_then(|place| {
            place.stop.send_replace(false);
            Some((place.cluster.take()?, place.stop.subscribe()))
        });
        let Some((mut cluster, stop)) = cluster else { return self.scheduler.ended(&file) };
        if let Some(spec) = spec {
            cluster.renew(spec);
        }
        let (settings, open) = (self.settings, self.open);
        self.running.push(Box::pin(async move {
            let began = Instant::now();
            let outcome = cluster.tick(settings, open, stop).await;
            Ended::Tick(file, cluster, outcome, began.elapsed())
        }));
    }

    /// Takes a cluster back from its tick, and says when the next one comes.
    fn ended(&mut self, ended: Ended) {
        let Ended::Tick(file, mut cluster, outcome, took) = ended else { return };
        self.scheduler.ended(&file);
        let Some(place) = self.places.get_mut(&file) else { return };
        self.scheduler.wake(&file, Instant::now() + cluster.pause(outcome, took));
        place.cluster = Some(cluster);
        if outcome != Outcome::Interrupted {
            place.outcome = Some(outcome);
        }
        if place.gone {
            self.let_go(&file);
        }
    }

    /// Ends the running ticks after their steps, and then the connections.
    async fn end(mut self) {
        Manager::stopping();
        for place in self.places.values() {
            place.stop.send_replace(true);
        }
        loop {
            tokio::select! {
                ended = self.running.next() => match ended {
                    Some(ended) => self.ended(ended),
                    None => break,
                },
                () = self.manager.keep_telling() => {}
            }
        }
        join_all(self.places.into_values().filter_map(|place| place.cluster).map(|cluster| cluster.close())).await;
    }

    /// How things stand, in one line.
    fn status(&self) -> String {
        let of = |wanted: fn(Outcome) -> bool| {
            self.places.values().filter(|place| place.outcome.is_some_and(wanted)).count()
        };
        let parts = [
            (of(|outcome| outcome == Outcome::AsWritten), "as written"),
            (of(|outcome| matches!(outcome, Outcome::Coming(..))), "on the way"),
            (of(|outcome| outcome == Outcome::Left), "differing"),
            (of(|outcome| outcome == Outcome::Failed), "failing"),
            (of(|outcome| outcome == Outcome::Nothing), "without a usable file"),
        ];
        let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        std::iter::once(count(self.places.len(), "cluster")).chain(parts).collect::<Vec<_>>().join(", ")
    }
}

/// Ends when it is time; never, if nothing will be.
async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Ends when somebody wants an end; never, if nobody is left who could say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A number of a file's own.
fn seed(file: &Path) -> u64 {
    let bytes = file.as_os_str().as_encoded_bytes();
    // FNV-1a: clusters only have to differ.
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
