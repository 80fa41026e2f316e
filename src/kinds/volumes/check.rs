//! What can be wrong with a volume's shape and its bricks; their paths are looked at together with the mounts'.

use std::collections::BTreeMap;

use super::check_options::check_options;
use crate::kinds::timing::{self, FenceTimes, Seconds};
use crate::kinds::{Brick, Profile, Spec, Volume, VolumeState, nodes};
use crate::model::{Findings, NodeName, SpecPath};

/// Looks at the volumes.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    for (name, volume) in &spec.volumes {
        let path = SpecPath::of(["volumes"]).at(name);
        // What is to go may be written as it was, or with its name and `state: absent` alone.
        if volume.state == VolumeState::Absent {
            continue;
        }
        check_bricks(spec, volume, &path, findings);
        if let Some(set) = check_shape(volume, &path, findings) {
            check_sets(volume, set, &path, findings);
        }
        check_options(spec, volume, &path, findings);
        lint(spec, volume, &path, findings);
    }
}

fn check_bricks(spec: &Spec, volume: &Volume, path: &SpecPath, findings: &mut Findings) {
    let bricks = path.at("bricks");
    if volume.bricks.is_empty() {
        let place = if volume == &Volume::default() { path.clone() } else { bricks.clone() };
        findings.error(
            place,
            "no-bricks",
            "this volume has no bricks",
            "write `bricks: [node01:/bricks/data00/brick]`",
        );
    }
    for (index, brick) in volume.bricks.iter().enumerate() {
        let at = bricks.at(index);
        nodes::known(spec, &brick.node, at.clone(), findings);
        if brick.path.parent().is_none() {
            below_root(volume, brick, at, findings);
        }
    }
}

/// A directory right below `/` is on the root file system or a mount point itself; glusterd wants neither.
fn below_root(volume: &Volume, brick: &Brick, at: SpecPath, findings: &mut Findings) {
    let hint = format!("write a directory below the mount point: `{}:{}/brick`", brick.node, brick.path);
    if brick.device.is_some() {
        let message = format!("the device would be mounted on the directory above `{}`, which is `/`", brick.path);
        findings.error(at, "brick-at-root", message, hint);
    } else if !volume.allow_root_partition {
        let message =
            format!("`{}` lies right below `/`: on the root file system, or a mount point itself", brick.path);
        findings.error(at, "brick-at-root", message, hint);
    }
}

/// What keeps the files of a volume when a brick is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sets {
    Replica(u32),
    Disperse(u32),
}

impl Sets {
    fn size(self) -> usize {
        let (Self::Replica(size) | Self::Disperse(size)) = self;
        usize::try_from(size).unwrap_or(usize::MAX)
    }
}

/// Looks at replica, arbiter, disperse and redundancy, and answers with the sets that bricks fill if they make sense.
fn check_shape(volume: &Volume, path: &SpecPath, findings: &mut Findings) -> Option<Sets> {
    if let (Some(1), replica) = (volume.arbiter, volume.replica) {
        if replica != Some(3) {
            let message = "an arbiter is the third brick of a replica set of three";
            findings.error(path.at("arbiter"), "arbiter-arity", message, "write `replica: 3` and `arbiter: 1`");
            return None;
        }
    } else if let Some(count) = volume.arbiter {
        let message = format!("`arbiter: {count}`: each set has one arbiter or none");
        findings.error(path.at("arbiter"), "arbiter-arity", message, "write `replica: 3` and `arbiter: 1`");
        return None;
    }
    if volume.redundancy.is_some() && volume.disperse.is_none() {
        let hint = "write `disperse:` with the number of bricks in a set";
        findings.error(path.at("redundancy"), "redundancy-alone", "`redundancy` belongs to `disperse`", hint);
    }
    match (volume.replica, volume.disperse) {
        (Some(_), Some(_)) => {
            let message = "a volume is replicated or dispersed, not both";
            findings.error(path.at("disperse"), "replica-and-disperse", message, "leave one of them out");
            None
        }
        (Some(count @ 0..=1), None) => {
            let message = format!("`replica: {count}` is no replica");
            findings.error(path.at("replica"), "replica-of-one", message, "leave `replica` out, or write 2 or 3");
            None
        }
        (Some(count), None) => Some(Sets::Replica(count)),
        (None, Some(count)) => check_disperse(count, volume, path, findings),
        (None, None) => None,
    }
}

