//! The `gluster` command line: always with `--mode=script --xml`, always read from the XML.
//!
//! The exit status says little (0 on most failures); what holds is `opRet`, `opErrno` and `opErrstr` inside
//! (`cli/src/cli-xml-output.c` in glusterfs). Only a glusterd that does not run answers in plain text.

use std::collections::BTreeMap;
use std::time::Duration;

use roxmltree::{Document, Node};

use super::{Judgement, scripts};
use crate::model::{Command, Daemon, Output, Program, Query, ReadError};

/// The program's name.
pub const PROGRAM: &str = "gluster";
/// The package and the unit that must be there for it to answer.
pub const DAEMON: &str = "glusterd";
/// The package that brings the daemon and the command line.
pub const PACKAGE: &str = "glusterfs-server";
/// The option in which bricklayer writes down which options it set on a volume.
pub const OWNED_OPTIONS: &str = "user.bricklayer.options";

/// The option in which bricklayer writes down that a volume has got bricks over which its directories are not spread.
pub const LAYOUT: &str = "user.bricklayer.layout";

/// A peer's state number for "Peer in Cluster" (`gd_friend_sm_state` in glusterd-sm.h).
const IN_CLUSTER: u32 = 3;
/// A peer's state number for "Peer Rejected".
const REJECTED: u32 = 6;
/// A volume's status number for "Started".
const STARTED: u32 = 1;

fn args<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    ["--mode=script", "--xml"].into_iter().chain(words).map(str::to_owned).collect()
}

/// glusterd's unit.
pub const UNIT: &str = "glusterd.service";
/// The socket of the Linux distributions (`DEFAULT_GLUSTERD_SOCKFILE` in glusterfs.h). Without it, one question in six
/// takes 3 s: the command line misses that it was refused, and tries again when its timer has run out.
const GLUSTERD: Daemon = Daemon { socket: "/run/glusterd.socket", unit: UNIT, off: OFF };
/// What the command line says of a glusterd that does not run.
const OFF: &str = "Connection failed. Please check if gluster daemon is operational.";

fn reads<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    Command::reads(Program::Tool(PROGRAM), args(words)).asking(GLUSTERD)
}

fn changes<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    Command::changes(Program::Tool(PROGRAM), args(words))
}

/// The trusted pool as one node's glusterd sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// The node's own UUID.
    pub own: String,
    /// The others, by UUID.
    pub peers: BTreeMap<String, Peer>,
}

/// Another member of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The names it is known by here.
    pub hostnames: Vec<String>,
    /// Whether its glusterd can be talked to.
    pub connected: bool,
    /// How far the two are with each other.
    pub standing: Standing,
}

impl Peer {
    /// Whether it is in the cluster and connected.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.connected && self.standing == Standing::InCluster
    }
}

/// How far two peers are with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// "Peer in Cluster".
    InCluster,
    /// "Peer Rejected": the two disagree about a volume.
    Rejected,
    /// On the way, in gluster's words.
    Underway(String),
}

/// Asks a node for its view of the pool.
#[must_use]
pub fn pool() -> Query<Pool> {
    Query { command: reads(["pool", "list"]), read: read_pool }
}

fn read_pool(output: &Output) -> Result<Pool, ReadError> {
    reply(output, |root| {
        let mut pool = Pool::default();
        for peer in each(root, "peerStatus", "peer") {
            let uuid = text(peer, "uuid")?;
            let mut hostnames: Vec<String> = peer
                .descendants()
                .filter(|n| n.has_tag_name("hostname"))
                .filter_map(|n| n.text().map(str::to_owned))
                .collect();
            hostnames.dedup();
            if hostnames.iter().any(|name| name == "localhost") {
                pool.own = uuid;
                continue;
            }
            let standing = match number(peer, "state")? {
                IN_CLUSTER => Standing::InCluster,
                REJECTED => Standing::Rejected,
                _ => Standing::Underway(text(peer, "stateStr")?),
            };
            let connected = number(peer, "connected")? == 1;
            pool.peers.insert(uuid, Peer { hostnames, connected, standing });
        }
        if pool.own.is_empty() {
            return Err(ReadError::Garbled("a pool without localhost".into()));
        }
        Ok(pool)
    })
}

/// A volume as glusterd has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its UUID.
    pub id: String,
    /// Whether it is started.
    pub started: bool,
    /// Bricks that hold each file; 1 if it is not replicated.
    pub replica: u32,
    /// Bricks of each replica set that hold names only.
    pub arbiter: u32,
    /// Bricks each file is spread over; 0 if it is not dispersed.
    pub disperse: u32,
    /// Bricks of a disperse set that may be lost.
    pub redundancy: u32,
    /// The bricks, in order.
    pub bricks: Vec<Brick>,
    /// The options that differ from the defaults, those glusterd sets itself included.
    pub options: BTreeMap<String, String>,
}

