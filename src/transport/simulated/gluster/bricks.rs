//! What glusterd checks of new bricks, on its own node and on the others, and `gluster volume add-brick`.

use std::collections::BTreeSet;

use super::create::{Request, SAME_SERVER, parse};
use super::pool::stuck;
use super::xml::{accepted_operation, refused_operation};
use crate::model::{NodeName, Output};
use crate::transport::simulated::disks::{Directory, is_below};
use crate::transport::simulated::node::{BrickRef, Volume};
use crate::transport::simulated::output::failed;
use crate::transport::simulated::world::{Sight, World};

const USAGE: &str =
    "\nUsage:\nvolume add-brick <VOLNAME> [<replica> <COUNT> [arbiter <COUNT>]] <NEW-BRICK> ... [force]\n\n";
/// How glusterd ends a refusal that can be overridden.
const FORCE: &str = "use 'force' at the end of the command if you want to override this behavior.";
/// How long a new brick of a set waits for its full crawl.
const CRAWL_MS: u64 = 500;

/// For which volume bricks are looked at, and by whom.
pub struct Place<'a> {
    pub at: &'a NodeName,
    pub members: &'a [NodeName],
    pub volume: &'a str,
    pub force: bool,
}

/// Whether a set would have two bricks on one node.
pub fn shares_a_node(world: &World, at: &NodeName, bricks: &[(&str, &str)], size: usize) -> bool {
    bricks.chunks(size).any(|set| {
        let mut seen = BTreeSet::new();
        set.iter().filter_map(|(host, _)| member(world, at, host)).any(|node| !seen.insert(node))
    })
}

/// The member that the glusterd of `at` knows by `host`: by a name it has been told, which it then does not resolve, or
/// itself, by any name that resolves to an address of its own.
pub fn member(world: &World, at: &NodeName, host: &str) -> Option<NodeName> {
    let told = world.nodes[at].glusterd.peers.iter().find(|peer| peer.names.iter().any(|name| name == host));
    match told {
        Some(peer) => world.node_with(&peer.uuid).cloned(),
        None => world.node_called(at, host).filter(|node| *node == at).cloned(),
    }
}

/// Looks at every brick, first on this node, then on the others, and makes the directories: what was made and
/// marked until the first error stays so. Also gives what glusterd says although it goes on.
pub fn stage(
    world: &mut World,
    place: &Place<'_>,
    bricks: &[(&str, &str)],
    elsewhere: &str,
) -> Result<(Vec<BrickRef>, String), String> {
    let mut found = Vec::new();
    let mut warning = String::new();
    for (host, path) in bricks {
        let node = reachable_member(world, place.at, host)?;
        let uuid = world.nodes[&node].glusterd.uuid.clone();
        let brick = BrickRef { host: (*host).to_owned(), path: (*path).to_owned(), uuid };
        overlaps(world, place.at, &brick)?;
        if node == *place.at {
            warning += &make(world, &node, &brick, place)?;
        }
        found.push((node, brick));
    }
    let others = place.members.iter().filter(|member| *member != place.at);
    let mut errors = Vec::new();
    for other in others {
        if let Err(error) = stage_on(world, other, &found, place) {
            errors.push(elsewhere.replace('%', &shown_name(world, place.at, other)) + &error);
        }
    }
    if errors.is_empty() {
        Ok((found.into_iter().map(|(_, brick)| brick).collect(), warning))
    } else {
        Err(errors.join("\n"))
    }
}

fn stage_on(
    world: &mut World,
    other: &NodeName,
    bricks: &[(NodeName, BrickRef)],
    place: &Place<'_>,
) -> Result<(), String> {
    for (node, brick) in bricks {
        reachable_member(world, other, &brick.host)?;
        if node == other {
            make(world, node, brick, place)?;
        }
    }
    Ok(())
}

/// The name under which `at` shows a member.
pub fn shown_name(world: &World, at: &NodeName, other: &NodeName) -> String {
    let uuid = &world.nodes[other].glusterd.uuid;
    let peer = world.nodes[at].glusterd.peers.iter().find(|peer| peer.uuid == *uuid);
    peer.map_or_else(|| other.to_string(), |peer| peer.names[0].clone())
}

