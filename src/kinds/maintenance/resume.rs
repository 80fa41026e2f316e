//! Resuming: what any run does for a node, in the order that brings it back unnoticed. Its bricks first, then the heal,
//! then the cluster, and only then services may come again.
//!
//! The steps are those of every plan; here are the two that only a drained node has, and what they wait for.

use std::collections::BTreeSet;

use crate::kinds::manager::Standing;
use crate::kinds::{Assessment, Brick, Cx, VolumeState, corosync, volumes};
use crate::model::{Difference, Item, Lane, Milestone, NodeName, Place, Risk, Seen, Subject, Threat, VolumeName, Wish};
use crate::tools::{node as files, pacemaker};

fn subject(node: &NodeName) -> Subject {
    Subject::new("resume", node)
}

/// The milestones that all copies of what lies on `node`, which is brought back, are whole.
pub(in crate::kinds) fn whole(cx: &Cx<'_>, node: &NodeName) -> Vec<Milestone> {
    match &cx.intent.wish {
        Some(Wish::Resume(back) | Wish::Replace(back)) if back == node => {}
        _ => return Vec::new(),
    }
    let here: BTreeSet<&VolumeName> = bricks(cx, node).map(|(name, _)| name).collect();
    here.into_iter().map(volumes::healed).collect()
}

/// The bricks that `node` is to serve, each with its volume's name.
pub(super) fn bricks<'a>(cx: &'a Cx<'_>, node: &'a NodeName) -> impl Iterator<Item = (&'a VolumeName, &'a Brick)> {
    let started = cx.spec.volumes.iter().filter(|(_, volume)| volume.state == VolumeState::Started);
    let all = started.flat_map(|(name, volume)| volume.bricks.iter().map(move |brick| (name, brick)));
    all.filter(move |(_, brick)| brick.node == *node)
}

/// Looks at `node`, which is to take part again.
pub(super) fn assess(cx: &Cx<'_>, node: &NodeName, found: &mut Assessment) {
    let mut ready = whole(cx, node);
    if cx.spec.has_manager() {
        ready.push(corosync::joined(cx, node));
    }
    standby(cx, node, &ready, found);
    let unmarked = subject(node).is("unmarked");
    match cx.is_drained(node) {
        Some(true) => {
            let summary = format!("take the mark of a drained node from {node}");
            let item = Item::run(&subject(node), "unmark", summary, Place::On(node.clone()), files::unmark_drained())
                .because(Difference::gone(files::DRAINED, "the mark"))
                .needs(subject(node).is("taken in"))
                .gives(unmarked);
            found.item(ready.into_iter().fold(item, Item::needs));
        }
        Some(false) => {
            let is_met = |milestone: &Milestone| found.met.contains(milestone);
            if ready.iter().all(is_met) && is_met(&subject(node).is("taken in")) {
                found.met(super::resumed(node));
            }
        }
        None => {}
    }
}

/// Has the cluster run things here again.
fn standby(cx: &Cx<'_>, node: &NodeName, ready: &[Milestone], found: &mut Assessment) {
    let taken_in = subject(node).is("taken in");
    let seen = if cx.spec.has_manager() { Standing::of(cx) } else { return found.met(taken_in) };
    let (place, assumed) = match &seen {
        Seen::Is(standing) if !standing.cib.is_standby(node.as_str()) => return found.met(taken_in),
        Seen::Is(standing) => (standing.node.clone(), false),
        Seen::NotYet(_) => (node.clone(), true),
        Seen::Unknown(why) => return found.unknown(taken_in, why),
    };
    let summary = format!("have the cluster run things on {node} again");
    let command = pacemaker::standby(node.as_str(), false);
    let item = Item::run(&subject(node), "take-in", summary, Place::On(place), command)
        .because(Difference::changed("standby", "on", "off"))
        .in_lane(Lane::Cib)
        .threatens(Threat::Cluster)
        .at_risk(Risk::Safe, "services whose domain fails back go home")
        .gives(taken_in)
        .assumed_if(assumed);
    found.item(ready.iter().cloned().fold(item, Item::needs));
}
