//! What `status` shows, put together from the same answers as the plan.

use std::collections::BTreeMap;

use super::actual::Actual;
use super::units::{self, Units};
use super::{Cx, MountState, Volume, VolumeState, maintenance, manager, nodes, postgresql, volumes};
use crate::model::{
    BrickStatus, Health, Installed, MountStatus, NodeName, NodeStatus, PeerStatus, PoolView, Seen, Status, VolumeName,
    VolumeStatus,
};
use crate::tools::gluster::{self, Pool, Standing};
use crate::tools::mounts;

/// The cluster as the answers tell it. Every question is one that a plan asks, too.
#[must_use]
pub fn status(cx: &Cx<'_>) -> Status {
    let actual = Actual::of(cx);
    let mut status = Status {
        cluster: cx.spec.cluster.clone(),
        health: Health::Healthy,
        because: Vec::new(),
        nodes: units::of_all(cx).into_iter().map(|(name, units)| node(cx, name, &units)).collect(),
        pool: Vec::new(),
        volumes: Vec::new(),
        bricks: Vec::new(),
        mounts: mounts(cx),
        manager: None,
    };
    if !cx.spec.volumes.is_empty() {
        let by_uuid = actual.pool.by_uuid();
        status.pool = cx.spec.nodes.keys().map(|name| pool(cx, &by_uuid, name)).collect();
    }
    for (name, written) in &cx.spec.volumes {
        if written.state != VolumeState::Absent {
            let bricks = bricks(&actual, name, written);
            status.volumes.push(volume(&actual, name, written, &bricks));
            status.bricks.extend(bricks);
        }
    }
    judge(cx, &actual, &mut status);
    status
}

fn node(cx: &Cx<'_>, name: &NodeName, units: &Units) -> NodeStatus {
    let looked = cx.see(name, &nodes::look(cx.spec));
    let facts = looked.known();
    let version = |package: &str| facts.map(|facts| facts.packages.get(package).cloned());
    NodeStatus {
        name: name.clone(),
        // That it is drained, it has told itself.
        reachable: facts.is_some() || cx.is_drained(name) == Some(true),
        drained: cx.is_drained(name),
        os: facts.map(|facts| facts.os.clone()),
        glusterfs: version(gluster::PACKAGE).map(|found| found.map_or(Installed::Missing, Installed::Version)),
        glusterd: units.known().map(|units| units::glusterd(units).active()),
    }
}

fn pool(cx: &Cx<'_>, by_uuid: &BTreeMap<String, NodeName>, node: &NodeName) -> PoolView {
    let named = |uuid: &String, names: &[String]| {
        let called = |name: &&NodeName| names.iter().any(|by| cx.spec.goes_by(name, by));
        let known = by_uuid.get(uuid).or_else(|| cx.spec.nodes.keys().find(called));
        known.map_or_else(|| names.first().cloned().unwrap_or_else(|| uuid.clone()), ToString::to_string)
    };
    let peers = |pool: &Pool| {
        let peer = |(uuid, peer): (&String, &gluster::Peer)| PeerStatus {
            name: named(uuid, &peer.hostnames),
            state: match &peer.standing {
                Standing::InCluster => "Peer in Cluster".to_owned(),
                Standing::Rejected => "Peer Rejected".to_owned(),
                Standing::Underway(state) => state.clone(),
            },
            connected: peer.connected,
        };
        pool.peers.iter().map(peer).collect()
    };
    PoolView { node: node.clone(), peers: cx.see(node, &gluster::pool()).known().map(peers) }
}

/// The bricks where they lie, also while the file has another path that `node replace` has not gone to yet. Where no
/// node can list the volumes, a directory that was never a brick says nothing of the one that may lie elsewhere.
fn bricks(actual: &Actual, volume: &VolumeName, written: &Volume) -> Vec<BrickStatus> {
    let brick = |brick: &super::Brick| {
        let place = actual.place(&brick.node, brick.path.as_str());
        let served = place.filter(|place| actual.volumes.known().is_some() || place.volume_id.is_some());
        BrickStatus {
            volume: volume.clone(),
            node: brick.node.clone(),
            path: brick.path.clone(),
            online: served.map(|place| place.process.is_some()),
            pid: served.and_then(|place| place.process),
            pending: served.and_then(|place| place.pending),
            free: place.map(|place| place.free_kib * 1024),
        }
    };
    actual.bricks(volume, written).iter().map(brick).collect()
}

