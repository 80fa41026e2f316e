//! The client of the law's service: it writes a row a second through whoever serves, and knows of every row that was
//! said to be safe which copy misses it. That is the truth by which the law judges; the lists that the bricks keep of
//! each other are only what the gate goes by.

use std::collections::{BTreeMap, BTreeSet};

use super::ground::{BRICK, NODES, other};
use crate::laws::node;
use crate::transport::simulated::World;

/// What clients know.
#[derive(Default)]
pub struct Client {
    /// How many rows each copy misses that were said to be safe, if it misses any.
    misses: BTreeMap<&'static str, u64>,
    /// Since when each pair of client and brick is out of touch, in seconds.
    apart: BTreeMap<(&'static str, &'static str), u64>,
}

/// The bricks that a client on a node is connected to.
pub fn reached(world: &World, client: &str) -> Vec<&'static str> {
    let answers = |name: &&&str| {
        let uuid = &world.nodes[&node(name)].glusterd.uuid;
        world.brick_answers(&node(client), uuid, BRICK)
    };
    NODES.iter().filter(answers).copied().collect()
}

/// Whether the copy of a node is blamed by the other, be that heard or not: what lies on a disk is there also while its
/// machine is off.
pub fn is_blamed(world: &World, name: &str) -> bool {
    let disks = world.nodes[&node(other(name))].devices.values().flatten();
    let mut judges = disks.filter_map(|disk| disk.directories.get(BRICK));
    judges.any(|judge| judge.blames.contains_key(&format!("{name}:{BRICK}")))
}

impl Client {
    /// Whether the copy of a node misses a row.
    pub fn misses(&self, name: &str) -> bool {
        self.misses.contains_key(name)
    }

    /// Whether no copy has every row.
    pub fn has_lost(&self) -> bool {
        self.misses.len() == NODES.len()
    }

    /// A row, from each node that serves, if it gets through.
    pub fn write(&mut self, world: &mut World, owners: &BTreeSet<&'static str>, ping: u64) {
        for owner in owners {
            let reached = reached(world, owner);
            let split = NODES.iter().all(|name| reached.contains(name) && is_blamed(world, name));
            // Of two copies that blame each other, none is written to as long as both are there.
            if !self.waits(world, owner, &reached, ping) && !split {
                self.enter(world, &reached);
            }
        }
        self.apart.retain(|(owner, _), _| owners.contains(owner));
    }

    /// Whether it still waits for a brick. It waits for one that is silent until the ping-timeout has passed or its node
    /// is known to be fenced, and for none whose process has ended: that the kernel tells it at once.
    fn waits(&mut self, world: &World, client: &'static str, reached: &[&'static str], ping: u64) -> bool {
        let now = world.clock_ms / 1000;
        let mut waits = false;
        for brick in NODES {
            if reached.contains(&brick) || world.reaches(&node(client), &node(brick)) {
                self.apart.remove(&(client, brick));
                continue;
            }
            let since = *self.apart.entry((client, brick)).or_insert(now);
            waits |= now - since <= ping && !is_cut_off(world, client, brick, since);
        }
        waits
    }

    fn enter(&mut self, world: &mut World, reached: &[&'static str]) {
        for brick in reached {
            let Some(directory) = world.node_mut(&node(brick)).directory_mut(BRICK) else { continue };
            directory.files += 1;
            if !reached.contains(&other(brick)) {
                *directory.blames.entry(format!("{}:{BRICK}", other(brick))).or_insert(1) += 1;
                *self.misses.entry(other(brick)).or_default() += 1;
            }
        }
    }

    /// What has healed misses nothing any more.
    pub fn notice_heals(&mut self, world: &World) {
        self.misses.retain(|name, _| is_blamed(world, name));
    }
}

/// Whether the agent of the gate has ended the connections with a brick because its node was fenced.
fn is_cut_off(world: &World, client: &str, brick: &str, since: u64) -> bool {
    let here = &world.nodes[&node(client)];
    let tells = here.held.values().any(|held| held.agent == "healgate");
    let fenced = here.pacemaker.cib.iter().flat_map(|cib| &cib.fencing).filter(|fencing| fencing.success == Some(true));
    tells && fenced.into_iter().any(|fencing| fencing.target.as_str() == brick && fencing.until_ms >= since * 1000)
}
