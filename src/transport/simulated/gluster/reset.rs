//! `gluster volume reset-brick VOLUME BRICK BRICK commit force`, for a brick whose directory was lost and is empty: it is
//! marked, served, and blamed for everything.

use super::bricks::{mark_stale, shown_name};
use super::pool::{no_such, stuck};
use super::xml::answer;
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::BrickRef;
use crate::transport::simulated::output::failed;
use crate::transport::simulated::world::World;

const USAGE: &str = "\nUsage:\nvolume reset-brick <VOLNAME> <SOURCE-BRICK> {{start} | {<NEW-BRICK> commit}}\n\n";
const NEW: &str = "When destination brick is new, please use gluster volume replace-brick <volname> <src-brick> \
    <dst-brick> commit force";
const SERVED: &str = "Source brick must be stopped. Please use gluster volume reset-brick <volname> <dst-brick> start.";

/// `volume reset-brick`, with `commit force`.
pub fn reset_brick(world: &mut World, at: &NodeName, words: &[&str]) -> Output {
    let [name, from, to, "commit", "force"] = words else { return failed(1, USAGE) };
    let verdict = |ret, error: &str| answer(ret, 0, error, |_| {});
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), None),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return verdict(-1, &no_such(name)) };
    let called = |brick: &&BrickRef| format!("{}:{}", brick.host, brick.path) == **from;
    let Some(brick) = volume.bricks.iter().find(called).filter(|_| from == to).cloned() else {
        return verdict(-1, &format!("brick: {from} does not exist in volume: {name}"));
    };
    let Some(holder) = world.node_with(&brick.uuid).filter(|holder| members.contains(holder)).cloned() else {
        return verdict(-1, &format!("Host {} is not in 'Peer in Cluster' state", brick.host));
    };
    let elsewhere = if holder == *at {
        String::new()
    } else {
        format!("Pre Validation failed on {}. ", shown_name(world, at, &holder))
    };
    let node = &world.nodes[&holder];
    match node.directory(&brick.path) {
        Some(directory) if directory.process.is_some() => return verdict(-1, &(elsewhere + SERVED)),
        Some(_) if !node.glusterd.learnt.contains(&brick.path) => {}
        _ => return verdict(-1, &(elsewhere + NEW)),
    }
    world.on_brick(&brick, |directory| directory.volume_id = Some(volume.id.clone()));
    mark_stale(world, &volume, std::slice::from_ref(&brick));
    world.serve(&holder);
    verdict(0, "reset-brick commit force operation successful")
}
