//! What resource agents do on a machine: addresses, mounts, databases, units, and fence devices.

use super::config::Primitive;
use super::data::{Held, Task, rc};
use crate::model::NodeName;
use crate::transport::simulated::disks::{Mount, is_below};
use crate::transport::simulated::node::Active;
use crate::transport::simulated::world::World;

/// How an agent ended, with what it says about a failure.
pub type Ended = (u8, String);

/// How long an operation takes. Measured: an address 0.1 s, a mount 0.2 to 1 s, `PostgreSQL` 1.3 s to start and 6 s
/// after a crash, 1.2 s to stop, a fence device 0.7 s.
#[must_use]
pub fn takes_ms(kind: &str, task: Task) -> u64 {
    match (kind, task) {
        ("IPaddr2", _) => 200,
        ("Filesystem", Task::Start) => 1000,
        ("Filesystem", _) => 300,
        ("pgsql", Task::Start) => 4000,
        ("pgsql", Task::Stop) => 1200,
        (_, Task::Start) => 700,
        _ => 150,
    }
}

/// Starts a resource.
pub fn start(world: &mut World, at: &NodeName, primitive: &Primitive) -> Ended {
    if let Some(reason) = world.nodes[at].broken.get(&primitive.id) {
        return (rc::ERROR, reason.clone());
    }
    if is_up(world, at, primitive) {
        return (rc::OK, String::new());
    }
    let ended = match (primitive.class.as_str(), primitive.kind.as_str()) {
        ("stonith", _) => fence_device(world, at, primitive),
        ("ocf", "Filesystem") => mount(world, at, primitive),
        ("ocf", "pgsql") => database(world, at, primitive),
        ("ocf", "IPaddr2") if !primitive.parameters.contains_key("ip") => {
            (rc::CONFIGURED, "IP address (the ip parameter) is mandatory".to_owned())
        }
        ("systemd", unit) => match world.start_unit(at, &format!("{unit}.service")) {
            Ok(()) => (rc::OK, String::new()),
            Err(_) => (rc::INSTALLED, String::new()),
        },
        _ => (rc::OK, String::new()),
    };
    if ended.0 == rc::OK {
        let since_ms = world.clock_ms;
        let held = Held {
            agent: primitive.kind.clone(),
            parameters: primitive.parameters.clone(),
            since_ms,
            read_ms: since_ms,
        };
        world.node_mut(at).held.insert(primitive.id.clone(), held);
    }
    ended
}

/// Stops a resource.
pub fn stop(world: &mut World, at: &NodeName, primitive: &Primitive) -> Ended {
    if let Some(reason) = world.nodes[at].unstoppable.get(&primitive.id) {
        return (rc::ERROR, reason.clone());
    }
    let held = world.node_mut(at).held.remove(&primitive.id);
    match (primitive.class.as_str(), primitive.kind.as_str()) {
        ("ocf", "Filesystem") => {
            // What was mounted with other parameters is unmounted with those.
            let parameters = held.map_or_else(|| primitive.parameters.clone(), |held| held.parameters);
            if let Some(directory) = parameters.get("directory") {
                let node = world.node_mut(at);
                node.mounts.remove(directory);
                // It kills what still uses the file system (`force_unmount`).
                let uses = |held: &Held| held.parameters.get("pgdata").is_some_and(|data| is_below(directory, data));
                node.held.retain(|_, held| !uses(held));
            }
        }
        ("systemd", unit) => {
            if let Some(unit) = world.node_mut(at).units.get_mut(&format!("{unit}.service")) {
                unit.active = Active::Inactive;
            }
        }
        _ => {}
    }
    (rc::OK, String::new())
}

/// Whether a resource runs on a machine.
#[must_use]
pub fn is_up(world: &World, at: &NodeName, primitive: &Primitive) -> bool {
    let node = &world.nodes[at];
    match (primitive.class.as_str(), primitive.kind.as_str()) {
        ("ocf", "Filesystem") => {
            let directory = primitive.parameters.get("directory").map_or("", String::as_str);
            node.mounts.contains_key(directory)
        }
        ("ocf", "pgsql") => {
            // Without the volume below it the server is there and does not answer.
            node.held.get(&primitive.id).is_some_and(|held| {
                held.parameters.get("pgdata").is_some_and(|data| world.volume_at(at, data).is_some())
            })
        }
        ("systemd", unit) => {
            node.units.get(&format!("{unit}.service")).is_some_and(|unit| unit.active == Active::Active)
        }
        _ => node.held.contains_key(&primitive.id),
    }
}

/// A device is started by asking it once, for which its secrets must be there.
fn fence_device(world: &World, at: &NodeName, primitive: &Primitive) -> Ended {
    let node = &world.nodes[at];
    if !node.packages.contains_key("fence-agents") && !node.packages.contains_key("fence-agents-virsh") {
        return (rc::INSTALLED, format!("Agent {} does not exist", primitive.kind));
    }
    for name in ["identity_file", "password_script"] {
        // A password is what a command prints, and here that is `cat` of its file.
        let path = primitive.parameters.get(name).map(|value| value.strip_prefix("cat ").unwrap_or(value));
        if path.is_some_and(|path| !node.files.contains_key(path)) {
            return (rc::ERROR, String::new());
        }
    }
    (rc::OK, String::new())
}

fn mount(world: &mut World, at: &NodeName, primitive: &Primitive) -> Ended {
    let get = |name: &str| primitive.parameters.get(name).cloned().unwrap_or_default();
    let (device, directory, options) = (get("device"), get("directory"), get("options"));
    if !world.nodes[at].is_directory(&directory) {
        return (rc::INSTALLED, format!("Couldn't find directory  [{directory}] to use as a mount point"));
    }
    let glusterfs = get("fstype") == "glusterfs";
    if !glusterfs || !world.can_mount(at, &device, &options) {
        return (rc::ERROR, format!("Couldn't mount device [{device}] as {directory}"));
    }
    let mount = Mount { source: device, fstype: "fuse.glusterfs".to_owned() };
    world.node_mut(at).mounts.insert(directory, mount);
    (rc::OK, String::new())
}

fn database(world: &World, at: &NodeName, primitive: &Primitive) -> Ended {
    let get = |name: &str| primitive.parameters.get(name).cloned();
    let pgctl = get("pgctl").unwrap_or_else(|| "/usr/bin/pg_ctl".to_owned());
    let ours = pgctl.starts_with("/usr/local/");
    if world.postgresql(at).is_none() || (ours && !world.nodes[at].files.contains_key(&pgctl)) {
        return (rc::INSTALLED, format!("Setup problem: couldn't find command: {pgctl}"));
    }
    let data = get("pgdata").unwrap_or_else(|| "/var/lib/pgsql/data".to_owned());
    if world.database_at(at, &data).is_none() {
        return (rc::INSTALLED, format!("Configuration file {data}/postgresql.conf doesn't exist"));
    }
    // Another server of this machine has the port.
    let other = world.nodes[at].units.get("postgresql.service");
    if other.is_some_and(|unit| unit.active == Active::Active) {
        return (rc::ERROR, "Can't start PostgreSQL.".to_owned());
    }
    (rc::OK, String::new())
}