/// A brick as glusterd has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brick {
    /// The name it was given for the host.
    pub host: String,
    /// Its directory.
    pub path: String,
    /// The UUID of its host.
    pub host_id: String,
}

/// Asks for all volumes.
#[must_use]
pub fn volumes() -> Query<BTreeMap<String, Volume>> {
    Query { command: reads(["volume", "info"]), read: read_volumes }
}

fn read_volumes(output: &Output) -> Result<BTreeMap<String, Volume>, ReadError> {
    reply(output, |root| {
        each(root, "volumes", "volume").map(|volume| Ok((text(volume, "name")?, read_volume(volume)?))).collect()
    })
}

fn read_volume(volume: Node<'_, '_>) -> Result<Volume, ReadError> {
    let bricks = each(volume, "bricks", "brick").map(read_brick).collect::<Result<_, _>>()?;
    let options = each(volume, "options", "option")
        .map(|option| Ok((text(option, "name")?, optional_text(option, "value"))))
        .collect::<Result<_, ReadError>>()?;
    Ok(Volume {
        id: text(volume, "id")?,
        started: number(volume, "status")? == STARTED,
        replica: number(volume, "replicaCount")?.max(1),
        arbiter: number(volume, "arbiterCount")?,
        disperse: number(volume, "disperseCount")?,
        redundancy: number(volume, "redundancyCount")?,
        bricks,
        options,
    })
}

fn read_brick(brick: Node<'_, '_>) -> Result<Brick, ReadError> {
    let name = text(brick, "name")?;
    let (host, path) =
        name.rsplit_once(":/").ok_or_else(|| ReadError::Garbled(format!("`{name}` is not a brick's name")))?;
    Ok(Brick { host: host.to_owned(), path: format!("/{path}"), host_id: text(brick, "hostUuid")? })
}

/// What is to be healed in a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heal {
    /// Entries that wait for their heal, by brick name; none for a brick that gives no count.
    pub pending: BTreeMap<String, Option<u64>>,
    /// Entries of which no copy is right by itself, over all bricks that could tell.
    pub split_brain: u64,
}

/// Asks what is to be healed. Starts a client of the volume: 0.1 s with nothing to heal, 3 s with a brick away.
#[must_use]
pub fn heal(volume: &str) -> Query<Heal> {
    let command = reads(["volume", "heal", volume, "info", "summary"]).within(Duration::from_secs(60));
    Query { command, read: read_heal }
}

fn read_heal(output: &Output) -> Result<Heal, ReadError> {
    reply(output, |root| {
        let bricks = root.descendants().find(|n| n.has_tag_name("bricks"));
        let mut heal = Heal::default();
        for brick in bricks.iter().flat_map(Node::children).filter(|n| n.has_tag_name("brick")) {
            // With a brick away the count is inside `status`, and no element of its own is there.
            let count = |tag: &str| optional_text(brick, tag).parse::<u64>().ok();
            let connected = optional_text(brick, "status") == "Connected";
            heal.pending.insert(text(brick, "name")?, count("totalNumberOfEntries").filter(|_| connected));
            heal.split_brain += count("numberOfEntriesInSplitBrain").unwrap_or(0);
        }
        Ok(heal)
    })
}

/// How far the spreading of a volume's directories over its bricks has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// It was not begun since bricks were added last, or it failed.
    NotBegun,
    /// It goes on.
    Underway,
    /// It is done on every node.
    Done,
}

/// Asks how far the spreading of directories has got. Takes a transaction of the pool.
#[must_use]
pub fn spread_status(volume: &str) -> Query<Spread> {
    Query { command: reads(["volume", "rebalance", volume, "status"]), read: read_spread }
}

fn read_spread(output: &Output) -> Result<Spread, ReadError> {
    let status = reply(output, |root| {
        each(root, "volRebalance", "node").map(|node| number(node, "status")).collect::<Result<Vec<u32>, _>>()
    });
    match status {
        // `gf_defrag_status` in rpc/xdr: 1 and 5 are under way, 3 and 7 complete, the rest not begun, stopped or failed.
        Ok(nodes) if nodes.iter().any(|status| matches!(status, 1 | 5)) => Ok(Spread::Underway),
        Ok(nodes) if !nodes.is_empty() && nodes.iter().all(|status| matches!(status, 3 | 7)) => Ok(Spread::Done),
        Ok(_) => Ok(Spread::NotBegun),
        Err(ReadError::Refused(said)) if said.contains("not started") => Ok(Spread::NotBegun),
        Err(error) => Err(error),
    }
}

