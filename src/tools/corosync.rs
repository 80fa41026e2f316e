//! Corosync: its file, its key, what it runs with and who is a member.
//!
//! A change of the file has no effect by itself: [`reload`] takes most of it into force on all members at once, and
//! [`class`] says what that leaves out. `corosync-cfgtool -R` says "Done" to both, so only [`cmap`] tells.

mod conf;
mod device;

use std::collections::{BTreeMap, BTreeSet};

use super::{field, rows, scripts, succeeded};
use crate::model::{AbsPath, Command, NodeName, Output, Program, Query, ReadError};

pub use conf::{Conf, Device, Keys, Member, is_packaged, keys};
pub use device::{DeviceState, QDEVICE, certificate, certify, device};

/// The daemon, its unit without `.service`, and its package.
pub const DAEMON: &str = "corosync";
/// Where its file lies.
pub const CONF: &str = "/etc/corosync/corosync.conf";
/// Where its key lies.
pub const KEY: &str = "/etc/corosync/authkey";
/// The key's mode.
const KEY_MODE: &str = "0400";

/// What it takes for a change of a key of the file to come into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// One reload for all members.
    Reload,
    /// A restart of each.
    Restart,
}

/// What only a restart changes, below `totem` (corosync 3.1, `totemconfig.c`: entries that cannot change).
const FIXED: &[&str] = &["version", "threads", "ip_version", "ip_dscp", "netmtu", "transport", "cluster_name"];

/// What it takes for a change of `key` to come into force.
#[must_use]
pub fn class(key: &str) -> Class {
    let fixed = key.strip_prefix("totem.").is_some_and(|key| FIXED.contains(&key))
        || key == "quorum.provider"
        || key.starts_with("system.");
    if fixed { Class::Restart } else { Class::Reload }
}

/// A key, as much as may be known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The beginning of its hash.
    pub digest: String,
    /// Whether nobody but root can read it.
    pub is_private: bool,
}

/// Asks which key a node has.
#[must_use]
pub fn key() -> Query<Option<Key>> {
    Query { command: Command::reads(Program::Script(scripts::LOOK_AUTHKEY), [""; 0]), read: read_key }
}

fn read_key(output: &Output) -> Result<Option<Key>, ReadError> {
    succeeded(output, "coreutils")?;
    let rows = rows(&output.stdout)?;
    let [[digest, mode, owner]] = rows[..] else {
        return Err(ReadError::Garbled(format!("{} lines", rows.len())));
    };
    let is_private = mode == "400" && owner == "root:root";
    Ok(field::<String>(digest)?.map(|digest| Key { digest, is_private }))
}

/// Makes a key, if there is none.
#[must_use]
pub fn make_key() -> Command {
    Command::changes(Program::Script(scripts::MAKE_AUTHKEY), [""; 0])
}

/// Puts the key of `from` in place.
///
/// # Panics
/// Never: the key's path is an absolute one.
#[must_use]
pub fn copy_key(from: &NodeName) -> Command {
    let path = AbsPath::new(KEY).expect("the key's path is absolute");
    let args = [KEY, KEY_MODE, "base64"];
    Command::changes(Program::Script(scripts::WRITE_SECRET), args).with_file_of(from.clone(), path)
}

/// What a running Corosync says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cmap {
    /// What it runs with, by the keys of the file.
    pub keys: Keys,
    /// The ids of the members that it sees, itself among them.
    pub members: BTreeSet<u32>,
    /// Whether it still waits to see all others once, before it counts votes at all.
    pub waits_for_all: bool,
}

impl Cmap {
    /// The nodes that it knows of, by id.
    #[must_use]
    pub fn nodes(&self) -> BTreeSet<u32> {
        let ids = self.keys.iter().filter(|(key, _)| is_node_id(key));
        ids.filter_map(|(_, id)| id.parse().ok()).collect()
    }

    /// Whether the members it sees have a majority, with the vote of a quorum device or without it: whether that votes
    /// for them, Corosync does not tell here.
    #[must_use]
    pub fn is_quorate(&self, with_device: bool) -> bool {
        let device = if with_device { device_votes(&self.keys) } else { 0 };
        !self.waits_for_all && self.members.len() as u64 + device >= quorum(&self.keys)
    }
}

fn is_node_id(key: &str) -> bool {
    key.starts_with("nodelist.node.") && key.ends_with(".nodeid")
}

/// How many votes it takes with these keys (votequorum(5)).
#[must_use]
pub fn quorum(keys: &Keys) -> u64 {
    if keys.get("quorum.two_node").is_some_and(|value| value == "1") {
        return 1;
    }
    u64::midpoint(nodes(keys), device_votes(keys)) + 1
}

fn nodes(keys: &Keys) -> u64 {
    keys.keys().filter(|key| is_node_id(key)).count() as u64
}

/// Whether there is a quorum device.
#[must_use]
pub fn has_device(keys: &Keys) -> bool {
    keys.contains_key("quorum.device.model")
}

/// The votes of the quorum device (corosync-qdevice(8)): one less than there are nodes unless written.
fn device_votes(keys: &Keys) -> u64 {
    if !has_device(keys) {
        return 0;
    }
    let written = keys.get("quorum.device.votes").and_then(|votes| votes.parse().ok());
    written.unwrap_or_else(|| nodes(keys).saturating_sub(1))
}

/// Asks a running Corosync what it runs with and whom it sees.
#[must_use]
pub fn cmap() -> Query<Cmap> {
    Query { command: Command::reads(Program::Tool("corosync-cmapctl"), [""; 0]), read: read_cmap }
}

