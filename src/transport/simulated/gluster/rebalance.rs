//! `gluster volume rebalance`: as far as `fix-layout`. Here it is done as soon as it is begun.

use super::pool::{no_such, stuck};
use super::xml::{Xml, accepted, answer, refused};
use crate::model::{NodeName, Output};
use crate::transport::simulated::world::World;

const OPERATION: &str = "volRebalance";

/// `volume rebalance VOLUME fix-layout start`.
pub fn fix_layout(world: &mut World, at: &NodeName, name: &str) -> Output {
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), None),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return refused(&no_such(name)) };
    if volume.bricks.len() == volume.set_size() {
        return unspreadable(name);
    }
    if !volume.started() {
        return named_refusal(&format!("Rebalance on volume {name} failed. Volume is not started."));
    }
    let task = world.uuid();
    world.commit(&members, name, |copy| copy.rebalance = Some(task.clone()));
    accepted(|xml| {
        xml.element(OPERATION, |xml| {
            xml.leaf("task-id", &task);
            xml.leaf("op", 4);
        });
    })
}

/// `volume rebalance VOLUME status`.
pub fn status(world: &mut World, at: &NodeName, name: &str) -> Output {
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), None),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return refused(&no_such(name)) };
    if volume.bricks.len() == volume.set_size() {
        return unspreadable(name);
    }
    let Some(task) = &volume.rebalance else {
        return named_refusal(&format!("Rebalance not started for volume {name}."));
    };
    let nodes: Vec<(String, String)> = members.iter().map(|member| shown(world, at, member)).collect();
    accepted(|xml| {
        xml.element(OPERATION, |xml| {
            xml.leaf("task-id", task);
            xml.leaf("op", 3);
            xml.leaf("nodeCount", nodes.len());
            for (name, id) in &nodes {
                xml.element("node", |xml| {
                    xml.leaf("nodeName", name);
                    xml.leaf("id", id);
                    progress(xml);
                });
            }
            xml.element("aggregate", progress);
        });
    })
}

fn progress(xml: &mut Xml) {
    for count in ["files", "size", "lookups", "failures", "skipped"] {
        xml.leaf(count, 0);
    }
    xml.leaf("status", 7);
    xml.leaf("statusStr", "fix-layout completed");
    xml.leaf("runtime", "0.00");
}

fn shown(world: &World, at: &NodeName, member: &NodeName) -> (String, String) {
    let id = world.nodes[member].glusterd.uuid.clone();
    let name = if member == at { "localhost".to_owned() } else { super::bricks::shown_name(world, at, member) };
    (name, id)
}

fn unspreadable(name: &str) -> Output {
    named_refusal(&format!(
        "Volume {name} is not a distribute volume or contains only 1 brick.\nNot performing rebalance"
    ))
}

fn named_refusal(error: &str) -> Output {
    let output = answer(-1, 30800, error, |xml| {
        xml.leaf("cliOp", OPERATION);
        xml.leaf("output", error);
    });
    Output { status: 1, ..output }
}
