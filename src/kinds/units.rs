//! What systemd has on the units that matter on each node: glusterd's, those of all mounts, the cluster manager's.
//!
//! They are asked for in one call, because what a look costs a node is the programs that it starts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cx, corosync, postgresql};
use crate::model::{NodeName, Query, Seen};
use crate::tools::gluster;
use crate::tools::systemd::{self, Unit};

/// What one node answers, by the unit's name.
pub(super) type Units = Seen<BTreeMap<String, Unit>>;

/// The units of every node.
pub(super) fn of_all<'a>(cx: &Cx<'a>) -> BTreeMap<&'a NodeName, Units> {
    let mut names: BTreeMap<&NodeName, BTreeSet<String>> =
        cx.spec.nodes.keys().map(|node| (node, BTreeSet::new())).collect();
    for mount in cx.spec.mounts.values() {
        let unit = systemd::mount_unit_name(&mount.path);
        for node in mount.on(cx.spec) {
            names.entry(node).or_default().insert(unit.clone());
        }
    }
    names.into_iter().map(|(node, mounts)| (node, cx.see(node, &query(cx, &mounts)))).collect()
}

/// The units of `node`.
pub(super) fn of(cx: &Cx<'_>, node: &NodeName) -> Units {
    let here = cx.spec.mounts.values().filter(|mount| mount.is_on(node));
    cx.see(node, &query(cx, &here.map(|mount| systemd::mount_unit_name(&mount.path)).collect()))
}

/// glusterd's unit among a node's.
pub(super) fn glusterd(units: &BTreeMap<String, Unit>) -> Unit {
    units.get(gluster::UNIT).cloned().unwrap_or_default()
}

fn query(cx: &Cx<'_>, mounts: &BTreeSet<String>) -> Query<BTreeMap<String, Unit>> {
    let mounts = mounts.iter().map(String::as_str);
    systemd::units(
        std::iter::once(gluster::UNIT).chain(mounts).chain(corosync::units(cx.spec)).chain(postgresql::units(cx.spec)),
    )
}