fn reachable_member(world: &World, at: &NodeName, host: &str) -> Result<NodeName, String> {
    let stranger = || format!("Host {host} is not in 'Peer in Cluster' state");
    let node = member(world, at, host).ok_or_else(stranger)?;
    let seen = world.members(at).into_iter().find(|(name, _, _)| *name == node);
    match seen {
        Some((_, peer, _)) if peer.rejected || peer.settles_ms > world.clock_ms => Err(stranger()),
        Some((_, _, Sight::Gone)) => Err(format!("Host {host} not connected")),
        _ => Ok(node),
    }
}

pub fn overlaps(world: &World, at: &NodeName, new: &BrickRef) -> Result<(), String> {
    let known = world.nodes[at].glusterd.volumes.iter().flat_map(|volume| &volume.bricks);
    let meets =
        |old: &BrickRef| old.uuid == new.uuid && (is_below(&old.path, &new.path) || is_below(&new.path, &old.path));
    if known.into_iter().any(meets) {
        return Err(format!(
            "Brick: {}:{} not available. Brick may be containing or be contained by an existing brick.",
            new.host, new.path
        ));
    }
    Ok(())
}

/// Makes a brick's directory and marks it. A directory made for a brick that is then refused goes away again.
fn make(world: &mut World, at: &NodeName, brick: &BrickRef, place: &Place<'_>) -> Result<String, String> {
    let node = world.node_mut(at);
    let name = format!("{}:{}", brick.host, brick.path);
    let parent = brick.path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    if !node.is_directory(parent) {
        return Err(format!("Failed to create brick directory for brick {name}. Reason : No such file or directory "));
    }
    if !place.force && node.mounts.contains_key(&brick.path) {
        return Err(format!(
            "The brick {name} is a mount point. Please create a sub-directory under the mount point and use that as \
             the brick directory. Or {FORCE}"
        ));
    }
    if !place.force && node.is_on_root(&brick.path) {
        return Err(format!(
            "The brick {name} is being created in the root partition. It is recommended that you don't use the \
             system's root partition for storage backend. Or {FORCE}"
        ));
    }
    let marked = |path: &str| node.directory(path).is_some_and(|directory| directory.volume_id.is_some());
    let mut warning = String::new();
    if marked(&brick.path) {
        warning = format!("{} is already part of a volume", brick.path);
    } else if marked(parent) {
        warning = format!("parent directory {parent} is already part of a volume");
    }
    if !warning.is_empty() && !place.force {
        return Err(warning);
    }
    let Some(filesystem) = node.filesystem_mut(&brick.path) else {
        return Err(format!(
            "Failed to create brick directory for brick {name}. Reason : Transport endpoint is not connected "
        ));
    };
    let directory: &mut Directory = filesystem.directories.entry(brick.path.clone()).or_default();
    directory.volume_id = Some(place.volume.to_owned());
    Ok(warning)
}

/// `volume add-brick VOLUME [replica N [arbiter M]] BRICK... [force]`.
pub fn add_brick(world: &mut World, at: &NodeName, words: &[&str]) -> Output {
    let Some((name, rest)) = words.split_first() else { return failed(1, USAGE) };
    let request = match parse(rest) {
        Ok(request) => request,
        Err(said) => return failed(1, said + USAGE),
    };
    let refused = |errno, error: &str| refused_operation(errno, error, "volAddBrick", error);
    let Some(volume) = world.nodes[at].volume(name).cloned() else {
        return refused(0, &format!("Unable to get volinfo for volume name {name}"));
    };
    if let Err(error) = fits(&volume, &request) {
        return refused(0, &error);
    }
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), Some(("volAddBrick", ""))),
    };
    if request.bricks.iter().any(|(host, _)| member(world, at, host).is_none()) {
        return refused(30800, "Pre-validation failed on localhost. Please check log file for details");
    }
    if !request.force && set_would_share(world, at, &volume, &request) {
        return refused(30800, SAME_SERVER);
    }
    let place = Place { at, members: &members, volume: &volume.id, force: request.force };
    match stage(world, &place, &request.bricks, "Pre Validation failed on %. ") {
        Err(error) => refused(30800, &error),
        Ok((bricks, _)) => {
            grow(world, &members, &volume, &request, &bricks);
            accepted_operation("volAddBrick", "Add Brick successful")
        }
    }
}

