//! `gluster volume status`: what the connected members say of their processes.

use super::pool::{no_such, stuck};
use super::xml::{Xml, accepted, refused_operation};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Volume;
use crate::transport::simulated::world::World;

/// `volume status [VOLUME]`.
pub fn status(world: &mut World, at: &NodeName, wanted: Option<&str>) -> Output {
    let refused = |error: &str| refused_operation(30800, error, "volStatus", error);
    let volumes: Vec<Volume> = match wanted {
        None => world.nodes[at].glusterd.volumes.iter().filter(|volume| volume.started()).cloned().collect(),
        Some(name) => match world.nodes[at].volume(name) {
            None => return refused(&no_such(name)),
            Some(volume) => vec![volume.clone()],
        },
    };
    let mut members = vec![at.clone()];
    for volume in &volumes {
        match world.begin(at, &volume.name) {
            Ok(taking_part) => members = taking_part,
            Err(reason) => return stuck(reason, Some(&volume.name), Some(("volStatus", ""))),
        }
    }
    if let Some(resting) = volumes.iter().find(|volume| !volume.started()) {
        return refused(&format!("Volume {} is not started", resting.name));
    }
    accepted(|xml| {
        xml.element("volStatus", |xml| {
            xml.element("volumes", |xml| {
                for volume in &volumes {
                    xml.element("volume", |xml| describe(world, at, volume, &members, xml));
                }
            });
        });
    })
}

fn describe(world: &World, at: &NodeName, volume: &Volume, members: &[NodeName], xml: &mut Xml) {
    let seen = |uuid: &str| world.node_with(uuid).is_some_and(|node| members.contains(node));
    let bricks: Vec<_> = volume.bricks.iter().filter(|brick| seen(&brick.uuid)).collect();
    let daemons: &[NodeName] = if volume.heals() { members } else { &[] };
    xml.leaf("volName", &volume.name);
    xml.leaf("nodeCount", bricks.len() + daemons.len());
    for brick in bricks {
        let process = world.brick(&brick.uuid, &brick.path).and_then(|(_, directory)| directory.process);
        let port = process.map(|process| process.port.to_string());
        let pid = process.map(|process| process.pid);
        row(xml, (&brick.host, &brick.path, &brick.uuid), pid, port.as_deref());
    }
    for member in daemons {
        let glusterd = &world.nodes[member].glusterd;
        let peers = &world.nodes[at].glusterd.peers;
        let name = peers.iter().find(|peer| peer.uuid == glusterd.uuid).map_or("localhost", |peer| &peer.names[0]);
        row(xml, ("Self-heal Daemon", name, &glusterd.uuid), Some(glusterd.shd_pid), None);
    }
    xml.line("<tasks/>");
}

fn row(xml: &mut Xml, (host, path, uuid): (&str, &str, &str), pid: Option<u32>, port: Option<&str>) {
    let port = port.unwrap_or("N/A");
    xml.element("node", |xml| {
        xml.leaf("hostname", host);
        xml.leaf("path", path);
        xml.leaf("peerid", uuid);
        xml.leaf("status", i32::from(pid.is_some()));
        xml.leaf("port", port);
        xml.element("ports", |xml| {
            xml.leaf("tcp", port);
            xml.leaf("rdma", "N/A");
        });
        xml.leaf("pid", pid.map_or(-1, i64::from));
    });
}
