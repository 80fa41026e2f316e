//! What is there now, as far as it was seen: the pool, its volumes, and what lies where bricks are written.
//!
//! Bricks, volumes and mounts all look at the same things; they are put together once for each of them here.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cx, bricks, pool};
use crate::model::{AbsPath, NodeName, Seen, Why};
use crate::tools::gluster;
use crate::tools::node::{self, BrickPlace};

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
        Self { volumes: volumes(cx, &pool), by_uuid: pool.by_uuid(), by_name, places, pool }
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

/// The volumes as the best connected node has them; the others are asked in the same wave, in case it is silent.
fn volumes(cx: &Cx<'_>, pool: &pool::View) -> Seen<BTreeMap<String, gluster::Volume>> {
    let query = gluster::volumes();
    let answers: BTreeMap<&NodeName, _> = cx.spec.nodes.keys().map(|name| (name, cx.see(name, &query))).collect();
    let best = pool.able(cx.spec).into_iter().find_map(|name| answers.get(&name).filter(|seen| seen.known().is_some()));
    if let Some(seen) = best {
        return seen.clone();
    }
    if let Some(Seen::NotYet(off)) = answers.values().find(|seen| matches!(seen, Seen::NotYet(_))) {
        return Seen::NotYet(off.clone());
    }
    let reasons = answers.values().filter_map(|seen| match seen {
        Seen::Unknown(why) => Some(why),
        _ => None,
    });
    match reasons.collect::<Vec<_>>()[..] {
        [why] => Seen::Unknown(why.clone()),
        ref all if all.contains(&&Why::NotAsked) => Seen::Unknown(Why::NotAsked),
        ref all => Seen::Unknown(Why::Nobody(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))),
    }
}
