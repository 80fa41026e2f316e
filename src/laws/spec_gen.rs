//! Random files: small clusters that use everything that can be written of nodes, volumes, bricks and mounts.

use std::collections::{BTreeMap, BTreeSet};

use super::seeds::Draws;
use crate::kinds::{
    Addresses, ApiVersion, Brick, Filesystem, Hosts, Mount, MountState, NetworkAddress, Node, Profile, Spec,
    TransportSpec, Volume, VolumeState, check_all,
};
use crate::model::{AbsPath, Address, ClusterName, MountName, NodeName, VolumeName};

/// A file that `check` has nothing against.
pub fn spec(draws: &mut Draws) -> Spec {
    let count = [1, 2, 2, 3, 3, 4][draws.below(6)];
    let hosts = if draws.chance(25) { Hosts::Managed } else { Hosts::Unmanaged };
    let style = draws.below(3);
    let mut spec = Spec {
        api_version: ApiVersion::V1,
        cluster: ClusterName::new("laws").unwrap(),
        transport: TransportSpec::Simulated,
        hosts,
        nodes: (1..=count).map(|number| node(number, hosts, style)).collect(),
        volumes: BTreeMap::new(),
        mounts: BTreeMap::new(),
        corosync: None,
        quorum_device: None,
        fence_devices: BTreeMap::new(),
        fence_levels: BTreeMap::new(),
        fencing: None,
        failover_domains: BTreeMap::new(),
        services: BTreeMap::new(),
    };
    for number in 0..[0, 1, 1, 1, 1, 2, 2, 3][draws.below(8)] {
        let name = VolumeName::new(format!("vol{number}")).unwrap();
        let volume = volume(draws, &spec, &name);
        if draws.chance(60) {
            let (mount_name, mount) = mount(draws, &spec, &name, &volume);
            spec.mounts.insert(mount_name, mount);
        }
        spec.volumes.insert(name, volume);
    }
    checked(spec)
}

/// The same file, once it is clear that nothing is wrong with it: a law about a bad file would say nothing.
pub fn checked(spec: Spec) -> Spec {
    let findings = check_all(&spec);
    assert!(!findings.has_errors(), "{findings:#?}");
    spec
}

fn node(number: usize, hosts: Hosts, style: usize) -> (NodeName, Node) {
    let name = NodeName::new(format!("node{number:02}")).unwrap();
    let address = |name: String, ip: Option<String>| {
        Some(NetworkAddress { name: Address::new(name).unwrap(), ip: ip.map(|ip| ip.parse().unwrap()) })
    };
    let storage = match (hosts, style) {
        (Hosts::Managed, _) => address(format!("{name}m"), Some(format!("192.168.9.{}", 10 + number))),
        (Hosts::Unmanaged, 0) => None,
        (Hosts::Unmanaged, _) => address(format!("{name}m"), None),
    };
    let cluster = if style == 2 && hosts == Hosts::Unmanaged { address(format!("{name}h"), None) } else { None };
    (name, Node { id: None, addresses: Addresses { management: None, cluster, storage } })
}

/// How the bricks of a volume make sets.
#[derive(Clone, Copy)]
struct Sets {
    size: usize,
    replica: Option<u32>,
    arbiter: Option<u32>,
    disperse: Option<u32>,
}

const SHAPES: [Sets; 6] = [
    Sets { size: 1, replica: None, arbiter: None, disperse: None },
    Sets { size: 2, replica: Some(2), arbiter: None, disperse: None },
    Sets { size: 3, replica: Some(3), arbiter: None, disperse: None },
    Sets { size: 3, replica: Some(3), arbiter: Some(1), disperse: None },
    Sets { size: 3, replica: None, arbiter: None, disperse: Some(3) },
    Sets { size: 4, replica: None, arbiter: None, disperse: Some(4) },
];

