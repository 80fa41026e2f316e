//! `apply`: makes it so.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::cluster::each;
use super::run::{ApplyRun, Cluster, only_one};
use super::{CliError, Exit, Global, Interrupt, Output};
use crate::model::{Allow, Plan, Report, Risk, Verdict, Work};
use crate::view::compare::{Saved, compare};
use crate::view::json::Document;
use crate::view::{RunView, Ui, count, history, human, report};

/// What ended this long before a run belongs to what it found.
const LATELY: Duration = Duration::from_secs(120);

/// Make it so, step by safe step, looking again after each
///
/// Shows the plan and asks before anything is run. What is riskier than safe is held unless `--allow` names it:
/// disruptive is an interruption that the file does not itself ask for, destructive ends data.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bricklayer apply
  bricklayer apply --yes --allow disruptive clusters/db.yaml
  bricklayer apply --plan tonight.plan clusters/db.yaml

Exit codes: 0 as written, 2 not settled when time was up or interrupted, 3 only held items are left, 1 error")]
pub struct ApplyArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Run steps of these risks as well
    #[arg(long, value_name = "RISKS", value_delimiter = ',')]
    pub allow: Vec<Allowed>,
    /// Run only if the plan is still this one, written by `plan --out`
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Start no step after this long
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub timeout: Duration,
    /// Print the report in this form
    #[arg(short, long, value_name = "FORM", default_value = "human")]
    pub output: Output,
    /// The cluster's file, or a folder of them
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    pub path: PathBuf,
}

/// A risk that has to be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Allowed {
    /// An interruption that the file does not itself ask for
    Disruptive,
    /// Data or a file system ends
    Destructive,
}

/// The risks that the flags allow.
#[must_use]
pub fn allow(named: &[Allowed]) -> Allow {
    let risk = |allowed: &Allowed| match allowed {
        Allowed::Disruptive => Risk::Disruptive,
        Allowed::Destructive => Risk::Destructive,
    };
    Allow(named.iter().map(risk).collect())
}

/// A time as people write it: `30s`, `10m`, `1h 30m`.
///
/// # Errors
/// Where it is none, or negative.
pub fn time(written: &str) -> Result<Duration, String> {
    let time: jiff::SignedDuration =
        written.parse().map_err(|_| "write a time as `30s`, `10m` or `1h30m`".to_owned())?;
    time.try_into().map_err(|_| "a time is not negative".to_owned())
}

/// Shows the plan for one cluster, asks, runs it and reports.
///
/// # Errors
/// Where nothing was run: the plan is not the saved one, or there is nobody to ask.
pub async fn run(
    args: &ApplyArgs,
    ui: &mut Ui,
    cluster: &mut dyn Cluster,
    interrupt: &Interrupt,
) -> Result<Exit, CliError> {
    if interrupt.came() {
        return Ok(Exit::Differs);
    }
    let started = Instant::now();
    if let Some(file) = &args.plan {
        is_still(file, &cluster.plan(&Allow::all()).await)?;
    }
    let allow = allow(&args.allow);
    let plan = cluster.plan(&allow).await;
    let label = cluster.label();
    let shown = human::plan(&plan, label, ui.data_look());
    if !plan.can_go_on() {
        return settled(args.output, ui, plan, label, &shown, started.elapsed());
    }
    match args.output {
        Output::Human => ui.data(&format!("{shown}\n"))?,
        Output::Json => ui.talk(&format!("{shown}\n")),
    }
    if !args.yes && !agreed(ui, &plan, label)? {
        ui.talk("nothing was run\n");
        return Ok(Exit::Differs);
    }
    let report = watched(args.timeout, ui, cluster, &allow, interrupt).await?;
    tell(args.output, ui, &report, label)?;
    let waited = plan.steps.iter().any(|step| matches!(step.item.work, Work::Wait(_)));
    if waited && args.output == Output::Human && report.verdict == Verdict::AsWritten {
        timeline(ui, cluster, report.took).await?;
    }
    Ok(exit(report.verdict))
}

