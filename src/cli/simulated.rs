//! The simulated cluster of a file: its machines as somebody who is about to use bricklayer would have them.
//!
//! Blank Debian machines, every name known to DNS, and a file system mounted above each brick that does not ask
//! for a device or for the root file system; kept in the state's folder from run to run.

use std::net::IpAddr;
use std::path::Path;

use crate::kinds::{Brick, FenceDevice, Node, Resource, Spec};
use crate::model::NodeName;
use crate::transport::simulated::{Alias, Error, Simulated, World};

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
        give_keys(&mut world, spec);
        give_service_addresses(&mut world, spec);
    }
    Ok(simulated.follow_time())
}

/// Files that fence devices are told of and that the file does not place: somebody has put them there.
fn give_keys(world: &mut World, spec: &Spec) {
    let named = |device: &FenceDevice| {
        let files = ["identity_file", "password_script"].map(|option| device.options.get(option).cloned());
        files.into_iter().flatten().collect::<Vec<_>>()
    };
    for path in spec.fence_devices.values().flat_map(named) {
        for node in world.nodes.values_mut().filter(|node| !node.files.contains_key(&path)) {
            node.put(&path, "a key that somebody has made\n", "600");
        }
    }
}

/// An address of each node in the network of each service's address.
fn give_service_addresses(world: &mut World, spec: &Spec) {
    for resource in spec.services.values().flat_map(|service| &service.resources) {
        let Resource::Ip(floating) = resource else { continue };
        let IpAddr::V4(address) = floating.address.address else { continue };
        let [a, b, c, _] = address.octets();
        for (number, node) in (11..).zip(world.nodes.values_mut()) {
            let ip = format!("{a}.{b}.{c}.{number}");
            if !node.aliases.iter().any(|alias| alias.ip == ip) {
                node.aliases.push(Alias { name: None, ip });
            }
        }
    }
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
    let device = format!("/dev/mapper/bricks{}", above.as_str().replace('/', "-"));
    if !node.devices.contains_key(&device) {
        world.give_storage(&brick.node, &device, above.as_str());
    }
}
