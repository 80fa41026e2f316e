//! The cluster as its nodes tell it, in tables a person can take in at a glance.

use super::human::heading;
use super::style::{Look, Page, Paint, Piece, clean};
use crate::model::{
    BrickStatus, FencedStatus, Health, Installed, ManagerStatus, MemberStatus, MountStatus, NodeName, NodeStatus,
    PeerStatus, PoolView, QuorumDeviceStatus, ServiceStatus, Status, VolumeStatus,
};

/// A cell: what it says and how.
type Cell = (Paint, String);

/// The status for a person; `?` stands for what is not known.
#[must_use]
pub fn status(status: &Status, label: Option<&str>, look: Look) -> String {
    let Status { cluster, health, because, nodes, pool, volumes, bricks, mounts, manager } = status;
    let mut page = Page::new(look);
    let (paint, word) = match health {
        Health::Healthy => (Paint::Good, "healthy"),
        Health::Degraded => (Paint::Bad, "degraded"),
        Health::Unknown => (Paint::Warn, "unknown: not all of it could be seen"),
    };
    page.put(0, 2, &[(Paint::Strong, &format!("{}:", heading(cluster.as_str(), label))), (paint, word)]);
    for reason in because {
        page.put(2, 4, &[(paint, "-"), (Paint::Plain, reason)]);
    }
    if let Some(manager) = manager {
        self::manager(&mut page, manager);
    }
    table(&mut page, ["NODE", "REACHABLE", "OS", "GLUSTERFS", "GLUSTERD"], nodes.iter().map(node));
    table(&mut page, ["SEEN BY", "PEER", "STATE", "CONNECTED"], pool.iter().flat_map(view));
    table(&mut page, ["VOLUME", "SHAPE", "STATE", "TO HEAL"], volumes.iter().map(volume));
    table(&mut page, ["BRICK", "VOLUME", "ONLINE", "PID", "PENDING", "FREE"], bricks.iter().map(brick));
    table(&mut page, ["MOUNT", "VOLUME", "PATH", "NODE", "MOUNTED"], mounts.iter().map(mount));
    page.finish()
}

/// Members and services first: they are what a person on call looks for.
fn manager(page: &mut Page, manager: &ManagerStatus) {
    let ManagerStatus {
        quorate,
        coordinator,
        maintenance: _,
        members,
        quorum_device,
        services,
        fencing,
        fenced,
        foreign,
    } = manager;
    let quorum = [yes(*quorate, "quorate", "no quorum"), coordinator.as_ref().map_or_else(unknown, plain)];
    table(page, ["CLUSTER", "COORDINATOR"], std::iter::once(quorum));
    let tested = |name: &NodeName| fencing.iter().find(|fencing| fencing.node == *name);
    let member = |MemberStatus { name, id, state }: &MemberStatus| {
        [
            plain(name),
            id.map_or_else(|| plain("-"), plain),
            state
                .as_ref()
                .map_or_else(unknown, |state| (if state == "online" { Paint::Good } else { Paint::Bad }, clean(state))),
            match tested(name).map(|fencing| fencing.measured_ms) {
                Some(Some(ms)) => plain(format!("{}.{} s", ms / 1000, ms % 1000 / 100)),
                Some(None) => (Paint::Warn, "untested".to_owned()),
                None => plain("-"),
            },
        ]
    };
    table(page, ["MEMBER", "ID", "STATE", "FENCING"], members.iter().map(member));
    let device = |QuorumDeviceStatus { host, node, votes, connection }: &QuorumDeviceStatus| {
        let connection = connection.as_ref().map_or_else(unknown, |connection| plain(connection.to_lowercase()));
        [plain(host), plain(node), yes(*votes, "yes", "no"), connection]
    };
    table(page, ["QUORUM DEVICE", "MEMBER", "VOTES", "CONNECTION"], quorum_device.iter().map(device));
    let service = |ServiceStatus { name, owner, state, waits_for: _, failure }: &ServiceStatus| {
        let paint = match state.as_deref() {
            Some("started") => Paint::Good,
            Some("failed") => Paint::Bad,
            _ => Paint::Warn,
        };
        [
            plain(name),
            owner.as_ref().map_or_else(|| plain("(none)"), plain),
            state.as_ref().map_or_else(unknown, |state| (paint, clean(state))),
            failure.as_ref().map_or_else(|| plain("-"), |failure| (Paint::Warn, clean(failure))),
        ]
    };
    table(page, ["SERVICE", "OWNER", "STATE", "LAST FAILURE"], services.iter().map(service));
    let event = |FencedStatus { node, action, outcome, at }: &FencedStatus| {
        [plain(node), plain(action), plain(outcome), plain(at.as_deref().unwrap_or("-"))]
    };
    table(page, ["FENCED", "ACTION", "OUTCOME", "AT"], fenced.iter().take(FENCED_MAX).map(event));
    table(page, ["NOT IN THE FILE"], foreign.iter().map(|id| [plain(id)]));
}

