//! The simulated world: machines, the network between them, and the one clock.
//!
//! It is data: written to disk between runs, compared in tests, changed by hand in them. What a program does
//! to it is in the programs' files; what time alone does to it is in `time.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cluster::{FenceMode, GateRule};
use super::disks::{Directory, Filesystem, Mount};
use super::node::{Active, Alias, Node, Peer, Power, Unit, Volume};
use crate::model::NodeName;

/// 2026-01-01T00:00:00Z: what a right clock shows when the world begins.
const EPOCH_MS: u64 = 1_767_225_600_000;
/// How long glusterd believes in a silent peer that it leaves alone: then its keepalive notices. Measured.
const SILENCE_MS: u64 = 26_000;
/// How long it believes in one that it has asked something meanwhile. Measured: more than eight minutes.
const ASKED_SILENCE_MS: u64 = 600_000;
/// How long two glusterds need to find each other.
const HANDSHAKE_MS: u64 = 300;

/// A simulated cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct World {
    /// Milliseconds since the world began.
    pub clock_ms: u64,
    /// The machines.
    pub nodes: BTreeMap<NodeName, Node>,
    /// What DNS knows: addresses by name.
    pub dns: BTreeMap<String, String>,
    /// Links that are down.
    pub cuts: BTreeSet<Cut>,
    /// Volumes with a transaction that hangs, and until when.
    pub locks: BTreeMap<String, u64>,
    /// Who has asked a silent member something and still waits for it.
    pub asked: BTreeSet<(NodeName, NodeName)>,
    /// How fence devices behave, by their ids, unless they do what they should.
    #[serde(default)]
    pub fence_modes: BTreeMap<String, FenceMode>,
    /// How often each node was fenced.
    #[serde(default)]
    pub fenced: BTreeMap<NodeName, u64>,
    /// Whether the host of the quorum device does not answer.
    #[serde(default)]
    pub qnetd_off: bool,
    /// What the crawls of self-heal leave of each brick's list until somebody starts one, by volume.
    #[serde(default)]
    pub left_behind: BTreeMap<String, u64>,
    /// When somebody last started a crawl, by volume.
    #[serde(default)]
    pub crawled: BTreeMap<String, u64>,
    /// The state of the source of uuids and ports.
    pub draws: u64,
    /// The rule that the agents of the heal gate do without, so that it is seen what it is there for.
    #[serde(skip)]
    pub gate_without: Option<GateRule>,
    /// How long the program that runs now keeps its caller waiting beyond its usual time.
    #[serde(skip)]
    pub hang_ms: u64,
    /// Whether the next transaction meets another one.
    #[serde(skip)]
    pub busy: bool,
}

/// A link that carries nothing in one direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cut {
    /// Who is not heard,
    pub from: NodeName,
    /// and by whom.
    pub to: NodeName,
    /// On which network, by the place of its address among a node's; nothing means on all.
    #[serde(default)]
    pub network: Option<usize>,
    /// Since when.
    pub since_ms: u64,
    /// When it heals by itself.
    pub until_ms: Option<u64>,
}

/// What one glusterd believes of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// They are connected.
    Connected,
    /// It went silent without a goodbye: still believed to be there, and waited for.
    Silent,
    /// It is known to be away.
    Gone,
}

/// The world's file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be read or written.
    #[error("the simulated world in {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// It is not a world.
    #[error("the simulated world in {path} cannot be read; remove it to begin anew: {source}")]
    Form {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: serde_json::Error,
    },
}

/// A set of volumes has too few bricks to be written to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no quorum of bricks")]
pub struct NoQuorum;

impl World {
    /// Blank machines, each with its addresses: the first network's first. A name among them is known to DNS on all
    /// nodes; a bare IP address has no name, unless `/etc/hosts` gives it one. The node's own name stands for the
    /// first address.
    #[must_use]
    pub fn empty(nodes: impl IntoIterator<Item = (NodeName, Vec<String>)>) -> Self {
        let mut world = Self::default();
        for (number, (name, addresses)) in nodes.into_iter().enumerate() {
            let mut aliases: Vec<Alias> = Vec::new();
            let addresses = if addresses.is_empty() { vec![name.to_string()] } else { addresses };
            for (network, address) in addresses.into_iter().enumerate() {
                let made = || format!("10.{network}.{}.{}", number / 250, number % 250 + 1);
                let alias = match address.parse::<IpAddr>() {
                    Ok(ip) => Alias { name: None, ip: ip.to_string() },
                    Err(_) => Alias { name: Some(address), ip: made() },
                };
                aliases.push(alias);
            }
            for alias in &aliases {
                if let Some(known) = &alias.name {
                    world.dns.insert(known.clone(), alias.ip.clone());
                }
            }
            world.dns.entry(name.to_string()).or_insert_with(|| aliases[0].ip.clone());
            world.nodes.insert(name, Node::blank(aliases));
        }
        world
    }

