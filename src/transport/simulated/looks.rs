//! The scripts that only look, in the formats of `tools/scripts/README.md`.

use super::disks::is_below;
use super::node::BrickRef;
use super::output::{Call, failed, printed, silent};
use super::packages::is_held;
use super::world::World;
use crate::model::{NodeName, Output};

/// How long `look-ports` waits for an answer.
const PORT_PATIENCE_MS: u64 = 2000;

/// `look-node PACKAGE...`.
pub fn look_node(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let node = &world.nodes[at];
    let clock = world.clock_of(node);
    let uptime = world.clock_ms - node.booted_ms;
    let hold = if is_held(node) { "yes" } else { "no" };
    let mut text = format!(
        "os\t{}\nfamily\t{}\nhostname\t{at}\nclock\t{}.{:03}000000\nuptime\t{}.{:02}\nhold\t{hold}\n",
        node.os,
        node.family,
        clock / 1000,
        clock % 1000,
        uptime / 1000,
        uptime % 1000 / 10,
    );
    for package in call.args {
        let version = node.packages.get(*package).map_or("-", String::as_str);
        text += &["package\t", package, "\t", version, "\n"].concat();
    }
    printed(text)
}

/// `look-bricks PATH...`.
pub fn look_bricks(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let mut output = silent();
    for path in call.args {
        match look_brick(world, at, path) {
            Ok(line) => output.stdout += &line,
            Err(reason) => return failed(127, reason),
        }
    }
    output
}

fn look_brick(world: &World, at: &NodeName, path: &str) -> Result<String, String> {
    let node = &world.nodes[at];
    let mount = node.mount_of(path);
    let place = if node.is_on_root(path) { "root" } else { "own" };
    let (size, free) = node.filesystem(path).map_or((0, 0), |filesystem| (filesystem.size_kb, filesystem.free_kb));
    let (mut volume, mut pending, mut process, mut empty) = ("-".to_owned(), "-".to_owned(), "-".to_owned(), "-");
    let kind = match (node.files.contains_key(path), node.is_directory(path)) {
        (true, _) => "other",
        (_, true) => "dir",
        _ => "absent",
    };
    if kind == "dir" {
        if !node.packages.contains_key("attr") {
            return Err("getfattr is not installed\n".to_owned());
        }
        let directory = node.directory(path).cloned().unwrap_or_default();
        empty = if is_empty(world, at, path) && !directory.is_used() { "yes" } else { "no" };
        if directory.indexed {
            pending = directory.pending().to_string();
        }
        if let Some(id) = directory.volume_id {
            volume = id;
        }
        if let Some(running) = directory.process {
            process = running.pid.to_string();
        }
    }
    Ok(format!("{path}\t{kind}\t{mount}\t{place}\t{volume}\t{pending}\t{process}\t{size}\t{free}\t{empty}\n"))
}

fn is_empty(world: &World, at: &NodeName, path: &str) -> bool {
    let node = &world.nodes[at];
    let below = |other: &String| other != path && is_below(path, other);
    let directories = node.filesystem(path).is_some_and(|filesystem| filesystem.directories.keys().any(below));
    !directories && !node.files.keys().any(below) && !node.mounts.keys().any(below)
}

/// `getfattr --absolute-names -e hex -n trusted.ec.version -- PATH`: the version that the root of a dispersed brick gets
/// with the first file, and that of a new brick once self-heal knows all that it is to have.
pub fn getfattr(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let ["--absolute-names", "-e", "hex", "-n", name @ "trusted.ec.version", "--", path] = call.args else {
        return failed(2, "getfattr: only one attribute is played here\n");
    };
    let node = &world.nodes[at];
    let Some(directory) = node.directory(path) else {
        return failed(1, format!("getfattr: {path}: No such file or directory\n"));
    };
    let is_own = |brick: &BrickRef| brick.uuid == node.glusterd.uuid && brick.path == **path;
    let coded = node.glusterd.volumes.iter().filter(|volume| volume.disperse > 0);
    let set = coded.flat_map(|volume| volume.bricks.chunks(volume.set_size())).find(|set| set.iter().any(is_own));
    let has_files = |brick: &BrickRef| world.brick(&brick.uuid, &brick.path).is_some_and(|(_, there)| there.files > 0);
    if directory.crawl_ms.is_none() && set.is_some_and(|set| set.iter().any(has_files)) {
        printed(format!("# file: {path}\n{name}=0x00000000000000010000000000000001\n\n"))
    } else {
        failed(1, format!("{path}: {name}: No such attribute\n"))
    }
}

/// `look-devices DEVICE...`.
pub fn look_devices(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let node = &world.nodes[at];
    let line = |device: &&str| {
        let state = match node.devices.get(*device) {
            None => "absent",
            Some(None) => "blank",
            Some(Some(filesystem)) => &filesystem.kind,
        };
        format!("{device}\t{state}\t{}\n", node.mount_point(device).unwrap_or("-"))
    };
    printed(call.args.iter().map(line).collect::<String>())
}

/// `look-names NAME...`.
pub fn look_names(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let line = |name: &&str| {
        let addresses = world.resolve(at, name).join(" ");
        format!("{name}\t{}\n", if addresses.is_empty() { "-" } else { &addresses })
    };
    printed(call.args.iter().map(line).collect::<String>())
}

/// `look-ports HOST:PORT...`.
pub fn look_ports(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let mut text = String::new();
    for target in call.args {
        let state = port_state(world, at, target);
        if state == "silent" {
            world.hang_ms = world.hang_ms.max(PORT_PATIENCE_MS);
        }
        text += &[target, "\t", state, "\n"].concat();
    }
    printed(text)
}

fn port_state(world: &World, at: &NodeName, target: &str) -> &'static str {
    let (host, port) = target.rsplit_once(':').unwrap_or((target, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if world.resolve(at, host).is_empty() {
        return "unresolved";
    }
    let network = world.network_of(at, host);
    let Some(name) = world.node_called(at, host).filter(|name| world.reaches_over(at, name, network)) else {
        return "silent";
    };
    let node = &world.nodes[name];
    let open = match port.parse::<u16>() {
        Ok(22) => true,
        Ok(24007) => node.serves(),
        Ok(port) => node.processes().any(|(_, process)| process.port == port),
        Err(_) => false,
    };
    if open { "open" } else { "refused" }
}
