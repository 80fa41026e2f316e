//! `runbook`: the raw commands of each recovery.

use std::path::PathBuf;

use clap::Args;

use super::run::{only_one, read};
use super::{CliError, Exit};
use crate::kinds;
use crate::view::{Ui, runbook};

/// Print the raw commands of each recovery, for the day on which bricklayer is what is broken
#[derive(Debug, Args)]
#[command(after_long_help = "\
Made from the file alone: no node is looked at. Print it, and keep it where you find it
without a network.

Examples:
  bricklayer runbook clusters/db.yaml > runbook.md")]
pub struct RunbookArgs {
    /// The cluster's file
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    path: PathBuf,
}

/// Prints the runbook.
///
/// # Errors
/// Where the file cannot be used, or the path stands for several.
pub fn run(args: &RunbookArgs, ui: &mut Ui) -> Result<Exit, CliError> {
    only_one(&args.path, "this verb")?;
    let file = crate::spec::files(&args.path)?.remove(0);
    let spec = read(ui, &file)?;
    let text = runbook::runbook(&kinds::runbook(&spec), ui.data_look());
    ui.data(&text)?;
    Ok(Exit::Fine)
}
