//! What is shown and asked before a service is started from one copy, while the others are given up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::super::CliError;
use super::super::run::Cluster;
use super::super::wish::{gives_up, is_off};
use crate::kinds::{Spec, Volume};
use crate::model::{BrickStatus, NodeName, ServiceName, Status, VolumeName};
use crate::view::Ui;

/// Whether a person agrees, having read what is known of each copy, and has named every node that counts as off.
///
/// # Errors
/// Where there is nobody to ask.
pub async fn agreed(
    ui: &mut Ui,
    cluster: &mut dyn Cluster,
    (name, from): (&ServiceName, &NodeName),
    (off, give_up): (&[String], &[String]),
) -> Result<bool, CliError> {
    let status = cluster.status().await;
    ui.talk(&proofs(&status, cluster.spec(), name, from));
    for node in others(cluster.spec(), name, from) {
        let torn = is_torn(&status, &volumes(cluster.spec(), name), &node, from);
        let agreed = if torn { gives_up(ui, &node, give_up) } else { is_off(ui, &node, off) };
        if !agreed? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The volumes that a service mounts.
fn volumes<'a>(spec: &'a Spec, name: &ServiceName) -> BTreeMap<&'a VolumeName, &'a Volume> {
    spec.services.get(name).into_iter().flat_map(|service| service.volumes(spec)).collect()
}

/// Whether a node is there, and its copy of one of the volumes and the one on `from` each miss something that the other
/// has.
fn is_torn(status: &Status, volumes: &BTreeMap<&VolumeName, &Volume>, node: &NodeName, from: &NodeName) -> bool {
    let lists = |node: &NodeName, volume: &VolumeName| {
        let mut bricks = status.bricks.iter().filter(|brick| brick.node == *node && brick.volume == *volume);
        bricks.any(|brick| brick.pending.is_some_and(|pending| pending > 0))
    };
    volumes.keys().any(|volume| lists(node, volume) && lists(from, volume))
}

/// The nodes beside `from` that have a copy of what the service needs.
fn others(spec: &Spec, name: &ServiceName, from: &NodeName) -> BTreeSet<NodeName> {
    let nodes = volumes(spec, name).into_values().flat_map(|volume| &volume.bricks).map(|brick| &brick.node);
    nodes.filter(|node| *node != from).cloned().collect()
}

/// What is known of each copy, in lines.
fn proofs(status: &Status, spec: &Spec, name: &ServiceName, from: &NodeName) -> String {
    let volumes = volumes(spec, name);
    let mut text = format!("service {name} is to start from the copy on {from}:\n");
    for brick in status.bricks.iter().filter(|brick| volumes.contains_key(&brick.volume)) {
        let BrickStatus { node, path, volume, .. } = brick;
        let kept = if node == from { "kept" } else { "given up" };
        let _ = writeln!(text, "  {kept:8}  {node}:{path} of volume {volume}: {}", known(status, brick));
    }
    text + &format!("What was acknowledged while {from} was away is lost with them.\n")
}

fn known(status: &Status, brick: &BrickStatus) -> String {
    let member = status.manager.iter().flat_map(|manager| &manager.members).find(|member| member.name == brick.node);
    let member = member.and_then(|member| member.state.as_deref()).unwrap_or("not known to the cluster");
    match (brick.online, brick.pending) {
        (Some(true), Some(0)) => format!("served; it knows of nothing that others lack; {member}"),
        (Some(true), Some(count)) => format!("served; it knows of {count} entries that others lack; {member}"),
        (Some(_), _) => format!("not served; {member}"),
        (None, _) => format!("cannot be seen; {member}"),
    }
}
