//! One simulated machine: what lies on its disks, what runs, and what is gone after a power cut.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cluster::{Corosync, Held, Pacemaker};
use super::disks::{Directory, Filesystem, Mount};
use super::journal::Journal;

/// A simulated machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// `ID VERSION_ID` of its `/etc/os-release`.
    pub os: String,
    /// `debian`, `redhat` or `other`.
    pub family: String,
    /// Its addresses; the name of each is known to every node that has DNS.
    pub aliases: Vec<Alias>,
    /// Packages and their versions.
    pub packages: BTreeMap<String, String>,
    /// What systemd knows.
    pub units: BTreeMap<String, Unit>,
    /// Regular files.
    pub files: BTreeMap<String, File>,
    /// The root file system.
    pub root: Filesystem,
    /// Block devices with the file system on each, if there is one.
    pub devices: BTreeMap<String, Option<Filesystem>>,
    /// What is mounted, by mount point.
    pub mounts: BTreeMap<String, Mount>,
    /// How far its clock is ahead of the world's.
    pub clock_offset_ms: i64,
    /// When it was switched on.
    pub booted_ms: u64,
    /// Whether it is on.
    pub power: Power,
    /// What its glusterd keeps below `/var/lib/glusterd`, and remembers.
    pub glusterd: Glusterd,
    /// Its Corosync, while it runs.
    #[serde(default)]
    pub corosync: Option<Corosync>,
    /// Its Pacemaker.
    #[serde(default)]
    pub pacemaker: Pacemaker,
    /// What resource agents have started here, by resource.
    #[serde(default)]
    pub held: BTreeMap<String, Held>,
    /// When its `guard` asks again for the copies of others that did not answer.
    #[serde(default)]
    pub asks_again_ms: Option<u64>,
    /// Interfaces whose cables are pulled: `eth3`.
    #[serde(default)]
    pub unplugged: BTreeSet<String>,
    /// Directories to which nothing can be written (`chattr +i`).
    #[serde(default)]
    pub sealed: BTreeSet<String>,
    /// Resources that do not start here, with what their agents say.
    #[serde(default)]
    pub broken: BTreeMap<String, String>,
    /// Resources that do not stop here, with what their agents say.
    #[serde(default)]
    pub unstoppable: BTreeMap<String, String>,
    /// Its logs.
    #[serde(default)]
    pub journal: Journal,
    /// The next process id.
    pub next_pid: u32,
}

/// An address of a node and the name that DNS has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alias {
    /// The name, if there is one.
    pub name: Option<String>,
    /// The IP address.
    pub ip: String,
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its text.
    pub text: String,
    /// Its permissions, octal.
    pub mode: String,
    /// Whose it is: `root:root`.
    #[serde(default = "by_root")]
    pub owner: String,
    /// When it was written, by the world's clock.
    #[serde(default)]
    pub written_ms: u64,
}

fn by_root() -> String {
    "root:root".to_owned()
}

/// Whether a machine is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Power {
    /// It runs.
    On,
    /// It was switched off without a goodbye.
    Off {
        /// When.
        since_ms: u64,
        /// When it comes back by itself.
        back_ms: Option<u64>,
        /// Whether its glusterd ran, so that others still believe that it does.
        served: bool,
    },
}

/// A unit of systemd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unit {
    /// The target that starts it at boot, if it is enabled.
    pub wanted_by: Option<String>,
    /// Whether it runs.
    pub active: Active,
    /// The text that systemd has read, for units below `/etc`; another one on disk wants a daemon-reload.
    pub read: Option<String>,
    /// The process id while it runs.
    pub pid: u32,
    /// When it was last started, by the world's clock.
    pub since_ms: u64,
}

/// The states of a unit that the simulation knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Active {
    /// It does not run.
    Inactive,
    /// It runs.
    Active,
    /// It ended in an error.
    Failed,
    /// It was killed and systemd will start it again.
    Restarting {
        /// When.
        at_ms: u64,
    },
}

/// What a glusterd knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Glusterd {
    /// Its identity, made at its first start.
    pub uuid: String,
    /// The other members of the pool, as this one sees them.
    pub peers: Vec<Peer>,
    /// Its own copy of the volumes.
    pub volumes: Vec<Volume>,
    /// When it was started last.
    pub started_ms: u64,
    /// The paths of its own bricks in volumes that it has learnt from others since then: it does not know them as its own
    /// by their directories yet.
    #[serde(default)]
    pub learnt: BTreeSet<String>,
    /// The id of its self-heal daemon, if it has one.
    pub shd_pid: u32,
}

impl Glusterd {
    /// Takes a volume into the books, which are sorted by name.
    pub fn enter(&mut self, volume: Volume) {
        match self.volumes.binary_search_by(|known| known.name.cmp(&volume.name)) {
            Ok(place) => self.volumes[place] = volume,
            Err(place) => self.volumes.insert(place, volume),
        }
    }
}

