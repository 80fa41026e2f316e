//! `man`: the manual pages, for packagers.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use super::{CliError, Exit};
use crate::view::Ui;

/// Print the manual page, or write one for each verb
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bricklayer man | man -l -\n  bricklayer man --out /usr/share/man/man1")]
pub struct ManArgs {
    /// Write all pages into this folder instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes the pages of `command`.
pub fn run(args: &ManArgs, ui: &mut Ui, command: Command) -> Result<Exit, CliError> {
    if let Some(folder) = &args.out {
        return match clap_mangen::generate_to(command, folder) {
            Ok(()) => Ok(Exit::Fine),
            Err(error) => Err(CliError::new(format!("cannot write pages into {}: {error}", folder.display()))),
        };
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    ui.data(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Fine)
}
