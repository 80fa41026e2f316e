//! The two clusters that the series runs on, made alike.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::Duration;

use bricklayer::model::{Command, Lease, NodeName, Outcome, Output, Program};
use bricklayer::transport::simulated::{Node, Schedule, Simulated, World};
use bricklayer::transport::{Login, Ssh, Transport, WithSecrets};
use futures::executor::block_on;

use super::series::{Hand, name};

/// What a node of the lab has installed, as far as anybody asks.
const PACKAGES: [&str; 6] =
    ["glusterfs-server", "corosync", "pacemaker", "fence-agents", "resource-agents", "postgresql-15"];
/// The units that the lab leaves to whoever uses it.
const STOPPED: [&str; 3] = ["corosync.service", "pacemaker.service", "postgresql.service"];
/// Where a node has the key of the fence device.
const FENCE_KEY: &str = "/etc/cluster/fence_virsh_key";
/// The service's database.
const DATABASE: &str = "service01-postgresql";
/// The lab's own script.
pub const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab");

/// A cluster that the series can run on.
pub trait Side {
    /// Runs commands one after the other.
    fn run(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> Vec<Outcome>;
    fn by_hand(&self, hand: &Hand);
    fn pause(&self, time: Duration);
}

/// The simulated programs.
pub struct Fake {
    cluster: Simulated,
    way: WithSecrets,
}

impl Fake {
    /// Nodes as the lab has them.
    pub fn new(names: &[&str]) -> Self {
        // The last network is that of floating addresses.
        let address = |network: u8, number: usize| format!("192.168.{network}.{}", number + 10);
        let nodes = names
            .iter()
            .zip(1..)
            .map(|(node, number)| (name(node), [8, 9, 10, 7].map(|network| address(network, number)).to_vec()));
        let mut world = World::empty(nodes);
        // The lab has no DNS, and its file of hosts knows a node that is not there.
        world.dns.clear();
        let mut hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n192.168.8.1 admin\n".to_owned();
        for number in 1..=4 {
            for (network, suffix) in [(8, ""), (9, "m"), (10, "h")] {
                hosts += &[&address(network, number), " node0", &number.to_string(), suffix, "\n"].concat();
            }
        }
        for node in names.iter().map(|node| name(node)) {
            world.give_storage(&node, "/dev/vdb", "/glvol00");
            let node = world.nodes.get_mut(&node).unwrap();
            node.devices.insert("/dev/vdc".to_owned(), None);
            node.files.get_mut("/etc/hosts").unwrap().text.clone_from(&hosts);
        }
        let cluster = Simulated::new(world);
        for node in names.iter().map(|node| name(node)) {
            let packages = ["debian"].into_iter().chain(PACKAGES).collect::<Vec<_>>();
            assert!(cluster.by_hand(&node, "install-packages", &packages).success());
            leave_alone(cluster.world().nodes.get_mut(&node).unwrap());
        }
        let way = WithSecrets::new(Box::new(cluster.second(Schedule::none())), ".");
        Self { cluster, way }
    }
}

/// What the lab takes from a node that has just got its packages: no cluster is written down, and nothing starts.
fn leave_alone(node: &mut Node) {
    node.files.remove("/etc/corosync/corosync.conf");
    for unit in STOPPED {
        node.units.get_mut(unit).unwrap().wanted_by = None;
    }
}

impl Side for Fake {
    fn run(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> Vec<Outcome> {
        block_on(self.way.run(node, commands, lease))
    }

    fn by_hand(&self, hand: &Hand) {
        let mut world = self.cluster.world();
        match hand {
            Hand::KillBrick { node, path, .. } => world.kill_brick(node, path),
            Hand::Write { count, .. } => world.write_files("vol", *count).unwrap(),
            Hand::Cut(node) => world.cut_power(node, None),
            Hand::Boot(node) => world.boot(node),
            Hand::PlaceFenceKey(node) => world.nodes.get_mut(node).unwrap().put(FENCE_KEY, "the key\n", "600"),
            Hand::KillDatabase(node) => world.kill_resource(node, DATABASE),
        }
    }

    fn pause(&self, time: Duration) {
        self.cluster.advance(time);
    }
}

/// The real programs, in a lab that is up; on the admin host.
pub struct Real {
    way: WithSecrets,
    keys: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Real {
    pub fn new(lab: &Path, names: &[&str]) -> Self {
        let keys = lab.join("ssh");
        let login = Login {
            user: Some("root".to_owned()),
            identity_file: Some(keys.join("id_ed25519")),
            known_hosts: Some(keys.join("known_hosts")),
            ..Login::default()
        };
        let addresses: BTreeMap<NodeName, String> = names.iter().map(|node| (name(node), (*node).to_owned())).collect();
        let way = WithSecrets::new(Box::new(Ssh::new(login, addresses).unwrap()), keys.clone());
        Self { way, keys, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn sh(&self, node: &NodeName, script: &'static str, args: &[&str]) {
        let words = ["-c", script, "sh"].into_iter().chain(args.iter().copied());
        let outcome = self.run(node, &[Command::changes(Program::Tool("sh"), words)], None).remove(0);
        assert!(outcome.as_ref().is_ok_and(Output::success), "{node}: {script}: {outcome:?}");
    }
}

impl Side for Real {
    fn run(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> Vec<Outcome> {
        self.runtime.block_on(self.way.run(node, commands, lease))
    }

    fn by_hand(&self, hand: &Hand) {
        match hand {
            Hand::KillBrick { node, host, path } => {
                let file = format!("/run/gluster/vols/vol/{host}{}.pid", path.replace('/', "-"));
                self.sh(node, r#"kill -9 "$(cat "$1")""#, &[&file]);
            }
            Hand::Write { node, count } => {
                let script = r#"for _ in $(seq "$1"); do echo text >"$(mktemp /gldata00/XXXXXXXX)" || exit; done"#;
                self.sh(node, script, &[&count.to_string()]);
            }
            Hand::Cut(node) => lab(&["cut", node.as_str()]),
            Hand::Boot(node) => lab(&["boot", node.as_str()]),
            Hand::PlaceFenceKey(node) => {
                let key = std::fs::read_to_string(self.keys.join("fence_key")).unwrap();
                let script = r#"umask 077 && mkdir -p "${1%/*}" && printf %s "$2" >"$1""#;
                self.sh(node, script, &[FENCE_KEY, &key]);
            }
            Hand::KillDatabase(node) => self.sh(node, "kill -9 \"$(head -n 1 /gldata00/pgsql/postmaster.pid)\"", &[]),
        }
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Runs the lab's script, which has to succeed.
pub fn lab(args: &[&str]) {
    assert!(Process::new(LAB).args(args).status().unwrap().success(), "lab {}", args.join(" "));
}
