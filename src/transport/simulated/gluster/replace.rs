//! `gluster volume replace-brick VOLUME BRICK NEW-BRICK commit force`: another directory takes the place of a brick, which
//! is served no more; it is served, and blamed for everything. What glusterd refuses without `force`, it takes with it: a
//! directory that is full, or carries the mark of another volume.

use super::bricks::{Place, mark_stale, member, overlaps, shown_name, stage};
use super::reset::{Placed, placed, verdict};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::{BrickRef, Volume};
use crate::transport::simulated::output::failed;
use crate::transport::simulated::world::World;

const USAGE: &str = "\nUsage:\nvolume replace-brick <VOLNAME> <SOURCE-BRICK> <NEW-BRICK> {commit force}\n\n";
const FLAT: &str = "replace-brick is not permitted on distribute only volumes. Please use add-brick and remove-brick \
    operations instead.";

const STRANGER: &str = "Pre-validation failed on localhost. Please check log file for details";

/// `volume replace-brick`.
pub fn replace_brick(world: &mut World, at: &NodeName, words: &[&str]) -> Output {
    let [name, from, to, "commit", "force"] = words else { return failed(1, USAGE) };
    let Some(new) = to.split_once(":/").map(|(host, _)| (host, &to[host.len() + 1..])) else {
        return failed(1, USAGE);
    };
    let Placed { members, volume, brick: old } = match placed(world, at, name, from) {
        Ok(placed) => placed,
        Err(answer) => return answer,
    };
    if !volume.started() {
        return verdict(-1, &format!("volume: {name} is not started"));
    }
    if !volume.heals() {
        return verdict(-1, FLAT);
    }
    let Some(holder) = member(world, at, new.0) else { return verdict(-1, STRANGER) };
    let uuid = world.nodes[&holder].glusterd.uuid.clone();
    // Whether the directory is one of a brick's, its own glusterd is asked.
    if let Err(error) = overlaps(world, &holder, &BrickRef { host: new.0.to_owned(), path: new.1.to_owned(), uuid })
        && holder != *at
    {
        return verdict(-1, &format!("Pre Validation failed on {}. {error}", shown_name(world, at, &holder)));
    }
    let place = Place { at, members: &members, volume: &volume.id, force: true };
    let new = match stage(world, &place, &[new], "Pre Validation failed on %. ") {
        Ok((bricks, _)) => bricks[0].clone(),
        Err(error) => return verdict(-1, &error),
    };
    let is_old = |brick: &&mut BrickRef| **brick == old;
    world.commit(&members, name, |copy| copy.bricks.iter_mut().filter(is_old).for_each(|brick| *brick = new.clone()));
    let bricks = volume.bricks.iter().map(|brick| if *brick == old { &new } else { brick }).cloned().collect();
    let volume = Volume { bricks, ..volume };
    give_up(world, &old, &volume.bricks);
    mark_stale(world, &volume, std::slice::from_ref(&new));
    for member in &members {
        world.serve(member);
    }
    verdict(0, "replace-brick commit force operation successful")
}

/// The old brick is served no more, if its node hears of it, and nobody blames it any more.
fn give_up(world: &mut World, old: &BrickRef, left: &[BrickRef]) {
    world.on_brick(old, |directory| directory.process = None);
    let Some(key) = world.brick_key(&old.uuid, &old.path) else { return };
    for brick in left {
        world.on_brick(brick, |directory| directory.blames.retain(|blamed, _| *blamed != key));
    }
}
