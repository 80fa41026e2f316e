//! The scripts that install packages, and what the distributions have on offer.

use super::node::{Active, Node, Unit};
use super::output::{Call, failed, not_found, printed, silent};
use super::world::World;
use crate::model::{NodeName, Output};

const POLICY: &str = "/usr/sbin/policy-rc.d";
/// The line in a policy-rc.d by which it is known as ours.
const MARK: &str = "# bricklayer: hold";
/// A package: its name, its version, and what it brings along.
type Offer = (&'static str, &'static str, &'static [&'static str]);
/// Debian 12.
const DEBIAN: &[Offer] = &[
    ("attr", "1:2.5.1-4", &[]),
    ("glusterfs-cli", "10.3-5", &[]),
    ("glusterfs-client", "10.3-5", &["glusterfs-common"]),
    ("glusterfs-common", "10.3-5", &["attr", "e2fsprogs", "xfsprogs"]),
    ("glusterfs-server", "10.3-5", &["glusterfs-cli", "glusterfs-common", "glusterfs-client"]),
    ("e2fsprogs", "1.47.0-2", &[]),
    ("xfsprogs", "6.1.0-1", &[]),
    ("corosync", "3.1.7-1+deb12u2", &[]),
    ("corosync-qdevice", "3.0.3-1", &["corosync"]),
    ("fence-agents", "4.12.1-1", &[]),
    ("pacemaker", "2.1.5-1+deb12u1", &["corosync", "pacemaker-cli-utils", "resource-agents"]),
    ("pacemaker-cli-utils", "2.1.5-1+deb12u1", &[]),
    ("resource-agents", "1:4.12.0-2", &[]),
    ("psmisc", "23.6-1", &[]),
    ("postgresql-15", "15.18-0+deb12u1", &["postgresql-client-15", "postgresql-common"]),
    ("postgresql-client-15", "15.18-0+deb12u1", &[]),
    ("postgresql-common", "248+deb12u1", &[]),
];
/// Enterprise Linux 9 with the storage group's repository.
const REDHAT: &[Offer] = &[
    ("attr", "2.5.1-3.el9", &[]),
    ("glusterfs", "10.3-1.el9s", &[]),
    ("glusterfs-cli", "10.3-1.el9s", &["glusterfs"]),
    ("glusterfs-fuse", "10.3-1.el9s", &["glusterfs"]),
    ("glusterfs-server", "10.3-1.el9s", &["glusterfs-cli", "glusterfs-fuse", "attr"]),
    ("e2fsprogs", "1.46.5-5.el9", &[]),
    ("xfsprogs", "6.3.0-1.el9", &[]),
    ("corosync", "3.1.8-2.el9", &[]),
    ("corosync-qdevice", "3.0.3-1.el9", &["corosync"]),
    ("fence-agents-all", "4.10.0-62.el9", &["fence-agents-virsh"]),
    ("fence-agents-virsh", "4.10.0-62.el9", &[]),
    ("pacemaker", "2.1.8-3.el9", &["corosync", "pacemaker-cli", "resource-agents"]),
    ("pacemaker-cli", "2.1.8-3.el9", &[]),
    ("resource-agents", "4.10.0-52.el9", &[]),
    ("psmisc", "23.4-3.el9", &[]),
    ("postgresql-server", "13.20-1.el9", &["postgresql"]),
    ("postgresql", "13.20-1.el9", &[]),
];
/// The `corosync.conf` that comes with Debian's package: a cluster of one node.
const EXAMPLE: &str = include_str!("cluster/debian.corosync.conf");
/// What Debian's packages of `PostgreSQL` make their first database by.
const CREATECLUSTER: &str = "/etc/postgresql-common/createcluster.conf";
/// The option groups that come with glusterd.
const GROUPS: [(&str, &str); 2] =
    [("db-workload", include_str!("gluster/db-workload.group")), ("virt", include_str!("gluster/virt.group"))];

/// `install-packages FAMILY PACKAGE...`.
pub fn install(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let Some((family, packages)) = call.args.split_first() else { return failed(2, "install-packages: FAMILY\n") };
    let node = world.node_mut(at);
    let (manager, offer) = match *family {
        "debian" => ("apt-get", DEBIAN),
        "redhat" => ("dnf", REDHAT),
        other => {
            let by_hand = packages.join(" ");
            return failed(
                1,
                format!("packages of the family {other} cannot be installed from here; install by hand: {by_hand}\n"),
            );
        }
    };
    if node.family != *family {
        return not_found(manager);
    }
    if let Some(missing) = packages.iter().find(|wanted| !offer.iter().any(|(name, ..)| name == *wanted)) {
        return match *family {
            "debian" => failed(100, format!("E: Unable to locate package {missing}\n")),
            _ => failed(1, format!("Error: Unable to find a match: {missing}\n")),
        };
    }
    for package in packages {
        node.install(package, offer);
    }
    if is_held(node) {
        node.files.remove(POLICY);
    }
    printed(format!("{} newly installed\n", packages.len()))
}

/// `release-hold`.
pub fn release_hold(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    let node = world.node_mut(at);
    if is_held(node) {
        node.files.remove(POLICY);
    }
    silent()
}

/// Whether a policy-rc.d of ours is in place.
pub fn is_held(node: &Node) -> bool {
    node.files.get(POLICY).is_some_and(|file| file.text.lines().any(|line| line == MARK))
}

impl Node {
    fn install(&mut self, package: &str, offer: &[Offer]) {
        let Some((name, version, along)) = offer.iter().find(|(name, ..)| *name == package) else { return };
        self.packages.insert((*name).to_owned(), (*version).to_owned());
        for other in *along {
            self.install(other, offer);
        }
        // Debian enables what a package brings, but for glusterd, which it leaves to the administrator.
        let enabled = self.family == "debian";
        match *name {
            "glusterfs-server" => {
                self.bring("glusterd.service", false);
                for (group, text) in GROUPS {
                    self.put(&format!("/var/lib/glusterd/groups/{group}"), text, "644");
                }
            }
            "corosync" => {
                self.bring("corosync.service", enabled);
                self.make_directories("/etc/corosync");
                if enabled && !self.files.contains_key("/etc/corosync/corosync.conf") {
                    self.put("/etc/corosync/corosync.conf", EXAMPLE, "644");
                }
            }
            "corosync-qdevice" => self.bring("corosync-qdevice.service", false),
            "pacemaker" => self.bring("pacemaker.service", enabled),
            "postgresql-server" => self.bring("postgresql.service", enabled),
            "postgresql-common" => {
                self.bring("postgresql.service", enabled);
                self.make_directories("/etc/postgresql-common");
                // What an administrator has written before the package came stays.
                if !self.files.contains_key(CREATECLUSTER) {
                    self.put(CREATECLUSTER, include_str!("cluster/debian.createcluster.conf"), "644");
                }
            }
            _ => {}
        }
    }

    /// A unit that comes with a package; one that is there already stays as it is.
    fn bring(&mut self, unit: &str, enabled: bool) {
        let wanted_by = enabled.then(|| "multi-user.target".to_owned());
        let state = Unit { wanted_by, active: Active::Inactive, read: None, pid: 0, since_ms: 0 };
        self.units.entry(unit.to_owned()).or_insert(state);
    }
}
