//! What happens to a cluster without anybody typing a command: power cuts, pulled cables, killed processes, and
//! applications that write. Faults and tests use it.

use super::node::{Active, Node, Power};
use super::world::{Cut, NoQuorum, World};
use crate::model::NodeName;

impl World {
    /// Cuts the power of a node, without a goodbye to anyone.
    pub fn cut_power(&mut self, node: &NodeName, for_ms: Option<u64>) {
        let now = self.clock_ms;
        let Some(node) = self.nodes.get_mut(node).filter(|node| node.is_on()) else { return };
        let back_ms = for_ms.map(|after| now + after);
        node.power = Power::Off { since_ms: now, back_ms, served: node.serves() };
        node.end_boot(now);
        node.end_bricks();
        for unit in node.units.values_mut() {
            unit.active = Active::Inactive;
        }
        node.mounts.clear();
        node.corosync = None;
        node.held.clear();
        node.pacemaker.daemon = None;
        if let Some(cib) = &mut node.pacemaker.cib {
            cib.close();
        }
        node.files.retain(|path, _| !path.starts_with("/run/"));
    }

    /// Switches a node on: what is enabled starts.
    pub fn boot(&mut self, name: &NodeName) {
        let now = self.clock_ms;
        let Some(node) = self.nodes.get_mut(name).filter(|node| !node.is_on()) else { return };
        node.power = Power::On;
        node.booted_ms = now;
        let enabled: Vec<String> =
            node.units.iter().filter(|(_, unit)| unit.wanted_by.is_some()).map(|(name, _)| name.clone()).collect();
        // Local file systems first, as systemd orders them: a brick served from below its mount would be lost.
        let (mounts, mut services): (Vec<_>, Vec<_>) =
            enabled.into_iter().partition(|unit| self.is_local_mount(name, unit));
        services.sort_by_key(|unit| unit == super::cluster::PACEMAKER);
        for unit in mounts.iter().chain(&services) {
            // What cannot be mounted yet stays failed, as on a real node.
            let _ = self.start_unit(name, unit);
        }
    }

    /// Puts a new, empty machine in the place of a node, with its addresses, and switches it on.
    pub fn reinstall(&mut self, name: &NodeName) {
        let booted_ms = self.clock_ms;
        if let Some(node) = self.nodes.get_mut(name) {
            *node = Node { booted_ms, ..Node::blank(std::mem::take(&mut node.aliases)) };
        }
    }

    /// Cuts the link between two nodes in both directions.
    pub fn cut_link(&mut self, a: &NodeName, b: &NodeName, for_ms: Option<u64>) {
        self.cut_one_way(a, b, for_ms);
        self.cut_one_way(b, a, for_ms);
    }

    /// Lets nothing of `from` reach `to`.
    pub fn cut_one_way(&mut self, from: &NodeName, to: &NodeName, for_ms: Option<u64>) {
        self.cut(from, to, None, for_ms);
    }

    /// Cuts one network between two nodes in both directions: the place of its address among a node's.
    pub fn cut_network(&mut self, a: &NodeName, b: &NodeName, network: usize, for_ms: Option<u64>) {
        self.cut(a, b, Some(network), for_ms);
        self.cut(b, a, Some(network), for_ms);
    }

    fn cut(&mut self, from: &NodeName, to: &NodeName, network: Option<usize>, for_ms: Option<u64>) {
        let since_ms = self.clock_ms;
        let until_ms = for_ms.map(|after| since_ms + after);
        self.cuts.insert(Cut { from: from.clone(), to: to.clone(), network, since_ms, until_ms });
    }

    /// Kills glusterd; systemd ends what is left of its group and starts it again after a minute.
    pub fn kill_glusterd(&mut self, node: &NodeName) {
        let at_ms = self.clock_ms + 60_000;
        let Some(node) = self.nodes.get_mut(node).filter(|node| node.serves()) else { return };
        node.end_bricks();
        if let Some(unit) = node.units.get_mut("glusterd.service") {
            unit.active = Active::Restarting { at_ms };
        }
    }

    /// Kills the process of a brick.
    pub fn kill_brick(&mut self, node: &NodeName, path: &str) {
        if let Some(directory) = self.nodes.get_mut(node).and_then(|node| node.directory_mut(path)) {
            directory.process = None;
        }
    }

    /// Has a brick hold a file that other copies hold differently.
    pub fn dispute(&mut self, node: &NodeName, path: &str) {
        if let Some(directory) = self.nodes.get_mut(node).and_then(|node| node.directory_mut(path)) {
            directory.split_brain = 1;
        }
    }

    /// Unmounts what is mounted at `path`.
    pub fn unmount(&mut self, node: &NodeName, path: &str) {
        let Some(node) = self.nodes.get_mut(node) else { return };
        node.mounts.remove(path);
        if let Some(unit) = node.units.get_mut(&super::systemd::mount_unit(path)) {
            unit.active = Active::Inactive;
        }
    }

    /// Switches everything on, mends every link and sets every clock right. Killed processes stay dead.
    pub fn restore(&mut self) {
        self.cuts.clear();
        for node in self.nodes.values_mut() {
            node.clock_offset_ms = 0;
        }
        for name in self.nodes.keys().cloned().collect::<Vec<_>>() {
            self.boot(&name);
        }
    }

    /// A client writes files, spread over the sets; bricks that are away are blamed by those that are there.
    ///
    /// # Errors
    /// [`NoQuorum`] if a set has no brick that is up, or a set of three or more no majority.
    pub fn write_files(&mut self, volume: &str, count: u64) -> Result<(), NoQuorum> {
        let Some(volume) = self.volume(volume).filter(|volume| volume.started()).cloned() else {
            return Err(NoQuorum);
        };
        let sets: Vec<_> = volume.bricks.chunks(volume.set_size()).collect();
        for set in &sets {
            let up = set.iter().filter(|brick| self.brick_is_up(&brick.uuid, &brick.path)).count();
            if up == 0 || (set.len() > 2 && up * 2 <= set.len()) {
                return Err(NoQuorum);
            }
        }
        let (share, rest) = (count / sets.len() as u64, count % sets.len() as u64);
        for (number, set) in sets.iter().enumerate() {
            let files = share + u64::from((number as u64) < rest);
            self.write_to_set(set, files);
        }
        Ok(())
    }

    fn write_to_set(&mut self, set: &[super::node::BrickRef], files: u64) {
        let (up, down): (Vec<_>, Vec<_>) = set.iter().partition(|brick| self.brick_is_up(&brick.uuid, &brick.path));
        let now = self.clock_ms;
        let stale: Vec<String> = down.iter().filter_map(|brick| self.brick_key(&brick.uuid, &brick.path)).collect();
        for brick in up {
            let Some(node) = self.node_with(&brick.uuid).cloned() else { continue };
            let Some(directory) = self.nodes.get_mut(&node).and_then(|node| node.directory_mut(&brick.path)) else {
                continue;
            };
            directory.files += files;
            directory.written_ms = now;
            for key in stale.iter().filter(|_| files > 0) {
                // The directory that holds the files is stale with the first of them.
                let blamed = directory.blames.entry(key.clone()).or_insert(1);
                *blamed += files;
            }
        }
    }

    /// How a brick is named in the blame lists of the others.
    #[must_use]
    pub fn brick_key(&self, uuid: &str, path: &str) -> Option<String> {
        Some(format!("{}:{path}", self.node_with(uuid)?))
    }
}