fn read_cmap(output: &Output) -> Result<Cmap, ReadError> {
    if output.status == 1 && output.stderr.contains("CS_ERR_LIBRARY") {
        return Err(ReadError::Off(DAEMON));
    }
    succeeded(output, DAEMON)?;
    let mut cmap = Cmap::default();
    let mut flat = BTreeMap::new();
    for line in output.stdout.lines() {
        // `KEY (TYPE) = VALUE`; a value may be empty, and a binary one has none.
        let Some((key, value)) = line.split_once(" (").and_then(|(key, rest)| Some((key, rest.split_once(") =")?.1)))
        else {
            return Err(ReadError::Garbled(format!("`{line}`")));
        };
        let value = value.trim();
        if let Some(member) = key.strip_prefix("runtime.members.") {
            match member.split_once('.') {
                Some((id, "status")) if value == "joined" => cmap.members.extend(id.parse::<u32>().ok()),
                _ => {}
            }
        } else if key == "runtime.votequorum.wait_for_all_status" {
            cmap.waits_for_all = value == "1";
        } else if ["totem.", "nodelist.", "quorum.", "logging."].iter().any(|section| key.starts_with(section)) {
            flat.insert(key.to_owned(), value.to_owned());
        }
    }
    cmap.keys = conf::by_name(flat);
    Ok(cmap)
}

/// The key by which a Corosync is told not to wait; it stays in its map.
pub const STOP_WAITING: &str = "quorum.cancel_wait_for_all";

/// Has a Corosync not wait any more for members that it has not seen since it started (votequorum(5),
/// `wait_for_all`).
#[must_use]
pub fn stop_waiting() -> Command {
    Command::changes(Program::Tool("corosync-cmapctl"), ["-s", STOP_WAITING, "u8", "1"])
}

/// Has all members read their files.
#[must_use]
pub fn reload() -> Command {
    Command::changes(Program::Tool("corosync-cfgtool"), ["-R"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::sample;

    #[test]
    fn a_running_corosync_tells_what_it_runs_with_and_whom_it_sees() {
        let alone = read_cmap(&sample::read("72-waiting-for-all/corosync-cmapctl.txt")).unwrap();
        assert_eq!((alone.members.clone(), alone.nodes()), ([1].into(), [1, 2].into()));
        assert!(alone.waits_for_all && !alone.is_quorate(false));
        let both = read_cmap(&sample::read("73-no-dc-yet/corosync-cmapctl.txt")).unwrap();
        assert_eq!(both.members, [1, 2].into());
        assert!(!both.waits_for_all && both.is_quorate(false));
        assert_eq!(both.keys["totem.token"], "3000");
        assert_eq!(both.keys["nodelist.node.node02.ring1_addr"], "192.168.9.12");
    }

    #[test]
    fn what_runs_with_a_file_has_its_keys() {
        let cmap = read_cmap(&sample::read("73-no-dc-yet/node02.corosync-cmapctl.txt")).unwrap();
        let file = keys(&sample::read("71-configured-off/corosync.conf.txt").stdout);
        for (key, value) in &file {
            assert_eq!(cmap.keys.get(key), Some(value), "{key}");
        }
    }

    #[test]
    fn a_corosync_that_does_not_run_is_off_and_one_that_is_not_there_is_not_installed() {
        let off = read_cmap(&sample::read("70-cluster-off/corosync-cmapctl.txt"));
        assert_eq!(off, Err(ReadError::Off("corosync")));
        let missing = Output { status: 127, ..Output::default() };
        assert_eq!(read_cmap(&missing), Err(ReadError::NotInstalled("corosync")));
    }

    #[test]
    fn a_key_is_private_to_root_or_not() {
        let read = |stdout: &str| read_key(&Output { stdout: stdout.to_owned(), ..Output::default() });
        let key = |is_private| Ok(Some(Key { digest: "0123456789abcdef".to_owned(), is_private }));
        assert_eq!(read("0123456789abcdef\t400\troot:root\n"), key(true));
        assert_eq!(read("0123456789abcdef\t644\troot:root\n"), key(false));
        assert_eq!(read("-\t-\t-\n"), Ok(None));
        assert!(read("").is_err());
    }

    #[test]
    fn a_reload_leaves_out_what_only_a_restart_changes() {
        for key in ["totem.cluster_name", "totem.transport", "quorum.provider", "system.x"] {
            assert_eq!(class(key), Class::Restart, "{key}");
        }
        for key in ["totem.token", "quorum.two_node", "quorum.device.model", "nodelist.node.a.ring0_addr"] {
            assert_eq!(class(key), Class::Reload, "{key}");
        }
    }

    #[test]
    fn one_of_two_nodes_goes_on_with_the_vote_of_a_device_and_not_without_it() {
        let mut cmap = read_cmap(&sample::read("92-quorum-device/corosync-cmapctl.txt")).unwrap();
        assert!(has_device(&cmap.keys) && quorum(&cmap.keys) == 2);
        assert!(cmap.is_quorate(false), "both are there");
        cmap.members.remove(&2);
        assert_eq!([cmap.is_quorate(true), cmap.is_quorate(false)], [true, false]);
    }

    #[test]
    fn two_nodes_need_one_vote_and_three_need_two() {
        let of = |nodes: usize, more: &[(&str, &str)]| {
            let id = |n: usize| (format!("nodelist.node.n{n}.nodeid"), n.to_string());
            let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            quorum(&(1..=nodes).map(id).chain(more).collect())
        };
        assert_eq!([of(2, &[("quorum.two_node", "1")]), of(2, &[]), of(3, &[]), of(4, &[])], [1, 2, 2, 3]);
        let split = [("quorum.device.model", "net"), ("quorum.device.votes", "1")];
        assert_eq!([of(2, &split), of(4, &split), of(4, &split[..1])], [2, 3, 4]);
    }
}