fn volume(actual: &Actual, name: &VolumeName, written: &super::Volume, bricks: &[BrickStatus]) -> VolumeStatus {
    let there = match &actual.volumes {
        Seen::Is(all) => Some(all.get(name.as_str())),
        Seen::NotYet(_) | Seen::Unknown(_) => None,
    };
    let state = there.map(|there| match there {
        None => "Missing",
        Some(volume) if volume.started => "Started",
        Some(_) => "Stopped",
    });
    let counts: Vec<Option<u64>> = bricks.iter().map(|brick| brick.pending).collect();
    VolumeStatus {
        name: name.clone(),
        shape: volumes::shape_words(written, there.flatten()),
        state: state.map(str::to_owned),
        // With a count missing the whole is unknown: the list of what is stale in a brick lies on the others.
        heal_pending: counts.iter().all(Option::is_some).then(|| volumes::pending(written, &counts)),
    }
}

fn mounts(cx: &Cx<'_>) -> Vec<MountStatus> {
    let mut found = Vec::new();
    for (name, mount) in cx.spec.mounts.iter().filter(|(_, mount)| mount.state == MountState::Mounted) {
        if cx.spec.is_managed(name) {
            continue;
        }
        for node in mount.on(cx.spec) {
            let mounted = cx.see(node, &mounts::gluster_mounts());
            let mounted =
                mounted.known().map(|mounts: &BTreeMap<String, String>| mounts.contains_key(mount.path.as_str()));
            found.push(MountStatus {
                name: name.clone(),
                volume: mount.volume.clone(),
                path: mount.path.clone(),
                node: node.clone(),
                mounted,
            });
        }
    }
    found
}

/// Says what is not at full strength, and what could not be seen.
fn judge(cx: &Cx<'_>, actual: &Actual, status: &mut Status) {
    let mut degraded = Vec::new();
    let mut unseen = Vec::new();
    for node in &status.nodes {
        if node.drained == Some(true) {
            degraded.push(maintenance::told(&node.name));
        } else if !node.reachable && manager::is_standby(cx, &node.name) {
            let hint = maintenance::hint(&node.name);
            degraded.push(format!("{} does not answer and is in standby: once it is on, {hint}", node.name));
        } else if !node.reachable {
            unseen.push(format!("{} does not answer", node.name));
        } else if node.glusterd == Some(false) && !cx.spec.volumes.is_empty() {
            degraded.push(format!("glusterd does not run on {}", node.name));
        }
    }
    for view in &status.pool {
        let away = |peer: &&PeerStatus| !peer.connected || peer.state != "Peer in Cluster";
        for peer in view.peers.iter().flatten().filter(away) {
            degraded.push(format!("{} sees {} as {}", view.node, peer.name, disconnected(peer)));
        }
    }
    for volume in &status.volumes {
        let wanted = cx.spec.volumes[&volume.name].state;
        match volume.state.as_deref() {
            Some("Started") if wanted == VolumeState::Started => {}
            Some("Stopped") if wanted == VolumeState::Stopped => {}
            Some(state) => degraded.push(format!("volume {} is {}", volume.name, state.to_lowercase())),
            None => unseen.push(format!("volume {} cannot be read", volume.name)),
        }
        if let Some(pending) = volume.heal_pending.filter(|pending| *pending > 0) {
            degraded.push(format!("volume {} has {pending} entries to heal", volume.name));
            // It is asked only where a plan asks it, too: the answer takes long while a brick is away.
            let own = || status.bricks.iter().filter(|brick| brick.volume == volume.name);
            if own().all(|brick| brick.online == Some(true)) {
                degraded.extend(volumes::disputed(cx, actual, &volume.name, pending));
            }
            let written = &cx.spec.volumes[&volume.name];
            if let Some(torn) = torn(&volume.name, written, &own().collect::<Vec<_>>()) {
                degraded.push(torn);
                degraded.extend(postgresql::reached(cx, &volume.name, actual.bricks(&volume.name, written).iter()));
            }
        }
    }
    let runs = |volume: &VolumeName| cx.spec.volumes[volume].state == VolumeState::Started;
    for brick in status.bricks.iter().filter(|brick| runs(&brick.volume) && brick.online == Some(false)) {
        degraded.push(format!("brick {}:{} has no process", brick.node, brick.path));
    }
    for mount in status.mounts.iter().filter(|mount| mount.mounted == Some(false)) {
        degraded.push(format!("{} is not mounted on {}", mount.path, mount.node));
    }
    if cx.spec.has_manager() {
        status.manager = Some(manager::status(cx, &mut degraded, &mut unseen));
    }
    status.health = match (degraded.is_empty(), unseen.is_empty()) {
        (false, _) => Health::Degraded,
        (true, false) => Health::Unknown,
        (true, true) => Health::Healthy,
    };
    status.because = degraded.into_iter().chain(unseen).collect();
}

