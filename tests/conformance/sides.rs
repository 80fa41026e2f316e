//! The two clusters that the series runs on, made alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command as Process;
use std::time::Duration;

use bricklayer::model::{Command, Lease, NodeName, Outcome, Output, Program};
use bricklayer::transport::simulated::{Simulated, World};
use bricklayer::transport::{Login, Ssh, Transport};
use futures::executor::block_on;

use super::series::{Hand, name};

/// The nodes that take part.
pub const NODES: [&str; 3] = ["node01", "node02", "node03"];
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
}

impl Fake {
    /// Nodes as the lab has them.
    pub fn new() -> Self {
        let address = |network: u8, number: usize| format!("192.168.{network}.{}", number + 10);
        let nodes = NODES
            .iter()
            .zip(1..)
            .map(|(node, number)| (name(node), [8, 9, 10].map(|network| address(network, number)).to_vec()));
        let mut world = World::empty(nodes);
        // The lab has no DNS, and its file of hosts knows a node that is not there.
        world.dns.clear();
        let mut hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n192.168.8.1 admin\n".to_owned();
        for number in 1..=4 {
            for (network, suffix) in [(8, ""), (9, "m"), (10, "h")] {
                hosts += &[&address(network, number), " node0", &number.to_string(), suffix, "\n"].concat();
            }
        }
        for node in NODES.map(name) {
            world.give_storage(&node, "/dev/vdb", "/glvol00");
            let node = world.nodes.get_mut(&node).unwrap();
            node.devices.insert("/dev/vdc".to_owned(), None);
            node.files.get_mut("/etc/hosts").unwrap().text.clone_from(&hosts);
        }
        let cluster = Simulated::new(world);
        for node in NODES.map(name) {
            assert!(cluster.by_hand(&node, "install-packages", &["debian", "glusterfs-server"]).success());
        }
        Self { cluster }
    }
}

impl Side for Fake {
    fn run(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> Vec<Outcome> {
        block_on(self.cluster.run(node, commands, lease))
    }

    fn by_hand(&self, hand: &Hand) {
        let mut world = self.cluster.world();
        match hand {
            Hand::KillBrick { node, path, .. } => world.kill_brick(node, path),
            Hand::Write { count, .. } => world.write_files("vol", *count).unwrap(),
            Hand::Cut(node) => world.cut_power(node, None),
            Hand::Boot(node) => world.boot(node),
        }
    }

    fn pause(&self, time: Duration) {
        self.cluster.advance(time);
    }
}

/// The real programs, in a lab that is up; on the admin host.
pub struct Real {
    ssh: Ssh,
    runtime: tokio::runtime::Runtime,
}

impl Real {
    pub fn new(lab: &Path) -> Self {
        let keys = lab.join("ssh");
        let login = Login {
            user: Some("root".to_owned()),
            identity_file: Some(keys.join("id_ed25519")),
            known_hosts: Some(keys.join("known_hosts")),
            ..Login::default()
        };
        let addresses: BTreeMap<NodeName, String> = NODES.iter().map(|node| (name(node), (*node).to_owned())).collect();
        Self { ssh: Ssh::new(login, addresses).unwrap(), runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn sh(&self, node: &NodeName, script: &'static str, args: &[&str]) {
        let words = ["-c", script, "sh"].into_iter().chain(args.iter().copied());
        let outcome = self.run(node, &[Command::changes(Program::Tool("sh"), words)], None).remove(0);
        assert!(outcome.as_ref().is_ok_and(Output::success), "{node}: {script}: {outcome:?}");
    }
}

impl Side for Real {
    fn run(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> Vec<Outcome> {
        self.runtime.block_on(self.ssh.run(node, commands, lease))
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
