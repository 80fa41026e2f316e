//! What the nodes of a cluster answer: as the programs print it, from the file alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use bricklayer::kinds::{Brick, Mount, Spec};
use bricklayer::model::{Answer, Command, Facts, Intent, MountName, NodeName, Output};
use bricklayer::planner;
use bricklayer::tools::gluster_options::DB_WORKLOAD;
use bricklayer::tools::systemd::{self, MountUnit};
use jiff::Timestamp;

/// How the nodes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nodes {
    /// As written.
    Converged,
    /// Freshly installed, without `GlusterFS`.
    Empty,
}

/// Answers every question that planning asks, wave by wave.
pub fn facts(spec: &Spec, nodes: Nodes) -> Facts {
    let mut facts = Facts::default();
    let printed = Printed::of(spec);
    loop {
        let (_, questions) = planner::draft(spec, &facts, &Intent::default());
        if questions.is_empty() {
            return facts;
        }
        for (node, commands) in questions {
            for command in commands {
                let output = match nodes {
                    Nodes::Converged => printed.converged(&node, &command),
                    Nodes::Empty => empty(&command),
                };
                facts.record(&node, command, Answer { outcome: Ok(output), at: Timestamp::UNIX_EPOCH });
            }
        }
    }
}

fn says(stdout: impl Into<String>) -> Output {
    Output { stdout: stdout.into(), ..Output::default() }
}

fn fails(status: i32, stderr: &str) -> Output {
    Output { status, stderr: stderr.to_owned(), ..Output::default() }
}

fn look_node(command: &Command, version: &str) -> Output {
    let mut said = String::from("os\tdebian 12\nfamily\tdebian\nhostname\tn\nclock\t0.0\nuptime\t86400.00\nhold\tno\n");
    for package in &command.args {
        let _ = writeln!(said, "package\t{package}\t{version}");
    }
    says(said)
}

/// The answer of a freshly installed node.
fn empty(command: &Command) -> Output {
    let lines = |line: &dyn Fn(&String) -> String| says(command.args.iter().map(line).collect::<String>());
    match command.program.name() {
        "look-node" => look_node(command, "-"),
        "look-bricks" => lines(&|path| format!("{path}\tabsent\t/b\town\t-\t-\t-\t1000000\t900000\t-\n")),
        "look-names" => lines(&|name| format!("{name}\t10.9.0.1\n")),
        "look-ports" => lines(&|port| format!("{port}\topen\n")),
        "gluster" => fails(127, ""),
        "systemctl" => units(&command.args[2..], |_| "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n"),
        "findmnt" => fails(1, ""),
        "cat" if command.args == ["/etc/hosts"] => says("127.0.0.1 localhost\n"),
        "cat" => fails(1, "cat: No such file or directory"),
        other => panic!("nobody answers for {other}"),
    }
}

fn units(names: &[String], state: impl Fn(&str) -> &'static str) -> Output {
    let unit =
        |name: &String| format!("Id={name}\n{}NeedDaemonReload=no\nActiveEnterTimestampMonotonic=12\n", state(name));
    says(names.iter().map(unit).collect::<Vec<_>>().join("\n"))
}

