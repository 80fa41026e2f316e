//! What the verbs need of a cluster, and how a path becomes clusters.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::watch;

use super::{CliError, Exit};
use crate::model::{Allow, ClusterName, Event, Plan, Report, Status};
use crate::view::Ui;

/// A cluster that can be looked at and worked on: its file, and the way to its nodes.
pub trait Cluster {
    /// What stands behind its name in headings: `simulated`, or nothing for real nodes.
    fn label(&self) -> Option<&'static str>;

    /// Looks at the nodes and plans.
    fn plan<'a>(&'a mut self, allow: &'a Allow) -> LocalBoxFuture<'a, Plan>;

    /// Works until everything is as written, nothing more can be done, time is up, or `stop` becomes true.
    fn apply<'a>(&'a mut self, run: ApplyRun<'a>) -> LocalBoxFuture<'a, Report>;

    /// Looks at the nodes and tells what is there.
    fn status(&mut self) -> LocalBoxFuture<'_, Status>;
}

/// How a run is to go.
pub struct ApplyRun<'a> {
    /// The risks it may take.
    pub allow: &'a Allow,
    /// After this long no step is started any more.
    pub timeout: Duration,
    /// Who is told.
    pub events: &'a mut dyn FnMut(Event),
    /// Becomes true when somebody wants it to end after the running step.
    pub stop: watch::Receiver<bool>,
}

/// Does `verb` to each cluster that `path` stands for, and answers with the worst. What goes wrong with one of
/// several files is told, and the others have their turn.
///
/// # Errors
/// Where `path` stands for no cluster.
pub async fn each(
    ui: &mut Ui,
    path: &Path,
    mut open: impl FnMut(&mut Ui, &Path) -> Result<Box<dyn Cluster>, CliError>,
    mut verb: impl AsyncFnMut(&mut Ui, &mut dyn Cluster) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    let mut worst = Exit::Fine;
    for (index, file) in files(path)?.iter().enumerate() {
        if index > 0 {
            ui.talk("\n");
        }
        let exit = match open(ui, file) {
            Ok(mut cluster) => verb(ui, cluster.as_mut()).await,
            Err(error) => Err(error),
        };
        worst = worst.max(exit.unwrap_or_else(|error| error.tell(ui)));
    }
    Ok(worst)
}

/// The files that `path` stands for: itself, or all of a folder's `*.yaml` and `*.yml`, by name.
///
/// # Errors
/// Where there is nothing at `path`, or no such file in the folder.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |error| {
        CliError::new(format!("cannot read {}: {error}", path.display()))
            .hint("name a file or a folder of files, or write a first one with `bricklayer init`")
    };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let is_yaml = file.extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
        // Editors leave hidden files beside the ones they edit.
        let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_yaml && !is_hidden && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(CliError::new(format!("there is no *.yaml or *.yml file in {}", path.display())));
    }
    Ok(files)
}

/// A file of one plan cannot stand for a fleet.
///
/// # Errors
/// Where `path` stands for more than one cluster.
pub fn only_one(path: &Path, flag: &str) -> Result<(), CliError> {
    match files(path)?.len() {
        1 => Ok(()),
        n => Err(CliError::new(format!("{flag} is for one cluster, and {} holds {n}", path.display()))
            .hint("name the file of the cluster")),
    }
}

/// The folder of a cluster's state: below what `--state-dir` names, else in `.bricklayer` beside its file.
#[must_use]
pub fn state_dir(named: Option<&Path>, file: &Path, cluster: &ClusterName) -> PathBuf {
    let beside = || file.parent().unwrap_or(Path::new("")).join(".bricklayer");
    named.map_or_else(beside, Path::to_owned).join(cluster.as_str())
}

#[cfg(test)]
pub(crate) mod testing {
    //! A cluster that answers what it is told to.

    use super::*;
    use crate::model::Verdict;

    /// Answers with these; keeps what it was asked to do.
    pub struct Fake {
        pub plan: Plan,
        pub verdict: Verdict,
        pub applied: usize,
    }

    impl Cluster for Fake {
        fn label(&self) -> Option<&'static str> {
            None
        }
        fn plan<'a>(&'a mut self, _: &'a Allow) -> LocalBoxFuture<'a, Plan> {
            Box::pin(async { self.plan.clone() })
        }
        fn apply<'a>(&'a mut self, _: ApplyRun<'a>) -> LocalBoxFuture<'a, Report> {
            self.applied += 1;
            let left = Plan { steps: vec![], findings: vec![], ..self.plan.clone() };
            let report =
                Report { verdict: self.verdict, done: vec![], failed: vec![], left, took: Duration::from_secs(1) };
            Box::pin(async { report })
        }
        fn status(&mut self) -> LocalBoxFuture<'_, Status> {
            Box::pin(async { crate::view::status::tests::degraded() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing;

    #[test]
    fn a_folder_is_its_yaml_files_by_name_without_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", ".a.yml.swp", ".hidden.yaml", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = files(folder.path()).unwrap().iter().map(|f| f.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.yml", "b.yaml"]);
        assert!(only_one(folder.path(), "--plan").is_err() && only_one(&folder.path().join("a.yml"), "--plan").is_ok());
    }

    #[test]
    fn a_folder_without_files_and_a_missing_path_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(files(folder.path()).is_err() && files(&folder.path().join("none.yaml")).is_err());
    }

    #[tokio::test]
    async fn one_bad_file_of_a_fleet_does_not_stop_the_others_and_the_worst_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yaml", "c.yaml"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let (mut ui, _, err) = testing::ui(None);
        let open = |_: &mut Ui, file: &Path| -> Result<Box<dyn Cluster>, CliError> {
            if file.ends_with("a.yaml") {
                return Err(CliError::new("a.yaml is bad"));
            }
            let plan = crate::view::human::tests::every_sort();
            Ok(Box::new(super::testing::Fake { plan, verdict: crate::model::Verdict::AsWritten, applied: 0 }))
        };
        let mut seen = 0;
        let exit = each(&mut ui, folder.path(), open, async |_: &mut Ui, _: &mut dyn Cluster| {
            seen += 1;
            Ok(Exit::Held)
        });
        assert_eq!(exit.await, Ok(Exit::Error));
        assert_eq!(seen, 2);
        assert!(err.text().contains("error: a.yaml is bad\n"));
    }

    #[test]
    fn the_state_lies_beside_the_file_unless_a_folder_is_named() {
        let name = ClusterName::new("c1").unwrap();
        assert_eq!(state_dir(None, Path::new("specs/a.yaml"), &name), Path::new("specs/.bricklayer/c1"));
        assert_eq!(state_dir(Some(Path::new("/var/lib/b")), Path::new("a.yaml"), &name), Path::new("/var/lib/b/c1"));
    }
}
