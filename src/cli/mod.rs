//! The command line: one file a verb, each with its arguments, whose doc comments are the help, and a thin `run`.
//!
//! This file is the list of the verbs, the flags they share, and the way from a result to an exit code.

pub mod apply;
mod cluster;
mod completions;
mod error;
mod fence;
mod init;
mod interrupt;
mod log;
mod man;
mod node;
pub mod plan;
pub mod run;
mod runbook;
mod schema;
mod service;
mod simulate;
mod simulated;
pub mod status;
mod validate;
mod volume;
pub mod watch;
mod whoami;
mod wish;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use error::CliError;
pub use interrupt::Interrupt;

use crate::view::{Colour, Ui};

/// Lays the bricks the way the drawing says: highly available services on GlusterFS, from one YAML file
///
/// A file describes one cluster; a folder of files is a fleet. bricklayer looks at the nodes, works out what differs
/// from the file, shows it, and makes it so, step by safe step, until nothing differs.
#[expect(clippy::doc_markdown, reason = "it is printed as it is")]
#[derive(Debug, Parser)]
#[command(name = "bricklayer", version, propagate_version = true, max_term_width = 80, after_long_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  as written, healthy
  1  an error, wrong use and bad files included
  2  differs (plan), not settled or interrupted (apply), degraded (status)
  3  only held items are left
For a folder, the worst of its files, in the order 1, 2, 3, 0.";

/// The flags of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Tell more: -v what is done, -vv what is seen as well
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Write the log in this form
    #[arg(long, global = true, value_name = "FORM", default_value = "text")]
    pub log_format: LogFormat,
    /// Use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
    /// Keep the clusters' state in this folder instead of `.bricklayer` beside the file
    #[arg(long, global = true, value_name = "DIR", env = "STATE_DIRECTORY", hide_env_values = true)]
    pub state_dir: Option<PathBuf>,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// The form of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Human,
    /// One JSON document for each file
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::InitArgs),
    Validate(validate::ValidateArgs),
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Watch(watch::WatchArgs),
    Status(status::StatusArgs),
    Service(service::ServiceArgs),
    Volume(volume::VolumeArgs),
    Node(node::NodeArgs),
    Fence(fence::FenceArgs),
    Runbook(runbook::RunbookArgs),
    Simulate(simulate::SimulateArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// What the exit code says. Ordered from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// As written, healthy.
    #[default]
    Fine,
    /// Only held items are left.
    Held,
    /// It differs, is not settled or is degraded.
    Differs,
    /// Nothing was executed for it.
    Error,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Error => 1,
            Self::Differs => 2,
            Self::Held => 3,
        }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(main_with(std::env::args_os()).code())
}

fn main_with(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(refusal) => return refused(&mut Ui::of_process(Colour::Auto, false), &refusal),
    };
    let mut ui = Ui::of_process(cli.global.color, cli.global.verbose > 0);
    // The log is all that a watch says.
    let least = if matches!(cli.verb, Verb::Watch(_)) { "warn,bricklayer::watch=info" } else { "warn" };
    log::start(&cli.global, least, ui.talk_look().colour);
    let global = &cli.global;
    let result = match cli.verb {
        Verb::Init(args) => init::run(&args, &mut ui),
        Verb::Validate(args) => validate::run(&args, &mut ui),
        Verb::Plan(args) => on_clusters(plan::every(&args, &mut ui, global)),
        Verb::Apply(args) => on_clusters(apply::every(&args, &mut ui, global)),
        Verb::Watch(args) => on_clusters(watch::run(&args, global)),
        Verb::Status(args) => on_clusters(status::every(&args, &mut ui, global)),
        Verb::Service(args) => on_clusters(service::run(&args, &mut ui, global)),
        Verb::Volume(args) => on_clusters(volume::run(&args, &mut ui, global)),
        Verb::Node(args) => on_clusters(node::run(&args, &mut ui, global)),
        Verb::Fence(args) => on_clusters(fence::run(&args, &mut ui, global)),
        Verb::Runbook(args) => runbook::run(&args, &mut ui),
        Verb::Simulate(args) => simulate::run(&args, &mut ui, global),
        Verb::Schema(args) => schema::run(&args, &mut ui),
        Verb::Completions(args) => completions::run(&args, &mut ui, &mut Cli::command()),
        Verb::Man(args) => man::run(&args, &mut ui, Cli::command()),
    };
    result.unwrap_or_else(|error| error.tell(&mut ui))
}

/// Runs a verb that reaches nodes. A question to a person blocks one thread; signals are heard on another.
fn on_clusters(verb: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| CliError::new(format!("no threads to work with: {error}")))?.block_on(verb)
}

/// Help and version are data; wrong use is an error like any other, so that 2 keeps its meaning.
fn refused(ui: &mut Ui, refusal: &clap::Error) -> Exit {
    let text = refusal.render();
    if refusal.use_stderr() {
        let text = if ui.talk_look().colour { text.ansi().to_string() } else { text.to_string() };
        ui.talk(&text);
        return Exit::Error;
    }
    let text = if ui.data_look().colour { text.ansi().to_string() } else { text.to_string() };
    match ui.data(&text) {
        Ok(()) => Exit::Fine,
        Err(error) => CliError::from(error).tell(ui),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing;

    fn refusal(args: &[&str]) -> (Exit, String, String) {
        let (mut ui, out, err) = testing::ui(None);
        let error = Cli::try_parse_from(args).unwrap_err();
        (refused(&mut ui, &error), out.text(), err.text())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_use_is_an_error_and_help_is_not() {
        let (exit, out, err) = refusal(&["bricklayer", "lay"]);
        assert!(exit == Exit::Error && out.is_empty() && err.starts_with("error:"), "{err}");
        let (exit, out, err) = refusal(&["bricklayer", "--help"]);
        assert!(exit == Exit::Fine && out.contains("Exit codes:") && err.is_empty(), "{err}");
    }

    #[test]
    fn the_worst_of_several_is_in_the_order_1_2_3_0() {
        let mut exits = [Exit::Held, Exit::Fine, Exit::Error, Exit::Differs];
        exits.sort();
        assert_eq!(exits.map(Exit::code), [0, 3, 2, 1]);
    }
}