fn volume(draws: &mut Draws, spec: &Spec, name: &VolumeName) -> Volume {
    let nodes: Vec<NodeName> = spec.nodes.keys().cloned().collect();
    let fitting: Vec<Sets> = SHAPES.into_iter().filter(|shape| shape.size <= nodes.len()).collect();
    let shape = *draws.pick(&fitting);
    let ground = Ground::any(draws);
    let sets = 1 + draws.below(2);
    let bricks = (0..sets).flat_map(|set| new_set(draws, &nodes, shape.size, name, set, ground)).collect();
    let state = match draws.below(100) {
        0..74 => VolumeState::Started,
        74..87 => VolumeState::Stopped,
        _ => VolumeState::Absent,
    };
    Volume {
        replica: shape.replica,
        arbiter: shape.arbiter,
        disperse: shape.disperse,
        redundancy: shape.disperse.filter(|_| draws.chance(50)).map(|_| 1),
        bricks,
        profile: profile(draws),
        options: options(draws, 35),
        allow_root_partition: ground == Ground::Root,
        state,
    }
}

/// What bricks lie on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// A file system that somebody has mounted.
    Own,
    /// The root file system.
    Root,
    /// A device that bricklayer formats and mounts.
    Device(Filesystem),
}

impl Ground {
    fn any(draws: &mut Draws) -> Self {
        match draws.below(10) {
            0..5 => Self::Own,
            5..7 => Self::Root,
            7..9 => Self::Device(Filesystem::Xfs),
            _ => Self::Device(Filesystem::Ext4),
        }
    }

    fn of(volume: &Volume) -> Self {
        match volume.bricks.first().and_then(|brick| brick.filesystem) {
            _ if volume.allow_root_partition => Self::Root,
            Some(filesystem) => Self::Device(filesystem),
            None => Self::Own,
        }
    }
}

fn new_set(
    draws: &mut Draws,
    nodes: &[NodeName],
    size: usize,
    volume: &VolumeName,
    set: usize,
    ground: Ground,
) -> Vec<Brick> {
    let first = draws.below(nodes.len());
    (0..size).map(|at| brick(&nodes[(first + at) % nodes.len()], volume, set, ground)).collect()
}

fn brick(node: &NodeName, volume: &VolumeName, set: usize, ground: Ground) -> Brick {
    let path = match ground {
        Ground::Root => format!("/srv/{volume}-{set}/brick"),
        Ground::Own | Ground::Device(_) => format!("/bricks/{volume}-{set}/brick"),
    };
    let (device, filesystem) = match ground {
        Ground::Device(filesystem) => (Some(AbsPath::new(format!("/dev/{volume}-{set}")).unwrap()), Some(filesystem)),
        Ground::Own | Ground::Root => (None, None),
    };
    Brick { node: node.clone(), path: AbsPath::new(path).unwrap(), device, filesystem }
}

fn profile(draws: &mut Draws) -> Option<Profile> {
    match draws.below(10) {
        0 => Some(Profile::DbWorkload),
        1 => Some(Profile::Virt),
        _ => None,
    }
}

/// Options with values of which glusterd takes each.
const OPTIONS: [(&str, [&str; 3]); 6] = [
    ("network.ping-timeout", ["10", "20", "42"]),
    ("performance.cache-size", ["64MB", "1GB", "1024MB"]),
    ("performance.io-cache", ["on", "off", "enable"]),
    ("performance.read-ahead", ["off", "no", "on"]),
    ("cluster.self-heal-daemon", ["on", "enable", "true"]),
    ("user.purpose", ["tests", "laws", "both of them"]),
];

/// Some options with one of their values each.
pub fn options(draws: &mut Draws, percent: usize) -> BTreeMap<String, String> {
    let chosen = draws.some(percent, &OPTIONS);
    chosen.into_iter().map(|(name, values)| (name.to_owned(), (*draws.pick(&values)).to_owned())).collect()
}

