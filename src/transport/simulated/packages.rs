//! The scripts that install packages, and what the distributions have on offer.

use super::node::{Active, Node, Unit};
use super::output::{Call, failed, not_found, printed, silent};
use super::world::World;
use crate::model::{NodeName, Output};

const POLICY: &str = "/usr/sbin/policy-rc.d";
/// The line in a policy-rc.d by which it is known as ours.
const MARK: &str = "# bricklayer: hold";
/// Debian 12: package, version, what it brings along.
const DEBIAN: [(&str, &str, &[&str]); 7] = [
    ("attr", "1:2.5.1-4", &[]),
    ("glusterfs-cli", "10.3-5", &[]),
    ("glusterfs-client", "10.3-5", &["glusterfs-common"]),
    ("glusterfs-common", "10.3-5", &["attr", "e2fsprogs", "xfsprogs"]),
    ("glusterfs-server", "10.3-5", &["glusterfs-cli", "glusterfs-common", "glusterfs-client"]),
    ("e2fsprogs", "1.47.0-2", &[]),
    ("xfsprogs", "6.1.0-1", &[]),
];
/// Enterprise Linux 9 with the storage group's repository.
const REDHAT: [(&str, &str, &[&str]); 7] = [
    ("attr", "2.5.1-3.el9", &[]),
    ("glusterfs", "10.3-1.el9s", &[]),
    ("glusterfs-cli", "10.3-1.el9s", &["glusterfs"]),
    ("glusterfs-fuse", "10.3-1.el9s", &["glusterfs"]),
    ("glusterfs-server", "10.3-1.el9s", &["glusterfs-cli", "glusterfs-fuse", "attr"]),
    ("e2fsprogs", "1.46.5-5.el9", &[]),
    ("xfsprogs", "6.3.0-1.el9", &[]),
];
/// The option groups that come with glusterd.
const GROUPS: [(&str, &str); 2] =
    [("db-workload", include_str!("gluster/db-workload.group")), ("virt", include_str!("gluster/virt.group"))];

/// `install-packages FAMILY PACKAGE...`.
pub fn install(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let Some((family, packages)) = call.args.split_first() else { return failed(2, "install-packages: FAMILY\n") };
    let node = world.node_mut(at);
    let (manager, offer) = match *family {
        "debian" => ("apt-get", &DEBIAN),
        "redhat" => ("dnf", &REDHAT),
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
    fn install(&mut self, package: &str, offer: &[(&str, &str, &[&str])]) {
        let Some((name, version, along)) = offer.iter().find(|(name, ..)| *name == package) else { return };
        self.packages.insert((*name).to_owned(), (*version).to_owned());
        for other in *along {
            self.install(other, offer);
        }
        if *name == "glusterfs-server" {
            let unit = Unit { wanted_by: None, active: Active::Inactive, read: None, pid: 0, since_ms: 0 };
            self.units.entry("glusterd.service".to_owned()).or_insert(unit);
            for (group, text) in GROUPS {
                self.put(&format!("/var/lib/glusterd/groups/{group}"), text, "644");
            }
        }
    }
}
