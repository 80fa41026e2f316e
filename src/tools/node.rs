//! The node itself: system, packages, clock, brick directories, block devices, names and ports.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{MARK, complaint, field, rows, scripts, succeeded};
use crate::model::{AbsPath, Command, Output, Program, Query, ReadError};

/// How long an installation of packages may take.
const INSTALL_DEADLINE: Duration = Duration::from_secs(900);

/// A family of Linux distributions, by their package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// dpkg and apt-get.
    Debian,
    /// rpm and dnf.
    RedHat,
    /// Something else: bricklayer looks, but installs nothing.
    Other,
}

impl Family {
    fn word(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::RedHat => "redhat",
            Self::Other => "other",
        }
    }
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its system, such as `debian 12`.
    pub os: String,
    /// The system's family.
    pub family: Family,
    /// Its own name for itself.
    pub hostname: String,
    /// Its clock, in seconds since the epoch.
    pub clock: f64,
    /// How long it has been up, in seconds.
    pub uptime: f64,
    /// Whether bricklayer's hold on starting services is still in place.
    pub hold: bool,
    /// The version of each package that was asked for and is there.
    pub packages: BTreeMap<String, String>,
}

/// Asks a node about itself and about `packages`.
#[must_use]
pub fn look(packages: &[&str]) -> Query<Node> {
    let command = Command::reads(Program::Script(scripts::LOOK_NODE), packages.iter().copied());
    Query { command, read: read_node }
}

fn read_node(output: &Output) -> Result<Node, ReadError> {
    succeeded(output, "sh")?;
    let mut said: BTreeMap<&str, &str> = BTreeMap::new();
    let mut packages = BTreeMap::new();
    for line in output.stdout.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["package", _, "-"] => {}
            ["package", name, version] => {
                packages.insert(name.to_owned(), version.to_owned());
            }
            [key, value] => {
                said.insert(key, value);
            }
            _ => return Err(ReadError::Garbled(format!("`{line}`"))),
        }
    }
    let get = |key: &str| said.get(key).copied().ok_or_else(|| ReadError::Garbled(format!("no `{key}`")));
    let number = |key: &str| get(key)?.parse::<f64>().map_err(|_| ReadError::Garbled(format!("`{key}` is no number")));
    Ok(Node {
        os: get("os")?.to_owned(),
        family: match get("family")? {
            "debian" => Family::Debian,
            "redhat" => Family::RedHat,
            _ => Family::Other,
        },
        hostname: get("hostname")?.to_owned(),
        clock: number("clock")?,
        uptime: number("uptime")?,
        hold: get("hold")? == "yes",
        packages,
    })
}

/// Installs packages without letting their services start.
#[must_use]
pub fn install(family: Family, packages: &[&str]) -> Command {
    let args = std::iter::once(family.word()).chain(packages.iter().copied());
    Command::changes(Program::Script(scripts::INSTALL_PACKAGES), args).within(INSTALL_DEADLINE)
}

/// Takes away a hold on starting services that an interrupted installation left.
#[must_use]
pub fn release_hold() -> Command {
    Command::changes(Program::Script(scripts::RELEASE_HOLD), [""; 0])
}

/// The extended attribute in which dispersed bricks count the changes of a directory (`EC_XATTR_VERSION` in ec-types.h).
const CODED_VERSION: &str = "trusted.ec.version";

/// What lies where a brick is or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrickPlace {
    /// What is there.
    pub kind: PlaceKind,
    /// The mount point that holds it, or would hold it.
    pub mount: String,
    /// Whether that is the root file system.
    pub on_root: bool,
    /// The volume it was made part of.
    pub volume_id: Option<String>,
    /// Entries that it knows to be stale in its siblings; none if it was never served.
    pub pending: Option<u64>,
    /// The process that serves it.
    pub process: Option<u32>,
    /// The size of its file system in KiB.
    pub size_kib: u64,
    /// What is free of it, in KiB.
    pub free_kib: u64,
    /// Whether the directory holds nothing.
    pub empty: bool,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// A directory.
    Dir,
    /// Nothing.
    Absent,
    /// Something that is no directory.
    Other,
}

