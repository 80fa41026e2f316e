//! What things of the file are called in the cluster manager, where all names are of one kind and none may be twice.

use std::collections::{BTreeMap, BTreeSet};

use super::{FenceDevice, Ip, Resource, Service, Spec};
use crate::model::{FenceDeviceName, Findings, NodeName, ServiceName, SpecPath, VolumeName};

/// Names of bricklayer's and Pacemaker's own.
const TAKEN: &[&str] = &["bricklayer", "cib-bootstrap-options"];

/// The id of each resource of a service, in their order: `service01-ip`, and `service01-ip-2` for a second one.
pub(super) fn members(name: &ServiceName, service: &Service) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let ids = service.resources.iter().map(|resource| {
        let id = format!("{name}-{}", word(resource));
        let number = seen.entry(id.clone()).or_default();
        *number += 1;
        if *number == 1 { id } else { format!("{id}-{number}") }
    });
    ids.collect()
}

/// What a resource is called within its service.
fn word(resource: &Resource) -> String {
    let word = match resource {
        Resource::Ip(_) | Resource::Mount(_) | Resource::Postgresql(_) => resource.key(),
        Resource::Systemd(systemd) => systemd.unit.as_str(),
        Resource::Lsb(lsb) => lsb.script.as_str(),
        Resource::Ocf(ocf) => ocf.agent.as_str().rsplit(':').next().unwrap_or_default(),
    };
    // The rest of what a unit's name is made of may not stand in an id (XML Names, `NCName`).
    word.replace([':', '@'], "-")
}

/// The id of the fence resource of a device that fences each node by itself.
pub(super) fn fencer(device: &FenceDeviceName, node: &NodeName) -> String {
    format!("{device}-{node}")
}

/// The id of what watches the link of a network interface.
pub(super) fn link(interface: &str) -> String {
    format!("link-{interface}")
}

/// The id of what watches the heal gate of a volume.
pub(super) fn gate(volume: &VolumeName) -> String {
    format!("healgate-{volume}")
}

/// The ids of a device's fence resources: one, or one for each node.
fn fencers(name: &FenceDeviceName, device: &FenceDevice) -> Vec<String> {
    if device.per_node.is_empty() {
        return vec![name.to_string()];
    }
    device.per_node.keys().map(|node| fencer(name, node)).collect()
}

/// Looks whether two things would have one id.
pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    let mut taken: BTreeMap<String, String> =
        TAKEN.iter().map(|id| ((*id).to_owned(), "something of the cluster's own".to_owned())).collect();
    let mut take = |id: String, what: String, path: SpecPath| {
        if let Some(other) = taken.get(&id) {
            let message = format!("`{id}` would be the id of {what} and of {other}");
            findings.error(path, "id-clash", message, "rename one of them");
        } else {
            taken.insert(id, what);
        }
    };
    for (name, device) in &spec.fence_devices {
        for id in fencers(name, device) {
            take(id, format!("fence device {name}"), SpecPath::of(["fenceDevices"]).at(name));
        }
    }
    for (node, levels) in &spec.fence_levels {
        for level in 1..=levels.len() {
            take(format!("{node}-level-{level}"), format!("a level of {node}"), SpecPath::of(["fenceLevels"]).at(node));
        }
    }
    for name in spec.volumes.keys() {
        take(gate(name), format!("the heal gate of volume {name}"), SpecPath::of(["volumes"]).at(name));
    }
    let mut links = BTreeSet::new();
    for (name, service) in &spec.services {
        let path = SpecPath::of(["services"]).at(name);
        take(name.to_string(), format!("service {name}"), path.clone());
        for (index, (id, resource)) in members(name, service).into_iter().zip(&service.resources).enumerate() {
            take(id, format!("a resource of {name}"), path.at("resources").at(index).at(resource.key()));
            if let Resource::Ip(Ip { interface: Some(interface), monitor_link: true, .. }) = resource
                && links.insert(interface)
            {
                let path = path.at("resources").at(index).at("ip").at("interface");
                take(link(interface.as_str()), format!("the watcher of {interface}"), path);
            }
        }
        for node in spec.nodes.keys() {
            take(format!("{name}-on-{node}"), format!("the place of {name} on {node}"), path.clone());
        }
    }
}
