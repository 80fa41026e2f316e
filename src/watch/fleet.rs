//! The files of the watch: which there are, what each said when it was last read, and which cluster it stands for.
//!
//! # Guarantees
//! A file that cannot be used changes nothing: what its last good version said stays in force. Two files never stand
//! for the same cluster. What is wrong is told once, and again only when something else is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::kinds::Spec;
use crate::model::{ClusterName, Located, Severity};
use crate::spec::{self, LoadError, Loaded, Taken};
use crate::view::count;

/// The files that a path stands for.
#[derive(Debug)]
pub struct Fleet {
    path: PathBuf,
    folder: bool,
    sheets: BTreeMap<PathBuf, Sheet>,
}

/// One file.
#[derive(Debug, Default)]
struct Sheet {
    /// Its bytes when it was last read, or why it could not be.
    seen: Option<Result<Vec<u8>, String>>,
    /// The cluster of its last good version.
    name: Option<ClusterName>,
    /// What was told to be wrong with it.
    complaint: Option<Complaint>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Complaint {
    /// It cannot be read.
    Unreadable(String),
    /// These findings, as lines with their place.
    Findings(Vec<String>),
    /// Another file stands for its cluster.
    Taken(Taken),
}

/// What a look at the folder gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are new, or not what was last read.
    pub changed: Vec<PathBuf>,
    /// Files that are there no more.
    pub gone: Vec<PathBuf>,
}

impl Fleet {
    /// The files that `path` stands for.
    ///
    /// # Errors
    /// Where there is nothing at `path`, or a folder that cannot be read. A folder may be empty: files may come.
    pub fn of(path: &Path) -> Result<Self, LoadError> {
        let fleet = Self { path: path.to_owned(), folder: path.is_dir(), sheets: BTreeMap::new() };
        fleet.list()?;
        if !path.exists() {
            return Err(LoadError::NotFound(path.to_owned()));
        }
        Ok(fleet)
    }

    fn list(&self) -> Result<BTreeSet<PathBuf>, LoadError> {
        if !self.folder {
            return Ok(self.path.exists().then(|| self.path.clone()).into_iter().collect());
        }
        match spec::files(&self.path) {
            Ok(files) => Ok(files.into_iter().filter(|file| *file != self.path).collect()),
            Err(LoadError::EmptyFolder(_)) => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        }
    }

    /// Looks which files there are, and which are not what was last read. A folder that cannot be read changes
    /// nothing.
    pub fn look(&mut self) -> Changes {
        let Ok(files) = self.list() else { return Changes::default() };
        let gone = self.sheets.keys().filter(|file| !files.contains(*file)).cloned().collect();
        let changed = |file: &PathBuf| match self.sheets.get(file).and_then(|sheet| sheet.seen.as_ref()) {
            Some(seen) => *seen != bytes(file),
            None => true,
        };
        let changed: Vec<PathBuf> = files.into_iter().filter(changed).collect();
        for file in &changed {
            self.sheets.entry(file.clone()).or_default();
        }
        Changes { changed, gone }
    }

    /// Reads `file` anew: its spec, if that is another than the last good one.
    pub fn read(&mut self, file: &Path) -> Option<Spec> {
        let bytes = bytes(file);
        let sheet = self.sheets.get(file)?;
        let waits_for_name = matches!(sheet.complaint, Some(Complaint::Taken(..)));
        if sheet.seen.as_ref() == Some(&bytes) && !waits_for_name {
            return None;
        }
        let read = bytes.clone().map_err(Complaint::Unreadable).and_then(|bytes| self.judge(file, bytes));
        let sheet = self.sheets.get_mut(file)?;
        sheet.seen = Some(bytes);
        match read {
            Ok(spec) => {
                sheet.complaint = None;
                sheet.name = Some(spec.cluster.clone());
                Some(spec)
            }
            Err(complaint) => {
                if sheet.complaint.as_ref() != Some(&complaint) {
                    complaint.tell(file, sheet.name.as_ref());
                    sheet.complaint = Some(complaint);
                }
                None
            }
        }
    }

    fn judge(&self, file: &Path, bytes: Vec<u8>) -> Result<Spec, Complaint> {
        let Loaded { spec, source: _, findings } = spec::from_bytes(&file.display().to_string(), bytes);
        let Some(spec) = spec else {
            return Err(Complaint::Findings(findings.iter().filter(|l| is_error(l)).map(line).collect()));
        };
        let others = self.sheets.iter().filter(|(other, _)| *other != file);
        let others = others.filter_map(|(other, sheet)| Some((other.as_path(), sheet.name.as_ref()?)));
        spec::untaken(&spec.cluster, others).map_err(Complaint::Taken)?;
        if !findings.is_empty() {
            let (name, warnings) = (file.display(), count(findings.len(), "warning"));
            tracing::info!(
                target: "bricklayer::watch", file = %name,
                "{name} has {warnings}; `bricklayer validate {name}` tells more"
            );
        }
        Ok(spec)
    }