fn mount(draws: &mut Draws, spec: &Spec, name: &VolumeName, volume: &Volume) -> (MountName, Mount) {
    let nodes: Vec<NodeName> = spec.nodes.keys().cloned().collect();
    let some: BTreeSet<NodeName> = draws.some(60, &nodes).into_iter().collect();
    let state =
        if volume.state == VolumeState::Started && draws.chance(85) { MountState::Mounted } else { MountState::Absent };
    let options = if draws.chance(40) { vec!["log-level=WARNING".to_owned()] } else { Vec::new() };
    let path = AbsPath::new(format!("/gl/{name}")).unwrap();
    let nodes = Some(some).filter(|some| !some.is_empty());
    (MountName::new(format!("gl-{name}")).unwrap(), Mount { volume: name.clone(), path, options, nodes, state })
}

/// Whether a volume runs that may have been smaller once.
pub fn may_have_grown(volume: &Volume) -> bool {
    let size = volume.replica.or(volume.disperse).map_or(1, |size| size as usize);
    volume.state == VolumeState::Started && (volume.bricks.len() > size || volume.replica == Some(3))
}

/// The file after its next edit: something changed, grown, added or taken away.
pub fn edited(draws: &mut Draws, spec: &Spec) -> Spec {
    let mut next = spec.clone();
    if draws.chance(15) && next.nodes.len() < 4 {
        let managed = next.nodes.values().any(|node| node.addresses.cluster.is_some());
        let style = if managed { 2 } else { usize::from(next.nodes.values().any(|n| n.addresses.storage.is_some())) };
        next.nodes.extend([node(next.nodes.len() + 1, next.hosts, style)]);
    }
    let nodes: Vec<NodeName> = next.nodes.keys().cloned().collect();
    let names: Vec<VolumeName> = next.volumes.keys().cloned().collect();
    for name in names {
        let volume = next.volumes.get_mut(&name).expect("it was listed");
        match draws.below(9) {
            // What was deleted leaves its marks on its bricks and does not come back there.
            _ if volume.state == VolumeState::Absent => {}
            0 | 1 => volume.options = options(draws, 35),
            2 => volume.profile = profile(draws),
            3 | 4 if volume.state == VolumeState::Started => grow(draws, volume, &name, &nodes),
            5 => volume.state = VolumeState::Stopped,
            6 => volume.state = VolumeState::Absent,
            7 => volume.state = VolumeState::Started,
            _ => {}
        }
        let state = volume.state;
        for mount in next.mounts.values_mut().filter(|mount| mount.volume == name) {
            match state {
                VolumeState::Started if draws.chance(20) => mount.state = MountState::Absent,
                VolumeState::Started if draws.chance(20) => mount.state = MountState::Mounted,
                VolumeState::Started => {}
                VolumeState::Stopped | VolumeState::Absent => mount.state = MountState::Absent,
            }
        }
    }
    checked(next)
}

/// Grows a volume by a set, or each of its sets from two bricks to three.
fn grow(draws: &mut Draws, volume: &mut Volume, name: &VolumeName, nodes: &[NodeName]) {
    let ground = Ground::of(volume);
    let size = volume.replica.or(volume.disperse).map_or(1, |size| size as usize);
    let sets = volume.bricks.len() / size;
    if volume.replica == Some(2) && nodes.len() > 2 && draws.chance(60) {
        volume.replica = Some(3);
        volume.arbiter = draws.chance(50).then_some(1);
        let grown = volume.bricks.chunks(2).enumerate().flat_map(|(set, bricks)| {
            let third = nodes.iter().find(|node| bricks.iter().all(|brick| brick.node != **node));
            bricks.iter().cloned().chain(third.map(|node| brick(node, name, set, ground)))
        });
        volume.bricks = grown.collect();
    } else if sets < 3 {
        let more = new_set(draws, nodes, size, name, sets, ground);
        volume.bricks.extend(more);
    }
}
