//! `validate`: what is wrong or doubtful in files.

use std::path::{Path, PathBuf};

use clap::Args;

use super::run::refuse_taken;
use super::{CliError, Exit, Output};
use crate::model::Severity;
use crate::spec::{self, LoadError, Loaded};
use crate::view::{Ui, diagnostics};

/// Read and check files, and tell all that is wrong or doubtful in them at once
///
/// Looks at no node.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bricklayer validate
  bricklayer validate -o json clusters/

Exit codes: 0 nothing is wrong (there may be warnings), 1 something is")]
pub struct ValidateArgs {
    /// Print in this form
    #[arg(short, long, value_name = "FORM", default_value = "human")]
    output: Output,
    /// Files, or folders of them
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    paths: Vec<PathBuf>,
}

/// Tells the findings of all files.
pub fn run(args: &ValidateArgs, ui: &mut Ui) -> Result<Exit, CliError> {
    let mut exit = Exit::Fine;
    let mut loaded = Vec::new();
    for path in &args.paths {
        match load_all(path) {
            Ok(files) => loaded.extend(files),
            Err(error) => exit = CliError::from(error).tell(ui),
        }
    }
    let mut taken = Vec::new();
    for Loaded { spec, source, .. } in &loaded {
        let Some(spec) = spec else { continue };
        let file = PathBuf::from(&source.name);
        if let Err(error) = refuse_taken(&file, &spec.cluster, &taken) {
            exit = error.tell(ui);
        }
        taken.push((file, spec.cluster.clone()));
    }
    let files: Vec<_> = loaded.iter().map(|file| (&file.source, file.findings.as_slice())).collect();
    match args.output {
        Output::Json => ui.data(&format!("{}\n", diagnostics::json(&files)))?,
        Output::Human if files.is_empty() => {}
        Output::Human => {
            let colour = ui.data_look().colour;
            for (source, findings) in &files {
                ui.data(&diagnostics::human(source, findings, colour))?;
            }
            ui.data(&format!("{}\n", diagnostics::summary(&files)))?;
        }
    }
    let is_wrong = |file: &Loaded| file.findings.iter().any(|found| found.finding.severity == Severity::Error);
    Ok(if loaded.iter().any(is_wrong) { Exit::Error } else { exit })
}

fn load_all(path: &Path) -> Result<Vec<Loaded>, LoadError> {
    spec::files(path)?.iter().map(|file| spec::load(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing;

    #[test]
    fn all_files_are_told_of_and_one_that_is_missing_hides_none() {
        let folder = tempfile::tempdir().unwrap();
        let [good, bad] = ["good.yaml", "bad.yaml"].map(|name| folder.path().join(name));
        std::fs::write(&good, spec::starter("good")).unwrap();
        std::fs::write(&bad, "apiVersion: bricklayer/v1\n").unwrap();
        let validate = |paths: Vec<PathBuf>| {
            let (mut ui, out, err) = testing::ui(None);
            let exit = run(&ValidateArgs { output: Output::Human, paths }, &mut ui);
            (exit.unwrap(), out.text(), err.text())
        };
        assert_eq!(validate(vec![good.clone()]).0, Exit::Fine);
        let (exit, out, err) = validate(vec![folder.path().join("none.yaml"), good, bad]);
        assert_eq!(exit, Exit::Error);
        assert!(out.contains("bad.yaml") && err.contains("none.yaml"), "{out}{err}");
        std::fs::write(folder.path().join("twin.yaml"), spec::starter("good")).unwrap();
        let (exit, _, err) = validate(vec![folder.path().to_owned()]);
        // Where the line breaks depends on where the folder for the test is.
        let said = err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(exit == Exit::Error && said.contains("good.yaml already stands for good"), "{err}");
    }
}
