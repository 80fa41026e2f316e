//! `gluster volume reset-brick VOLUME BRICK BRICK commit force`, for a brick whose directory was lost and is empty: it is
//! marked, served, and blamed for everything.

use super::bricks::{mark_stale, shown_name};
use super::pool::{no_such, stuck};
use super::xml::answer;
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::{BrickRef, Volume};
use crate::transport::simulated::output::failed;
use crate::transport::simulated::world::World;

const USAGE: &str = "\nUsage:\nvolume reset-brick <VOLNAME> <SOURCE-BRICK> {{start} | {<NEW-BRICK> commit}}\n\n";
const NEW: &str = "When destination brick is new, please use gluster volume replace-brick <volname> <src-brick> \
    <dst-brick> commit force";
const SERVED: &str = "Source brick must be stopped. Please use gluster volume reset-brick <volname> <dst-brick> start.";

/// `volume reset-brick`, with `commit force`.
pub fn reset_brick(world: &mut World, at: &NodeName, words: &[&str]) -> Output {
    let [name, from, to, "commit", "force"] = words else { return failed(1, USAGE) };
    let Placed { members, volume, brick } = match placed(world, at, name, from) {
        Ok(placed) => placed,
        Err(answer) => return answer,
    };
    if from != to {
        return no_brick(name, from);
    }
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

/// A brick of a volume that is about to be changed.
pub struct Placed {
    /// Who takes part in the change.
    pub members: Vec<NodeName>,
    /// The volume,
    pub volume: Volume,
    /// and its brick.
    pub brick: BrickRef,
}

/// The brick that is called `brick` in `volume`, at the beginning of a transaction.
///
/// # Errors
/// What gluster answers where there is none, or the transaction does not begin.
pub fn placed(world: &mut World, at: &NodeName, volume: &str, brick: &str) -> Result<Placed, Output> {
    let members = world.begin(at, volume).map_err(|reason| stuck(reason, Some(volume), None))?;
    let found = world.nodes[at].volume(volume).cloned().ok_or_else(|| verdict(-1, &no_such(volume)))?;
    let called = |one: &&BrickRef| format!("{}:{}", one.host, one.path) == brick;
    match found.bricks.iter().find(called).cloned() {
        Some(brick) => Ok(Placed { members, volume: found, brick }),
        None => Err(no_brick(volume, brick)),
    }
}

fn no_brick(volume: &str, brick: &str) -> Output {
    verdict(-1, &format!("brick: {brick} does not exist in volume: {volume}"))
}

/// The answer of both commands.
pub fn verdict(ret: i32, error: &str) -> Output {
    answer(ret, 0, error, |_| {})
}
