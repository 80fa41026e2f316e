//! Paths that several entries claim on one node: two bricks, two mounts, a brick in a mount, and so on.
//!
//! Each node's paths are sorted by their parts, so that whatever lies inside another follows right behind it: one
//! pass finds every overlap, however many bricks there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Brick, MountState, Spec, VolumeState};
use crate::model::{AbsPath, Findings, NodeName, SpecPath};

/// Directories that belong to the system as they are.
const OF_THE_SYSTEM: &[&str] = &[
    "/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/root", "/sbin", "/srv", "/tmp",
    "/usr", "/var", "/var/lib", "/var/log",
];

/// Directories of the system in which nothing else can lie either.
const CLOSED: &[&str] =
    &["/dev", "/proc", "/run", "/sys", "/boot", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/var/lib/glusterd"];

/// What somebody wants of a path.
#[derive(Clone, Copy)]
enum Claim<'a> {
    Brick(&'a Brick),
    Mount,
}

struct Claimed<'a> {
    path: &'a AbsPath,
    claim: Claim<'a>,
    owner: String,
    at: SpecPath,
}

impl fmt::Display for Claimed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.claim {
            Claim::Brick(_) => write!(f, "the brick {} of volume {}", self.path, self.owner),
            Claim::Mount => write!(f, "the mount {} at {}", self.owner, self.path),
        }
    }
}

/// Looks at all paths of all nodes.
pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    let mut found = Findings::default();
    check_nodes(spec, &mut found);
    // A mount on a hundred nodes would say the same a hundred times.
    let mut said = BTreeSet::new();
    found.0.retain(|finding| said.insert((finding.path.clone(), finding.code)));
    findings.0.append(&mut found.0);
}

fn check_nodes(spec: &Spec, findings: &mut Findings) {
    let claims = claims(spec);
    for (node, claims) in &claims {
        // What the next path could lie inside of, outermost first.
        let mut around: Vec<&Claimed<'_>> = Vec::new();
        for inner in claims {
            around.retain(|outer| outer.path.contains(inner.path));
            if let Some(outer) = around.last() {
                overlap(node, outer, inner, findings);
            }
            around.push(inner);
        }
        devices(node, claims, findings);
    }
    for (name, mount) in &spec.mounts {
        of_the_system(&mount.path, SpecPath::of(["mounts"]).at(name).at("path"), findings);
    }
}

fn claims(spec: &Spec) -> BTreeMap<&NodeName, Vec<Claimed<'_>>> {
    let mut claims: BTreeMap<&NodeName, Vec<Claimed<'_>>> = BTreeMap::new();
    for (name, volume) in spec.volumes.iter().filter(|(_, volume)| volume.state != VolumeState::Absent) {
        let bricks = SpecPath::of(["volumes"]).at(name).at("bricks");
        for (index, brick) in volume.bricks.iter().enumerate() {
            let claimed = Claimed {
                path: &brick.path,
                claim: Claim::Brick(brick),
                owner: name.to_string(),
                at: bricks.at(index),
            };
            claims.entry(&brick.node).or_default().push(claimed);
        }
    }
    for (name, mount) in spec.mounts.iter().filter(|(_, mount)| mount.state == MountState::Mounted) {
        let nodes: Vec<&NodeName> =
            mount.nodes.as_ref().map_or_else(|| spec.nodes.keys().collect(), |n| n.iter().collect());
        let at = SpecPath::of(["mounts"]).at(name).at("path");
        for node in nodes {
            let claimed = Claimed { path: &mount.path, claim: Claim::Mount, owner: name.to_string(), at: at.clone() };
            claims.entry(node).or_default().push(claimed);
        }
    }
    for claims in claims.values_mut() {
        claims.sort_by_cached_key(|claimed| claimed.path.as_str().split('/').map(str::to_owned).collect::<Vec<_>>());
    }
    claims
}

fn overlap(node: &NodeName, outer: &Claimed<'_>, inner: &Claimed<'_>, findings: &mut Findings) {
    let same = outer.path == inner.path;
    let at = inner.at.clone();
    match (outer.claim, inner.claim) {
        (Claim::Brick(_), Claim::Brick(_)) if same => {
            let message = format!("`{node}:{}` is a brick of volume {} already", inner.path, outer.owner);
            findings.error(at, "duplicate-brick", message, "give each brick a directory of its own");
        }
        (Claim::Mount, Claim::Mount) if same => {
            let message = format!("`{}` is where {} is mounted on {node} already", inner.path, outer.owner);
            findings.error(at, "duplicate-mount", message, "mount each volume in a directory of its own");
        }
        (Claim::Mount, Claim::Mount) => findings.warn(
            at,
            "mount-in-mount",
            format!("this lies inside {outer}: its mount point is a directory of that volume"),
            "mount them side by side, so that one can fail without the other",
        ),
        (Claim::Brick(_), Claim::Brick(_)) => findings.error(
            at,
            "brick-in-brick",
            format!("this brick lies inside {outer} on {node}, which would take its files for its own"),
            "put bricks side by side",
        ),
        (Claim::Mount, Claim::Brick(_)) => findings.error(
            at,
            "brick-in-mount",
            format!("this brick lies inside {outer} on {node}: a volume cannot keep its files in a volume"),
            "put bricks on file systems of the node",
        ),
        (Claim::Brick(_), Claim::Mount) => findings.error(
            at,
            "mount-in-brick",
            format!("this lies inside {outer} on {node}: files are seen through the mount, never in the brick"),
            "mount beside the bricks: `/gldata00`",
        ),
    }
}

/// Each block device has one mount point, and each mount point one block device.
fn devices(node: &NodeName, claims: &[Claimed<'_>], findings: &mut Findings) {
    let mut mount_points: BTreeMap<&AbsPath, AbsPath> = BTreeMap::new();
    let mut devices: BTreeMap<AbsPath, &AbsPath> = BTreeMap::new();
    for claimed in claims {
        let Claim::Brick(brick) = claimed.claim else { continue };
        of_the_system(&brick.path, claimed.at.clone(), findings);
        let (Some(device), Some(mount_point)) = (&brick.device, brick.path.parent()) else { continue };
        if let Some(other) = devices.insert(mount_point.clone(), device).filter(|other| *other != device) {
            let message = format!("`{mount_point}` on {node} is the mount point of {other} already");
            findings.error(claimed.at.clone(), "duplicate-device", message, "give each device a directory of its own");
        }
        if let Some(other) = mount_points.insert(device, mount_point.clone()).filter(|other| *other != mount_point) {
            let message = format!("`{device}` on {node} is mounted on {other} already");
            let hint = "a device carries one file system: put its bricks below one directory";
            findings.error(claimed.at.clone(), "duplicate-device", message, hint);
        }
    }
}

fn of_the_system(path: &AbsPath, at: SpecPath, findings: &mut Findings) {
    let text = path.as_str();
    let below = |dir: &str| text.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if OF_THE_SYSTEM.contains(&text) || CLOSED.iter().any(|dir| below(dir)) {
        let hint = "use a directory of its own, such as `/bricks/data00/brick` or `/gldata00`";
        findings.error(at, "system-path", format!("`{path}` belongs to the system"), hint);
    }
}