/// Spreads the volume's directories over bricks that were added. Files stay where they are.
#[must_use]
pub fn spread(volume: &str) -> Command {
    changes(["volume", "rebalance", volume, "fix-layout", "start"])
}

/// Adds a node to the pool.
#[must_use]
pub fn probe(address: &str) -> Command {
    changes(["peer", "probe", address])
}

/// Has a new machine's glusterd be the member that the others know as `uuid`; `peers` are the others, by UUID, with the
/// name of each.
#[must_use]
pub fn adopt(uuid: &str, peers: &BTreeMap<String, String>) -> Command {
    let peers = peers.iter().map(|(uuid, host)| format!("{uuid}={host}"));
    let args = std::iter::once(uuid.to_owned()).chain(peers);
    Command::changes(Program::Script(scripts::ADOPT_PEER), args).within(Duration::from_secs(120))
}

/// Takes the empty directory of a brick for that brick, and has it filled from the other copies. glusterd takes it for a
/// brick only if it was there when glusterd was started (seen with glusterfs 10.3: it compares paths that it has
/// resolved by then).
#[must_use]
pub fn reset_brick(volume: &str, brick: &str) -> Command {
    changes(["volume", "reset-brick", volume, brick, brick, "commit", "force"])
}

/// Has the empty directory of a brick take the place of another brick of the volume, which is given up, and has it filled
/// from the other copies.
#[must_use]
pub fn replace_brick(volume: &str, old: &str, new: &str) -> Command {
    changes(["volume", "replace-brick", volume, old, new, "commit", "force"])
}

/// The counts that make a volume's shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Bricks that hold each file; 1 if it is not replicated.
    pub replica: u32,
    /// Bricks of each replica set that hold names only.
    pub arbiter: u32,
    /// Bricks each file is spread over; 0 if it is not dispersed.
    pub disperse: u32,
    /// Bricks of a disperse set that may be lost.
    pub redundancy: u32,
}

/// Creates a volume. `force` lets bricks lie on the root file system.
#[must_use]
pub fn create(volume: &str, shape: Shape, bricks: &[String], force: bool) -> Command {
    let mut words = vec!["volume".to_owned(), "create".to_owned(), volume.to_owned()];
    words.extend(shape.replica_words());
    if shape.disperse > 0 {
        words.extend(["disperse".to_owned(), shape.disperse.to_string()]);
        words.extend(["redundancy".to_owned(), shape.redundancy.to_string()]);
    }
    words.extend(["transport".to_owned(), "tcp".to_owned()]);
    words.extend(bricks.iter().cloned());
    words.extend(force.then(|| "force".to_owned()));
    changes(words.iter().map(String::as_str))
}

impl Shape {
    fn replica_words(self) -> Vec<String> {
        let mut words = Vec::new();
        if self.replica > 1 {
            words.extend(["replica".to_owned(), self.replica.to_string()]);
        }
        if self.arbiter > 0 {
            words.extend(["arbiter".to_owned(), self.arbiter.to_string()]);
        }
        words
    }
}

/// Adds bricks; with `raise`, so that each replica set grows to that shape, else as whole new sets.
#[must_use]
pub fn add_bricks(volume: &str, raise: Option<Shape>, bricks: &[String], force: bool) -> Command {
    let mut words = vec!["volume".to_owned(), "add-brick".to_owned(), volume.to_owned()];
    words.extend(raise.map(Shape::replica_words).unwrap_or_default());
    words.extend(bricks.iter().cloned());
    words.extend(force.then(|| "force".to_owned()));
    changes(words.iter().map(String::as_str))
}

/// Takes bricks out of a volume at once, so that each set is left with `replica` of them: what only they hold is given
/// up. Their files stay.
#[must_use]
pub fn give_up_bricks(volume: &str, replica: usize, bricks: &[String]) -> Command {
    let replica = replica.to_string();
    let words = ["volume", "remove-brick", volume, "replica", &replica].into_iter();
    changes(words.chain(bricks.iter().map(String::as_str)).chain(["force"]))
}

/// Stops glusterd and the processes of its bricks.
#[must_use]
pub fn stop_all() -> Command {
    Command::changes(Program::Script(scripts::STOP_GLUSTER), [""; 0])
}

/// Sets options, all in one transaction.
#[must_use]
pub fn set(volume: &str, options: &BTreeMap<String, String>) -> Command {
    let pairs = options.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    changes(["volume", "set", volume].into_iter().chain(pairs))
}