/// A node's way back ends with how it went.
async fn timeline(ui: &mut Ui, cluster: &mut dyn Cluster, took: Duration) -> Result<(), CliError> {
    let told = history::latest(&cluster.history().await, took + LATELY, ui.data_look());
    if !told.is_empty() {
        ui.data(&format!("\n{told}"))?;
    }
    Ok(())
}

/// Runs with progress. An interrupt waits for the running step meanwhile.
///
/// # Errors
/// Where the journal cannot be written.
pub(super) async fn watched(
    timeout: Duration,
    ui: &mut Ui,
    cluster: &mut dyn Cluster,
    allow: &Allow,
    interrupt: &Interrupt,
) -> Result<Report, CliError> {
    let _working = interrupt.work();
    let mut progress = RunView::on(ui);
    let mut events = |event| progress.tell(ui, &event);
    let patience = Duration::MAX;
    let run = ApplyRun { allow, timeout, patience, events: &mut events, stop: interrupt.wanted() };
    let report = cluster.apply(run).await;
    progress.end();
    report
}

/// Nothing can be run: the plan is the report.
fn settled(
    output: Output,
    ui: &mut Ui,
    plan: Plan,
    label: Option<&'static str>,
    shown: &str,
    took: Duration,
) -> Result<Exit, CliError> {
    let verdict = if plan.is_empty() { Verdict::AsWritten } else { Verdict::Held };
    match output {
        Output::Human => ui.data(shown)?,
        Output::Json => {
            let report = Report { verdict, done: vec![], failed: vec![], left: plan, took };
            ui.data(&Document::new(&report, label).text())?;
        }
    }
    Ok(exit(verdict))
}

fn tell(output: Output, ui: &mut Ui, report: &Report, label: Option<&'static str>) -> Result<(), CliError> {
    let text = match output {
        Output::Human => report::report(report, label, ui.data_look()),
        Output::Json => Document::new(report, label).text(),
    };
    Ok(ui.data(&text)?)
}

fn agreed(ui: &mut Ui, plan: &Plan, label: Option<&str>) -> Result<bool, CliError> {
    let steps = plan.steps.iter().filter(|step| !step.is_stuck() && matches!(step.item.work, Work::Run(_))).count();
    let name = human::heading(plan.cluster.as_str(), label);
    let question = match steps {
        0 => format!("Wait for what is to come to {name}?"),
        1 => format!("Apply this step to {name}?"),
        n => format!("Apply these {} to {name}?", count(n, "step")),
    };
    ask(ui, &question, "add --yes once the plan has been read")
}

/// Asks a person, who may not be there.
///
/// # Errors
/// Where there is nobody to ask, with `hint` for how to do without.
pub(super) fn ask(ui: &mut Ui, question: &str, hint: &str) -> Result<bool, CliError> {
    answered(ui.ask(question), hint)
}

/// What a person has answered.
///
/// # Errors
/// Where the answer cannot be read, or there is nobody to ask, with `hint` for how to do without.
pub(super) fn answered(answer: io::Result<Option<bool>>, hint: &str) -> Result<bool, CliError> {
    answer
        .map_err(|error| CliError::new(format!("cannot read the answer: {error}")))?
        .ok_or_else(|| CliError::new("there is no terminal to ask on, so nothing was run").hint(hint))
}

/// Refuses unless `now` is the plan that was saved in `file`.
fn is_still(file: &Path, now: &Plan) -> Result<(), CliError> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| CliError::new(format!("cannot read {name}: {error}")))?;
    let saved = Saved::read(&text).map_err(|error| CliError::new(format!("cannot use {name}: {error}")))?;
    let now = Saved::read(&Document::new(now, None).text()).map_err(CliError::new)?;
    let changes = compare(&saved, &now);
    if changes.is_empty() {
        return Ok(());
    }
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    Err(CliError::new(format!("the plan is not {name} any more, so nothing was run:\n{}", changes.join("\n")))
        .hint("look at the plan of now with `bricklayer plan`, and save it again"))
}

/// What a run's end is to the shell.
pub(super) fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::AsWritten => Exit::Fine,
        Verdict::Failed => Exit::Error,
        Verdict::Unsettled => Exit::Differs,
        Verdict::Held => Exit::Held,
    }
}