    /// Reads the world that an earlier run left.
    ///
    /// # Errors
    /// [`Error`] if the file cannot be read or is no world; `None` if there is no such file.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        let shown = || path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path: shown(), source }),
        };
        serde_json::from_str(&text).map(Some).map_err(|source| Error::Form { path: shown(), source })
    }

    /// Leaves the world to the next run; an interruption leaves the old one or the new one.
    ///
    /// # Errors
    /// [`Error`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Io { path: path.display().to_string(), source };
        let text =
            serde_json::to_string(self).map_err(|source| Error::Form { path: path.display().to_string(), source })?;
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)
    }

    /// Gives a node a file system of its own for bricks: `device`, formatted and mounted at `path` by a unit.
    pub fn give_storage(&mut self, node: &NodeName, device: &str, path: &str) {
        let Some(node) = self.nodes.get_mut(node) else { return };
        node.make_directories(path);
        node.devices.insert(device.to_owned(), Some(Filesystem::new("xfs")));
        let unit = super::systemd::mount_unit(path);
        let text = format!("[Mount]\nWhat={device}\nWhere={path}\nType=xfs\n\n[Install]\nWantedBy=local-fs.target\n");
        node.put(&format!("/etc/systemd/system/{unit}"), &text, "644");
        let wanted_by = Some("local-fs.target".to_owned());
        node.units.insert(unit, Unit { wanted_by, active: Active::Active, read: Some(text), pid: 0, since_ms: 0 });
        node.mounts.insert(path.to_owned(), Mount { source: device.to_owned(), fstype: "xfs".to_owned() });
    }

    /// A node that is known to be there.
    pub(crate) fn node_mut(&mut self, name: &NodeName) -> &mut Node {
        self.nodes.get_mut(name).expect("a node of this world")
    }

    /// What the clock of a node shows, in milliseconds since 1970.
    #[must_use]
    pub fn clock_of(&self, node: &Node) -> u64 {
        self.since_1970(self.clock_ms).saturating_add_signed(node.clock_offset_ms)
    }

    /// What a right clock shows at a point of the world's time.
    #[must_use]
    pub fn since_1970(&self, ms: u64) -> u64 {
        EPOCH_MS + ms
    }

    /// The next number of the world's own source; equal worlds draw equal numbers.
    pub fn draw(&mut self) -> u64 {
        self.draws = self.draws.wrapping_add(1);
        super::faults::mix(self.draws)
    }

    /// A new UUID.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.draw(), self.draw());
        let bits = |value: u64, shift: u32, mask: u64| (value >> shift) & mask;
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            bits(high, 32, 0xffff_ffff),
            bits(high, 16, 0xffff),
            bits(high, 0, 0xfff),
            bits(low, 48, 0x3fff) | 0x8000,
            bits(low, 0, 0xffff_ffff_ffff)
        )
    }

    /// The addresses that `at` has for a name: its `/etc/hosts` first, then DNS.
    #[must_use]
    pub fn resolve(&self, at: &NodeName, name: &str) -> Vec<String> {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return vec![ip.to_string()];
        }
        self.look_up(at, name).into_iter().map(str::to_owned).collect()
    }

    /// The addresses of a name that is none itself.
    fn look_up(&self, at: &NodeName, name: &str) -> BTreeSet<&str> {
        let hosts = self.nodes.get(at).and_then(|node| node.files.get("/etc/hosts"));
        let found: BTreeSet<&str> = hosts
            .iter()
            .flat_map(|file| file.text.lines())
            // Most lines do not have it anywhere, and time asks often.
            .filter(|line| line.contains(name))
            .map(|line| line.split('#').next().unwrap_or_default())
            .filter(|line| line.split_whitespace().skip(1).any(|word| word == name))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        if found.is_empty() { self.dns.get(name).map(String::as_str).into_iter().collect() } else { found }
    }

    /// The node that `at` means by a name.
    #[must_use]
    pub fn node_called(&self, at: &NodeName, name: &str) -> Option<&NodeName> {
        let own = name.parse::<IpAddr>().ok().map(|ip| ip.to_string());
        let address = own.as_deref().or_else(|| self.look_up(at, name).into_iter().next())?;
        if address.starts_with("127.") || address == "::1" {
            return self.nodes.get_key_value(at).map(|(name, _)| name);
        }
        self.nodes.iter().find(|(_, node)| node.aliases.iter().any(|alias| alias.ip == address)).map(|(name, _)| name)
    }

    /// The name by which `at` comes to know `other`, that reached it under `used`: of the address on the same
    /// network, or that address itself where `at` has no name for it.
    #[must_use]
    pub fn reverse(&self, at: &NodeName, used: &str, other: &NodeName) -> String {
        let own = self.resolve(other, used);
        let network = self.nodes[at].aliases.iter().position(|alias| own.contains(&alias.ip)).unwrap_or(0);
        let aliases = &self.nodes[other].aliases;
        let alias = aliases.get(network).unwrap_or(&aliases[0]);
        let hosts = self.nodes[at].files.get("/etc/hosts").map_or("", |file| &file.text);
        let in_hosts = hosts
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find_map(|words| (words.first() == Some(&alias.ip.as_str())).then(|| words.get(1).copied()).flatten());
        let in_dns = || self.dns.iter().find(|(_, ip)| **ip == alias.ip).map(|(name, _)| name.as_str());
        in_hosts.or(alias.name.as_deref()).or_else(in_dns).unwrap_or(&alias.ip).to_owned()
    }

    /// The node whose glusterd has that identity.
    #[must_use]
    pub fn node_with(&self, uuid: &str) -> Option<&NodeName> {
        self.nodes.iter().find(|(_, node)| node.glusterd.uuid == uuid).map(|(name, _)| name)
    }

    /// The cut between two nodes on the network of their glusterds, if there is one in either direction: nothing that
    /// is answered gets through.
    #[must_use]
    pub fn cut_between(&self, a: &NodeName, b: &NodeName) -> Option<&Cut> {
        self.cut_on(a, b, self.glusterd_network(a, b))
    }

    /// The cut between two nodes on a network, or on whichever there is.
    #[must_use]
    pub fn cut_on(&self, a: &NodeName, b: &NodeName, network: Option<usize>) -> Option<&Cut> {
        let here = |cut: &&Cut| cut.network.is_none() || cut.network == network;
        let between = |cut: &&Cut| (&cut.from == a && &cut.to == b) || (&cut.from == b && &cut.to == a);
        self.cuts.iter().filter(here).find(between)
    }

    /// The network over which two glusterds know each other.
    fn glusterd_network(&self, a: &NodeName, b: &NodeName) -> Option<usize> {
        let uuid = &self.nodes[b].glusterd.uuid;
        let peer = self.nodes[a].glusterd.peers.iter().find(|peer| peer.uuid == *uuid)?;
        self.network_of(a, peer.names.first()?)
    }

    /// The network of an address or name, as `at` resolves it: the place of the address among those of its node.
    #[must_use]
    pub fn network_of(&self, at: &NodeName, name: &str) -> Option<usize> {
        let addresses = self.resolve(at, name);
        self.nodes.values().find_map(|node| node.aliases.iter().position(|alias| addresses.contains(&alias.ip)))
    }

    /// Whether `b` answers `a` over the network of their glusterds.
    #[must_use]
    pub fn reaches(&self, a: &NodeName, b: &NodeName) -> bool {
        a == b || (self.nodes[b].is_on() && self.cut_between(a, b).is_none())
    }

    /// Whether `b` answers `a` over a network.
    #[must_use]
    pub fn reaches_over(&self, a: &NodeName, b: &NodeName, network: Option<usize>) -> bool {
        a == b || (self.nodes[b].is_on() && self.cut_on(a, b, network).is_none())
    }

    /// What the glusterd of `a` believes of that of `b`.
    #[must_use]
    pub fn sight(&self, a: &NodeName, b: &NodeName) -> Sight {
        let (one, other) = (&self.nodes[a], &self.nodes[b]);
        let silent_since = match (other.power, self.cut_between(a, b)) {
            (Power::Off { since_ms, served, .. }, _) => served.then_some(since_ms),
            (Power::On, Some(cut)) => other.serves().then_some(cut.since_ms),
            (Power::On, None) => {
                let met_ms = one.glusterd.started_ms.max(other.glusterd.started_ms) + HANDSHAKE_MS;
                return if other.serves() && met_ms <= self.clock_ms { Sight::Connected } else { Sight::Gone };
            }
        };
        let asked = self.asked.contains(&(a.clone(), b.clone()));
        let patience_ms = if asked { ASKED_SILENCE_MS } else { SILENCE_MS };
        match silent_since {
            Some(since) if one.glusterd.started_ms < since && self.clock_ms < since + patience_ms => Sight::Silent,
            _ => Sight::Gone,
        }
    }

    /// The other members of the pool of `at` with what it believes of each.
    #[must_use]
    pub fn members(&self, at: &NodeName) -> Vec<(NodeName, &Peer, Sight)> {
        let peers = self.nodes[at].glusterd.peers.iter();
        peers.filter_map(|peer| self.node_with(&peer.uuid).map(|n| (n.clone(), peer, self.sight(at, n)))).collect()
    }

    /// Where a brick is now: its node and its directory.
    #[must_use]
    pub fn brick(&self, uuid: &str, path: &str) -> Option<(&NodeName, &Directory)> {
        let node = self.node_with(uuid)?;
        Some((node, self.nodes[node].directory(path)?))
    }

    /// Whether a brick's process runs on a machine that is on.
    #[must_use]
    pub fn brick_is_up(&self, uuid: &str, path: &str) -> bool {
        self.brick(uuid, path).is_some_and(|(node, directory)| self.nodes[node].is_on() && directory.process.is_some())
    }

    /// The newest copy of a volume in any glusterd's books.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Volume> {
        self.nodes.values().filter_map(|node| node.volume(name)).max_by_key(|volume| volume.version)
    }
}
