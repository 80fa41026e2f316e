//! `schema`: the JSON Schemas of what bricklayer reads and prints.

use clap::{Args, ValueEnum};

use super::{CliError, Exit};
use crate::spec;
use crate::view::{Ui, json};

/// Print a JSON Schema (draft 2020-12)
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bricklayer schema > cluster.json\n  bricklayer schema plan > plan.json")]
pub struct SchemaArgs {
    /// What it describes
    #[arg(value_name = "WHAT", default_value = "cluster")]
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// A cluster's file
    Cluster,
    /// What `plan -o json` prints and `plan --out` writes
    Plan,
    /// What `apply -o json` prints
    Report,
    /// What `status -o json` prints
    Status,
    /// What `status --history -o json` prints
    History,
}

/// Prints the schema.
pub fn run(args: &SchemaArgs, ui: &mut Ui) -> Result<Exit, CliError> {
    ui.data(&match args.what {
        What::Cluster => spec::schema(),
        What::Plan => json::plan_schema(),
        What::Report => json::report_schema(),
        What::Status => json::status_schema(),
        What::History => json::history_schema(),
    })?;
    Ok(Exit::Fine)
}
