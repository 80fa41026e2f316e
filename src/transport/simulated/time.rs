//! What time does by itself: clocks, heals, handshakes, processes that systemd starts again.

use super::node::{Active, BrickRef, Power, STARTED, Volume};
use super::world::{Sight, World};
use crate::model::NodeName;

/// Entries a second that a self-heal daemon mends. Measured with small files: 40 to 80.
const HEALED_PER_SECOND: u64 = 50;

/// Within one step the order of events does not matter.
const STEP_MS: u64 = 500;

impl World {
    /// Lets time pass, and with it everything that happens on its own.
    pub fn advance(&mut self, ms: u64) {
        let end = self.clock_ms + ms;
        while self.clock_ms < end {
            self.step((end - self.clock_ms).min(STEP_MS));
        }
    }

    fn step(&mut self, ms: u64) {
        let before = self.clock_ms;
        self.clock_ms += ms;
        let now = self.clock_ms;
        self.locks.retain(|_, until| *until > now);
        self.cuts.retain(|cut| cut.until_ms.is_none_or(|until| until > now));
        self.return_of_the_absent();
        let mut asked = std::mem::take(&mut self.asked);
        asked.retain(|(by, of)| !self.reaches(by, of));
        self.asked = asked;
        self.ask_for_copies_again();
        self.exchange_books();
        self.run_cluster();
        self.crawl();
        let healed = now * HEALED_PER_SECOND / 1000 - before * HEALED_PER_SECOND / 1000;
        if healed > 0 {
            self.heal(healed);
        }
    }

    /// Nodes that come back and daemons that are started again.
    fn return_of_the_absent(&mut self) {
        let now = self.clock_ms;
        let due = |power: Power| matches!(power, Power::Off { back_ms: Some(at), .. } if at <= now);
        let restart = |active: Active| matches!(active, Active::Restarting { at_ms } if at_ms <= now);
        let booting: Vec<NodeName> =
            self.nodes.iter().filter(|(_, node)| due(node.power)).map(|(name, _)| name.clone()).collect();
        for node in booting {
            self.boot(&node);
        }
        let restarting: Vec<(NodeName, String)> = self
            .nodes
            .iter()
            .flat_map(|(name, node)| node.units.iter().map(move |(unit, state)| (name, unit, state)))
            .filter(|(_, _, state)| restart(state.active))
            .map(|(name, unit, _)| (name.clone(), unit.clone()))
            .collect();
        for (node, unit) in restarting {
            // A failure leaves the unit failed, which is what is to be seen.
            let _ = self.start_unit(&node, &unit);
        }
    }

    /// Connected glusterds compare their books; the newer copy of a volume wins.
    fn exchange_books(&mut self) {
        let names: Vec<NodeName> = self.nodes.keys().cloned().collect();
        for reader in &names {
            if !self.nodes[reader].serves() {
                continue;
            }
            for volume in self.newer_volumes(reader) {
                let glusterd = &mut self.node_mut(reader).glusterd;
                if glusterd.volumes.iter().all(|known| known.name != volume.name) {
                    let own = volume.bricks.iter().filter(|brick| brick.uuid == glusterd.uuid);
                    glusterd.learnt.extend(own.map(|brick| brick.path.clone()));
                }
                glusterd.enter(volume);
                self.serve(reader);
            }
        }
    }

    /// The volumes of which a connected peer has a newer copy than `reader`.
    fn newer_volumes(&self, reader: &NodeName) -> Vec<Volume> {
        let mut newer: Vec<Volume> = Vec::new();
        for (name, peer, sight) in self.members(reader) {
            if sight != Sight::Connected || peer.rejected || peer.settles_ms > self.clock_ms {
                continue;
            }
            for volume in &self.nodes[&name].glusterd.volumes {
                let known = self.nodes[reader].volume(&volume.name).map(|known| known.version);
                let found = newer.iter().find(|found| found.name == volume.name).map(|found| found.version);
                if known.max(found).is_none_or(|version| version < volume.version) {
                    newer.retain(|found| found.name != volume.name);
                    // What comes from a peer is read into a new table, which turns the order of options around.
                    let options = volume.options.iter().rev().cloned().collect();
                    newer.push(Volume { options, ..volume.clone() });
                }
            }
        }
        newer
    }

    /// Starts the brick processes that a node's glusterd finds in its books and does not find running.
    pub fn serve(&mut self, name: &NodeName) {
        let node = &self.nodes[name];
        let uuid = &node.glusterd.uuid;
        let started = node.glusterd.volumes.iter().filter(|volume| volume.status == STARTED);
        let due: Vec<(String, String)> = started
            .flat_map(|volume| volume.bricks.iter().map(move |brick| (volume, brick)))
            .filter(|(_, brick)| brick.uuid == *uuid)
            .map(|(volume, brick)| (volume.id.clone(), brick.path.clone()))
            .collect();
        for (volume, path) in due {
            self.start_brick(name, &volume, &path);
        }
    }

