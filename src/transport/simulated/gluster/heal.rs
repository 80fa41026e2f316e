//! `gluster volume heal`: its start, which knows no XML, and what `glfsheal` sees as a client.

use super::bricks::shown_name;
use super::pool::no_such;
use super::xml::Xml;
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::{BrickRef, Volume};
use crate::transport::simulated::output::{failed, printed};
use crate::transport::simulated::world::World;

/// How long glfsheal tries to reach a brick.
const CONNECT_MS: u64 = 3000;
const AWAY: &str = "Transport endpoint is not connected";

/// `volume heal VOLUME [full]`. The heal itself goes on by itself in this world, as it does in the real one, but for
/// what the last crawl has left behind.
pub fn launch(world: &mut World, at: &NodeName, name: &str, kind: &str) -> Output {
    let operation = format!("Launching heal operation to perform {kind} self heal on volume {name} has been");
    let refused = |why: &str| failed(1, format!("{operation} unsuccessful:\n{why}\n"));
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return refused(&no_such(name)) };
    if !volume.started() {
        return refused(&format!("Volume {name} is not started."));
    }
    if !volume.heals() {
        return refused(&format!("Volume {name} is not of type replicate or disperse"));
    }
    match world.begin(at, name) {
        Err(super::pool::Stuck::TimedOut) => failed(1, "Error : Request timed out\n"),
        Err(super::pool::Stuck::Busy) => {
            refused(&format!("Another transaction is in progress for {name}. Please try again after some time."))
        }
        Ok(_) => {
            if let Some(down) = volume.bricks.iter().find(|brick| !world.brick_is_up(&brick.uuid, &brick.path)) {
                return refused(&not_launched(world, at, down));
            }
            world.left_behind.remove(name);
            world.crawled.insert(name.to_owned(), world.clock_ms);
            printed(format!("{operation} successful \nUse heal info commands to check status.\n"))
        }
    }
}

fn not_launched(world: &World, at: &NodeName, down: &BrickRef) -> String {
    match world.node_with(&down.uuid).filter(|node| *node != at) {
        Some(node) => format!("Commit failed on {}. Please check log file for details.", shown_name(world, at, node)),
        None => "Glusterd Syncop Mgmt brick op 'Heal' failed. Please check glustershd log file for details.".to_owned(),
    }
}

/// `volume heal VOLUME info [summary]`.
pub fn info(world: &mut World, at: &NodeName, name: &str, summary: bool) -> Output {
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return unable(254, 2, &no_such(name)) };
    if !volume.started() {
        return unable(251, 5, &format!("{name}: Not able to fetch volfile from glusterd"));
    }
    if !volume.heals() {
        let error = format!(
            "This command is supported for only volumes of replicate/disperse type. Volume {name} is not of type \
             replicate/disperse"
        );
        return unable(234, 22, &error);
    }
    if volume.bricks.iter().any(|brick| !world.brick_answers(at, &brick.uuid, &brick.path)) {
        world.hang_ms = world.hang_ms.max(CONNECT_MS);
    }
    let stdout = Xml::document(|xml| {
        xml.element("healInfo", |xml| {
            xml.element("bricks", |xml| {
                for brick in &volume.bricks {
                    describe(world, at, &volume, brick, summary, xml);
                }
            });
        });
        xml.verdict(0, 0, "");
    });
    printed(stdout)
}

fn unable(status: i32, errno: i32, error: &str) -> Output {
    let stdout = Xml::document(|xml| {
        xml.element("healInfo", |xml| xml.line("<bricks/>"));
        xml.verdict(-1, errno, error);
    });
    Output { status, stdout, stderr: String::new() }
}

fn describe(world: &World, at: &NodeName, volume: &Volume, brick: &BrickRef, summary: bool, xml: &mut Xml) {
    let up = world.brick_answers(at, &brick.uuid, &brick.path);
    let uuid = if up { brick.uuid.as_str() } else { "-" };
    xml.element_with("brick", &format!(" hostUuid=\"{uuid}\""), |xml| {
        xml.leaf("name", format!("{}:{}", brick.host, brick.path));
        match (up, summary) {
            (true, true) => sums(world, volume, brick, xml),
            (true, false) => entries(world, brick, xml),
            // The count has slipped into the status: so the real program prints it.
            (false, true) => {
                xml.leaf("status", format!("Failed to process entries completely. ({AWAY})totalNumberOfEntries0"));
            }
            (false, false) => {
                xml.leaf("status", AWAY);
                xml.leaf("numberOfEntries", "-");
            }
        }
    });
}

fn sums(world: &World, volume: &Volume, brick: &BrickRef, xml: &mut Xml) {
    let directory = world.brick(&brick.uuid, &brick.path).map(|(_, directory)| directory.clone()).unwrap_or_default();
    let total = directory.pending();
    let stale = total - directory.split_brain;
    let healing = stale > 0 && volume.bricks.iter().any(|target| world.heals_now(brick, target).is_some());
    xml.leaf("status", "Connected");
    xml.leaf("totalNumberOfEntries", total);
    xml.leaf("numberOfEntriesInHealPending", stale - u64::from(healing));
    xml.leaf("numberOfEntriesInSplitBrain", directory.split_brain);
    xml.leaf("numberOfEntriesPossiblyHealing", u64::from(healing));
}

fn entries(world: &World, brick: &BrickRef, xml: &mut Xml) {
    let total = world.brick(&brick.uuid, &brick.path).map_or(0, |(_, directory)| directory.pending());
    for number in 0..total {
        let (gfid, path) = match number {
            0 => ("00000000-0000-0000-0000-000000000001".to_owned(), "/".to_owned()),
            _ => (format!("00000000-0000-4000-8000-{number:012x}"), format!("/file{number}")),
        };
        xml.leaf_with("file", &format!(" gfid=\"{gfid}\""), path);
    }
    xml.leaf("status", "Connected");
    xml.leaf("numberOfEntries", total);
}
