//! Random worlds for a file: from blank machines to clusters that somebody has worked on by hand, with what is left
//! behind by interrupted work, dead disks and colleagues.

use std::collections::BTreeMap;
use std::time::Duration;

use super::seeds::Draws;
use crate::kinds::{Brick, Hosts, Mount, Node, Spec, Volume, VolumeState};
use crate::model::NodeName;
use crate::tools::systemd::mount_unit_name;
use crate::transport::simulated::{Filesystem, Mount as Mounted, Simulated, World};

/// Blank machines with the disks that the bricks of `specs` ask for.
pub fn blank<'a>(specs: impl IntoIterator<Item = &'a Spec>) -> World {
    let mut nodes: BTreeMap<NodeName, Vec<String>> = BTreeMap::new();
    let specs: Vec<&Spec> = specs.into_iter().collect();
    for spec in &specs {
        nodes.extend(spec.nodes.iter().map(|(name, node)| (name.clone(), addresses(spec, name, node))));
    }
    let mut world = World::empty(nodes);
    for brick in specs.iter().flat_map(|spec| all_bricks(spec)) {
        lay_ground(&mut world, brick.0, brick.1);
    }
    world
}

fn addresses(spec: &Spec, name: &NodeName, node: &Node) -> Vec<String> {
    let networks = [&node.addresses.storage, &node.addresses.cluster].into_iter().flatten();
    // A name that bricklayer is to write into /etc/hosts is not known to DNS.
    let shown = |at: &crate::kinds::NetworkAddress| match (spec.hosts, at.ip) {
        (Hosts::Managed, Some(ip)) => ip.to_string(),
        _ => at.name.to_string(),
    };
    std::iter::once(node.management(name).to_owned()).chain(networks.map(shown)).collect()
}

fn all_bricks(spec: &Spec) -> impl Iterator<Item = (&Volume, &Brick)> {
    spec.volumes.values().flat_map(|volume| volume.bricks.iter().map(move |brick| (volume, brick)))
}

fn mount_point(brick: &Brick) -> String {
    brick.path.parent().map_or_else(|| "/".to_owned(), |above| above.to_string())
}

fn device_of(brick: &Brick) -> String {
    brick
        .device
        .as_ref()
        .map_or_else(|| format!("/dev/mapper{}", mount_point(brick).replace('/', "-")), ToString::to_string)
}

fn lay_ground(world: &mut World, volume: &Volume, brick: &Brick) {
    if volume.allow_root_partition {
        return;
    }
    if brick.device.is_some() {
        world.node_mut(&brick.node).devices.entry(device_of(brick)).or_insert(None);
    } else if !world.nodes[&brick.node].mounts.contains_key(&mount_point(brick)) {
        world.give_storage(&brick.node, &device_of(brick), &mount_point(brick));
    }
}

/// A world in which some of `spec` may be there already, and not as written.
pub fn world(draws: &mut Draws, spec: &Spec) -> World {
    // Each stage needs those before it.
    let stage = draws.below(5);
    Hands { sim: Simulated::new(blank([spec])), spec, draws, wear: 1 }.world(stage)
}

/// A world in which all of `spec` was there once, and much has gone wrong since.
pub fn worn(draws: &mut Draws, spec: &Spec) -> World {
    Hands { sim: Simulated::new(blank([spec])), spec, draws, wear: 3 }.world(4)
}

impl Hands<'_> {
    fn world(mut self, stage: usize) -> World {
        let hands = &mut self;
        let spec = hands.spec;
        if stage > 0 {
            hands.packages();
        }
        if stage > 1 {
            hands.names_known();
            hands.pool();
        }
        if stage > 2 {
            for (name, volume) in &spec.volumes {
                if hands.likely(75) {
                    hands.volume(name.as_str(), volume);
                }
            }
            for mount in spec.mounts.values() {
                hands.mount(mount);
            }
        }
        hands.leftovers();
        hands.troubles();
        hands.sim.world().clone()
    }
}

/// Somebody who works on the nodes by hand.
struct Hands<'a> {
    sim: Simulated,
    spec: &'a Spec,
    draws: &'a mut Draws,
    /// How many times more often than usual things are off.
    wear: usize,
}

