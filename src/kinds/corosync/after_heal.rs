//! `start: afterHeal`: Corosync and Pacemaker are not started at boot, and a unit of ours starts them once this node's
//! bricks are healed. With `onBoot` it is the other way round.

use super::members::start;
use super::view::{Sight, View};
use super::{DAEMONS, member};
use crate::kinds::{Assessment, Start, VolumeState, files};
use crate::model::{Difference, Item, Milestone, NodeName, Place};
use crate::tools::join::{self, Join, SCRIPT_FILE, UNIT, UNIT_FILE};
use crate::tools::{node, systemd};

/// After how many seconds a node joins that is not healed.
const PATIENCE: u64 = 15 * 60;

/// Looks at all nodes.
pub(super) fn assess(view: &View<'_>, found: &mut Assessment) {
    for (name, sight) in &view.nodes {
        if sight.units.known().is_none() {
            continue;
        }
        match start(view) {
            Start::OnBoot => retire(view, name, sight, found),
            Start::AfterHeal => {
                file(view, name, SCRIPT_FILE, join::script(), found);
                file(view, name, UNIT_FILE, &unit(view, name), found);
                at_boot(view, name, sight, found);
            }
        }
    }
}

pub(super) fn unit(view: &View<'_>, node: &NodeName) -> String {
    let spec = view.spec();
    let kept = spec.volumes.iter().filter(|(_, volume)| {
        let copies = volume.replica.is_some() || volume.disperse.is_some();
        copies && volume.state == VolumeState::Started && volume.bricks.iter().any(|brick| brick.node == *node)
    });
    Join {
        owner: &format!("cluster {}", spec.cluster),
        settle: spec.detection().as_secs() + 1,
        patience: PATIENCE,
        volumes: kept.map(|(name, _)| name.as_str()).collect(),
    }
    .unit()
}

/// The milestones that the script and the unit are as written.
pub(super) fn files(node: &NodeName) -> [Milestone; 2] {
    [SCRIPT_FILE, UNIT_FILE].map(|path| files::written(path, node))
}

fn file(view: &View<'_>, name: &NodeName, path: &str, text: &str, found: &mut Assessment) {
    files::keep(view.cx, (path, name), text, node::write, found);
}

fn at_boot(view: &View<'_>, node: &NodeName, sight: &Sight, found: &mut Assessment) {
    let place = || Place::On(node.clone());
    let early: Vec<&str> = DAEMONS.into_iter().filter(|unit| sight.unit(unit).enabled).collect();
    if !early.is_empty() {
        let summary = format!("have Corosync and Pacemaker not start at boot on {node}");
        let mut item = Item::run(&member(view.spec(), node), "disable", summary, place(), systemd::disable(&early));
        for unit in early {
            item = item.because(Difference::changed(format!("{unit} at boot"), "enabled", "disabled"));
        }
        found.item(item);
    }
    let unit = sight.unit(UNIT);
    if unit.enabled && !unit.needs_reload {
        return;
    }
    let summary = format!("have {node} join after its bricks are healed, at boot");
    let item = Item::run(&member(view.spec(), node), "enable", summary, place(), systemd::enable(&[UNIT]));
    let mut item = files(node).into_iter().fold(item, Item::needs);
    if !unit.enabled {
        item = item.because(Difference::changed(format!("{UNIT} at boot"), "disabled", "enabled"));
    }
    if unit.needs_reload {
        item = item.because(Difference::changed(UNIT, "another text in force", "as written"));
    }
    found.item(item);
}

/// With `onBoot`, the unit of a cluster that had `afterHeal` must not be there to start anything.
fn retire(view: &View<'_>, node: &NodeName, sight: &Sight, found: &mut Assessment) {
    let unit = sight.unit(UNIT);
    if !unit.enabled && !unit.active() {
        return;
    }
    let summary = format!("have {node} no longer wait for its bricks before it joins");
    let place = Place::On(node.clone());
    let item = Item::run(&member(view.spec(), node), "retire", summary, place, systemd::disable_now(UNIT));
    found.item(item.because(Difference::gone(format!("{UNIT} at boot"), "enabled")));
}
