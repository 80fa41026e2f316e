//! What must never happen, said without asking the planner: which commands end data or take it from its users, and
//! what must be so at the moment a command runs.

use std::collections::BTreeMap;

use crate::model::{Command, NodeName, Program, Risk, Stdin};
use crate::transport::simulated::{Active, Directory, World};

/// How much a command could hurt in this world, whatever the plan says of it.
pub fn danger(world: &World, at: &NodeName, command: &Command) -> Risk {
    let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
    match (command.program.name(), args.as_slice()) {
        ("format-device", _) | ("gluster", [_, _, "volume", "delete" | "remove-brick" | "reset-brick", ..]) => {
            Risk::Destructive
        }
        (
            "gluster",
            [_, _, "volume", "replace-brick", ..] | [_, _, "peer", "detach", ..] | [_, _, "volume", "reset", _],
        ) => Risk::Destructive,
        ("replace-mount", _) if mounted_by(world, at, command) => Risk::Disruptive,
        // A quorum that rises above those who are there stops everything.
        ("corosync-cfgtool", ["-R"]) if world.would_hush(at) => Risk::Disruptive,
        ("push-cib", _) => match &command.stdin {
            Stdin::Text(wanted) if world.would_disturb(at, wanted) => Risk::Disruptive,
            _ => Risk::Safe,
        },
        ("gluster", [_, _, "volume", "stop", ..])
        | ("stonith_admin" | "stop-gluster", _)
        | ("crm_resource", ["--restart", ..])
        | ("crm_attribute", [.., "--update", _]) => Risk::Disruptive,
        ("systemctl", ["disable", "--now", "--", units @ ..] | ["disable", "--now", units @ ..])
            if !units.iter().any(|unit| is_active(world, at, unit)) =>
        {
            Risk::Safe
        }
        ("systemctl", [verb, ..]) if ["stop", "restart", "disable", "kill"].contains(verb) => Risk::Disruptive,
        (
            "gluster" | "replace-mount" | "systemctl" | "crm_resource" | "crm_attribute" | "corosync-cfgtool"
            | "runuser",
            _,
        ) => Risk::Safe,
        (name, _) => {
            let harmless = [
                "install-packages",
                // Only a machine that is in no pool, and so serves nothing, becomes another's.
                "adopt-peer",
                "release-hold",
                "make-brick",
                "release-brick",
                "write-hosts",
                "write-file",
                "remove-file",
                "write-config",
                "write-secret",
                "set-key",
                "make-authkey",
                "seed-cib",
                "make-mount-point",
                "make-database",
            ];
            assert!(harmless.contains(&name), "nobody has said how dangerous {name} is");
            Risk::Safe
        }
    }
}

/// Whether a unit runs now.
fn is_active(world: &World, at: &NodeName, unit: &str) -> bool {
    world.nodes[at].units.get(unit).is_some_and(|unit| unit.active == Active::Active)
}

/// What is broken in a world, whoever did it: a resource of a service on two machines at once, or a server without the
/// volume that it serves from.
pub fn broken(world: &World) -> Option<String> {
    let mut places: BTreeMap<&str, &NodeName> = BTreeMap::new();
    for (name, node) in world.nodes.iter().filter(|(_, node)| node.is_on()) {
        for (id, held) in &node.held {
            if !["IPaddr2", "Filesystem", "pgsql"].contains(&held.agent.as_str()) {
                continue;
            }
            if let Some(other) = places.insert(id, name) {
                return Some(format!("{id} runs on {other} and on {name}"));
            }
            let data = held.parameters.get("pgdata");
            if let Some(data) = data.filter(|data| node.is_on_root(data)) {
                return Some(format!("{id} on {name} serves {data}, which is not on a volume"));
            }
        }
    }
    None
}

/// Whether the place where `replace-mount` mounts is in use now.
fn mounted_by(world: &World, at: &NodeName, command: &Command) -> bool {
    let Stdin::Text(unit) = &command.stdin else { return false };
    let path = unit.lines().find_map(|line| line.strip_prefix("Where="));
    path.is_some_and(|path| world.nodes[at].mounts.contains_key(path))
}

/// What is wrong with running `command` in this world, whatever has gone wrong before.
pub fn never(world: &World, at: &NodeName, command: &Command) -> Option<String> {
    let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
    match (command.program.name(), args.as_slice()) {
        ("make-brick", [path, _]) => {
            let uuid = &world.nodes[at].glusterd.uuid;
            let lost = |brick: &&crate::transport::simulated::BrickRef| brick.uuid == *uuid && brick.path == **path;
            let books = world.nodes.values().flat_map(|node| &node.glusterd.volumes);
            let volume = books.into_iter().find(|volume| volume.bricks.iter().any(|brick| lost(&brick)))?;
            Some(format!("{path} is a lost brick of {}, and an empty directory would stand in for it", volume.name))
        }
        _ => None,
    }
}

/// What is wrong with running `command` in this world, if nothing has happened that could not be seen.
pub fn unwise(world: &World, command: &Command) -> Option<String> {
    let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
    match (command.program.name(), args.as_slice()) {
        ("gluster", [_, _, "volume", "add-brick", name, ..]) => incomplete(world, name),
        ("gluster", [_, _, "volume", "stop" | "delete", name, ..]) => {
            let uses = |source: &str| source.rsplit_once(":/").is_some_and(|(_, volume)| volume == *name);
            let holder = world.nodes.iter().find(|(_, n)| n.is_on() && n.mounts.values().any(|m| uses(&m.source)))?;
            Some(format!("volume {name} is mounted on {}", holder.0))
        }
        _ => None,
    }
}

/// Why not every copy of a volume is complete and served.
fn incomplete(world: &World, name: &str) -> Option<String> {
    let volume = world.volume(name).filter(|volume| volume.set_size() > 1)?;
    volume.bricks.iter().find_map(|brick| {
        let Some((node, Directory { blames, split_brain, process, .. })) = world.brick(&brick.uuid, &brick.path) else {
            return Some(format!("{}:{} is not there", brick.host, brick.path));
        };
        let whole = blames.is_empty() && *split_brain == 0 && process.is_some() && world.nodes[node].is_on();
        (!whole).then(|| format!("not every copy of {name} is complete: {node}:{} has {blames:?}", brick.path))
    })
}

/// How many files lie in each directory of each disk.
pub fn files(world: &World) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    for (name, node) in &world.nodes {
        let devices = node.devices.iter().filter_map(|(device, disk)| Some((device.as_str(), disk.as_ref()?)));
        for (device, disk) in devices.chain([("root", &node.root)]) {
            files.extend(disk.directories.iter().map(|(path, d)| (format!("{name} {device} {path}"), d.files)));
        }
    }
    files
}

/// What a person would call the command, without the node where glusterd happened to be asked.
pub fn named(at: &NodeName, command: &Command) -> String {
    if command.program == Program::Tool("gluster") { command.to_string() } else { format!("{at}: {command}") }
}
