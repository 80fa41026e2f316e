//! Two worlds are the same if nobody who uses them could tell them apart: identities, times, ports and process ids
//! are drawn anew in each run, and so are the names under which peers once met.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::{MountState, Spec, VolumeState};
use crate::model::{AbsPath, NodeName};
use crate::tools::gluster::LAYOUT;
use crate::tools::gluster_options;
use crate::tools::systemd::mount_unit_name;
use crate::transport::simulated::{Active, Directory, Filesystem, Node, Volume, World};

/// A world as lines that can be compared.
pub type Normal = BTreeSet<String>;

/// Everything in `world` that lasts.
pub fn normal(world: &World, spec: &Spec) -> Normal {
    let view = View { world, spec };
    let held = world.nodes.values().filter(|node| node.is_on()).flat_map(|node| node.held.keys());
    let held = held.map(|id| format!("the cluster runs {id}"));
    world.nodes.iter().flat_map(|(name, node)| view.node(name, node)).chain(held).collect()
}

/// What is going on in a world and passes: failures that somebody may forget, files that nobody has read yet, and
/// crawls, of which only the self-heal daemons know what they find.
pub fn passing(world: &World) -> Normal {
    let crawl = |(volume, at): (&String, &u64)| format!("a crawl of {volume} began at {at}");
    let mut lines: Normal = world.crawled.iter().map(crawl).collect();
    for (name, node) in &world.nodes {
        for (member, state) in node.pacemaker.cib.iter().flat_map(|cib| &cib.status) {
            let failures = state.attributes.keys().filter(|key| key.starts_with("fail-count-"));
            lines.extend(failures.map(|failure| format!("{name} knows {failure} on {member}")));
        }
        for (path, file) in &node.files {
            let servers = node.held.iter().filter(|(_, held)| held.agent == "pgsql" && file.written_ms > held.read_ms);
            lines.extend(servers.map(|(id, _)| format!("{name} {id} has not read {path}")));
            let unit = path.strip_prefix("/etc/systemd/system/");
            // A part of a unit may be new to a unit that was read without it.
            let part = unit.and_then(|unit| unit.strip_suffix(".d/bricklayer.conf"));
            let unit = part.or(unit).and_then(|unit| Some((unit, node.units.get(unit)?)));
            let differs = |read: Option<&String>| read.map_or(part.is_some(), |read| *read != file.text);
            if let Some((unit, _)) = unit.filter(|(_, unit)| differs(unit.read.as_ref())) {
                lines.insert(format!("{name} systemd has not read {unit}"));
            }
        }
    }
    lines
}

/// What `spec` speaks of, and nothing that an earlier file has left lying about.
pub fn spoken(world: &World, spec: &Spec) -> Normal {
    let present = spec.volumes.values().filter(|volume| volume.state != VolumeState::Absent);
    let bricks: Vec<&AbsPath> = present.flat_map(|volume| &volume.bricks).map(|brick| &brick.path).collect();
    let mounted = spec.mounts.values().filter(|mount| mount.state == MountState::Mounted);
    let mounts: Vec<AbsPath> = mounted.map(|mount| mount.path.clone()).collect();
    let grounds = bricks.iter().filter_map(|brick| brick.parent());
    let places: BTreeSet<String> = grounds.chain(mounts).map(|path| path.to_string()).collect();
    let units: BTreeSet<String> =
        places.iter().filter_map(|at| Some(mount_unit_name(&AbsPath::new(at).ok()?))).collect();
    let said = |line: &String| {
        let mut words = line.split(' ').skip(1);
        let (kind, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match kind {
            "directory" => bricks.iter().any(|brick| brick.as_str() == what),
            "mount" => places.contains(what),
            "unit" => units.contains(what) || what == "glusterd.service",
            "file" => what == "/etc/hosts",
            // Only what has grown was ever spread.
            "device" | "spread" => false,
            _ => true,
        }
    };
    normal(world, spec).into_iter().filter(said).map(|line| plain(&line)).collect()
}

/// A line without what earlier files leave in it: whether a brick was ever served, how a value was spelled, and options
/// of the user's own, which glusterd cannot reset.
fn plain(line: &str) -> String {
    let lasting = |word: &&str| !word.starts_with("indexed=") && !word.starts_with("user.");
    let spelled = |word: &str| match word.split_once('=') {
        Some((name, "1GB")) => format!("{name}=1024MB"),
        Some((name, value)) => match gluster_options::truth(value) {
            Some(true) => format!("{name}=on"),
            Some(false) => format!("{name}=off"),
            None => word.to_owned(),
        },
        None => word.to_owned(),
    };
    line.split(' ').filter(lasting).map(spelled).collect::<Vec<_>>().join(" ")
}

/// What differs, a line each.
pub fn differences(a: &Normal, b: &Normal) -> String {
    let only = |sign: &str, a: &Normal, b: &Normal| {
        a.difference(b).fold(String::new(), |text, line| text + sign + line + "\n")
    };
    only("- ", a, b) + &only("+ ", b, a)
}

struct View<'a> {
    world: &'a World,
    spec: &'a Spec,
}

