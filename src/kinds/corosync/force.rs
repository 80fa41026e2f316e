//! Putting a changed file into force on members that run: one reload for all of them, or a restart of each.
//!
//! A reload says "Done" of what it cannot change, too, so it is done only when what each member runs with has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::view::{View, differences};
use super::{DAEMONS, device, files, joined, member};
use crate::kinds::Assessment;
use crate::model::{Difference, Item, Milestone, NodeName, Place, Risk, Subject, Threat};
use crate::tools::corosync::{self, Class};
use crate::tools::systemd;

/// How long a member may take to stop what runs on it and to start again.
const RESTART_DEADLINE: Duration = Duration::from_secs(600);

/// Looks at all members.
pub(super) fn assess(view: &View<'_>, found: &mut Assessment) {
    reload(view, found);
    restart(view, found);
}

fn subject(view: &View<'_>) -> Subject {
    Subject::new("corosync", &view.spec().cluster)
}

/// The milestone that what a reload can change is in force on all members.
pub(super) fn in_force(view: &View<'_>) -> Milestone {
    subject(view).is("in force")
}

fn reload(view: &View<'_>, found: &mut Assessment) {
    let mut why: BTreeMap<String, Difference> = BTreeMap::new();
    for (_, cmap) in view.running() {
        for (key, (now, wanted)) in differences(&cmap.keys, &view.wanted, Class::Reload) {
            let difference =
                Difference { field: key.to_owned(), from: now.map(str::to_owned), to: wanted.map(str::to_owned) };
            why.entry(key.to_owned()).or_insert(difference);
        }
    }
    if why.is_empty() {
        return found.met(in_force(view));
    }
    let nodes: Vec<NodeName> = view.running().map(|(name, _)| name.clone()).collect();
    let summary = "have all members read corosync.conf".to_owned();
    let mut item = Item::run(&subject(view), "reload", summary, Place::AnyOf(nodes), corosync::reload());
    // Each member reads its own file, also one that is a member and does not answer us.
    let readers: BTreeSet<&NodeName> = view.answering().map(|(name, _)| name).chain(view.members()).collect();
    for name in readers {
        item = item.needs(files::written(name));
        if view.loses_device() {
            item = item.needs(device::gone(view, name)).threatens(Threat::Quorum);
        }
    }
    let moves = |difference: &Difference| {
        difference.field.ends_with("_addr") && difference.from.is_some() && difference.to.is_some()
    };
    if why.values().any(moves) {
        item = item.at_risk(Risk::Disruptive, "members lose sight of each other if a new address does not work");
    }
    if let Some((now, wanted)) = view.quorum_rises() {
        let impact = format!("it takes {wanted} votes at once, where it took {now}");
        item = item.at_risk(Risk::Disruptive, impact).threatens(Threat::Quorum);
    }
    item.why = why.into_values().collect();
    found.item(item.gives(in_force(view)));
}

/// What a reload leaves out takes a restart of each member, one after the other.
fn restart(view: &View<'_>, found: &mut Assessment) {
    let mut before: Option<Milestone> = None;
    for (name, cmap) in view.running() {
        let differs = differences(&cmap.keys, &view.wanted, Class::Restart);
        if differs.is_empty() {
            continue;
        }
        let restarted = member(view.spec(), name).is("restarted");
        let command = systemd::restart(&DAEMONS).within(RESTART_DEADLINE);
        let summary = format!("restart Corosync and Pacemaker on {name}");
        let mut item = Item::run(&member(view.spec(), name), "restart", summary, Place::On(name.clone()), command)
            .at_risk(Risk::Disruptive, format!("what the cluster runs on {name} moves or stops"))
            .threatens(Threat::Quorum)
            .needs(in_force(view))
            .gives(restarted.clone());
        for other in view.nodes.keys() {
            item = item.needs(joined(view.cx, other)).needs(files::written(other));
        }
        for (key, (now, wanted)) in differs {
            let (from, to) = (now.map(str::to_owned), wanted.map(str::to_owned));
            item = item.because(Difference { field: key.to_owned(), from, to });
        }
        if let Some(before) = before.replace(restarted) {
            item = item.needs(before);
        }
        found.item(item);
    }
}