/// How many fencings are told.
const FENCED_MAX: usize = 3;

fn node(node: &NodeStatus) -> [Cell; 5] {
    let NodeStatus { name, reachable, drained, os, glusterfs, glusterd } = node;
    let glusterfs = match glusterfs {
        Some(Installed::Version(version)) => plain(version),
        Some(Installed::Missing) => (Paint::Bad, "missing".to_owned()),
        None => unknown(),
    };
    [
        plain(name),
        if *drained == Some(true) { (Paint::Warn, "drained".to_owned()) } else { yes(Some(*reachable), "yes", "no") },
        os.as_ref().map_or_else(unknown, plain),
        glusterfs,
        yes(*glusterd, "running", "stopped"),
    ]
}

fn view(view: &PoolView) -> Vec<[Cell; 4]> {
    let PoolView { node, peers } = view;
    let Some(peers) = peers else { return vec![[plain(node), unknown(), unknown(), unknown()]] };
    let row = |peer: &PeerStatus| {
        let PeerStatus { name, state, connected } = peer;
        let paint = if state == "Peer in Cluster" { Paint::Good } else { Paint::Warn };
        [plain(node), plain(name), (paint, clean(state)), yes(Some(*connected), "yes", "no")]
    };
    peers.iter().map(row).collect()
}

fn volume(volume: &VolumeStatus) -> [Cell; 4] {
    let VolumeStatus { name, shape, state, heal_pending } = volume;
    let state = state
        .as_ref()
        .map_or_else(unknown, |state| (if state == "Started" { Paint::Good } else { Paint::Warn }, clean(state)));
    [plain(name), plain(shape), state, pending(*heal_pending)]
}

fn brick(brick: &BrickStatus) -> [Cell; 6] {
    let BrickStatus { volume, node, path, online, pid, pending: to_heal, free } = brick;
    let pid = match (pid, online) {
        (Some(pid), _) => plain(pid),
        (None, Some(false)) => plain("-"),
        (None, _) => unknown(),
    };
    [
        plain(format!("{node}:{path}")),
        plain(volume),
        yes(*online, "yes", "no"),
        pid,
        pending(*to_heal),
        free.map_or_else(unknown, |free| plain(size(free))),
    ]
}

fn mount(mount: &MountStatus) -> [Cell; 5] {
    let MountStatus { name, volume, path, node, mounted } = mount;
    [plain(name), plain(volume), plain(path), plain(node), yes(*mounted, "yes", "no")]
}

#[expect(clippy::needless_pass_by_value, reason = "names, numbers and texts alike")]
fn plain(text: impl ToString) -> Cell {
    (Paint::Plain, clean(&text.to_string()))
}

fn unknown() -> Cell {
    (Paint::Warn, "?".to_owned())
}

fn yes(known: Option<bool>, good: &str, bad: &str) -> Cell {
    match known {
        Some(true) => (Paint::Good, good.to_owned()),
        Some(false) => (Paint::Bad, bad.to_owned()),
        None => unknown(),
    }
}

fn pending(entries: Option<u64>) -> Cell {
    match entries {
        Some(0) => (Paint::Good, "0".to_owned()),
        Some(entries) => (Paint::Warn, entries.to_string()),
        None => unknown(),
    }
}

/// Bytes as people read them, in powers of 1024.
fn size(bytes: u64) -> String {
    let (mut left, mut rest) = (bytes, 0);
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while left >= 1024 {
        let Some(next) = units.next() else { break };
        (left, rest, unit) = (left / 1024, left % 1024, next);
    }
    if left < 10 && unit != "B" { format!("{left}.{} {unit}", rest * 10 / 1024) } else { format!("{left} {unit}") }
}

