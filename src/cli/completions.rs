//! `completions`: what a shell has to know to complete a command line.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{CliError, Exit};
use crate::view::Ui;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bricklayer completions bash > /etc/bash_completion.d/bricklayer")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script for `command`.
pub fn run(args: &CompletionsArgs, ui: &mut Ui, command: &mut Command) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "bricklayer", &mut script);
    ui.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
