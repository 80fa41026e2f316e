//! `plan`: what would be done.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::cluster::each;
use super::run::{Cluster, only_one};
use super::{CliError, Exit, Global};
use crate::model::{Allow, Plan};
use crate::view::json::Document;
use crate::view::{Ui, dot, human};

/// Show what would be done, why, with which commands, at what risk, with what impact
///
/// Only looks: nothing on the nodes is changed. Steps that rest on something that cannot be seen yet are marked
/// "then, if still so"; they are worked out anew before they run.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bricklayer plan
  bricklayer plan --out tonight.plan clusters/db.yaml
  bricklayer plan -o dot | dot -Tsvg > plan.svg

Exit codes: 0 as written, 2 it differs, 3 only held items are left, 1 error")]
pub struct PlanArgs {
    /// Print in this form
    #[arg(short, long, value_name = "FORM", default_value = "human")]
    pub output: PlanOutput,
    /// Write the plan to a file as well, for `apply --plan`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The cluster's file, or a folder of them
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    pub path: PathBuf,
}

/// The form of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people
    Human,
    /// One JSON document for each file
    Json,
    /// A graph for Graphviz
    Dot,
}

/// Plans for one cluster, as if every risk were allowed, so that the whole way is seen.
///
/// # Errors
/// Where the plan cannot be written.
pub async fn run(args: &PlanArgs, ui: &mut Ui, cluster: &mut dyn Cluster) -> Result<Exit, CliError> {
    let plan = cluster.plan(&Allow::all()).await;
    let label = cluster.label();
    if let Some(file) = &args.out {
        std::fs::write(file, Document::new(&plan, label).text())
            .map_err(|error| CliError::new(format!("cannot write {}: {error}", file.display())))?;
    }
    ui.data(&match args.output {
        PlanOutput::Human => human::plan(&plan, label, ui.data_look()),
        PlanOutput::Json => Document::new(&plan, label).text(),
        PlanOutput::Dot => dot::plan(&plan),
    })?;
    Ok(exit(&plan))
}

/// What a plan says as an exit code.
#[must_use]
pub fn exit(plan: &Plan) -> Exit {
    if plan.is_empty() {
        Exit::Fine
    } else if plan.can_go_on() {
        Exit::Differs
    } else {
        Exit::Held
    }
}

/// Plans for every cluster that the path stands for.
///
/// # Errors
/// Where it stands for none, or `--out` for more than one.
pub async fn every(args: &PlanArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    if args.out.is_some() {
        only_one(&args.path, "--out")?;
    }
    each(ui, &args.path, global, async |ui, cluster| run(args, ui, cluster).await).await
}

#[cfg(test)]
mod tests {
    use super::super::run::testing::Fake;
    use super::*;
    use crate::model::{State, Verdict};
    use crate::view::human::tests::every_sort;
    use crate::view::testing;

    #[test]
    fn the_exit_code_tells_nothing_to_do_from_something_from_only_held() {
        let mut plan = every_sort();
        assert_eq!(exit(&plan), Exit::Differs);
        plan.steps.retain(|step| matches!(step.state, State::Held | State::Blocked(_)));
        assert_eq!(exit(&plan), Exit::Held);
        plan.steps.clear();
        assert_eq!(exit(&plan), Exit::Fine);
    }

    #[tokio::test]
    async fn the_written_plan_is_the_printed_one() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a.plan");
        let args = PlanArgs { output: PlanOutput::Json, out: Some(out.clone()), path: PathBuf::new() };
        let (mut ui, printed, _) = testing::ui(None);
        let mut cluster = Fake { plan: every_sort(), verdict: Verdict::AsWritten, applied: 0 };
        assert_eq!(run(&args, &mut ui, &mut cluster).await, Ok(Exit::Differs));
        assert_eq!(std::fs::read_to_string(out).unwrap(), printed.text());
    }
}