fn uuid(kind: u32, number: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

/// What converged nodes print, as far as several of them print the same.
struct Printed {
    places: BTreeMap<NodeName, BTreeMap<String, String>>,
    mounts: BTreeMap<NodeName, String>,
    units: BTreeMap<String, String>,
    peers: Vec<(NodeName, String)>,
    volumes: String,
    hosts: String,
}

impl Printed {
    fn of(spec: &Spec) -> Self {
        let storage = |name: &NodeName| spec.nodes[name].storage(name).to_owned();
        let number: BTreeMap<&NodeName, usize> = spec.nodes.keys().zip(0..).collect();
        let peer = |(name, number): (&NodeName, usize)| {
            let (id, host) = (uuid(1, number), storage(name));
            let peer = format!(
                "<peer><uuid>{id}</uuid><hostname>{host}</hostname><hostnames><hostname>{host}</hostname></hostnames>\
                 <connected>1</connected><state>3</state><stateStr>Peer in Cluster</stateStr></peer>\n"
            );
            (name.clone(), peer)
        };
        let mut places: BTreeMap<NodeName, BTreeMap<String, String>> = BTreeMap::new();
        let mut volumes = String::new();
        for (index, (name, volume)) in spec.volumes.iter().enumerate() {
            let id = uuid(2, index);
            let brick = |Brick { node, path, .. }: &Brick| {
                let (host, host_id) = (storage(node), uuid(1, number[node]));
                format!(
                    "<brick uuid=\"{host_id}\">{host}:{path}<name>{host}:{path}</name><hostUuid>{host_id}</hostUuid>\
                     <isArbiter>0</isArbiter></brick>\n"
                )
            };
            let bricks: String = volume.bricks.iter().map(brick).collect();
            let _ = writeln!(
                volumes,
                "<volume><name>{name}</name><id>{id}</id><status>1</status><statusStr>Started</statusStr>\
                 <brickCount>{}</brickCount><replicaCount>2</replicaCount><arbiterCount>0</arbiterCount>\
                 <disperseCount>0</disperseCount><redundancyCount>0</redundancyCount>\n<bricks>{bricks}</bricks>\n\
                 <options>{}</options></volume>",
                volume.bricks.len(),
                options()
            );
            for Brick { node, path, .. } in &volume.bricks {
                let row = format!("{path}\tdir\t/b\town\t{id}\t0\t4242\t1000000\t900000\tno\n");
                places.entry(node.clone()).or_default().insert(path.to_string(), row);
            }
        }
        let peers: Vec<(NodeName, String)> = spec.nodes.keys().zip(0..).map(peer).collect();
        let hosts = spec.nodes.iter().map(|(name, node)| {
            let ip = node.addresses.storage.as_ref().and_then(|storage| storage.ip);
            format!("{}\t{}\n", ip.expect("every node has one"), storage(name))
        });
        let hosts = format!(
            "127.0.0.1 localhost\n# bricklayer bench: begin\n{}# bricklayer bench: end\n",
            hosts.collect::<String>()
        );
        Self {
            places,
            mounts: mounts(spec),
            units: unit_files(spec),
            peers,
            volumes: reply("volumes", &volumes),
            hosts,
        }
    }

    /// The answer of `node` to `command`, with everything as written.
    fn converged(&self, node: &NodeName, command: &Command) -> Output {
        match (command.program.name(), command.args.last().map_or("", String::as_str)) {
            ("look-node", _) => look_node(command, "10.3-5"),
            ("look-bricks", _) => {
                says(command.args.iter().map(|path| self.places[node][path].as_str()).collect::<String>())
            }
            ("gluster", "list") => self.pool(node),
            ("gluster", "info") => says(self.volumes.clone()),
            ("systemctl", _) => {
                units(&command.args[2..], |_| "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n")
            }
            ("findmnt", _) => says(format!("{{\"filesystems\": [{}]}}", self.mounts[node])),
            ("cat", "/etc/hosts") => says(self.hosts.clone()),
            ("cat", file) => says(self.units[file].clone()),
            (other, _) => panic!("nobody answers for {other}"),
        }
    }

    fn pool(&self, node: &NodeName) -> Output {
        let own = self.peers.iter().position(|(name, _)| name == node).unwrap_or_default();
        let own = uuid(1, own);
        let mut peers: String =
            self.peers.iter().filter(|(name, _)| name != node).map(|(_, peer)| peer.as_str()).collect();
        let _ =
            writeln!(peers, "<peer><uuid>{own}</uuid><hostname>localhost</hostname><connected>1</connected></peer>");
        says(reply("peerStatus", &peers))
    }
}

fn reply(list: &str, entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<cliOutput><opRet>0</opRet><opErrno>0</opErrno><opErrstr/><{list}>{entries}</{list}></cliOutput>\n"
    )
}

fn options() -> String {
    let names: Vec<&str> =
        DB_WORKLOAD.iter().map(|(name, _)| *name).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let owned = names.join(";");
    let given =
        [("transport.address-family", "inet"), ("nfs.disable", "on"), ("user.bricklayer.options", owned.as_str())];
    let option = |(name, value): &(&str, &str)| format!("<option><name>{name}</name><value>{value}</value></option>\n");
    DB_WORKLOAD.iter().chain(&given).map(option).collect()
}

fn mounts(spec: &Spec) -> BTreeMap<NodeName, String> {
    let of = |node: &NodeName| {
        let here = spec.mounts.values().filter(|mount| mount.is_on(node));
        let mount = |Mount { volume, path, .. }: &Mount| {
            format!("{{\"target\": \"{path}\", \"source\": \"localhost:/{volume}\", \"fstype\": \"fuse.glusterfs\"}}")
        };
        here.map(mount).collect::<Vec<_>>().join(",\n")
    };
    spec.nodes.keys().map(|node| (node.clone(), of(node))).collect()
}

fn unit_files(spec: &Spec) -> BTreeMap<String, String> {
    let file = |(name, mount): (&MountName, &Mount)| {
        let unit = MountUnit {
            owner: &format!("mount {name} of cluster {}", spec.cluster),
            what: &format!("localhost:/{}", mount.volume),
            path: &mount.path,
            fstype: "glusterfs",
            options: &["_netdev".to_owned()],
            before: &[],
            after: &["glusterd.service"],
        };
        (systemd::mount_unit_file(&mount.path), unit.text())
    };
    spec.mounts.iter().map(file).collect()
}
