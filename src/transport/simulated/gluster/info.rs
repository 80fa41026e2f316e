//! `gluster volume info` and `get`: the books of this node's own glusterd, without asking anyone.

use super::options::table;
use super::pool::no_such;
use super::xml::{Xml, accepted, answer, escape, refused_operation};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Volume;
use crate::transport::simulated::world::World;

/// `volume info [VOLUME]`.
pub fn info(world: &World, at: &NodeName, wanted: Option<&str>) -> Output {
    let volumes = world.nodes[at].glusterd.volumes.iter();
    let shown: Vec<&Volume> = volumes.filter(|volume| wanted.is_none_or(|name| name == volume.name)).collect();
    let (ret, errno, error) =
        if wanted.is_some() && shown.is_empty() { (-1, 30806, "Volume does not exist") } else { (0, 0, "") };
    answer(ret, errno, error, |xml| {
        xml.element("volInfo", |xml| {
            xml.element("volumes", |xml| {
                for volume in &shown {
                    xml.element("volume", |xml| describe(volume, xml));
                }
                xml.leaf("count", shown.len());
            });
        });
    })
}

fn describe(volume: &Volume, xml: &mut Xml) {
    let sets = volume.bricks.len() / volume.set_size();
    let (number, word) = kind(volume, sets);
    xml.leaf("name", &volume.name);
    xml.leaf("id", &volume.id);
    xml.leaf("status", volume.status);
    xml.leaf("statusStr", ["Created", "Started", "Stopped"][usize::from(volume.status.min(2))]);
    xml.leaf("snapshotCount", 0);
    xml.leaf("brickCount", volume.bricks.len());
    xml.leaf("distCount", sets);
    xml.leaf("replicaCount", volume.replica);
    xml.leaf("arbiterCount", volume.arbiter);
    xml.leaf("disperseCount", volume.disperse);
    xml.leaf("redundancyCount", volume.redundancy);
    xml.leaf("type", number);
    xml.leaf("typeStr", word);
    xml.leaf("transport", 0);
    xml.element("bricks", |xml| {
        for (place, brick) in volume.bricks.iter().enumerate() {
            let (name, uuid) = (escape(&format!("{}:{}", brick.host, brick.path)), &brick.uuid);
            let arbiter = i32::from(volume.arbiter > 0 && place % volume.replica == volume.replica - 1);
            xml.line(&format!(
                "<brick uuid=\"{uuid}\">{name}<name>{name}</name><hostUuid>{uuid}</hostUuid>\
                 <isArbiter>{arbiter}</isArbiter></brick>"
            ));
        }
    });
    xml.leaf("optCount", volume.options.len());
    xml.element("options", |xml| {
        for (name, value) in &volume.options {
            xml.element("option", |xml| {
                xml.leaf("name", name);
                xml.leaf("value", value);
            });
        }
    });
}

fn kind(volume: &Volume, sets: usize) -> (u8, &'static str) {
    match (volume.disperse > 0, volume.replica > 1, sets > 1) {
        (true, _, false) => (4, "Disperse"),
        (true, _, true) => (9, "Distributed-Disperse"),
        (_, true, false) => (2, "Replicate"),
        (_, true, true) => (7, "Distributed-Replicate"),
        _ => (0, "Distribute"),
    }
}

/// `volume get VOLUME OPTION` and `volume get VOLUME all`.
pub fn get(world: &World, at: &NodeName, volume: &str, option: &str) -> Output {
    let Some(volume) = world.nodes[at].volume(volume) else {
        let error = no_such(volume);
        let said = format!("volume get option: failed: {error}");
        return Output { status: 1, ..refused_operation(0, &error, "volGetopts", &said) };
    };
    let rows: Vec<(&str, &str)> = table().filter(|(name, _)| option == "all" || *name == option).collect();
    if rows.is_empty() {
        let refusal = answer(-2, 0, "", |xml| {
            xml.leaf("cliOp", "volGetopts");
            xml.leaf("output", "volume get option: failed");
        });
        return Output { status: 2, ..refusal };
    }
    accepted(|xml| {
        xml.element("volGetopts", |xml| {
            xml.leaf("count", rows.len());
            for (name, default) in rows {
                let set = volume.options.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str());
                xml.element("Opt", |xml| {
                    xml.leaf("Option", name);
                    xml.leaf("Value", set.unwrap_or(default));
                });
            }
        });
    })
}