/// Asks what lies at each of `paths`.
pub fn bricks<'a>(paths: impl IntoIterator<Item = &'a AbsPath>) -> Query<BTreeMap<String, BrickPlace>> {
    let command = Command::reads(Program::Script(scripts::LOOK_BRICKS), paths.into_iter().map(AbsPath::as_str));
    Query { command, read: read_bricks }
}

/// Asks whether the root of a dispersed brick has a version. It gets one with the first file; that of a new brick gets its
/// own once self-heal has begun with it and knows all that the root is to have: before that, nobody lists what it lacks.
#[must_use]
pub fn coded_version(path: &AbsPath) -> Query<bool> {
    let args = ["--absolute-names", "-e", "hex", "-n", CODED_VERSION, "--", path.as_str()];
    Query { command: Command::reads(Program::Tool("getfattr"), args), read: read_coded_version }
}

fn read_coded_version(output: &Output) -> Result<bool, ReadError> {
    if output.status == 1 && output.stderr.trim_end().ends_with("No such attribute") {
        return Ok(false);
    }
    succeeded(output, "attr")?;
    Ok(output.stdout.lines().any(|line| line.starts_with(CODED_VERSION)))
}

fn read_bricks(output: &Output) -> Result<BTreeMap<String, BrickPlace>, ReadError> {
    succeeded(output, "attr")?;
    let place = |row: [&str; 10]| {
        let [path, kind, mount, root, volume_id, pending, process, size, free, empty] = row;
        let kind = match kind {
            "dir" => PlaceKind::Dir,
            "absent" => PlaceKind::Absent,
            _ => PlaceKind::Other,
        };
        let place = BrickPlace {
            kind,
            mount: mount.to_owned(),
            on_root: root == "root",
            volume_id: field(volume_id)?,
            pending: field(pending)?,
            process: field(process)?,
            size_kib: field(size)?.unwrap_or(0),
            free_kib: field(free)?.unwrap_or(0),
            empty: empty != "no",
        };
        Ok((path.to_owned(), place))
    };
    rows(&output.stdout)?.into_iter().map(place).collect()
}

/// A block device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What is on it.
    pub holds: Holds,
    /// Where it is mounted.
    pub mount: Option<String>,
}

/// What is on a block device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// There is no such device.
    Absent,
    /// Nothing that wipefs or blkid know.
    Blank,
    /// A signature of this type.
    Signature(String),
}

/// Asks what is on each of `devices`.
pub fn devices<'a>(devices: impl IntoIterator<Item = &'a AbsPath>) -> Query<BTreeMap<String, Device>> {
    let command = Command::reads(Program::Script(scripts::LOOK_DEVICES), devices.into_iter().map(AbsPath::as_str));
    Query { command, read: read_devices }
}

fn read_devices(output: &Output) -> Result<BTreeMap<String, Device>, ReadError> {
    succeeded(output, "util-linux")?;
    let device = |[device, state, mount]: [&str; 3]| {
        let holds = match state {
            "absent" => Holds::Absent,
            "blank" => Holds::Blank,
            signature => Holds::Signature(signature.to_owned()),
        };
        Ok((device.to_owned(), Device { holds, mount: field(mount)? }))
    };
    rows(&output.stdout)?.into_iter().map(device).collect()
}

/// Makes a file system on a blank device.
#[must_use]
pub fn format(device: &AbsPath, filesystem: &str) -> Command {
    Command::changes(Program::Script(scripts::FORMAT_DEVICE), [device.as_str(), filesystem])
}

/// Makes a brick's directory; with `mount`, only while that is a mount point.
#[must_use]
pub fn make_brick(path: &AbsPath, mount: Option<&AbsPath>) -> Command {
    let mount = mount.map_or("-", AbsPath::as_str);
    Command::changes(Program::Script(scripts::MAKE_BRICK), [path.as_str(), mount])
}

/// Takes the volume id from a brick directory that holds nothing.
#[must_use]
pub fn release_brick(path: &AbsPath) -> Command {
    Command::changes(Program::Script(scripts::RELEASE_BRICK), [path.as_str()])
}

/// Asks a node what it knows behind each of `names`: their addresses, or nothing.
pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Query<BTreeMap<String, Vec<String>>> {
    Query { command: Command::reads(Program::Script(scripts::LOOK_NAMES), names), read: read_names }
}