/// Applies every file that the path stands for, one after the other.
///
/// # Errors
/// Where it stands for none, or `--plan` for more than one.
pub async fn every(args: &ApplyArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    if args.plan.is_some() {
        only_one(&args.path, "--plan")?;
    }
    let interrupt =
        Interrupt::listen().map_err(|error| CliError::new(format!("signals cannot be listened to: {error}")))?;
    each(ui, &args.path, global, async |ui, cluster| run(args, ui, cluster, &interrupt).await).await
}

#[cfg(test)]
mod tests {
    use super::super::run::testing::Fake;
    use super::*;
    use crate::model::State;
    use crate::view::human::tests::every_sort;
    use crate::view::testing;

    fn args() -> ApplyArgs {
        ApplyArgs {
            yes: false,
            allow: vec![],
            plan: None,
            timeout: Duration::from_secs(600),
            output: Output::Human,
            path: PathBuf::new(),
        }
    }

    fn fake(plan: Plan) -> Fake {
        Fake { plan, verdict: Verdict::AsWritten, applied: 0 }
    }

    async fn applied(
        args: &ApplyArgs,
        typed: Option<&'static str>,
        plan: Plan,
    ) -> (Result<Exit, CliError>, usize, String) {
        let (mut ui, out, _) = testing::ui(typed);
        let mut cluster = fake(plan);
        let exit = run(args, &mut ui, &mut cluster, &Interrupt::unheard()).await;
        (exit, cluster.applied, out.text())
    }

    #[tokio::test]
    async fn nothing_runs_without_a_yes_of_some_sort() {
        let (exit, runs, _) = applied(&args(), None, every_sort()).await;
        assert!(exit.is_err() && runs == 0);
        let (exit, runs, _) = applied(&args(), Some("n\n"), every_sort()).await;
        assert_eq!((exit, runs), (Ok(Exit::Differs), 0));
        let (exit, runs, _) = applied(&args(), Some("y\n"), every_sort()).await;
        assert_eq!((exit, runs), (Ok(Exit::Fine), 1));
        let (exit, runs, _) = applied(&ApplyArgs { yes: true, ..args() }, None, every_sort()).await;
        assert_eq!((exit, runs), (Ok(Exit::Fine), 1));
    }

    #[tokio::test]
    async fn where_nothing_can_go_on_nobody_is_asked_and_nothing_runs() {
        let mut plan = every_sort();
        plan.steps.retain(|step| matches!(step.state, State::Held | State::Blocked(_)));
        let (exit, runs, told) = applied(&args(), None, plan.clone()).await;
        assert_eq!((exit, runs), (Ok(Exit::Held), 0));
        assert!(told.contains("node03 cannot be reached"), "{told}");
        plan.steps.clear();
        let (exit, runs, told) = applied(&ApplyArgs { output: Output::Json, ..args() }, None, plan).await;
        assert_eq!((exit, runs), (Ok(Exit::Fine), 0));
        assert!(told.contains(r#""verdict": "asWritten""#), "{told}");
    }

    #[tokio::test]
    async fn a_saved_plan_runs_only_if_it_is_still_the_plan() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.plan");
        std::fs::write(&file, Document::new(every_sort(), None).text()).unwrap();
        let args = ApplyArgs { yes: true, plan: Some(file), ..args() };
        let (exit, runs, _) = applied(&args, None, every_sort()).await;
        assert_eq!((exit, runs), (Ok(Exit::Fine), 1));
        let mut other = every_sort();
        other.steps.remove(0);
        let (exit, runs, _) = applied(&args, None, other).await;
        assert!(exit.is_err() && runs == 0);
    }

    #[test]
    fn times_are_written_as_people_write_them() {
        assert_eq!(time("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(time("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(time("-1s").is_err() && time("soon").is_err() && time("").is_err());
    }

    #[test]
    fn only_what_is_named_is_allowed() {
        assert!(!allow(&[]).permits(Risk::Disruptive) && allow(&[]).permits(Risk::Safe));
        assert!(!allow(&[Allowed::Destructive]).permits(Risk::Disruptive));
    }
}
