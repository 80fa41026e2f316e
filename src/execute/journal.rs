//! The audit log: every changing command before it is run and what became of it, one JSON object a line.
//!
//! Nothing is ever decided from it; what is so, the nodes say.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Command, ItemId, NodeName};

/// An append-only file, synced at every line; or nothing, in tests.
#[derive(Debug, Default)]
pub struct Journal(Option<Mutex<File>>);

/// A line of the journal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line<'a> {
    /// When.
    pub at: Timestamp,
    /// Who: the lease's owner, which is one run.
    pub run: &'a str,
    /// What is, or was, to be done.
    pub item: &'a ItemId,
    /// Where.
    pub node: &'a NodeName,
    /// With which command.
    pub command: String,
    /// What became of it; nothing before it is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

impl<'a> Line<'a> {
    /// A line about `command`.
    #[must_use]
    pub fn new(at: Timestamp, run: &'a str, item: &'a ItemId, node: &'a NodeName, command: &Command) -> Self {
        Self { at, run, item, node, command: command.to_string(), outcome: None }
    }
}

impl Journal {
    /// Opens the journal at `path`, readable by its owner only.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self(Some(Mutex::new(file))))
    }

    /// Writes a line and waits until it is on disk.
    ///
    /// # Errors
    /// What the file system says: a change that cannot be written down is not made.
    pub fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let Some(file) = &self.0 else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.sync_data()
    }
}
