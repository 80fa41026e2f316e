//! `gluster volume start`, `stop` and `delete`.

use super::bricks::shown_name;
use super::create::named;
use super::pool::{no_such, stuck};
use super::xml::refused;
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::{STARTED, Volume};
use crate::transport::simulated::world::World;

const STOPPED: u8 = 2;

/// `volume start VOLUME [force]`.
pub fn start(world: &mut World, at: &NodeName, name: &str, force: bool) -> Output {
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, None, None),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return refused(&no_such(name)) };
    if !force {
        if volume.started() {
            return refused(&format!("Volume {name} already started"));
        }
        if let Some(error) = unready(world, at, &volume, &members) {
            return refused(&error);
        }
    }
    world.commit(&members, name, |copy| copy.status = STARTED);
    for member in &members {
        world.serve(member);
    }
    named("volStart", &volume)
}

/// What keeps a brick of a member from being served.
fn unready(world: &World, at: &NodeName, volume: &Volume, members: &[NodeName]) -> Option<String> {
    volume.bricks.iter().find_map(|brick| {
        let node = world.node_with(&brick.uuid).filter(|node| members.contains(node))?;
        let path = &brick.path;
        let error = match world.nodes[node].directory(path).map(|directory| directory.volume_id.as_deref()) {
            None => format!(
                "Failed to find brick directory {path} for volume {}. Reason : No such file or directory",
                volume.name
            ),
            Some(None) => format!(
                "Failed to get extended attribute trusted.glusterfs.volume-id for brick dir {path}. Reason : No data \
                 available"
            ),
            Some(Some(id)) if id != volume.id => format!(
                "Volume id mismatch for brick {}:{path}. Expected volume id {}, volume id {id} found",
                brick.host, volume.id
            ),
            Some(Some(_)) => return None,
        };
        let elsewhere = || format!("Pre Validation failed on {}. {error}", shown_name(world, at, node));
        Some(if node == at { error.clone() } else { elsewhere() })
    })
}

/// `volume stop VOLUME [force]`.
pub fn stop(world: &mut World, at: &NodeName, name: &str, force: bool) -> Output {
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, None, None),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return refused(&no_such(name)) };
    if !force && !volume.started() {
        return refused(&format!("Volume {name} is not in the started state"));
    }
    world.commit(&members, name, |copy| copy.status = STOPPED);
    for brick in &volume.bricks {
        if world.node_with(&brick.uuid).is_some_and(|node| members.contains(node)) {
            world.on_brick(brick, |directory| directory.process = None);
        }
    }
    named("volStop", &volume)
}

/// `volume delete VOLUME`. The bricks keep their files and the mark of the volume.
pub fn delete(world: &mut World, at: &NodeName, name: &str) -> Output {
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), None),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return refused(&no_such(name)) };
    if volume.started() {
        return refused(&format!("Volume {name} has been started.Volume needs to be stopped before deletion."));
    }
    if members.len() <= world.nodes[at].glusterd.peers.len() {
        return refused("Some of the peers are down");
    }
    for member in &members {
        let books = &mut world.node_mut(member).glusterd.volumes;
        books.retain(|volume| volume.name != name);
    }
    named("volDelete", &volume)
}