/// A member of the pool, as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Its identity.
    pub uuid: String,
    /// The names it goes by; the first is the one shown.
    pub names: Vec<String>,
    /// Until when the handshake after the probe goes on.
    pub settles_ms: u64,
    /// Whether the two disagree about a volume.
    pub rejected: bool,
}

/// A volume in the books of one glusterd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub id: String,
    /// 0 created, 1 started, 2 stopped.
    pub status: u8,
    /// Rises with each change; the newer copy wins.
    pub version: u64,
    /// Bricks a file, 1 unless replicated.
    pub replica: usize,
    /// Arbiters among them.
    pub arbiter: usize,
    /// Bricks of an erasure-coded set, or 0.
    pub disperse: usize,
    /// How many of them may be lost.
    pub redundancy: usize,
    /// The task that spread the directories over all bricks, since bricks were added last.
    #[serde(default)]
    pub rebalance: Option<String>,
    /// The bricks in their order.
    pub bricks: Vec<BrickRef>,
    /// Options that were set, the newest first.
    pub options: Vec<(String, String)>,
}

/// The state number of a volume that runs.
pub const STARTED: u8 = 1;

impl Volume {
    /// How many bricks make a set.
    #[must_use]
    pub fn set_size(&self) -> usize {
        self.disperse.max(self.replica).max(1)
    }

    /// Whether it has a self-heal daemon.
    #[must_use]
    pub fn heals(&self) -> bool {
        self.replica > 1 || self.disperse > 0
    }

    /// Whether it runs.
    #[must_use]
    pub fn started(&self) -> bool {
        self.status == STARTED
    }
}

/// A brick in a volume's books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrickRef {
    /// The host as it was written when the brick was added.
    pub host: String,
    /// Its directory.
    pub path: String,
    /// The identity of the node that has it.
    pub uuid: String,
}

impl Node {
    /// A fresh machine with nothing installed and one blank disk.
    #[must_use]
    pub fn blank(aliases: Vec<Alias>) -> Self {
        let ssh = Unit {
            wanted_by: Some("multi-user.target".to_owned()),
            active: Active::Active,
            read: None,
            pid: 96,
            since_ms: 0,
        };
        let mut root = Filesystem { size_kb: 30_787_492, free_kb: 24_512_008, ..Filesystem::new("ext4") };
        for path in ["/etc", "/etc/systemd", "/etc/systemd/system", "/mnt", "/root", "/run", "/tmp", "/var"] {
            root.directories.insert(path.to_owned(), Directory::default());
        }
        Self {
            os: "debian 12".to_owned(),
            family: "debian".to_owned(),
            aliases,
            packages: BTreeMap::new(),
            units: BTreeMap::from([("ssh.service".to_owned(), ssh)]),
            files: BTreeMap::from([(
                "/etc/hosts".to_owned(),
                File {
                    text: "127.0.0.1\tlocalhost\n".to_owned(),
                    mode: "644".to_owned(),
                    owner: by_root(),
                    written_ms: 0,
                },
            )]),
            root,
            devices: BTreeMap::from([("/dev/vdb".to_owned(), None)]),
            mounts: BTreeMap::new(),
            clock_offset_ms: 0,
            booted_ms: 0,
            power: Power::On,
            glusterd: Glusterd::default(),
            corosync: None,
            pacemaker: Pacemaker::default(),
            held: BTreeMap::new(),
            asks_again_ms: None,
            unplugged: BTreeSet::new(),
            sealed: BTreeSet::new(),
            broken: BTreeMap::new(),
            unstoppable: BTreeMap::new(),
            journal: Journal::default(),
            next_pid: 400,
        }
    }

    /// Whether the machine is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.power == Power::On
    }

    /// Whether `glusterd` runs.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.is_on() && self.units.get("glusterd.service").is_some_and(|unit| unit.active == Active::Active)
    }

    /// A new process id.
    pub fn fork(&mut self) -> u32 {
        self.next_pid += 17;
        self.next_pid
    }

    /// Puts a file there.
    pub fn put(&mut self, path: &str, text: &str, mode: &str) {
        let file = File { text: text.to_owned(), mode: mode.to_owned(), owner: by_root(), written_ms: 0 };
        self.files.insert(path.to_owned(), file);
    }

    /// Whether its system has a group, by the packages that bring one.
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        let has = |packages: &[&str]| packages.iter().any(|package| self.packages.contains_key(*package));
        match group {
            "root" => true,
            "haclient" => has(&["pacemaker"]),
            "postgres" => has(&["postgresql-common", "postgresql-server"]),
            _ => false,
        }
    }

    /// The volume of that name in the books of this node's glusterd.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Volume> {
        self.glusterd.volumes.iter().find(|volume| volume.name == name)
    }
}
