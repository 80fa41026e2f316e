//! What is there now, as far as it was seen: the pool, its volumes, and what lies where bricks are written.
//!
//! Bricks, volumes and mounts all look at the same things; they are put together once for each of them here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Brick, Cx, Spec, Volume, bricks, maintenance, pool, volumes};
use crate::model::{AbsPath, NodeName, Seen, VolumeName, Why};
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
    /// The volume that each brick is one of, by node and path: glusterd lets no directory be two bricks.
    members: BTreeMap<NodeName, BTreeMap<String, String>>,
    /// The bricks of each volume of which some lie elsewhere on their nodes than it is written, in the order written.
    moved: BTreeMap<VolumeName, Vec<Brick>>,
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
        let by_uuid = pool.by_uuid();
        let (members, moved) = (BTreeMap::new(), BTreeMap::new());
        let mut actual = Self { pool, volumes, places, by_uuid, by_name, members, moved };
        actual.members = actual.members();
        actual.moved = actual.moved(cx.spec);
        actual.look_where_they_lie(cx);
        actual
    }

    fn moved(&self, spec: &Spec) -> BTreeMap<VolumeName, Vec<Brick>> {
        let lies = |(written, there): &(&Brick, &gluster::Brick)| {
            let elsewhere = || Some(Brick { path: AbsPath::new(&there.path).ok()?, ..bare(written) });
            if written.path.as_str() == there.path { Some((*written).clone()) } else { elsewhere() }
        };
        let of_volume = |(name, volume): (&VolumeName, &Volume)| {
            let there = self.volumes.known()?.get(name.as_str())?;
            let bricks: Vec<Brick> = volumes::in_place(volume, there, self)?.iter().map(lies).collect::<Option<_>>()?;
            (bricks != volume.bricks).then(|| (name.clone(), bricks))
        };
        spec.volumes.iter().filter_map(of_volume).collect()
    }

    /// Looks at the bricks that lie elsewhere, too, by a question of its own: the first one does not wait for the volumes.
    fn look_where_they_lie(&mut self, cx: &Cx<'_>) {
        let mut paths: BTreeMap<NodeName, BTreeSet<AbsPath>> = BTreeMap::new();
        for brick in self.moved.values().flatten() {
            if self.place(&brick.node, brick.path.as_str()).is_none() {
                paths.entry(brick.node.clone()).or_default().insert(brick.path.clone());
            }
        }
        for (node, paths) in paths {
            let Some(Seen::Is(places)) = self.places.get(&node) else { continue };
            if let Seen::Is(more) = cx.see(&node, &node::bricks(&paths)) {
                let all = places.iter().chain(more.iter()).map(|(path, place)| (path.clone(), place.clone()));
                let all = Seen::Is(Arc::new(all.collect()));
                self.places.insert(node, all);
            }
        }
    }

    /// The bricks of `volume` where they lie, in the order written: the others of its sets know those, whatever is written.
    pub(super) fn bricks<'a>(&'a self, name: &VolumeName, volume: &'a Volume) -> &'a [Brick] {
        self.moved.get(name).map_or(&volume.bricks, Vec::as_slice)
    }

    /// The bricks of `volume` by which a plan goes: where they lie, and of a node that is replaced, where they are written.
    pub(super) fn planned<'a>(
        &'a self,
        cx: &Cx<'_>,
        name: &VolumeName,
        volume: &'a Volume,
    ) -> impl Iterator<Item = &'a Brick> {
        let pairs = volume.bricks.iter().zip(self.bricks(name, volume));
        pairs.map(|(written, lies)| if maintenance::replaces(cx, &written.node) { written } else { lies })
    }

    /// Where the brick lies that is written as `brick`, if that is elsewhere.
    pub(super) fn elsewhere<'a>(&'a self, name: &VolumeName, volume: &Volume, brick: &Brick) -> Option<&'a Brick> {
        let mut pairs = volume.bricks.iter().zip(self.moved.get(name)?);
        pairs.find(|(written, lies)| *written == brick && written.path != lies.path).map(|(_, lies)| lies)
    }

    /// The host by which `volume` has `brick`; by which it will have it, while it has not.
    pub(super) fn host(&self, spec: &Spec, volume: &VolumeName, brick: &Brick) -> String {
        let volume = self.volumes.known().and_then(|volumes| volumes.get(volume.as_str()));
        let is_it =
            |there: &&gluster::Brick| there.path == brick.path.as_str() && self.owner(there) == Some(&brick.node);
        let made = volume.and_then(|volume| volume.bricks.iter().find(is_it));
        made.map_or_else(|| spec.storage_of(&brick.node).to_owned(), |there| there.host.clone())
    }

    /// Whether `brick` is one of any volume now.
    pub(super) fn is_brick(&self, brick: &Brick) -> bool {
        self.members.get(&brick.node).is_some_and(|paths| paths.contains_key(brick.path.as_str()))
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

/// A brick without what is written of its file system.
fn bare(brick: &Brick) -> Brick {
    Brick { node: brick.node.clone(), path: brick.path.clone(), device: None, filesystem: None }
}

/// The volumes as the best connected node has them.
///
/// The first node is asked before it is known which is the best: it is that one, unless something is wrong with it.
/// To ask all would cost each of them a gluster, and the answer of each holds every volume.
fn volumes(cx: &Cx<'_>, pool: &pool::View) -> Seen<BTreeMap<String, gluster::Volume>> {
    let query = gluster::volumes();
    if let Some(first) = cx.spec.nodes.keys().next()
        && !cx.ask(first, &query)
    {
        return Seen::Unknown(Why::NotAsked);
    }
    let mut off = None;
    let mut reasons = Vec::new();
    for name in &pool.able {
        match cx.see(name, &query) {
            Seen::NotYet(milestone) => off = off.or(Some(milestone)),
            Seen::Unknown(why) if why != Why::NotAsked => reasons.push(why.to_string()),
            seen => return seen,
        }
    }
    if pool.able.is_empty() {
        // Nobody knows of a pool: why, the first node has said, unless it knows its volumes and not whose they are.
        let first = cx.spec.nodes.keys().next();
        return match first.map_or(Seen::Unknown(Why::NotAsked), |first| cx.see(first, &query)) {
            Seen::Is(_) => Seen::Unknown(Why::Nobody("no node can tell its trusted pool".to_owned())),
            seen => seen,
        };
    }
    off.map_or_else(|| Seen::Unknown(Why::Nobody(reasons.join("; "))), Seen::NotYet)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;

    use super::*;
    use crate::model::{Answer, Facts, Intent};
    use crate::tools::sample;

    const FILE: &str = "\
apiVersion: bricklayer/v1
cluster: c1
transport: simulated
nodes: {node01: {}, node02: {}, node03: {}}
volumes: {vol: {replica: 2, bricks: [node01:/glvol00/brick, node02:/glvol00/brick]}}
";

    /// Which nodes would be asked for the volumes next.
    fn asked(facts: &Facts) -> BTreeSet<NodeName> {
        let spec = crate::spec::from_bytes("c1.yaml", FILE.into()).spec.unwrap();
        let intent = Intent::default();
        let cx = Cx::new(&spec, facts, &intent);
        Actual::of(&cx);
        let command = gluster::volumes().command;
        let asked = cx.into_questions().into_iter().filter(|(_, commands)| commands.contains(&command));
        asked.map(|(node, _)| node).collect()
    }

    #[test]
    fn one_node_is_asked_for_the_volumes_and_another_only_if_that_one_cannot_tell() {
        let node = |name: &str| NodeName::new(name).unwrap();
        let mut facts = Facts::default();
        assert_eq!(asked(&facts), [node("node01")].into());
        let mut says = |name: &str, command, recording: &str| {
            let answer = Answer { outcome: Ok(sample::read(recording)), at: Timestamp::UNIX_EPOCH };
            facts.record(&node(name), command, answer);
        };
        says("node01", gluster::pool().command, "10-glusterd-not-running/pool-list.txt");
        says("node01", gluster::volumes().command, "10-glusterd-not-running/volume-info.txt");
        says("node02", gluster::pool().command, "13-probed/node02.pool-list-after.txt");
        assert_eq!(asked(&facts), [node("node02")].into());
    }
}
