//! What is mounted on a node, from findmnt(8).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::complaint;
use crate::model::{Command, Output, Program, Query, ReadError};

#[derive(Deserialize)]
struct Listing {
    filesystems: Vec<Mounted>,
}

#[derive(Deserialize)]
struct Mounted {
    target: String,
    source: String,
    #[serde(default)]
    children: Vec<Mounted>,
}

/// Asks for the `GlusterFS` mounts of a node: what is mounted, by where.
#[must_use]
pub fn gluster_mounts() -> Query<BTreeMap<String, String>> {
    let command = Command::reads(Program::Tool("findmnt"), ["--json", "--types", "fuse.glusterfs"]);
    Query { command, read: read_mounts }
}

fn read_mounts(output: &Output) -> Result<BTreeMap<String, String>, ReadError> {
    // findmnt says "none" by exit status 1 and not a word.
    if output.status == 1 && output.stdout.trim().is_empty() && output.stderr.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    if output.status != 0 {
        return Err(ReadError::Refused(complaint(output)));
    }
    let listing: Listing =
        serde_json::from_str(&output.stdout).map_err(|error| ReadError::Garbled(error.to_string()))?;
    let mut mounts = BTreeMap::new();
    let mut left = listing.filesystems;
    while let Some(Mounted { target, source, children }) = left.pop() {
        mounts.insert(target, source);
        left.extend(children);
    }
    Ok(mounts)
}