impl Hands<'_> {
    /// Whether something is as it should be that is so in `percent` of a hundred usual cases.
    fn likely(&mut self, percent: usize) -> bool {
        self.draws.chance(if self.wear > 1 { 90 } else { percent })
    }

    /// Whether something is off that is so in `percent` of a hundred usual cases.
    fn off(&mut self, percent: usize) -> bool {
        self.draws.chance((percent * self.wear).min(80))
    }

    fn nodes(&self) -> Vec<NodeName> {
        self.spec.nodes.keys().cloned().collect()
    }

    fn serves(&self, node: &NodeName) -> bool {
        self.sim.world().nodes[node].serves()
    }

    fn gluster(&self, at: &NodeName, words: &[&str]) -> bool {
        let output = self.sim.by_hand(at, "gluster", &[&["--mode=script", "--xml"], words].concat());
        self.sim.advance(Duration::from_secs(1));
        output.success() && output.stdout.contains("<opRet>0</opRet>")
    }

    fn packages(&mut self) {
        let (family, client) = if self.wear > 1 && self.draws.chance(25) {
            ("redhat", "glusterfs-fuse")
        } else {
            ("debian", "glusterfs-client")
        };
        for node in self.nodes() {
            family.clone_into(&mut self.sim.world().node_mut(&node).family);
            match self.draws.below(10) {
                0 if self.wear == 1 => {}
                1 if self.wear == 1 => _ = self.sim.by_hand(&node, "install-packages", &[family, client]),
                _ => _ = self.sim.by_hand(&node, "install-packages", &[family, "glusterfs-server"]),
            }
            if self.likely(80) {
                self.sim.by_hand(&node, "systemctl", &["start", "glusterd"]);
            }
            if self.draws.chance(70) {
                self.sim.by_hand(&node, "systemctl", &["enable", "glusterd"]);
            }
        }
        self.sim.advance(Duration::from_secs(1));
    }

    /// With names of bricklayer's own, they were written once; some are gone by now.
    fn names_known(&mut self) {
        if self.wear < 2 || self.spec.hosts == Hosts::Unmanaged {
            return;
        }
        let storage = self.spec.nodes.values().filter_map(|node| node.addresses.storage.as_ref());
        let lines: String = storage.filter_map(|at| Some(format!("{}\t{}\n", at.ip?, at.name))).collect();
        let block = format!("127.0.0.1\tlocalhost\n# bricklayer laws: begin\n{lines}# bricklayer laws: end\n");
        for node in self.nodes() {
            self.sim.world().node_mut(&node).put("/etc/hosts", &block, "644");
        }
    }

    /// The names by which a colleague may call a node.
    fn names(&self, node: &NodeName) -> Vec<String> {
        let mut names = vec![node.to_string(), self.spec.nodes[node].storage(node).to_owned()];
        names.extend(self.sim.world().nodes[node].aliases.iter().map(|alias| alias.ip.clone()));
        names
    }

    fn pool(&mut self) {
        let nodes = self.nodes();
        let first = self.draws.pick(&nodes).clone();
        for other in nodes.iter().filter(|node| **node != first) {
            let names = self.names(other);
            if self.likely(80) {
                let storage = self.spec.nodes[other].storage(other);
                let by_storage = self.wear > 1 && self.likely(0);
                let name = if by_storage { storage.to_owned() } else { self.draws.pick(&names).clone() };
                self.gluster(&first, &["peer", "probe", &name]);
            }
            if self.draws.chance(30) {
                let back = self.names(&first);
                let back = self.draws.pick(&back).clone();
                self.gluster(other, &["peer", "probe", &back]);
            }
        }
    }

    /// Makes a volume: as written, or as it was before it grew, or in another order.
    fn volume(&mut self, name: &str, written: &Volume) {
        let serving: Vec<NodeName> = self.nodes().into_iter().filter(|node| self.serves(node)).collect();
        let Some(at) = (!serving.is_empty()).then(|| self.draws.pick(&serving).clone()) else { return };
        let mut size = written.replica.or(written.disperse).map_or(1, |size| size as usize);
        let mut bricks: Vec<&Brick> = written.bricks.iter().collect();
        let (mut replica, mut arbiter) = (written.replica, written.arbiter);
        if size < bricks.len() && self.off(30) {
            bricks.truncate(size);
        }
        if replica == Some(3) && self.off(35) {
            bricks = bricks.chunks(3).flat_map(|set| &set[..2]).copied().collect();
            (size, replica, arbiter) = (2, Some(2), None);
        }
        if bricks.len() > size && self.off(5) {
            bricks.rotate_left(1);
        }
        let mut words: Vec<String> = ["volume", "create", name].map(str::to_owned).into();
        let count = |word: &str, count: u32| [word.to_owned(), count.to_string()];
        words.extend(replica.into_iter().flat_map(|n| count("replica", n)));
        words.extend(arbiter.into_iter().flat_map(|n| count("arbiter", n)));
        words.extend(written.disperse.into_iter().flat_map(|n| count("disperse", n)));
        for brick in &bricks {
            self.mount_ground(written, brick);
            let names = if self.likely(60) {
                vec![self.spec.nodes[&brick.node].storage(&brick.node).to_owned()]
            } else {
                self.names(&brick.node)
            };
            words.push(format!("{}:{}", self.draws.pick(&names), brick.path));
        }
        words.push("force".to_owned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if self.gluster(&at, &words) {
            self.life(&at, name, written, &bricks);
        }
    }

    fn mount_ground(&mut self, volume: &Volume, brick: &Brick) {
        let above = mount_point(brick);
        let mut world = self.sim.world();
        if brick.device.is_some() && !world.nodes[&brick.node].mounts.contains_key(&above) {
            world.give_storage(&brick.node, &device_of(brick), &above);
        } else if volume.allow_root_partition {
            world.node_mut(&brick.node).make_directories(&above);
        }
    }

    /// What becomes of a volume before bricklayer sees it.
    fn life(&mut self, at: &NodeName, name: &str, written: &Volume, bricks: &[&Brick]) {
        let set = |hands: &Self, option: &str, value: &str| hands.gluster(at, &["volume", "set", name, option, value]);
        for (option, value) in super::spec_gen::options(self.draws, 25) {
            set(self, &option, &value);
        }
        if self.off(25) {
            // What bricklayer set once, and what the file does not ask for any more.
            set(self, "performance.quick-read", "off");
            let owned = written.options.keys().cloned().chain(["performance.quick-read".to_owned()]);
            set(self, "user.bricklayer.options", &owned.collect::<Vec<_>>().join(";"));
        }
        if self.draws.chance(80) {
            self.gluster(at, &["volume", "start", name]);
            self.writers(at, name, written.replica.is_some(), bricks);
            if self.off(15) {
                self.gluster(at, &["volume", "stop", name]);
            }
        }
        let victim = *self.draws.pick(bricks);
        if self.off(6) {
            self.lose_ground(victim);
        }
    }

    fn writers(&mut self, at: &NodeName, name: &str, copies: bool, bricks: &[&Brick]) {
        let victim = *self.draws.pick(bricks);
        // Too few bricks to write to is an answer, too.
        let write = |hands: &mut Self, most: usize| {
            let count = 1 + hands.draws.below(most) as u64;
            _ = hands.sim.world().write_files(name, count);
        };
        if self.draws.chance(70) {
            write(self, 300);
        }
        if self.wear > 1 && copies && self.off(5) {
            // Copies that disagree: nobody knows which is right.
            self.sim.world().dispute(&victim.node, victim.path.as_str());
        }
        if self.off(30) {
            self.sim.world().kill_brick(&victim.node, victim.path.as_str());
            if self.draws.chance(70) {
                write(self, 300);
            }
            // Drawn aside, so that the worlds stay the same otherwise.
            if self.draws.clone().chance(30) {
                // A crawl will pass over some of it, and the next comes too late for anybody to wait for it.
                self.sim.world().left_behind.insert(name.to_owned(), 5);
            }
            if self.draws.chance(40) {
                self.gluster(at, &["volume", "start", name, "force"]);
            }
        }
    }

    /// The file system of a brick is not mounted, nor will it be at the next boot; or its directory is gone.
    fn lose_ground(&mut self, brick: &Brick) {
        let above = mount_point(brick);
        let mut world = self.sim.world();
        world.kill_brick(&brick.node, brick.path.as_str());
        let unit = brick.path.parent().map(|above| mount_unit_name(&above)).unwrap_or_default();
        let node = world.node_mut(&brick.node);
        if self.draws.chance(50) && node.mounts.remove(&above).is_some() {
            node.units.remove(&unit);
            node.files.remove(&format!("/etc/systemd/system/{unit}"));
        } else if let Some(filesystem) = node.filesystem_mut(brick.path.as_str()) {
            filesystem.directories.remove(brick.path.as_str());
        }
    }

    fn mount(&mut self, mount: &Mount) {
        let path = mount.path.as_str();
        let unit = mount_unit_name(&mount.path);
        for node in self.nodes().into_iter().filter(|node| mount.is_on(node)) {
            let source = format!("localhost:/{}", mount.volume);
            let text = |mark: &str, options: &str| {
                format!(
                    "{mark}[Mount]\nWhat={source}\nWhere={path}\nType=glusterfs\nOptions={options}\n\n[Install]\n\
                     WantedBy=multi-user.target\n"
                )
            };
            let file = format!("/etc/systemd/system/{unit}");
            match self.draws.below(10 / self.wear) {
                // By hand, without a unit.
                0 if self.sim.world().can_mount(&node, &source, "") => {
                    let mounted = Mounted { source, fstype: "fuse.glusterfs".to_owned() };
                    let mut world = self.sim.world();
                    world.node_mut(&node).make_directories(path);
                    world.node_mut(&node).mounts.insert(path.to_owned(), mounted);
                }
                // A colleague's own unit.
                1 => self.sim.world().node_mut(&node).put(&file, &text("", "log-level=INFO"), "644"),
                // One of an earlier version of the file: at work, half-done, or only lying there.
                number @ 2..5 => {
                    let text = text("# bricklayer: mount of cluster laws\n", "log-level=ERROR");
                    self.sim.world().node_mut(&node).put(&file, &text, "644");
                    let verb: &[&str] = [&["enable", "--now"][..], &["start"], &["enable"]][number - 2];
                    self.sim.by_hand(&node, "systemctl", &[verb, &[&unit]].concat());
                }
                _ => {}
            }
        }
    }

    /// What interrupted work and deleted volumes have left.
    fn leftovers(&mut self) {
        for (volume, brick) in all_bricks(self.spec) {
            let fresh = volume.state != VolumeState::Absent;
            if fresh && brick.device.is_some() && self.off(15) {
                self.used_device(brick);
            }
            let mut world = self.sim.world();
            let node = world.node_mut(&brick.node);
            let mounted = volume.allow_root_partition || node.mounts.contains_key(&mount_point(brick));
            if !mounted || node.is_directory(brick.path.as_str()) {
                continue;
            }
            let mark = self.draws.chance(12);
            if mark || self.draws.chance(10) {
                node.make_directories(brick.path.as_str());
                let used = self.draws.chance(15);
                if let Some(directory) = node.directory_mut(brick.path.as_str()).filter(|_| mark) {
                    directory.volume_id = Some("11111111-2222-4333-8444-555555555555".to_owned());
                    directory.indexed = used;
                }
            }
        }
        for node in self.nodes() {
            if self.wear > 1 && self.spec.hosts == Hosts::Managed && self.off(15) {
                self.sim.world().node_mut(&node).put("/etc/hosts", "127.0.0.1\tlocalhost\n", "644");
            }
            if self.draws.chance(8) {
                let policy = "#!/bin/sh\n# bricklayer: hold\nexit 101\n";
                self.sim.world().node_mut(&node).put("/usr/sbin/policy-rc.d", policy, "755");
            }
            if self.draws.chance(5) {
                let hosts = "127.0.0.1\tlocalhost\n# bricklayer laws: begin\n10.9.9.9\told\n# bricklayer laws: end\n";
                self.sim.world().node_mut(&node).put("/etc/hosts", hosts, "644");
            }
        }
    }

    /// A device that is not there, or not blank any more.
    fn used_device(&mut self, brick: &Brick) {
        let kind = ["xfs", "ext4", ""][self.draws.below(3)];
        let mut world = self.sim.world();
        let node = world.node_mut(&brick.node);
        let device = device_of(brick);
        if node.devices.get(&device).is_some_and(Option::is_none) {
            match kind {
                "" => _ = node.devices.remove(&device),
                kind => _ = node.devices.insert(device, Some(Filesystem::new(kind))),
            }
        }
    }

    fn stop_glusterd(&self, node: &NodeName) {
        self.sim.by_hand(node, "systemctl", &["disable", "--now", "glusterd"]);
    }

    /// What is wrong right now.
    fn troubles(&mut self) {
        let nodes = self.nodes();
        let node = self.draws.pick(&nodes).clone();
        let other = self.draws.pick(&nodes).clone();
        match self.draws.below(20 / self.wear.min(2)) {
            0 | 1 => self.sim.world().cut_power(&node, None),
            2 => self.sim.world().kill_glusterd(&node),
            3 => self.stop_glusterd(&node),
            8.. if self.wear > 1 => self.stop_glusterd(&node),
            4 if node != other => {
                // From outside nobody can tell that a link is down before glusterd notices.
                self.sim.world().cut_link(&node, &other, Some(90_000));
                self.sim.advance(Duration::from_secs(30));
            }
            5 => {
                for node in &nodes {
                    self.sim.by_hand(node, "systemctl", &["stop", "glusterd"]);
                }
            }
            _ => {}
        }
        // Long enough for everything to be noticed, or for nothing.
        let passed = [0, 1, 60][self.draws.below(3)];
        self.sim.advance(Duration::from_secs(passed));
    }
}
