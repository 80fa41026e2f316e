//! What is there now, as far as it was seen: the pool, its volumes, and what lies where bricks are written.
//!
//! Bricks, volumes and mounts all look at the same things; they are put together once for each of them here.

use std::collections::{BTreeMap, BTreeSet};

use super::{Brick, Cx, bricks, pool};
use crate::model::{AbsPath, NodeName, Seen, VolumeName, Why};
use crate::tools::gluster;
use crate::tools::node::{self, BrickPlace};

/// How many nodes are asked for the volumes before it is known which of them is the best to ask.
const WITNESSES: usize = 3;

/// What is there now.
pub(super) struct Actual {
    /// The pool.
    pub(super) pool: pool::View,
    /// The volumes, as the best connected node has them.
    pub(super) volumes: Seen<BTreeMap<String, gluster::Volume>>,
    /// What lies where the file has bricks, by node and path.
    pub(super) places: BTreeMap<NodeName, Seen<BTreeMap<String, BrickPlace>>>,
    by_uuid: BTreeMap<String, NodeName>,
    by_name: BTreeMap<String, NodeName>,
    /// The volume that each brick is one of, by node and path: glusterd lets no directory be two bricks.
    members: BTreeMap<NodeName, BTreeMap<String, String>>,
}

impl Actual {
    /// Looks.
    pub(super) fn of(cx: &Cx<'_>) -> Self {
        let pool = pool::View::of(cx);
        let places = bricks::by_node(cx.spec).into_iter().map(|(name, bricks)| {
            let paths: BTreeSet<&AbsPath> = bricks.iter().map(|(_, brick)| &brick.path).collect();
            (name.clone(), cx.see(name, &node::bricks(paths)))
        });
        let places = places.collect();
        let by_name = cx.spec.nodes.keys().map(|name| (cx.spec.storage_of(name).to_owned(), name.clone())).collect();
        let volumes = volumes(cx, &pool);
        let mut actual = Self { volumes, by_uuid: pool.by_uuid(), by_name, places, pool, members: BTreeMap::new() };
        actual.members = actual.members();
        actual
    }

    fn members(&self) -> BTreeMap<NodeName, BTreeMap<String, String>> {
        let mut members: BTreeMap<NodeName, BTreeMap<String, String>> = BTreeMap::new();
        for (name, volume) in self.volumes.known().into_iter().flatten() {
            for brick in &volume.bricks {
                if let Some(node) = self.owner(brick) {
                    members.entry(node.clone()).or_default().insert(brick.path.clone(), name.clone());
                }
            }
        }
        members
    }

    /// Whether `brick` is one of `volume`'s now.
    pub(super) fn has_brick(&self, volume: &VolumeName, brick: &Brick) -> bool {
        let holder = self.members.get(&brick.node).and_then(|paths| paths.get(brick.path.as_str()));
        holder.is_some_and(|holder| holder == volume.as_str())
    }

    /// The node that holds `brick`, if it is one of the file's.
    pub(super) fn owner(&self, brick: &gluster::Brick) -> Option<&NodeName> {
        // A node whose glusterd is silent has not told its UUID; its storage name is the next best.
        self.by_uuid.get(&brick.host_id).or_else(|| self.by_name.get(&brick.host))
    }

    /// What lies at `path` on `node`.
    pub(super) fn place(&self, node: &NodeName, path: &str) -> Option<&BrickPlace> {
        self.places.get(node)?.known()?.get(path)
    }
}

/// The volumes as the best connected node has them.
///
/// The first nodes are asked before it is known which is the best: it is one of them, or they are silent. To ask all
/// would be too much, because the answer of each holds every volume.
fn volumes(cx: &Cx<'_>, pool: &pool::View) -> Seen<BTreeMap<String, gluster::Volume>> {
    let query = gluster::volumes();
    let first = cx.spec.nodes.keys().take(WITNESSES);
    // Counted, so that the question goes to all of them and not only to the first that has no answer.
    if first.clone().filter(|name| !cx.ask(name, &query)).count() > 0 {
        return Seen::Unknown(Why::NotAsked);
    }
    let mut off = None;
    let mut reasons = Vec::new();
    let others = first.filter(|name| !pool.able.contains(name));
    for name in pool.able.iter().chain(others) {
        match cx.see(name, &query) {
            Seen::Is(volumes) if pool.able.contains(name) => return Seen::Is(volumes),
            // It is in another pool than the best one: what it has is not this cluster's.
            Seen::Is(_) => {}
            Seen::NotYet(milestone) => off = off.or(Some(milestone)),
            Seen::Unknown(Why::NotAsked) => return Seen::Unknown(Why::NotAsked),
            Seen::Unknown(why) => reasons.push(why),
        }
    }
    match (off, &reasons[..]) {
        (Some(off), _) => Seen::NotYet(off),
        (None, [why]) => Seen::Unknown(why.clone()),
        (None, all) => Seen::Unknown(Why::Nobody(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))),
    }
}