fn read_names(output: &Output) -> Result<BTreeMap<String, Vec<String>>, ReadError> {
    succeeded(output, "sh")?;
    let name = |[name, found]: [&str; 2]| {
        let found = found.split(' ').filter(|address| *address != "-").map(str::to_owned).collect();
        Ok((name.to_owned(), found))
    };
    rows(&output.stdout)?.into_iter().map(name).collect()
}

/// How a port answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It takes connections.
    Open,
    /// The host says that nobody listens there.
    Refused,
    /// Nothing comes back: a firewall, or no host.
    Silent,
    /// The name is not known.
    Unresolved,
}

/// Asks a node how each `host:port` answers from there.
pub fn ports(targets: impl IntoIterator<Item = String>) -> Query<BTreeMap<String, Port>> {
    Query { command: Command::reads(Program::Script(scripts::LOOK_PORTS), targets), read: read_ports }
}

fn read_ports(output: &Output) -> Result<BTreeMap<String, Port>, ReadError> {
    succeeded(output, "sh")?;
    let port = |[target, answer]: [&str; 2]| {
        let answer = match answer {
            "open" => Port::Open,
            "refused" => Port::Refused,
            "silent" => Port::Silent,
            "unresolved" => Port::Unresolved,
            other => return Err(ReadError::Garbled(format!("`{other}` for port {target}"))),
        };
        Ok((target.to_owned(), answer))
    };
    rows(&output.stdout)?.into_iter().map(port).collect()
}

/// Asks for the text of the file at `path`; none if there is no file.
#[must_use]
pub fn text_of(path: &str) -> Query<Option<String>> {
    Query { command: Command::reads(Program::Tool("cat"), [path]), read: read_text_or_none }
}

fn read_text_or_none(output: &Output) -> Result<Option<String>, ReadError> {
    match output.status {
        0 => Ok(Some(output.stdout.clone())),
        1 if output.stderr.contains("No such file or directory") => Ok(None),
        _ => Err(ReadError::Refused(complaint(output))),
    }
}

/// Makes `text` a program at `path`, for everybody to read and run.
#[must_use]
pub fn write_program(path: &str, text: &str) -> Command {
    Command::changes(Program::Script(scripts::WRITE_FILE), [path, "0755"]).with_input(text)
}

/// Makes `text` the file at `path`, for everybody to read.
#[must_use]
pub fn write(path: &str, text: &str) -> Command {
    Command::changes(Program::Script(scripts::WRITE_FILE), [path, "0644"]).with_input(text)
}

/// The file whose presence says that the node is drained: it outlives a reboot, and needs no daemon to be seen.
pub const DRAINED: &str = "/var/lib/bricklayer/drained";

/// Asks whether the node is drained.
#[must_use]
pub fn drained() -> Query<bool> {
    let read = |output: &Output| read_text_or_none(output).map(|text| text.is_some());
    Query { command: Command::reads(Program::Tool("cat"), [DRAINED]), read }
}

/// Marks the node as drained.
#[must_use]
pub fn mark_drained() -> Command {
    write(DRAINED, &format!("{MARK} this node is drained; `bricklayer node resume` brings it back\n"))
}

/// Takes that mark away.
#[must_use]
pub fn unmark_drained() -> Command {
    Command::changes(Program::Script(scripts::REMOVE_FILE), [DRAINED])
}

/// Asks for the text of `/etc/hosts`.
#[must_use]
pub fn hosts_file() -> Query<String> {
    Query { command: Command::reads(Program::Tool("cat"), ["/etc/hosts"]), read: read_text }
}

fn read_text(output: &Output) -> Result<String, ReadError> {
    succeeded(output, "coreutils")?;
    Ok(output.stdout.clone())
}

/// The lines of bricklayer's block in the text of `/etc/hosts`, if there is one.
#[must_use]
pub fn hosts_block(text: &str, cluster: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("# bricklayer {cluster}: begin\n"))?;
    let (block, _) = rest.split_once(&format!("# bricklayer {cluster}: end"))?;
    Some(block.to_owned())
}

/// Makes `block` bricklayer's block in `/etc/hosts`.
#[must_use]
pub fn write_hosts(cluster: &str, block: &str) -> Command {
    Command::changes(Program::Script(scripts::WRITE_HOSTS), [cluster]).with_input(block)
}
