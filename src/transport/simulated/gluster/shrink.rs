//! `gluster volume remove-brick VOLUME replica N BRICK... force`: copies are given up at once. The ways that move files
//! first are not played here.

use super::pool::stuck;
use super::xml::{Xml, answer};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::{BrickRef, Volume};
use crate::transport::simulated::output::failed;
use crate::transport::simulated::world::World;

const USAGE: &str =
    "\nUsage:\nvolume remove-brick <VOLNAME> [replica <COUNT>] <BRICK> ... <start|stop|status|commit|force>\n\n";
/// What glusterd sets by itself where there are no copies.
const CLIENT_THREADS: &str = "performance.client-io-threads";

/// `volume remove-brick`, with `force`.
pub fn remove_brick(world: &mut World, at: &NodeName, words: &[&str]) -> Output {
    let [name, "replica", count, bricks @ .., "force"] = words else { return failed(1, USAGE) };
    let Ok(count) = count.parse::<usize>() else { return failed(1, USAGE) };
    let verdict = |ret, error: &str| answer(ret, 0, error, |xml: &mut Xml| xml.element("volRemoveBrick", |_| {}));
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), Some(("volRemoveBrick", ""))),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else {
        return verdict(-1, &format!("Volume {name} does not exist"));
    };
    match left(&volume, count, bricks) {
        Err(error) => verdict(-1, &error),
        Ok(left) => {
            shrink(world, &members, &volume, count, &left);
            verdict(0, "Remove Brick commit force successful")
        }
    }
}

/// The bricks that stay.
fn left(volume: &Volume, count: usize, bricks: &[&str]) -> Result<Vec<BrickRef>, String> {
    let name = &volume.name;
    if volume.replica < 2 {
        return Err(format!("replica count ({count}) option given for non replicate volume {name}"));
    }
    let called = |brick: &BrickRef| format!("{}:{}", brick.host, brick.path);
    if let Some(unknown) = bricks.iter().find(|brick| !volume.bricks.iter().any(|there| called(there) == **brick)) {
        return Err(format!("Incorrect brick {unknown} for volume {name}"));
    }
    let stays = |brick: &&BrickRef| !bricks.contains(&called(brick).as_str());
    let sets = volume.bricks.chunks(volume.replica).map(|set| set.iter().filter(stays).cloned().collect::<Vec<_>>());
    let sets: Vec<Vec<BrickRef>> = sets.collect();
    if sets.iter().any(|set| set.len() != count) {
        return Err(format!("Bricks are from same subvol of volume {name}"));
    }
    Ok(sets.concat())
}

fn shrink(world: &mut World, members: &[NodeName], volume: &Volume, count: usize, left: &[BrickRef]) {
    world.commit(members, &volume.name, |copy| {
        copy.bricks = left.to_vec();
        (copy.replica, copy.arbiter) = (count, if count > 1 { copy.arbiter } else { 0 });
        if count == 1 {
            copy.options.retain(|(option, _)| option != CLIENT_THREADS);
            copy.options.insert(0, (CLIENT_THREADS.to_owned(), "on".to_owned()));
        }
    });
    let gone: Vec<&BrickRef> = volume.bricks.iter().filter(|brick| !left.contains(brick)).collect();
    for brick in &gone {
        if world.node_with(&brick.uuid).is_some_and(|node| members.contains(node)) {
            world.on_brick(brick, |directory| directory.process = None);
        }
    }
    let keys: Vec<String> = gone.iter().filter_map(|brick| world.brick_key(&brick.uuid, &brick.path)).collect();
    for brick in left {
        world.on_brick(brick, |directory| directory.blames.retain(|blamed, _| !keys.contains(blamed)));
    }
}
