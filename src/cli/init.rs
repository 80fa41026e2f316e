//! `init`: a starter file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit};
use crate::view::Ui;

/// Write a commented starter file
///
/// It describes two nodes and a replicated volume on the simulated cluster, so that it can be tried out at once, and
/// says what to change for real nodes. A file that is already there is left alone.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bricklayer init\n  bricklayer init clusters/db.yaml")]
pub struct InitArgs {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "bricklayer.yaml")]
    file: PathBuf,
}

const STARTER: &str = include_str!("starter.yaml");

/// Writes the starter file.
pub fn run(args: &InitArgs, ui: &mut Ui) -> Result<Exit, CliError> {
    let file = args.file.display();
    // `create_new`: between looking and writing somebody else could write.
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file)
        .and_then(|mut to| to.write_all(STARTER.as_bytes()));
    match written {
        Ok(()) => {
            ui.talk(&format!("{file} is written; look at it, then run `bricklayer plan {file}`\n"));
            Ok(Exit::Fine)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(CliError::new(format!("{file} is already there")).hint("name another file, or move this one away"))
        }
        Err(error) => Err(CliError::new(format!("cannot write {file}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Spec;
    use crate::view::testing;

    #[test]
    fn the_starter_is_a_cluster_with_a_volume() {
        let spec: Spec = serde_saphyr::from_str(STARTER).unwrap();
        assert!(spec.nodes.len() == 2 && spec.volumes.len() == 1 && spec.mounts.len() == 1);
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let args = InitArgs { file: folder.path().join("bricklayer.yaml") };
        let (mut ui, _, _) = testing::ui(None);
        assert_eq!(run(&args, &mut ui), Ok(Exit::Fine));
        std::fs::write(&args.file, "mine").unwrap();
        assert!(run(&args, &mut ui).is_err());
        assert_eq!(std::fs::read_to_string(&args.file).unwrap(), "mine");
    }
}
