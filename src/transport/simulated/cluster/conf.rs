//! `corosync.conf` as corosync 3.1 reads it: sections and values become the keys of its map.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::memo::Memo;

/// Where it lies.
pub const PATH: &str = "/etc/corosync/corosync.conf";

/// Keys that a running corosync does not change (its own list), with whatever begins like them.
const RESTART_ONLY: [&str; 19] = [
    "totem.version",
    "totem.threads",
    "totem.ip_version",
    "totem.ip_dscp",
    "totem.netmtu",
    "totem.transport",
    "totem.cluster_name",
    "totem.interface.0.bindnetaddr",
    "totem.interface.0.mcastaddr",
    "totem.interface.0.broadcast",
    "totem.interface.0.mcastport",
    "totem.interface.0.ttl",
    "quorum.provider",
    "system.move_to_root_cgroup",
    "system.allow_knet_handle_fallback",
    "system.sched_rr",
    "system.priority",
    "system.qb_ipc_type",
    "system.state_dir",
];

/// What a `corosync.conf` says, by the keys of the map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conf {
    /// The values.
    pub keys: BTreeMap<String, String>,
    #[serde(skip)]
    nodes: Memo<Vec<Listed>>,
}

/// A node of the node list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its place in the list.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: u32,
    /// Its address on each link.
    pub addresses: BTreeMap<usize, String>,
}

impl Conf {
    /// Reads a file.
    ///
    /// # Errors
    /// What corosync says about it.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut keys = BTreeMap::new();
        let mut path: Vec<String> = Vec::new();
        let (mut nodes, mut interfaces) = (0, 0);
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let at = number + 1;
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(section) = line.strip_suffix('{') {
                path.push(match section.trim() {
                    "node" => counted("node", &mut nodes),
                    "interface" => counted("interface", &mut interfaces),
                    other => other.to_owned(),
                });
            } else if line == "}" {
                path.pop().ok_or_else(|| format!("parser error: {PATH}:{at}: Unexpected closing brace"))?;
            } else {
                let (key, value) = line.split_once(':').ok_or_else(|| {
                    format!("parser error: {PATH}:{at}: Line is not opening or closing section or key value")
                })?;
                keys.insert(format!("{}.{}", path.join("."), key.trim()), value.trim().to_owned());
            }
        }
        if !path.is_empty() {
            return Err(format!("parser error: {PATH}: Missing closing brace"));
        }
        let conf = Self { keys, nodes: Memo::default() };
        conf.check()?;
        Ok(conf)
    }

    fn check(&self) -> Result<(), String> {
        if self.get("totem.version") != Some("2") {
            return Err("parse error in config: This totem parser can only parse version 2 configurations.".to_owned());
        }
        for key in ["totem.token", "totem.consensus", "totem.join", "totem.token_coefficient"] {
            if let Some(value) = self.get(key).filter(|value| value.parse::<u32>().is_err()) {
                return Err(format!(
                    "parse error in config: {PATH}: Value of key {key} is expected to be integer, but \"{value}\" was given"
                ));
            }
        }
        Ok(())
    }

    /// A value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(String::as_str)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    fn is_on(&self, key: &str) -> bool {
        matches!(self.get(key), Some("1" | "yes" | "on"))
    }

    /// The nodes it lists.
    #[must_use]
    pub fn nodes(&self) -> &[Listed] {
        self.nodes.or_work_out(|| {
            let mut nodes = Vec::new();
            while let Some(node) = self.node(nodes.len()) {
                nodes.push(node);
            }
            nodes
        })
    }

    fn node(&self, place: usize) -> Option<Listed> {
        let key = |name: &str| format!("nodelist.node.{place}.{name}");
        let address = |link: usize| Some((link, self.get(&key(&format!("ring{link}_addr")))?.to_owned()));
        let addresses: BTreeMap<usize, String> = (0..8).filter_map(address).collect();
        let first = addresses.values().next()?.clone();
        let name = self.get(&key("name")).map_or(first, str::to_owned);
        let id = self.number(&key("nodeid")).and_then(|id| u32::try_from(id).ok())?;
        Some(Listed { place, name, id, addresses })
    }

    /// After how much silence a member is looked for: grows with the nodes.
    #[must_use]
    pub fn token_ms(&self) -> u64 {
        let more = self.nodes().len().saturating_sub(2) as u64;
        self.number("totem.token").unwrap_or(3000) + more * self.number("totem.token_coefficient").unwrap_or(650)
    }

    /// For how long it is then looked for.
    #[must_use]
    pub fn consensus_ms(&self) -> u64 {
        self.number("totem.consensus").unwrap_or(self.token_ms() * 12 / 10)
    }

    /// The cluster's name.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.get("totem.cluster_name").unwrap_or_default()
    }

    /// Whether packets are encrypted or signed, so that there must be a key.
    #[must_use]
    pub fn needs_key(&self) -> bool {
        let on = |key: &str| self.get(key).is_some_and(|value| value != "none");
        self.is_on("totem.secauth") || on("totem.crypto_cipher") || on("totem.crypto_hash")
    }

    /// Whether one of two nodes is a quorum.
    #[must_use]
    pub fn two_node(&self) -> bool {
        self.is_on("quorum.two_node") && self.nodes().len() == 2
    }

    /// Whether nothing is a quorum before all nodes have been seen once.
    #[must_use]
    pub fn wait_for_all(&self) -> bool {
        if self.get("quorum.wait_for_all").is_some() { self.is_on("quorum.wait_for_all") } else { self.two_node() }
    }

    /// Whether there is a quorum device.
    #[must_use]
    pub fn has_device(&self) -> bool {
        self.get("quorum.device.model").is_some()
    }

    /// The votes of the quorum device.
    #[must_use]
    pub fn device_votes(&self) -> usize {
        let written = || usize::try_from(self.number("quorum.device.votes")?).ok();
        if self.has_device() { written().unwrap_or_else(|| self.nodes().len().saturating_sub(1)) } else { 0 }
    }

    /// How many votes are waited for: of a device's that are written, Corosync knows only by the sum.
    #[must_use]
    pub fn waited_for(&self) -> usize {
        let written = self.number("quorum.expected_votes").and_then(|votes| usize::try_from(votes).ok());
        let counted = if self.get("quorum.device.votes").is_some() { 0 } else { self.device_votes() };
        written.unwrap_or_else(|| self.nodes().len() + counted)
    }

    /// How many votes are a quorum.
    #[must_use]
    pub fn quorum(&self) -> usize {
        if self.two_node() { 1 } else { usize::midpoint(self.nodes().len(), self.device_votes()) + 1 }
    }

    /// Takes over what a running corosync takes over of another file.
    pub fn reload(&mut self, file: &Self) {
        let kept: Vec<(String, Option<String>)> =
            RESTART_ONLY.iter().map(|key| ((*key).to_owned(), self.keys.get(*key).cloned())).collect();
        *self = file.clone();
        for (key, value) in kept {
            match value {
                Some(value) => self.keys.insert(key, value),
                None => self.keys.remove(&key),
            };
        }
        self.nodes = Memo::default();
    }
}

fn counted(name: &str, count: &mut usize) -> String {
    *count += 1;
    format!("{name}.{}", *count - 1)
}