    /// Starts a brick, if its directory is there, carries the volume's mark and has no process yet.
    fn start_brick(&mut self, name: &NodeName, volume: &str, path: &str) {
        let port = 49_152 + u16::try_from(self.draw() % 11_000).unwrap_or(0);
        let Some(node) = self.nodes.get_mut(name) else { return };
        let pid = node.fork();
        let marked = |directory: &&mut super::disks::Directory| directory.volume_id.as_deref() == Some(volume);
        if let Some(directory) = node.directory_mut(path).filter(marked) {
            directory.indexed = true;
            directory.process.get_or_insert(super::disks::Process { pid, port });
        }
    }

    /// A new brick of a set is blamed for everything once the full crawl has begun.
    fn crawl(&mut self) {
        let now = self.clock_ms;
        for volume in self.known_volumes() {
            for set in volume.bricks.chunks(volume.set_size()) {
                for new in set {
                    let due = self.brick(&new.uuid, &new.path).and_then(|(_, directory)| directory.crawl_ms);
                    if due.is_some_and(|at| at <= now) {
                        self.blame_for_all(set, new);
                    }
                }
            }
        }
    }

    fn blame_for_all(&mut self, set: &[BrickRef], new: &BrickRef) {
        let Some(key) = self.brick_key(&new.uuid, &new.path) else { return };
        for brick in set.iter().filter(|brick| *brick != new) {
            self.on_brick(brick, |directory| {
                if directory.files > 0 {
                    directory.blames.insert(key.clone(), directory.files + 1);
                }
            });
        }
        self.on_brick(new, |directory| directory.crawl_ms = None);
    }

    /// Mends up to `entries` on each pair of bricks that are both up.
    fn heal(&mut self, entries: u64) {
        for volume in self.known_volumes().into_iter().filter(Volume::started) {
            let left_behind = self.left_behind.get(&volume.name).copied().unwrap_or_default();
            for set in volume.bricks.chunks(volume.set_size()) {
                for source in set {
                    for target in set.iter().filter(|target| *target != source) {
                        self.heal_pair(&volume.name, (source, target), entries, left_behind);
                    }
                }
            }
        }
    }

    fn heal_pair(&mut self, volume: &str, (source, target): (&BrickRef, &BrickRef), entries: u64, left_behind: u64) {
        let Some((files, had)) = self.heals_now(source, target) else { return };
        let Some(key) = self.brick_key(&target.uuid, &target.path) else { return };
        let left = had.saturating_sub(entries).max(left_behind.min(had));
        if let Some(healer) = self.node_with(&source.uuid).cloned().filter(|_| left < had) {
            self.log_heal(&healer, volume, had - left);
        }
        self.on_brick(source, |directory| {
            if left == 0 {
                directory.blames.remove(&key);
            } else {
                directory.blames.insert(key.clone(), left);
            }
        });
        if left == 0 {
            let databases = self.brick(&source.uuid, &source.path).map(|(_, directory)| directory.databases.clone());
            self.on_brick(target, |directory| {
                directory.files = directory.files.max(files);
                directory.databases.extend(databases.unwrap_or_default());
            });
        }
    }

    /// The files of `source` and what it still blames on `target`, while something heals between the two.
    #[must_use]
    pub fn heals_now(&self, source: &BrickRef, target: &BrickRef) -> Option<(u64, u64)> {
        let key = self.brick_key(&target.uuid, &target.path)?;
        let (at, directory) = self.brick(&source.uuid, &source.path)?;
        let left = *directory.blames.get(&key)?;
        let (to, stale) = self.brick(&target.uuid, &target.path)?;
        let up = self.brick_is_up(&source.uuid, &source.path) && self.brick_is_up(&target.uuid, &target.path);
        // Both have written to the same files of a database: nobody but a person decides which of them count.
        let own = self.brick_key(&source.uuid, &source.path)?;
        let torn = !directory.databases.is_empty() && stale.blames.contains_key(&own);
        let healing = up && !torn && stale.crawl_ms.is_none() && self.nodes[at].serves() && self.reaches(at, to);
        healing.then_some((directory.files, left))
    }

    /// The newest copy of every volume.
    fn known_volumes(&self) -> Vec<Volume> {
        let mut found: Vec<&Volume> = Vec::new();
        for volume in self.nodes.values().flat_map(|node| &node.glusterd.volumes) {
            match found.iter_mut().find(|known| known.name == volume.name) {
                Some(known) if known.version >= volume.version => {}
                Some(known) => *known = volume,
                None => found.push(volume),
            }
        }
        found.into_iter().cloned().collect()
    }

    /// Changes the directory of a brick, if it is there.
    pub fn on_brick(&mut self, brick: &BrickRef, change: impl FnOnce(&mut super::disks::Directory)) {
        let Some(node) = self.node_with(&brick.uuid).cloned() else { return };
        if let Some(directory) = self.nodes.get_mut(&node).and_then(|node| node.directory_mut(&brick.path)) {
            change(directory);
        }
    }
}
