//! `init`: a starter file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CliError, Exit};
use crate::model::ClusterName;
use crate::spec;
use crate::view::Ui;

/// Write a commented starter file
///
/// It describes a replicated volume on the simulated cluster, so that it can be tried out at once, and says what to
/// change for real nodes. A file that is already there is left alone.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bricklayer init\n  bricklayer init clusters/db.yaml")]
pub struct InitArgs {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "bricklayer.yaml")]
    file: PathBuf,
}

/// The cluster's name where the file's name does not give one.
const USUAL_NAME: &str = "cluster01";

/// Writes the starter file.
pub fn run(args: &InitArgs, ui: &mut Ui) -> Result<Exit, CliError> {
    let file = args.file.display();
    // `create_new`: between looking and writing somebody else could write.
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file)
        .and_then(|mut to| to.write_all(spec::starter(name(&args.file)).as_bytes()));
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

/// A file is best named after its cluster: `clusters/db.yaml` describes `db`.
fn name(file: &Path) -> &str {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).filter(|stem| *stem != "bricklayer");
    stem.filter(|stem| ClusterName::new(*stem).is_ok()).unwrap_or(USUAL_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing;

    #[test]
    fn the_file_gives_the_cluster_its_name_if_it_can() {
        let names = ["bricklayer.yaml", "clusters/db.yaml", "a b.yaml", "/"].map(|file| name(Path::new(file)));
        assert_eq!(names, ["cluster01", "db", "cluster01", "cluster01"]);
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
