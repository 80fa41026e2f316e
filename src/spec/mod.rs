//! The file: from a path to a [`Spec`] that can be worked with, or to everything that is wrong with it at once.
//!
//! ```text
//! bytes ─load→ tree ─read→ Spec ─check→ findings, each with its place
//! ```
//!
//! `load` is the only file that names the YAML crate, `read` and `de` give each entry to its kind, `check` asks
//! the kinds what they think of the whole. A kind never sees a line number: it names a path of keys.

mod check;
mod de;
mod load;
mod read;
mod schema;
mod tree;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

pub use schema::schema;

use crate::kinds::Spec;
use crate::model::{ClusterName, Located, Severity, Source};

/// What came of reading a file.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The spec, if nothing is wrong with it; warnings alone do not take it away.
    pub spec: Option<Spec>,
    /// The file as it was read.
    pub source: Source,
    /// Everything that was found, by place.
    pub findings: Vec<Located>,
}

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there.
    #[error("there is no file `{0}`; `bricklayer init {0}` writes one to start from")]
    NotFound(PathBuf),
    /// A folder without a file for a cluster.
    #[error("there is no file *.yaml in `{0}`")]
    EmptyFolder(PathBuf),
    /// It is there and cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a file is refused although nothing is wrong in it: two files of one cluster would undo each other's work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} already stands for {cluster}", by.display())]
pub struct Taken {
    /// The cluster.
    pub cluster: ClusterName,
    /// The file that stands for it.
    pub by: PathBuf,
}

/// Refuses `cluster` to a further file if one of `others` stands for it.
///
/// # Errors
/// [`Taken`] if one does.
pub fn untaken<'a>(
    cluster: &ClusterName,
    others: impl IntoIterator<Item = (&'a Path, &'a ClusterName)>,
) -> Result<(), Taken> {
    match others.into_iter().find(|(_, taken)| *taken == cluster) {
        Some((by, _)) => Err(Taken { cluster: cluster.clone(), by: by.to_owned() }),
        None => Ok(()),
    }
}

/// Reads a cluster's file.
///
/// # Errors
/// [`LoadError`] if there is no text to look at. What is wrong in the text is a finding.
pub fn load(path: &Path) -> Result<Loaded, LoadError> {
    Ok(from_bytes(&path.display().to_string(), bytes(path)?))
}

/// The bytes of a cluster's file: one more than is taken tells [`from_bytes`] that there are more.
///
/// # Errors
/// [`LoadError`] if it cannot be read.
pub fn bytes(path: &Path) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    let most = load::LARGEST as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, error))?;
    Ok(bytes)
}

/// The files of a fleet: `path` itself, or the files `*.yaml` in it if it is a folder, by name.
///
/// # Errors
/// [`LoadError`] if the folder cannot be read or holds no such file.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let list = || path.read_dir()?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
    let mut files = list().map_err(|error| unreadable(path, error))?;
    files.retain(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml") && file.is_file());
    files.sort();
    if files.is_empty() { Err(LoadError::EmptyFolder(path.to_owned())) } else { Ok(files) }
}

fn unreadable(path: &Path, source: io::Error) -> LoadError {
    match source.kind() {
        io::ErrorKind::NotFound => LoadError::NotFound(path.to_owned()),
        _ => LoadError::Unreadable { path: path.to_owned(), source },
    }
}

/// Reads a cluster's file from its bytes; `name` is what findings call it.
#[must_use]
pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Loaded {
    let name = name.to_owned();
    match load::text(bytes) {
        Ok(text) => {
            let (spec, findings) = from_text(&text);
            Loaded { spec, source: Source { name, text }, findings }
        }
        Err(none) => {
            let load::NoText { text, finding } = *none;
            Loaded { spec: None, source: Source { name, text }, findings: vec![finding] }
        }
    }
}

fn from_text(text: &str) -> (Option<Spec>, Vec<Located>) {
    let (root, mut findings) = load::tree(text);
    let mut spec = None;
    if let Some(root) = root {
        match read::read(&root) {
            Ok(mut read) => {
                findings.append(&mut read.findings);
                findings.extend(check::check(&read, &root));
                spec = read.unread.is_empty().then_some(read.spec);
            }
            Err(finding) => findings.push(*finding),
        }
    }
    findings.sort_by(|a, b| {
        let key = |l: &Located| (l.at.start, l.finding.severity);
        key(a).cmp(&key(b)).then_with(|| a.cmp(b))
    });
    findings.dedup();
    let wrong = findings.iter().any(|located| located.finding.severity == Severity::Error);
    (spec.filter(|_| !wrong), findings)
}

/// The commented file that a person starts from.
#[must_use]
pub fn starter(cluster: &str) -> String {
    include_str!("starter.yaml").replace("my-cluster", cluster)
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
