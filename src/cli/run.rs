//! What the verbs need of a cluster, and how a path becomes clusters.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::watch;

use super::{CliError, Exit};
use crate::kinds::Spec;
use crate::model::{Allow, ClusterName, Event, History, Plan, Report, Status, Wish};
use crate::spec::{self, Loaded};
use crate::view::{Ui, count, diagnostics};

/// A cluster that can be looked at and worked on: its file, and the way to its nodes.
pub trait Cluster {
    /// Its name.
    fn name(&self) -> &ClusterName;

    /// What stands behind its name in headings: `simulated`, or nothing for real nodes.
    fn label(&self) -> Option<&'static str>;

    /// What is written of it.
    fn spec(&self) -> &Spec;

    /// From now on plans and works for this alone, instead of for what is written.
    fn wish(&mut self, wish: Wish);

    /// Looks at the nodes and plans.
    fn plan<'a>(&'a mut self, allow: &'a Allow) -> LocalBoxFuture<'a, Plan>;

    /// Works until everything is as written, nothing more can be done, time is up, or `stop` becomes true.
    fn apply<'a>(&'a mut self, run: ApplyRun<'a>) -> LocalBoxFuture<'a, Result<Report, CliError>>;

    /// Looks at the nodes and tells what is there.
    fn status(&mut self) -> LocalBoxFuture<'_, Status>;

    /// Asks the nodes for what their logs tell of the past.
    fn history(&mut self) -> LocalBoxFuture<'_, History>;

    /// Ends the connections.
    fn close(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// How a run is to go.
pub struct ApplyRun<'a> {
    /// The risks it may take.
    pub allow: &'a Allow,
    /// After this long no step is started any more.
    pub timeout: Duration,
    /// How long it may sit in all while there is nothing to do but wait.
    pub patience: Duration,
    /// Who is told.
    pub events: &'a mut (dyn FnMut(Event) + Send),
    /// Becomes true when somebody wants it to end after the running step.
    pub stop: watch::Receiver<bool>,
}

/// Does `verb` to each cluster that `path` stands for, and answers with the worst. What goes wrong with one of
/// several files is told, and the others have their turn. A second file of a cluster is refused.
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
    let mut taken: Vec<(PathBuf, ClusterName)> = Vec::new();
    for (index, file) in spec::files(path)?.iter().enumerate() {
        if index > 0 {
            ui.talk("\n");
        }
        let opened = open(ui, file).and_then(|cluster| {
            refuse_taken(file, cluster.name(), &taken)?;
            taken.push((file.clone(), cluster.name().clone()));
            Ok(cluster)
        });
        let exit = match opened {
            Ok(mut cluster) => verb(ui, cluster.as_mut()).await,
            Err(error) => Err(error),
        };
        worst = worst.max(exit.unwrap_or_else(|error| error.tell(ui)));
    }
    Ok(worst)
}

/// Refuses a file whose cluster one of those before it stands for.
///
/// # Errors
/// If one does.
pub fn refuse_taken(file: &Path, cluster: &ClusterName, before: &[(PathBuf, ClusterName)]) -> Result<(), CliError> {
    let others = before.iter().filter(|(other, _)| other != file).map(|(other, name)| (other.as_path(), name));
    spec::untaken(cluster, others).map_err(|taken| {
        CliError::new(format!("{} is refused: {taken}", file.display())).hint("write the whole cluster in one file")
    })
}

/// Reads the file of a cluster that is to be looked at or worked on. What is wrong in it is drawn; what is only
/// doubtful is `validate`'s to tell.
///
/// # Errors
/// Where the file cannot be read or something is wrong in it.
pub fn read(ui: &mut Ui, file: &Path) -> Result<Spec, CliError> {
    let Loaded { spec, source, findings } = spec::load(file)?;
    let name = file.display();
    let Some(spec) = spec else {
        ui.talk(&diagnostics::human(&source, &findings, ui.talk_look().colour));
        return Err(CliError::new(format!("{name} cannot be used as it is, so nothing was run")));
    };
    if !findings.is_empty() {
        let warnings = count(findings.len(), "warning");
        ui.warning(&format!("{name}: {warnings}; `bricklayer validate {name}` tells more"));
    }
    Ok(spec)
}