/// Two copies of which each misses something that the other has: of three, two that are right list the same.
fn torn(name: &VolumeName, written: &Volume, bricks: &[&BrickStatus]) -> Option<String> {
    let both = |set: &&[&BrickStatus]| set.len() == 2 && set.iter().all(|brick| brick.pending.unwrap_or(0) > 0);
    let set = bricks.chunks(volumes::set_size(written)).filter(|_| written.replica == Some(2)).find(both)?;
    let [one, other] = set else { return None };
    let lists = |brick: &BrickStatus| format!("{} lists {}", brick.node, brick.pending.unwrap_or(0));
    Some(format!(
        "each copy of volume {name} misses something that the other has: {}, {}; of a file that both have changed, no \
         copy is right",
        lists(one),
        lists(other)
    ))
}

fn disconnected(peer: &PeerStatus) -> &str {
    if peer.connected { &peer.state } else { "disconnected" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::drive::{self, WorldClock, timeless};
    use crate::laws::world_gen;
    use crate::model::{Facts, Intent, Verdict};
    use crate::observe::observe;
    use crate::transport::simulated::Simulated;

    const FILE: &str = include_str!("../../specs/article.yaml");

    fn torn_of(file: &str, pending: &[Option<u64>]) -> Option<String> {
        let spec = crate::spec::from_bytes("t.yaml", file.into()).spec.unwrap();
        let (name, volume) = spec.volumes.first_key_value().unwrap();
        let bricks = volume.bricks.iter().zip(pending).map(|(brick, pending)| BrickStatus {
            volume: name.clone(),
            node: brick.node.clone(),
            path: brick.path.clone(),
            online: Some(true),
            pid: None,
            pending: *pending,
            free: None,
        });
        let bricks: Vec<BrickStatus> = bricks.collect();
        torn(name, volume, &bricks.iter().collect::<Vec<_>>())
    }

    #[test]
    fn two_copies_that_blame_each_other_are_told_of_and_one_that_blames_is_not() {
        let told = torn_of(FILE, &[Some(3), Some(983)]).unwrap();
        assert!(told.contains("node01 lists 3, node02 lists 983"), "{told}");
        for well in [[Some(3), Some(0)], [Some(0), Some(983)], [Some(3), None]] {
            assert_eq!(torn_of(FILE, &well), None);
        }
        // Of three copies, the two that are right list the same entries of the third.
        let three = FILE.replace("\nnodes:\n", "\nnodes:\n  node03: {id: 3}\n").replace("replica: 2", "replica: 3");
        let three = three.replace("brick]", "brick, node03:/glvol00/brick]");
        assert_eq!(torn_of(&three, &[Some(5), Some(5), Some(0)]), None);
    }

    #[test]
    fn nothing_is_said_of_a_brick_that_is_only_written_while_no_node_lists_the_volumes() {
        let spec = |file: String| crate::spec::from_bytes("t.yaml", file.into_bytes()).spec.unwrap();
        let before = spec(FILE.to_owned());
        let sim = Simulated::new(world_gen::blank([&before])).follow_time().taking_time();
        let report = drive::run(&sim, &before, None).unwrap();
        assert_eq!(report.verdict, Verdict::AsWritten, "{report:?}");

        let moved = spec(FILE.replace("node02:/glvol00/brick", "node02:/glvol00/new"));
        for name in moved.nodes.keys() {
            sim.world().kill_glusterd(name);
        }
        let (mut facts, intent) = (Facts::default(), Intent::default());
        timeless(observe(&moved, &intent, &sim, &WorldClock(&sim), &mut facts));
        let status = status(&Cx::new(&moved, &facts, &intent));
        let told: Vec<_> = status.bricks.iter().map(|brick| (brick.online, brick.pending)).collect();
        assert_eq!(told, [(Some(false), Some(0)), (None, None)]);
        assert!(!status.because.iter().any(|why| why.contains("/glvol00/new")), "{:?}", status.because);
    }
}