/// Whether the bricks make whole sets, or one more brick for each set.
fn fits(volume: &Volume, request: &Request<'_>) -> Result<(), String> {
    let sets = volume.bricks.len() / volume.set_size();
    let count = request.bricks.len();
    match request.replica {
        Some(replica) if replica != volume.replica => {
            let wider = replica > volume.replica && count == sets * (replica - volume.replica);
            if wider && volume.disperse == 0 { Ok(()) } else { Err("Operation failed".to_owned()) }
        }
        Some(_) if !count.is_multiple_of(volume.set_size()) => Err("Operation failed".to_owned()),
        _ if !count.is_multiple_of(volume.set_size()) => {
            Err(format!("Incorrect number of bricks supplied {count} with count {}", volume.set_size()))
        }
        _ => Ok(()),
    }
}

/// The volume's bricks with the new ones in their places.
fn arranged<T: Clone>(old: &[T], new: &[T], volume: &Volume, replica: Option<usize>) -> Vec<T> {
    let more = replica.map_or(0, |replica| replica - volume.replica);
    if more == 0 {
        return [old, new].concat();
    }
    let sets = old.chunks(volume.set_size()).zip(new.chunks(more));
    sets.flat_map(|(set, added)| [set, added].concat()).collect()
}

fn set_would_share(world: &World, at: &NodeName, volume: &Volume, request: &Request<'_>) -> bool {
    let size = volume.disperse.max(request.replica.unwrap_or(volume.replica));
    let node_of = |uuid: &str| world.node_with(uuid).cloned();
    let old: Vec<_> = volume.bricks.iter().map(|brick| node_of(&brick.uuid)).collect();
    let new: Vec<_> = request.bricks.iter().map(|(host, _)| member(world, at, host)).collect();
    let shares = |bricks: &[Option<NodeName>]| {
        bricks.chunks(size).any(|set| set.iter().flatten().collect::<BTreeSet<_>>().len() < set.len())
    };
    // Glusterd looks at the new bricks side by side as well, even if they go to different sets.
    let side_by_side = request.replica.is_some_and(|replica| replica > volume.replica)
        && new.iter().collect::<BTreeSet<_>>().len() < new.len();
    size > 1 && (side_by_side || shares(&arranged(&old, &new, volume, request.replica)))
}

fn grow(world: &mut World, members: &[NodeName], volume: &Volume, request: &Request<'_>, new: &[BrickRef]) {
    let bricks = arranged(&volume.bricks, new, volume, request.replica);
    let replica = request.replica.unwrap_or(volume.replica);
    let arbiter = if request.arbiter > 0 { request.arbiter } else { volume.arbiter };
    world.commit(members, &volume.name, |copy| {
        copy.bricks.clone_from(&bricks);
        (copy.replica, copy.arbiter) = (replica, arbiter);
        copy.rebalance = None;
    });
    if replica > volume.replica {
        mark_stale(world, &Volume { replica, bricks, ..volume.clone() }, new);
    }
    for member in members {
        world.serve(member);
    }
}

/// A new brick in an old set: at once the set blames it for its root directory, and for the rest after a crawl. A dispersed
/// set blames it for nothing before the crawl, and so lists nothing although nothing is there.
pub fn mark_stale(world: &mut World, volume: &Volume, new: &[BrickRef]) {
    let crawl_ms = Some(world.clock_ms + CRAWL_MS);
    for set in volume.bricks.chunks(volume.set_size()) {
        for fresh in set.iter().filter(|brick| new.contains(brick)) {
            let Some(key) = world.brick_key(&fresh.uuid, &fresh.path) else { continue };
            world.on_brick(fresh, |directory| directory.crawl_ms = crawl_ms);
            for old in set.iter().filter(|brick| !new.contains(brick) && volume.disperse == 0) {
                world.on_brick(old, |directory| {
                    directory.blames.insert(key.clone(), 1);
                });
            }
        }
    }
}