/// Gives one option back to its default.
#[must_use]
pub fn reset(volume: &str, option: &str) -> Command {
    changes(["volume", "reset", volume, option])
}

/// Starts a volume; with `force`, also starts the bricks of a started one whose processes have died.
#[must_use]
pub fn start(volume: &str, force: bool) -> Command {
    changes(["volume", "start", volume].into_iter().chain(force.then_some("force")))
}

/// Has self-heal begin now with what the bricks know to be stale, instead of at its next crawl. In words: this one
/// prints no XML.
#[must_use]
pub fn heal_now(volume: &str) -> Command {
    Command::changes(Program::Tool(PROGRAM), ["--mode=script", "volume", "heal", volume])
}

/// Stops a volume.
#[must_use]
pub fn stop(volume: &str) -> Command {
    changes(["volume", "stop", volume])
}

/// Deletes a stopped volume. The files in its bricks stay.
#[must_use]
pub fn delete(volume: &str) -> Command {
    changes(["volume", "delete", volume])
}

/// What glusterd says when the moment is wrong and a later one may be right.
const BUSY: &[&str] = &[
    "Another transaction is in progress",
    "Another transaction could be in progress",
    "Locking failed",
    "lock failed",
    "Commit failed on",
    "Request timed out",
    "Please try again",
    "Please retry",
    "is not in 'Peer in Cluster' state",
    "not in cluster or not connected",
    "not connected",
    "Some of the peers are down",
    "Transport endpoint is not connected",
    "Self-heal daemon is not running",
    "Connection failed. Please check if gluster daemon is operational",
];

/// Reads the answer to a change. "Already so" is the same as done.
#[must_use]
pub fn judge(command: &Command, output: &Output) -> Judgement {
    let in_words = !command.args.iter().any(|arg| arg == "--xml");
    let complaint = match reply(output, |_| Ok(())) {
        _ if in_words && output.success() => return Judgement::Done,
        _ if in_words => super::complaint(output),
        Ok(()) => return Judgement::Done,
        Err(ReadError::Off(_)) => return Judgement::Busy("glusterd is not running".into()),
        Err(error) => error.to_string(),
    };
    if BUSY.iter().any(|phrase| complaint.contains(phrase)) {
        Judgement::Busy(complaint)
    } else {
        Judgement::Refused(complaint)
    }
}

/// Reads an XML reply, once it is clear that it is one and that it does not report a failure.
fn reply<T>(output: &Output, read: impl FnOnce(Node<'_, '_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
    if output.status == 127 {
        return Err(ReadError::NotInstalled(PACKAGE));
    }
    let said = |text: &str| text.contains("Please check if gluster daemon is operational");
    if said(&output.stdout) || said(&output.stderr) {
        return Err(ReadError::Off(DAEMON));
    }
    let document = Document::parse(output.stdout.trim_start())
        .map_err(|error| ReadError::Garbled(format!("{error}: {}", super::complaint(output))))?;
    let root = document.root_element();
    if !root.has_tag_name("cliOutput") {
        return Err(ReadError::Garbled(format!("`{}` where `cliOutput` was expected", root.tag_name().name())));
    }
    let failed = |tag: &str| root.children().find(|n| n.has_tag_name(tag)).is_some_and(|n| n.text() != Some("0"));
    if failed("opRet") {
        let said = optional_text(root, "opErrstr");
        let said = if said.is_empty() { format!("error {}", optional_text(root, "opErrno")) } else { said };
        return Err(ReadError::Refused(said));
    }
    read(root)
}

fn each<'a, 'i>(node: Node<'a, 'i>, list: &'static str, entry: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    let list = node.descendants().find(|n| n.has_tag_name(list));
    list.into_iter().flat_map(|n| n.children()).filter(move |n| n.has_tag_name(entry))
}

fn optional_text(node: Node<'_, '_>, tag: &str) -> String {
    let child = node.children().find(|n| n.has_tag_name(tag));
    child.and_then(|n| n.text()).unwrap_or_default().trim().to_owned()
}

fn text(node: Node<'_, '_>, tag: &str) -> Result<String, ReadError> {
    match optional_text(node, tag) {
        text if text.is_empty() => Err(ReadError::Garbled(format!("no `{tag}` in `{}`", node.tag_name().name()))),
        text => Ok(text),
    }
}

fn number(node: Node<'_, '_>, tag: &str) -> Result<u32, ReadError> {
    let text = text(node, tag)?;
    text.parse().map_err(|_| ReadError::Garbled(format!("`{tag}` is `{text}`, not a number")))
}

#[cfg(test)]
mod tests;
