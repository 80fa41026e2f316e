//! What the verbs that want something once have in common: one cluster, one wish, its way with progress, and the
//! sentence at its end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::cluster::open;
use super::run::{Cluster, only_one};
use super::{CliError, Exit, Global, Interrupt, apply};
use crate::model::{Allow, NodeName, Report, Risk, Verdict, Wish, did_you_mean};
use crate::view::{Ui, report};

/// The arguments that all of them take.
#[derive(Debug, Args)]
pub struct WishArgs {
    /// Start no step after this long
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = apply::time)]
    pub timeout: Duration,
    /// The cluster's file
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    pub path: PathBuf,
}

/// Opens the one cluster that `path` stands for, does `verb` to it and ends its connections.
///
/// # Errors
/// Where it stands for none or for several, or its file cannot be used.
pub async fn on(
    ui: &mut Ui,
    path: &Path,
    global: &Global,
    verb: impl AsyncFnOnce(&mut Ui, &mut dyn Cluster, &Interrupt) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    only_one(path, "this verb")?;
    let interrupt =
        Interrupt::listen().map_err(|error| CliError::new(format!("signals cannot be listened to: {error}")))?;
    let mut cluster = open(ui, path, global)?;
    let exit = verb(ui, &mut cluster, &interrupt).await;
    cluster.close().await;
    exit
}

/// Runs a wish to its end. Whoever types a verb asks for the interruption that it is.
///
/// # Errors
/// Where the journal cannot be written.
pub async fn grant(
    wish: Wish,
    timeout: Duration,
    ui: &mut Ui,
    cluster: &mut dyn Cluster,
    interrupt: &Interrupt,
) -> Result<Report, CliError> {
    let risks = match wish {
        // Each of these was typed by name, with what it means.
        Wish::ConfirmOff(_) | Wish::Recover(..) | Wish::Replace(_) => [Risk::Disruptive, Risk::Destructive].into(),
        _ => [Risk::Disruptive].into(),
    };
    cluster.wish(wish);
    apply::watched(timeout, ui, cluster, &Allow(risks), interrupt).await
}

/// Whether a person has said by name that `node` is off: on the command line, or now.
///
/// # Errors
/// Where there is nobody to ask.
pub fn is_off(ui: &mut Ui, node: &NodeName, said: &[String]) -> Result<bool, CliError> {
    let question = format!(
        "{node} counts as off from now on. If it still has power and writes, the data is torn in two. Have you seen \
         that it is off?"
    );
    is_said(ui, node, said, &question, &format!("add `--off {node}` once its power is seen to be off"))
}

/// Whether a person has said by name that what only the copy on `node` has is lost.
///
/// # Errors
/// Where there is nobody to ask.
pub fn gives_up(ui: &mut Ui, node: &NodeName, said: &[String]) -> Result<bool, CliError> {
    let question = format!("What only the copy on {node} has is lost for good. Is that the one to give up?");
    is_said(ui, node, said, &question, &format!("add `--give-up {node}` to lose what only its copy has"))
}

/// Whether a person has said by name that what `node` had on its disks is lost.
///
/// # Errors
/// Where there is nobody to ask.
pub fn is_lost(ui: &mut Ui, node: &NodeName, said: &[String]) -> Result<bool, CliError> {
    let question = format!(
        "{node} counts as a new machine: what the old one had is given up, and its bricks are filled from the other \
         copies. Are the old disks lost?"
    );
    is_said(ui, node, said, &question, &format!("add `--lost {node}` if what it had is lost"))
}

fn is_said(ui: &mut Ui, node: &NodeName, said: &[String], question: &str, hint: &str) -> Result<bool, CliError> {
    if said.iter().any(|name| name == node.as_str()) {
        return Ok(true);
    }
    apply::answered(ui.ask_for(question, node.as_str()), hint)
}

/// Tells how it ended: in one sentence if it went well, with what is left otherwise.
///
/// # Errors
/// Where standard output cannot be written.
pub fn tell(ui: &mut Ui, cluster: &dyn Cluster, report: &Report, well: &str) -> Result<Exit, CliError> {
    let text = match report.verdict {
        Verdict::AsWritten => format!("{well}\n"),
        _ => report::report(report, cluster.label(), ui.data_look()),
    };
    ui.data(&text)?;
    Ok(apply::exit(report.verdict))
}

/// The one of `names` that `written` is.
///
/// # Errors
/// Where it is none of them.
pub fn named<'a, N: std::borrow::Borrow<str>>(
    what: &str,
    written: &str,
    mut names: impl Iterator<Item = &'a N> + Clone,
) -> Result<&'a N, CliError> {
    let all: Vec<&str> = names.clone().map(std::borrow::Borrow::borrow).collect();
    let known = match all.len() {
        0 => format!("the file has no {what}"),
        _ => format!("the file has {}", all.join(", ")),
    };
    names.find(|name| (*name).borrow() == written).ok_or_else(|| {
        let hint = did_you_mean(written, all.iter().copied(), known);
        CliError::new(format!("there is no {what} `{written}`")).hint(hint)
    })
}