fn check_disperse(count: u32, volume: &Volume, path: &SpecPath, findings: &mut Findings) -> Option<Sets> {
    let redundancy = volume.redundancy.unwrap_or(1);
    let hint = "more than half of a set's bricks must hold data: 3 bricks with redundancy 1, 6 with 2";
    if redundancy == 0 {
        let message = "`redundancy: 0` would lose files with the first brick";
        findings.error(path.at("redundancy"), "redundancy-range", message, hint);
        return None;
    }
    if u64::from(redundancy) * 2 >= u64::from(count) {
        let at = if volume.redundancy.is_some() { "redundancy" } else { "disperse" };
        let message = format!("redundancy {redundancy} is too much for sets of {count} bricks");
        findings.error(path.at(at), "redundancy-range", message, hint);
        return None;
    }
    Some(Sets::Disperse(count))
}

/// Sets are filled from the front, and no node holds two bricks of one.
fn check_sets(volume: &Volume, sets: Sets, path: &SpecPath, findings: &mut Findings) {
    let bricks = path.at("bricks");
    let size = sets.size();
    let left = volume.bricks.len() % size;
    if left != 0 {
        let missing = size - left;
        let message = format!("{} bricks do not fill sets of {size}", volume.bricks.len());
        let hint = format!("add {missing}, or take {left} away");
        findings.error(bricks.clone(), "unfilled-set", message, hint);
    }
    for (number, set) in volume.bricks.chunks(size).enumerate() {
        let mut holders: BTreeMap<&NodeName, usize> = BTreeMap::new();
        for (within, brick) in set.iter().enumerate() {
            let index = number * size + within;
            if let Some(first) = holders.insert(&brick.node, index) {
                let message =
                    format!("{} holds bricks {} and {} of set {}", brick.node, first + 1, index + 1, number + 1);
                let hint = "bricks fill the sets in the order written: put each brick of a set on another node";
                findings.error(bricks.at(index), "set-on-one-node", message, hint);
            }
        }
    }
}

/// What works, and will hurt one day.
fn lint(spec: &Spec, volume: &Volume, path: &SpecPath, findings: &mut Findings) {
    if volume.replica == Some(2) && volume.disperse.is_none() {
        let hint = "add a third brick to each set that holds names only: `replica: 3` and `arbiter: 1`";
        findings.warn(path.at("replica"), "replica-2", two_replicas(spec, volume), hint);
    }
    if volume.replica.is_none() && volume.disperse.is_none() && !volume.bricks.is_empty() {
        let message = "each file lies on one brick: a lost brick loses its files";
        findings.warn(
            path.at("bricks"),
            "no-redundancy",
            message,
            "write `replica: 3` and `arbiter: 1`, or `disperse: 3`",
        );
    }
    if volume.allow_root_partition {
        let message = "bricks on the root file system: when they are full, the node is";
        let hint = "give each brick a file system of its own: `{node: …, path: …, device: /dev/vdb}`";
        findings.warn(path.at("allowRootPartition"), "root-partition", message, hint);
    }
    let nodes = spec.nodes.len();
    if nodes > 0 && nodes.is_multiple_of(2) && server_quorum(volume) {
        let (key, other) =
            if volume.options.contains_key(SERVER_QUORUM) { ("options", SERVER_QUORUM) } else { ("profile", "") };
        let place = if other.is_empty() { path.at(key) } else { path.at(key).at(other) };
        let message =
            format!("server quorum in a pool of {nodes}: half of it is no majority, and every brick is stopped");
        findings.warn(place, "even-pool", message, "add a node to the pool; it need not hold bricks");
    }
}

/// What two replicas cannot promise, and what fencing adds to it.
fn two_replicas(spec: &Spec, volume: &Volume) -> String {
    if !super::may_diverge(volume) {
        return "with two replicas and client quorum, nothing can be written once the node of the first brick is lost, \
                and no service can be taken over"
            .to_owned();
    }
    let times = FenceTimes::new();
    match timing::bound(spec, volume, &times) {
        Some(bound) => format!(
            "with two replicas, fencing excludes a split-brain only by its timing: a node that is cut off goes on \
             alone after {} and must be off within {bound}; where fencing hangs or fails, both go on writing",
            Seconds(timing::ping_timeout(spec, volume, &times))
        ),
        None => "with two replicas, a split-brain cannot be excluded: when they lose sight of each other, either both \
                 go on writing or one stops though it is healthy"
            .to_owned(),
    }
}

const SERVER_QUORUM: &str = "cluster.server-quorum-type";

fn server_quorum(volume: &Volume) -> bool {
    match volume.options.get(SERVER_QUORUM) {
        Some(written) => written == "server",
        None => volume.profile == Some(Profile::Virt),
    }
}