/// A table under a gap; nothing at all if it has no rows.
fn table<const N: usize>(page: &mut Page, head: [&str; N], rows: impl Iterator<Item = [Cell; N]>) {
    let rows: Vec<[Cell; N]> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].1.chars().count());
        cells.chain([head[column].len()]).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let padded = |text: &str, column: usize| format!("{text}{}  ", " ".repeat(widths[column] - text.chars().count()));
    page.gap();
    let head: Vec<String> = head.iter().enumerate().map(|(column, text)| padded(text, column)).collect();
    page.row(0, &head.iter().map(|text| (Paint::Strong, text.as_str())).collect::<Vec<Piece<'_>>>());
    for row in &rows {
        let cells: Vec<Cell> = row.iter().enumerate().map(|(i, (paint, text))| (*paint, padded(text, i))).collect();
        page.row(0, &cells.iter().map(|(paint, text)| (*paint, text.as_str())).collect::<Vec<Piece<'_>>>());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{AbsPath, ClusterName, MountName, VolumeName};

    /// A cluster of which one node is away.
    pub(crate) fn degraded() -> Status {
        let node = |name: &str| NodeName::new(name).unwrap();
        let path = |path: &str| AbsPath::new(path).unwrap();
        let data = VolumeName::new("data00").unwrap();
        let brick = |on: &str, online: Option<bool>| BrickStatus {
            volume: data.clone(),
            node: node(on),
            path: path("/glvol00/brick"),
            online,
            pid: online.and(Some(1207)),
            pending: online.map(|_| 12),
            free: online.map(|_| 5_583_457_485),
        };
        let mount = |on: &str, mounted| MountStatus {
            name: MountName::new("gldata00").unwrap(),
            volume: data.clone(),
            path: path("/gldata00"),
            node: node(on),
            mounted,
        };
        Status {
            cluster: ClusterName::new("cluster01").unwrap(),
            health: Health::Degraded,
            because: vec!["node02 cannot be reached: no route to host".into(), "data00 has 12 entries to heal".into()],
            nodes: vec![
                NodeStatus {
                    name: node("node01"),
                    reachable: true,
                    drained: Some(false),
                    os: Some("debian 12".into()),
                    glusterfs: Some(Installed::Version("10.3-5".into())),
                    glusterd: Some(true),
                },
                NodeStatus {
                    name: node("node02"),
                    reachable: false,
                    drained: None,
                    os: None,
                    glusterfs: None,
                    glusterd: None,
                },
            ],
            pool: vec![
                PoolView {
                    node: node("node01"),
                    peers: Some(vec![PeerStatus {
                        name: "node02".into(),
                        state: "Peer in Cluster".into(),
                        connected: false,
                    }]),
                },
                PoolView { node: node("node02"), peers: None },
            ],
            volumes: vec![VolumeStatus {
                name: data.clone(),
                shape: "replica 2".into(),
                state: Some("Started".into()),
                heal_pending: Some(12),
            }],
            bricks: vec![brick("node01", Some(true)), brick("node02", None)],
            mounts: vec![mount("node01", Some(true)), mount("node02", None)],
            manager: None,
        }
    }

    #[test]
    fn a_status_says_the_whole_in_one_word_and_the_parts_in_tables() {
        insta::assert_snapshot!(status(&degraded(), Some("simulated"), Look::plain()), @r"
        cluster01 (simulated): degraded
          - node02 cannot be reached: no route to host
          - data00 has 12 entries to heal

        NODE    REACHABLE  OS         GLUSTERFS  GLUSTERD
        node01  yes        debian 12  10.3-5     running
        node02  no         ?          ?          ?

        SEEN BY  PEER    STATE            CONNECTED
        node01   node02  Peer in Cluster  no
        node02   ?       ?                ?

        VOLUME  SHAPE      STATE    TO HEAL
        data00  replica 2  Started  12

        BRICK                  VOLUME  ONLINE  PID   PENDING  FREE
        node01:/glvol00/brick  data00  yes     1207  12       5.1 GiB
        node02:/glvol00/brick  data00  ?       ?     ?        ?

        MOUNT     VOLUME  PATH       NODE    MOUNTED
        gldata00  data00  /gldata00  node01  yes
        gldata00  data00  /gldata00  node02  ?
        ");
    }

    #[test]
    fn sizes_are_said_in_powers_of_1024() {
        let said = [0, 1023, 1024, 1536, 10 * 1024, 5_583_457_485, u64::MAX].map(size);
        assert_eq!(said, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "10 KiB", "5.1 GiB", "15 EiB"]);
    }
}
