//! The simulated cluster of a file: its machines as somebody who is about to use bricklayer would have them.
//!
//! Blank Debian machines, every name known to DNS, and a file system mounted above each brick that does not ask
//! for a device or for the root file system; kept in the state's folder from run to run.

use std::path::Path;

use crate::kinds::{Brick, Node, Spec};
use crate::model::NodeName;
use crate::transport::simulated::{Error, Filesystem, Mount, Simulated, World};

/// Opens the cluster as it was left, with machines for what the file has gained since.
pub(super) fn open(spec: &Spec, state: &Path) -> Result<Simulated, Error> {
    let simulated = Simulated::kept_in(state.join("world.json"), World::default)?;
    {
        let mut world = simulated.world();
        let fresh = World::empty(spec.nodes.iter().map(|(name, node)| (name.clone(), addresses(name, node))));
        for (name, ip) in fresh.dns {
            world.dns.entry(name).or_insert(ip);
        }
        for (name, node) in fresh.nodes {
            world.nodes.entry(name).or_insert(node);
        }
        for volume in spec.volumes.values().filter(|volume| !volume.allow_root_partition) {
            for brick in &volume.bricks {
                give_disk(&mut world, brick);
            }
        }
    }
    Ok(simulated.follow_time())
}

fn addresses(name: &NodeName, node: &Node) -> Vec<String> {
    let networks = [&node.addresses.storage, &node.addresses.cluster].into_iter().flatten();
    std::iter::once(node.management(name).to_owned()).chain(networks.map(|at| at.name.to_string())).collect()
}

/// A disk for a brick: a blank one if it asks for a device, else one that is mounted above it.
fn give_disk(world: &mut World, brick: &Brick) {
    let Some(node) = world.nodes.get_mut(&brick.node) else { return };
    if let Some(device) = &brick.device {
        node.devices.entry(device.to_string()).or_insert(None);
        return;
    }
    let Some(above) = brick.path.parent() else { return };
    if node.mounts.contains_key(above.as_str()) {
        return;
    }
    let device = format!("/dev/mapper/bricks{}", above.as_str().replace('/', "-"));
    node.devices.insert(device.clone(), Some(Filesystem::new("xfs")));
    node.mounts.insert(above.to_string(), Mount { source: device, fstype: "xfs".to_owned() });
}