impl View<'_> {
    fn node(&self, name: &NodeName, node: &Node) -> Vec<String> {
        let foreign = self.foreign_units(node);
        let mut lines = Vec::new();
        let mut line = |text: String| lines.push(format!("{name} {text}"));
        line(format!("power {}", node.is_on()));
        node.packages.keys().for_each(|package| line(format!("package {package}")));
        // Without volumes and mounts, glusterd is not bricklayer's affair.
        let ours = |unit: &str| !self.spec.volumes.is_empty() || unit != "glusterd.service";
        for (unit, state) in node.units.iter().filter(|(unit, _)| !foreign.contains_key(*unit) && ours(unit)) {
            let at_boot = state.wanted_by.as_deref().unwrap_or("off");
            let active = if state.active == Active::Failed { Active::Inactive } else { state.active };
            line(format!("unit {unit} {at_boot} {active:?}"));
        }
        if let Some(cib) = &node.pacemaker.cib {
            // A database is another one each time it is made.
            let text = cib.configuration.print();
            text.lines()
                .filter(|text| !text.contains("bricklayer-database"))
                .for_each(|text| line(format!("cib {text}")));
        }
        if let Some(corosync) = node.corosync.as_ref().map(|corosync| &corosync.conf) {
            corosync.keys.iter().for_each(|(key, value)| line(format!("in force {key}={value}")));
        }
        node.sealed.iter().for_each(|path| line(format!("sealed {path}")));
        // Where a service is, is the cluster manager's affair.
        let places = node.held.values().filter_map(|held| held.parameters.get("directory"));
        let places: Vec<&String> = places.collect();
        for (path, file) in node.files.iter().filter(|(path, _)| !path.starts_with("/run/")) {
            if path == "/etc/corosync/authkey" {
                line(format!("file {path} {}", file.mode));
                continue;
            }
            line(format!("file {path} {:?}", file.text));
        }
        let served = |path: &String| foreign.values().any(|at| at == path) || places.contains(&path);
        for (path, mount) in node.mounts.iter().filter(|(path, _)| !served(path)) {
            line(format!("mount {path} {} {}", mount.source, mount.fstype));
        }
        let devices = node.devices.iter().map(|(device, filesystem)| (device.as_str(), filesystem.as_ref()));
        for (device, filesystem) in devices.chain([("root", Some(&node.root))]) {
            line(format!("device {device} {}", filesystem.map_or("blank", |filesystem| &filesystem.kind)));
            if let Some(filesystem) = filesystem {
                self.directories(filesystem).into_iter().for_each(&mut line);
            }
        }
        self.books(node).into_iter().for_each(line);
        lines
    }

    /// Mount units that somebody else wrote: whether they are at work after a reboot is their own affair.
    fn foreign_units(&self, node: &Node) -> BTreeMap<String, String> {
        let mounts = self.spec.mounts.values().map(|mount| (mount_unit_name(&mount.path), mount.path.to_string()));
        let foreign = |unit: &String| {
            let file = node.files.get(&format!("/etc/systemd/system/{unit}"));
            file.is_some_and(|file| !file.text.starts_with("# bricklayer"))
        };
        mounts.filter(|(unit, _)| foreign(unit)).collect()
    }

    fn directories(&self, filesystem: &Filesystem) -> Vec<String> {
        let line = |(path, directory): (&String, &Directory)| {
            let Directory {
                volume_id,
                indexed,
                files,
                blames,
                split_brain,
                crawl_ms,
                process,
                databases,
                written_ms: _,
            } = directory;
            let volume = volume_id.as_ref().map_or("none", |id| self.volume_called(id));
            format!(
                "directory {path} volume={volume} indexed={indexed} files={files} blames={blames:?} \
                 split={split_brain} crawl={} served={} databases={:?}",
                crawl_ms.is_some(),
                process.is_some() && self.is_to_run(volume),
                databases.iter().map(|(path, database)| (path, &database.version)).collect::<Vec<_>>()
            )
        };
        filesystem.directories.iter().map(line).collect()
    }

    /// Whether the file wants the volume to run: nobody mends a dead brick of one that is to rest and may not be stopped.
    fn is_to_run(&self, volume: &str) -> bool {
        self.spec.volumes.get(volume).is_some_and(|volume| volume.state == VolumeState::Started)
    }

    fn volume_called(&self, id: &str) -> &str {
        let known = self.world.nodes.values().flat_map(|node| &node.glusterd.volumes);
        known.filter(|volume| volume.id == id).map(|volume| volume.name.as_str()).next().unwrap_or("stranger")
    }

    /// What glusterd knows: peers by their storage names, and volumes.
    fn books(&self, node: &Node) -> Vec<String> {
        let spread = node.glusterd.volumes.iter().filter(|volume| volume.rebalance.is_some());
        let spread = spread.map(|volume| format!("spread {}", volume.name));
        let peer = |peer: &crate::transport::simulated::Peer| {
            let name = self.world.node_with(&peer.uuid)?;
            let storage = self.spec.nodes.get(name).map_or(name.as_str(), |written| written.storage(name));
            let named = peer.names.iter().any(|known| known == storage);
            Some(format!("peer {name} rejected={} named={named}", peer.rejected))
        };
        node.glusterd
            .peers
            .iter()
            .filter_map(peer)
            .chain(node.glusterd.volumes.iter().map(volume))
            .chain(spread)
            .collect()
    }
}

fn volume(volume: &Volume) -> String {
    let Volume { name, replica, arbiter, disperse, redundancy, bricks, options, .. } = volume;
    let bricks: Vec<String> = bricks.iter().map(|brick| format!("{}:{}", brick.host, brick.path)).collect();
    // That the directories were spread after growth is as good as that they never had to be.
    let lasting = |(name, value): &&(String, String)| name != LAYOUT || value != "done";
    let options: BTreeMap<&String, &String> =
        options.iter().filter(lasting).map(|(name, value)| (name, value)).collect();
    let option = |text, (name, value): (&&String, &&String)| format!("{text} {name}={}", value.replace(' ', "_"));
    let options = options.iter().fold(String::new(), option);
    let shape = format!("{replica}/{arbiter}/{disperse}/{redundancy}");
    format!("volume {name} started={} {shape} {}{options}", volume.started(), bricks.join(","))
}