/// A file of one plan cannot stand for a fleet.
///
/// # Errors
/// Where `path` stands for more than one cluster.
pub fn only_one(path: &Path, flag: &str) -> Result<(), CliError> {
    match spec::files(path)?.len() {
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

    use std::sync::LazyLock;

    use super::*;
    use crate::model::Verdict;

    /// Answers with these; keeps what it was asked to do.
    pub struct Fake {
        pub plan: Plan,
        pub verdict: Verdict,
        pub applied: usize,
    }

    impl Cluster for Fake {
        fn name(&self) -> &ClusterName {
            &self.plan.cluster
        }
        fn label(&self) -> Option<&'static str> {
            None
        }
        fn spec(&self) -> &Spec {
            static SPEC: LazyLock<Spec> =
                LazyLock::new(|| spec::from_bytes("t", spec::starter("c1").into_bytes()).spec.unwrap());
            &SPEC
        }
        fn wish(&mut self, _: Wish) {}
        fn plan<'a>(&'a mut self, _: &'a Allow) -> LocalBoxFuture<'a, Plan> {
            Box::pin(async { self.plan.clone() })
        }
        fn apply<'a>(&'a mut self, _: ApplyRun<'a>) -> LocalBoxFuture<'a, Result<Report, CliError>> {
            self.applied += 1;
            let left = Plan { steps: vec![], findings: vec![], ..self.plan.clone() };
            let report =
                Report { verdict: self.verdict, done: vec![], failed: vec![], left, took: Duration::from_secs(1) };
            Box::pin(async { Ok(report) })
        }
        fn status(&mut self) -> LocalBoxFuture<'_, Status> {
            Box::pin(async { crate::view::status::tests::degraded() })
        }
        fn history(&mut self) -> LocalBoxFuture<'_, History> {
            Box::pin(async { crate::view::history::tests::eventful() })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::view::testing;

    #[test]
    fn a_plan_file_is_for_one_cluster() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yml"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(only_one(folder.path(), "--plan").is_err());
        assert!(only_one(&folder.path().join("a.yaml"), "--plan").is_ok());
    }

    #[test]
    fn what_is_wrong_in_a_file_is_drawn_and_what_is_doubtful_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let (mut ui, _, err) = testing::ui(None);
        fs::write(
            &file,
            "apiVersion: bricklayer/v1
clutser: c1
",
        )
        .unwrap();
        assert!(read(&mut ui, &file).is_err());
        assert!(err.text().contains("clutser: c1"), "{}", err.text());
        fs::write(&file, spec::starter("c1")).unwrap();
        assert_eq!(read(&mut ui, &file).unwrap().cluster.as_str(), "c1");
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
            Ok(Box::new(fake(file.file_stem().and_then(|name| name.to_str()).unwrap())))
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

    /// A cluster of that name.
    fn fake(name: &str) -> super::testing::Fake {
        let plan = Plan { cluster: ClusterName::new(name).unwrap(), ..crate::view::human::tests::every_sort() };
        super::testing::Fake { plan, verdict: crate::model::Verdict::AsWritten, applied: 0 }
    }

    #[tokio::test]
    async fn nothing_is_done_for_the_second_file_of_a_cluster() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yaml"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let (mut ui, _, err) = testing::ui(None);
        let open = |_: &mut Ui, _: &Path| Ok(Box::new(fake("c1")) as Box<dyn Cluster>);
        let mut seen = 0;
        let exit = each(&mut ui, folder.path(), open, async |_: &mut Ui, _: &mut dyn Cluster| {
            seen += 1;
            Ok(Exit::Fine)
        });
        assert_eq!((exit.await, seen), (Ok(Exit::Error), 1));
        // Where the line breaks depends on where the folder for the test is.
        let said = err.text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("a.yaml already stands for c1"), "{said}");
    }

    #[test]
    fn the_state_lies_beside_the_file_unless_a_folder_is_named() {
        let name = ClusterName::new("c1").unwrap();
        assert_eq!(state_dir(None, Path::new("specs/a.yaml"), &name), Path::new("specs/.bricklayer/c1"));
        assert_eq!(state_dir(Some(Path::new("/var/lib/b")), Path::new("a.yaml"), &name), Path::new("/var/lib/b/c1"));
    }
}
