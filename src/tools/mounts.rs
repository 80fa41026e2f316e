//! What is mounted on a node, from findmnt(8).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{complaint, rows, scripts, succeeded};
use crate::model::{AbsPath, Command, Output, Program, Query, ReadError};

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

/// How a mount point is while nothing is mounted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// That cannot be told: something is mounted there.
    Mounted,
    /// There is none.
    Absent,
    /// An empty directory to which nobody can write.
    Sealed,
    /// An empty directory.
    Open,
    /// A directory with something in it.
    Used,
    /// No directory.
    Other,
}

/// Asks how mount points are.
pub fn points<'a>(paths: impl IntoIterator<Item = &'a AbsPath>) -> Query<BTreeMap<String, Point>> {
    let paths = paths.into_iter().map(AbsPath::as_str);
    Query { command: Command::reads(Program::Script(scripts::LOOK_MOUNT_POINTS), paths), read: read_points }
}

fn read_points(output: &Output) -> Result<BTreeMap<String, Point>, ReadError> {
    succeeded(output, "e2fsprogs")?;
    let point = |[path, state]: [&str; 2]| {
        let point = match state {
            "mounted" => Point::Mounted,
            "absent" => Point::Absent,
            "sealed" => Point::Sealed,
            "open" => Point::Open,
            "used" => Point::Used,
            "other" => Point::Other,
            other => return Err(ReadError::Garbled(format!("`{other}` for {path}"))),
        };
        Ok((path.to_owned(), point))
    };
    rows(&output.stdout)?.into_iter().map(point).collect()
}

/// Makes a mount point to which nobody can write while nothing is mounted there.
#[must_use]
pub fn make_point(path: &AbsPath) -> Command {
    Command::changes(Program::Script(scripts::MAKE_MOUNT_POINT), [path.as_str()])
}
