//! `watch`: keeps it so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures::future::LocalBoxFuture;

use super::apply::{Allowed, allow, time};
use super::cluster::{Opened, random};
use super::run::{ApplyRun, Cluster};
use super::{CliError, Exit, Global, Interrupt};
use crate::kinds::Spec;
use crate::model::{Allow, Plan, Report};
use crate::view::human;
use crate::watch::{self, Open, Outside, Settings, Shift, Worker};

/// Keep it so: look again and again, and mend what differs
///
/// Looks every interval, and at once when a file changes or SIGHUP comes. Only safe steps are run unless `--allow`
/// names more; what is held is told and left. A file that cannot be used leaves its last good version in force.
/// Each change is told once, on the log; SIGTERM and Ctrl-C end it after the running step.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bricklayer watch
  bricklayer watch --interval 10s --allow disruptive clusters/
  bricklayer watch --dry-run --log-format json clusters/

Exit codes: 0 ended when asked to, 1 error")]
pub struct WatchArgs {
    /// Look this often when nothing else happens; a second or more
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = interval)]
    pub interval: Duration,
    /// Only look and tell what differs
    #[arg(long)]
    pub dry_run: bool,
    /// Run steps of these risks as well
    #[arg(long, value_name = "RISKS", value_delimiter = ',')]
    pub allow: Vec<Allowed>,
    /// The cluster's file, or a folder of them
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    pub path: PathBuf,
}

/// A time between two looks.
fn interval(written: &str) -> Result<Duration, String> {
    match time(written)? {
        time if time < Duration::from_secs(1) => Err("a look every second is the most".to_owned()),
        time => Ok(time),
    }
}

/// Watches until SIGTERM or Ctrl-C.
///
/// # Errors
/// Where there is nothing at the path, or signals cannot be listened to.
pub async fn run(args: &WatchArgs, global: &Global) -> Result<Exit, CliError> {
    let signals = |error| CliError::new(format!("signals cannot be listened to: {error}"));
    let interrupt = Interrupt::listen().map_err(signals)?;
    let _working = interrupt.work();
    let mut triggers = Outside::of(&args.path).map_err(signals)?;
    let WatchArgs { interval, dry_run, allow: allowed, path } = args;
    let settings = Settings { interval: *interval, allow: allow(allowed), dry_run: *dry_run, seed: random() };
    let opener = Opener { states: global.state_dir.clone() };
    watch::run(path, &settings, &opener, &mut triggers, interrupt.wanted()).await?;
    Ok(Exit::Fine)
}

/// Opens clusters on the nodes that their files name.
struct Opener {
    states: Option<PathBuf>,
}

impl Open for Opener {
    fn open(&self, file: &Path, spec: Spec) -> Result<Box<dyn Worker>, String> {
        let opened = Opened::of(spec, file, self.states.as_deref()).map_err(|error| error.to_string())?;
        Ok(Box::new(Kept { opened, file: file.to_owned(), states: self.states.clone() }))
    }
}

/// A cluster on its nodes, and what is needed to open it again.
struct Kept {
    opened: Opened,
    file: PathBuf,
    states: Option<PathBuf>,
}

impl Worker for Kept {
    fn heading(&self) -> String {
        human::heading(self.opened.name().as_str(), self.opened.label())
    }

    fn renew(&mut self, spec: Spec) -> LocalBoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let new = Opened::of(spec, &self.file, self.states.as_deref()).map_err(|error| error.to_string())?;
            let former = std::mem::replace(&mut self.opened, new);
            if let Some(mut former) = self.opened.over_the_way_of(former) {
                former.close().await;
            }
            Ok(())
        })
    }

    fn look<'a>(&'a mut self, allow: &'a Allow) -> LocalBoxFuture<'a, Plan> {
        self.opened.plan(allow)
    }

    fn work<'a>(&'a mut self, shift: Shift<'a>) -> LocalBoxFuture<'a, Result<Report, String>> {
        let Shift { allow, limit, patience, events, stop } = shift;
        Box::pin(async move {
            let run = ApplyRun { allow, timeout: limit, patience, events, stop };
            self.opened.apply(run).await.map_err(|error| error.to_string())
        })
    }

    fn close(&mut self) -> LocalBoxFuture<'_, ()> {
        self.opened.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_never_rests_is_refused() {
        assert_eq!(interval("30s"), Ok(Duration::from_secs(30)));
        assert!(interval("0s").is_err() && interval("500ms").is_err() && interval("often").is_err());
    }
}
