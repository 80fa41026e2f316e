//! A lab for one test: its nodes, the files bricklayer reads there, and what every command said.
//!
//! Everything that is run is printed with its outcome; the test harness shows it if the test fails. The lab is taken
//! down when it is dropped, after a panic too.

mod client;
mod cluster;
mod owners;
mod phases;
mod run;
mod seed;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use client::{Client, Log};
pub use phases::Phases;
pub use run::{Plan, Run, Running, now, tell};
use run::{output_of, ran};
pub use seed::{mixed, seed};

/// The lab's own script.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab");
/// How long any command may take; longer is a hang, and a failure.
const PATIENCE: &str = "300";
/// How long the nodes may take to show what is waited for.
const SOON: Duration = Duration::from_secs(60);

/// Nodes that run until this is dropped.
pub struct Lab {
    name: String,
    nodes: Vec<String>,
    /// What bricklayer reads and keeps.
    folder: TempDir,
}

impl Lab {
    /// Boots nodes with `GlusterFS` installed and nothing of it running.
    #[track_caller]
    pub fn up(nodes: &[&str]) -> Self {
        Self::boot(nodes, &[])
    }

    /// Boots nodes without `GlusterFS`.
    #[track_caller]
    pub fn up_bare(nodes: &[&str]) -> Self {
        Self::boot(nodes, &["--bare"])
    }

