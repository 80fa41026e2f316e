//! One cluster of the watch: its worker, what was told of it, its pace; and one tick of it.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use super::news::News;
use super::pace::{Outcome, Pace};
use super::told::Told;
use super::worker::{Open, Shift, Worker};
use super::{Settings, stopped};
use crate::kinds::Spec;
use crate::model::Event;

/// After this long a tick starts no step any more, and the next one begins with a look at the file.
const LIMIT: Duration = Duration::from_secs(600);
/// How long a tick may sit in waits: long enough for a daemon to start, short enough not to hold up others.
const PATIENCE: Duration = Duration::from_secs(3);

/// A cluster that is kept.
pub struct Cluster {
    file: PathBuf,
    worker: Option<Box<dyn Worker>>,
    /// What is written, until the worker goes by it.
    new: Option<Spec>,
    told: Told,
    pace: Pace,
}

impl Cluster {
    /// The cluster of `file`, of which nothing is known yet.
    #[must_use]
    pub fn of(file: PathBuf, pace: Pace) -> Self {
        Self { file, worker: None, new: None, told: Told::default(), pace }
    }

    /// From now on `spec` is what is written.
    pub fn renew(&mut self, spec: Spec) {
        self.new = Some(spec);
        self.pace.fresh();
    }

    /// How long until the next tick after one that ended so and took so long.
    pub fn pause(&mut self, outcome: Outcome, took: Duration) -> Duration {
        self.pace.after(outcome, took)
    }

    /// Looks once, and makes it so as far as that goes; ends after the running step once `stop` becomes true.
    pub async fn tick(&mut self, settings: &Settings, open: &dyn Open, stop: watch::Receiver<bool>) -> Outcome {
        if let Err(why) = self.adopt(open).await {
            return self.trouble(why);
        }
        let Some(worker) = &mut self.worker else { return Outcome::Nothing };
        if settings.dry_run {
            return look(worker.as_mut(), &mut self.told, settings, stop).await;
        }
        match work(worker.as_mut(), &mut self.told, settings, stop).await {
            Ok(outcome) => outcome,
            Err(why) => self.trouble(why),
        }
    }

    /// Makes the worker go by what is written now.
    async fn adopt(&mut self, open: &dyn Open) -> Result<(), String> {
        let Some(spec) = self.new.take() else { return Ok(()) };
        let done = match &mut self.worker {
            Some(worker) => worker.renew(spec.clone()).await,
            None => open.open(&self.file, spec.clone()).map(|worker| self.worker = Some(worker)),
        };
        let file = self.file.display();
        match (done, &self.worker) {
            (Ok(()), Some(worker)) => {
                let cluster = worker.heading();
                tracing::info!(target: "bricklayer::watch", cluster, %file, what = "in-force", "kept as {file} says");
                Ok(())
            }
            (done, _) => {
                self.new = Some(spec);
                done
            }
        }
    }

    fn trouble(&mut self, why: String) -> Outcome {
        let heading = self.worker.as_ref().map_or_else(|| self.file.display().to_string(), |worker| worker.heading());
        if let Some(news) = self.told.trouble(why) {
            news.log(&heading);
        }
        Outcome::Failed
    }

    /// Ends the connections.
    pub async fn close(mut self) {
        if let Some(worker) = &mut self.worker {
            worker.close().await;
        }
    }
}

/// A tick that only looks.
async fn look(
    worker: &mut dyn Worker,
    told: &mut Told,
    settings: &Settings,
    mut stop: watch::Receiver<bool>,
) -> Outcome {
    let cluster = worker.heading();
    let plan = tokio::select! {
        plan = worker.look(&settings.allow) => plan,
        () = stopped(&mut stop) => return Outcome::Interrupted,
    };
    log(&told.plan(&plan), &cluster);
    Outcome::of_look(&plan)
}

/// A tick that mends.
async fn work(
    worker: &mut dyn Worker,
    told: &mut Told,
    settings: &Settings,
    stop: watch::Receiver<bool>,
) -> Result<Outcome, String> {
    let cluster = worker.heading();
    let wanted = stop.clone();
    let mut events = |event: Event| {
        // A look that was broken off has seen only a part, and says nothing.
        if !(matches!(event, Event::Planned(_)) && *wanted.borrow()) {
            log(&told.event(&event), &cluster);
        }
    };
    let shift =
        Shift { allow: &settings.allow, limit: LIMIT, patience: PATIENCE, events: &mut events, stop: stop.clone() };
    let report = worker.work(shift).await?;
    Ok(if *stop.borrow() { Outcome::Interrupted } else { Outcome::of(&report) })
}

fn log(news: &[News], cluster: &str) {
    for news in news {
        news.log(cluster);
    }
}
