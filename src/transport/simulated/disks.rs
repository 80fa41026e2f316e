//! The disks of a simulated machine: its file systems, where they are mounted, and the bricks on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cluster::Database;
use super::node::Node;

/// The name of the root file system among a node's file systems.
pub const ROOT: &str = "/";

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// A device, or `HOST:/VOLUME`.
    pub source: String,
    /// `xfs`, `ext4` or `fuse.glusterfs`.
    pub fstype: String,
}

/// A local file system with the directories on it, by the paths they have while it is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filesystem {
    /// `xfs` or `ext4`.
    pub kind: String,
    /// Its size.
    pub size_kb: u64,
    /// What is free.
    pub free_kb: u64,
    /// Its directories.
    pub directories: BTreeMap<String, Directory>,
}

impl Filesystem {
    /// An empty file system.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        let (size_kb, free_kb) = (2_086_912, 2_037_624);
        Self { kind: kind.to_owned(), size_kb, free_kb, directories: BTreeMap::new() }
    }
}

/// A directory: an ordinary one, or one that is or was a brick.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    /// The extended attribute `trusted.glusterfs.volume-id`. It outlives the volume.
    pub volume_id: Option<String>,
    /// Whether a brick process has ever run here and made `.glusterfs/indices`.
    pub indexed: bool,
    /// How many files lie in it.
    pub files: u64,
    /// When a client last wrote to it, by the world's clock.
    #[serde(default)]
    pub written_ms: u64,
    /// What this brick knows to be stale elsewhere: entries by `NODE:PATH` of the stale brick.
    pub blames: BTreeMap<String, u64>,
    /// Entries that no heal can mend.
    pub split_brain: u64,
    /// Until when the full crawl of a new brick has not begun: so long its set only blames its root directory.
    pub crawl_ms: Option<u64>,
    /// The brick's process.
    pub process: Option<Process>,
    /// The databases in it, by their folders below it.
    #[serde(default)]
    pub databases: BTreeMap<String, Database>,
}

impl Directory {
    /// Whether anything lies in it but the empty `.glusterfs` that a refused volume leaves.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.indexed || self.files > 0
    }

    /// The entries of `.glusterfs/indices/xattrop`: one for each file that is stale on any other brick.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.blames.values().copied().max().unwrap_or(0) + self.split_brain
    }
}

/// A brick process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Where it listens.
    pub port: u16,
}

impl Node {
    /// The mount point of the local file system that holds `path`.
    #[must_use]
    pub fn mount_of(&self, path: &str) -> &str {
        self.mounts.keys().filter(|at| is_below(at, path)).max_by_key(|at| at.len()).map_or(ROOT, String::as_str)
    }

    /// Whether `path` lies on the root file system.
    #[must_use]
    pub fn is_on_root(&self, path: &str) -> bool {
        self.mount_of(path) == ROOT
    }

    /// The local file system that holds `path`; nothing for what a volume's mount covers.
    #[must_use]
    pub fn filesystem(&self, path: &str) -> Option<&Filesystem> {
        match self.mounts.get(self.mount_of(path)) {
            None => Some(&self.root),
            Some(mount) => self.devices.get(&mount.source)?.as_ref(),
        }
    }

    /// The same, to be changed.
    pub fn filesystem_mut(&mut self, path: &str) -> Option<&mut Filesystem> {
        let at = self.mount_of(path).to_owned();
        match self.mounts.get(&at) {
            None => Some(&mut self.root),
            Some(mount) => self.devices.get_mut(&mount.source)?.as_mut(),
        }
    }

    /// The directory at `path`, if it is there now.
    #[must_use]
    pub fn directory(&self, path: &str) -> Option<&Directory> {
        self.filesystem(path)?.directories.get(path)
    }

    /// The same, to be changed.
    pub fn directory_mut(&mut self, path: &str) -> Option<&mut Directory> {
        self.filesystem_mut(path)?.directories.get_mut(path)
    }

    /// Whether there is a directory at `path`: a mount point is one as well.
    #[must_use]
    pub fn is_directory(&self, path: &str) -> bool {
        path == ROOT || self.mounts.contains_key(path) || self.directory(path).is_some()
    }

    /// Makes a directory and those above it.
    pub fn make_directories(&mut self, path: &str) {
        let mut at = path;
        while at.len() > 1 {
            if let Some(filesystem) = self.filesystem_mut(at) {
                filesystem.directories.entry(at.to_owned()).or_default();
            }
            at = at.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }

    /// Every brick process that runs, with its path.
    pub fn processes(&self) -> impl Iterator<Item = (&String, &Process)> {
        let mounted = self.mounts.values().filter_map(|mount| self.devices.get(&mount.source)?.as_ref());
        std::iter::once(&self.root)
            .chain(mounted)
            .flat_map(|filesystem| &filesystem.directories)
            .filter_map(|(path, directory)| Some((path, directory.process.as_ref()?)))
    }

    /// Ends every brick process, as happens with the group of `glusterd.service`.
    pub fn end_bricks(&mut self) {
        let devices = self.devices.values_mut().flatten();
        for filesystem in std::iter::once(&mut self.root).chain(devices) {
            for directory in filesystem.directories.values_mut() {
                directory.process = None;
            }
        }
    }
}

/// Whether `path` is `above` or lies below it.
#[must_use]
pub fn is_below(above: &str, path: &str) -> bool {
    above == ROOT || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