    #[track_caller]
    fn boot(nodes: &[&str], how: &[&str]) -> Self {
        static LABS: AtomicUsize = AtomicUsize::new(0);
        let name = format!("t{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().expect("there is room for a spec");
        let lab = Self { name, nodes: nodes.iter().map(ToString::to_string).collect(), folder };
        lab.lab(&[&["up"], how, nodes].concat()).exits(0);
        lab
    }

    /// Where the lab lies.
    fn dir(&self) -> PathBuf {
        Path::new("/var/tmp").join(format!("bricklayer-lab.{}", self.name))
    }

    fn command(&self, program: &str) -> Command {
        #[expect(clippy::disallowed_methods, reason = "a lab is made of programs")]
        let mut command = Command::new(program);
        command.envs(self.environment()).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// Which lab it is, and where what a bricklayer that was killed leaves behind goes with the folder.
    fn environment(&self) -> [(&'static str, PathBuf); 3] {
        let folder = self.folder.path().to_owned();
        [("LAB_NAME", PathBuf::from(&self.name)), ("LAB_DIR", self.dir()), ("XDG_RUNTIME_DIR", folder)]
    }

    /// Runs the lab's script.
    pub fn lab(&self, args: &[&str]) -> Run {
        let mut command = self.command("timeout");
        ran(command.args(["--kill-after=5", PATIENCE, SCRIPT]).args(args), &format!("lab {}", args.join(" ")))
    }

    /// Runs shell words on a node, not over ssh, and takes what they print for granted to be there.
    #[track_caller]
    pub fn on(&self, node: &str, words: &str) -> String {
        self.try_on(node, words).exits(0).stdout.clone()
    }

    /// Runs shell words on a node, which may fail.
    pub fn try_on(&self, node: &str, words: &str) -> Run {
        self.lab(&["in", node, "sh", "-c", words])
    }

    /// What a program prints on a node that is asked again and again, so that it is not told each time.
    fn quietly(&self, node: &str, words: &str) -> String {
        output_of(self.command(SCRIPT).args(["in", node, "sh", "-c", words]))
    }

    /// What `gluster` says on the first node.
    #[track_caller]
    pub fn gluster(&self, words: &str) -> String {
        self.on(&self.nodes[0], &format!("gluster --mode=script {words}"))
    }

    /// Runs bricklayer on the admin host. The spec's path is among the arguments.
    pub fn bricklayer(&self, args: &[&str]) -> Run {
        self.lab(&[&["admin", env!("CARGO_BIN_EXE_bricklayer")], args].concat())
    }

    /// Applies a spec without asking.
    pub fn apply(&self, spec: &str) -> Run {
        self.bricklayer(&["apply", "--yes", spec])
    }

    /// Plans for a spec.
    #[track_caller]
    pub fn plan(&self, spec: &str) -> Plan {
        Plan::of(&self.bricklayer(&["plan", "-o", "json", spec]))
    }

    /// Starts bricklayer on the admin host and lets it run.
    #[track_caller]
    pub fn start(&self, args: &[&str]) -> Running {
        // The script hands its process over, so the process that is started here becomes bricklayer.
        let mut command = self.command(SCRIPT);
        command.args(["admin", env!("CARGO_BIN_EXE_bricklayer")]).args(args);
        Running::start(&mut command, &format!("bricklayer {} &", args.join(" ")))
    }

    /// Writes a spec for `nodes`, named by their storage names, and gives its path. `body` is the rest of the file.
    pub fn spec(&self, nodes: &[&str], body: &str) -> String {
        let entry = |node: &&str| format!("  {node}: {{addresses: {{storage: {node}m}}}}\n");
        let nodes: String = nodes.iter().map(entry).collect();
        self.spec_of(&format!("nodes:\n{nodes}{body}"))
    }

    /// Writes a spec whose nodes are in `body` and gives its path. A new one takes the place of the last.
    pub fn spec_of(&self, body: &str) -> String {
        self.spec_with_keys("known_hosts", body)
    }

    /// Writes a spec that takes the nodes' host keys from another file of the lab's ssh directory.
    pub fn spec_with_keys(&self, known_hosts: &str, body: &str) -> String {
        let way = self.way(known_hosts);
        self.write_spec(&format!("apiVersion: bricklayer/v1\ncluster: lab\ntransport: {{ssh: {way}}}\n{body}"))
    }

    /// How a spec says that the nodes are reached.
    fn way(&self, known_hosts: &str) -> String {
        let (key, known_hosts) = (self.ssh().join("id_ed25519"), self.ssh().join(known_hosts));
        format!("{{user: root, identityFile: {}, knownHosts: {}}}", key.display(), known_hosts.display())
    }

    fn write_spec(&self, text: &str) -> String {
        let path = self.path("lab.yaml");
        std::fs::write(&path, text).expect("the folder is ours");
        tell(&format!("--- {path}\n{text}---"));
        path
    }

    /// The directory with the lab's keys.
    pub fn ssh(&self) -> PathBuf {
        self.dir().join("ssh")
    }

    /// A path in the lab's folder on the admin host.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The lines of the journal, each with the item and, once it has ended, its outcome.
    pub fn journal(&self) -> Vec<serde_json::Value> {
        self.journal_in(".bricklayer")
    }

    /// The same of a run with `--state-dir`.
    pub fn journal_in(&self, state: &str) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join(state).join("lab/journal")).unwrap_or_default();
        // The last line may be on its way.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).expect("each line is a JSON object")).collect()
    }

    /// Waits until shell words succeed on a node.
    #[track_caller]
    pub fn until(&self, node: &str, words: &str) {
        self.until_within(SOON, node, words);
    }

    /// The same for what may take another time.
    #[track_caller]
    pub fn until_within(&self, patience: Duration, node: &str, words: &str) {
        let start = Instant::now();
        while self.try_on(node, words).code != 0 {
            assert!(start.elapsed() < patience, "{node} does not come to: {words}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Whether a glusterfs of `volume` is mounted at `path` of `node`, as the kernel sees it.
    pub fn is_mounted(&self, node: &str, volume: &str, path: &str) -> bool {
        let found = self.try_on(node, &format!("findmnt -n -t fuse.glusterfs -o SOURCE {path}"));
        found.code == 0 && found.stdout.trim().ends_with(volume)
    }

    /// Waits until the client behind a mount has all its bricks, of which it asks every three seconds. What is written
    /// earlier is written to fewer copies.
    #[track_caller]
    pub fn has_all_bricks(&self, node: &str, path: &str) {
        let clients = format!("{path}/.meta/graphs/active/*-client-*/private");
        self.until(node, &format!("grep -q '^connected = 1' {clients} && ! grep -q '^connected = 0' {clients}"));
    }

    /// Asserts that what is written through `path` on `writer` is read through it on `reader`.
    #[track_caller]
    pub fn carries(&self, path: &str, writer: &str, reader: &str) {
        let word = format!("from {writer} to {reader}");
        self.on(writer, &format!("echo '{word}' >{path}/{writer}-{reader}"));
        assert_eq!(self.on(reader, &format!("cat {path}/{writer}-{reader}")).trim(), word);
    }

    /// Asserts that the pair of [`PAIR`] is up: peers, volume, bricks and mounts, as the daemons tell it.
    #[track_caller]
    pub fn has_the_pair(&self) {
        for node in ["node01", "node02"] {
            let peers = self.on(node, "gluster peer status");
            assert!(peers.contains("Peer in Cluster (Connected)"), "{peers}");
            assert!(self.is_mounted(node, "data00", "/data00"), "no mount on {node}");
            assert_eq!(self.on(node, "systemctl is-enabled glusterd data00.mount").trim(), "enabled\nenabled");
            self.on(node, "pgrep -x glusterfsd");
            self.has_all_bricks(node, "/data00");
        }
        self.carries("/data00", "node01", "node02");
        self.carries("/data00", "node02", "node01");
        let info = self.gluster("volume info data00");
        assert!(info.contains("Status: Started") && info.contains("Number of Bricks: 1 x 2 = 2"), "{info}");
        assert_eq!(self.gluster("volume get data00 network.ping-timeout").split_whitespace().last(), Some("7"));
    }

    /// Asserts that no copy of `volume` lacks anything, as glusterd tells it.
    #[track_caller]
    pub fn is_healed(&self, volume: &str) {
        let info = self.gluster(&format!("volume heal {volume} info"));
        let counts: Vec<&str> =
            info.lines().filter_map(|line| line.strip_prefix("Number of entries: ")).map(str::trim).collect();
        assert!(!counts.is_empty() && counts.iter().all(|count| *count == "0"), "{info}");
    }

    /// Asserts that nobody holds a lease on any node.
    #[track_caller]
    pub fn has_no_lease(&self) {
        for node in &self.nodes {
            self.on(node, "test ! -e /run/bricklayer/lease");
        }
    }

    /// What there is to see when a test has failed.
    fn tell_what_is_there(&self) {
        for node in &self.nodes {
            self.try_on(node, "systemctl --failed --no-legend; journalctl -q --no-pager -p warning -n 15; tail -n 15 /var/log/glusterfs/glusterd.log");
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_what_is_there();
        }
        let down = self.lab(&["down"]);
        if !std::thread::panicking() {
            down.exits(0);
        }
    }
}

/// A replicated volume on two nodes, mounted on all: what most tests begin with. The timeout is short, so that a
/// node that vanishes is given up soon.
pub const PAIR: &str = "\
volumes:
  data00:
    replica: 2
    bricks: [node01:/glvol00/brick, node02:/glvol00/brick]
    options: {network.ping-timeout: 7}
mounts:
  data00: {volume: data00, path: /data00}
";