    /// Knows nothing of `file` any more; its cluster may be another file's. Gives the cluster's name.
    pub fn forget(&mut self, file: &Path) -> Option<ClusterName> {
        self.sheets.remove(file)?.name
    }
}

impl Complaint {
    /// Tells what is wrong, and what is in force instead.
    fn tell(&self, file: &Path, in_force: Option<&ClusterName>) {
        let name = file.display();
        let instead = match in_force {
            Some(_) => "the last good version stays in force",
            None => "nothing is done for it",
        };
        macro_rules! tell {
            ($($words:tt)*) => {
                tracing::error!(target: "bricklayer::watch", file = %name, $($words)*)
            };
        }
        match self {
            Self::Unreadable(why) => tell!("{name} cannot be read: {why}; {instead}"),
            Self::Taken(taken) => tell!(cluster = %taken.cluster, "{name} is refused: {taken}; {instead}"),
            Self::Findings(lines) => {
                tell!("{name} cannot be used as it is: {}; {instead}", count(lines.len(), "error"));
                for line in lines {
                    tell!("{name}:{line}");
                }
            }
        }
    }
}

fn is_error(located: &Located) -> bool {
    located.finding.severity == Severity::Error
}

/// A finding on one line, with its place.
fn line(Located { at, finding }: &Located) -> String {
    let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}:{}: {}{hint}", at.line, at.column, finding.message)
}

fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    spec::bytes(file).map_err(|error| match &error {
        LoadError::Unreadable { path: _, source } => source.to_string(),
        LoadError::NotFound(_) | LoadError::EmptyFolder(_) => "it is not there".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn folder_of(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, cluster) in files {
            fs::write(folder.path().join(name), spec::starter(cluster)).unwrap();
        }
        folder
    }

    fn names(folder: &TempDir, files: &[PathBuf]) -> Vec<String> {
        files.iter().map(|file| file.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
    }

    #[test]
    fn what_was_read_has_changed_only_when_its_bytes_have() {
        let folder = folder_of(&[("a.yaml", "c1")]);
        let file = folder.path().join("a.yaml");
        let mut fleet = Fleet::of(folder.path()).unwrap();
        assert_eq!(names(&folder, &fleet.look().changed), ["a.yaml"]);
        assert!(fleet.read(&file).is_some() && fleet.read(&file).is_none());
        fs::write(&file, spec::starter("c1")).unwrap();
        assert_eq!(fleet.look(), Changes::default());
        fs::write(&file, spec::starter("c1") + "# more\n").unwrap();
        assert_eq!(names(&folder, &fleet.look().changed), ["a.yaml"]);
    }

    #[test]
    fn a_file_that_is_bad_gives_nothing_until_it_is_good_again() {
        let folder = folder_of(&[("a.yaml", "c1")]);
        let file = folder.path().join("a.yaml");
        let mut fleet = Fleet::of(&file).unwrap();
        fleet.look();
        fleet.read(&file).unwrap();
        fs::write(&file, "cluster: c1\n").unwrap();
        assert_eq!(fleet.look().changed.len(), 1);
        assert!(fleet.read(&file).is_none());
        assert!(matches!(fleet.sheets[&file].complaint, Some(Complaint::Findings(_))));
        fs::write(&file, spec::starter("c1")).unwrap();
        assert!(fleet.read(&file).is_some() && fleet.sheets[&file].complaint.is_none());
    }

    #[test]
    fn the_second_file_of_a_cluster_is_refused_until_the_first_is_gone() {
        let folder = folder_of(&[("a.yaml", "c1"), ("b.yaml", "c1"), ("note.txt", "c2")]);
        let [a, b] = ["a.yaml", "b.yaml"].map(|name| folder.path().join(name));
        let mut fleet = Fleet::of(folder.path()).unwrap();
        assert_eq!(names(&folder, &fleet.look().changed), ["a.yaml", "b.yaml"]);
        assert!(fleet.read(&a).is_some() && fleet.read(&b).is_none() && fleet.read(&b).is_none());
        fs::remove_file(&a).unwrap();
        assert_eq!(names(&folder, &fleet.look().gone), ["a.yaml"]);
        assert_eq!(fleet.forget(&a).unwrap().as_str(), "c1");
        assert!(fleet.read(&b).is_some());
    }

    #[test]
    fn a_folder_may_be_empty_and_a_missing_path_is_an_error() {
        let folder = folder_of(&[]);
        assert_eq!(Fleet::of(folder.path()).unwrap().look(), Changes::default());
        assert!(Fleet::of(&folder.path().join("a.yaml")).is_err());
    }
}
