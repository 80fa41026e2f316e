//! Who runs, at boot and now, and who is a member: positively seen, from both sides.

use super::view::{Sight, View, unseen};
use super::{COROSYNC, DAEMONS, PACEMAKER, after_heal, files, force, joined, member};
use crate::kinds::{Assessment, Start, maintenance, nodes};
use crate::model::{Difference, Item, NodeName, Place, Seen};
use crate::tools::{corosync, join, pacemaker, systemd};

/// Looks at all nodes.
pub(super) fn assess(view: &View<'_>, found: &mut Assessment) {
    for (name, sight) in &view.nodes {
        let subject = member(view.spec(), name);
        let joined = joined(view.cx, name);
        let why = match (&sight.units, &sight.cmap) {
            (Seen::Unknown(why), _) | (_, Seen::Unknown(why)) => why,
            (Seen::Is(_), _) => {
                at(view, name, sight, found);
                continue;
            }
            (Seen::NotYet(_), _) => continue,
        };
        for unit in [corosync::DAEMON, pacemaker::DAEMON] {
            found.unknown(nodes::running(name, unit), why);
        }
        unseen(view, name, "Corosync", (&subject, joined), why, found);
    }
}

/// The units that are started at boot.
pub(super) fn at_boot(view: &View<'_>) -> Vec<&'static str> {
    match start(view) {
        Start::OnBoot => DAEMONS.to_vec(),
        Start::AfterHeal => vec![join::UNIT],
    }
}

pub(super) fn start(view: &View<'_>) -> Start {
    view.spec().corosync.as_ref().map(|corosync| corosync.start).unwrap_or_default()
}

fn at(view: &View<'_>, node: &NodeName, sight: &Sight, found: &mut Assessment) {
    for (unit, daemon) in [(COROSYNC, corosync::DAEMON), (PACEMAKER, pacemaker::DAEMON)] {
        if sight.unit(unit).active() {
            found.met(nodes::running(node, daemon));
        }
    }
    if sight.is_foreign() {
        return;
    }
    let Some(apart) = view.apart(node) else {
        found.met(joined(view.cx, node));
        return enable(view, node, sight, found);
    };
    let subject = member(view.spec(), node);
    let wait = |on: &str| Item::wait(&subject, "join", format!("{node} to join the cluster: {on}"), nodes::POLL);
    let stopped = |unit: &&&str| !sight.unit(unit).active();
    let underway =
        |unit: &&&str| ["activating", "deactivating", "reloading"].contains(&&*sight.unit(unit).active_state);
    let joins_by_itself = sight.unit(join::UNIT).active() || sight.unit(join::UNIT).active_state == "activating";
    if joins_by_itself && start(view) == Start::AfterHeal {
        return found.item(wait("its bricks to be healed").gives(joined(view.cx, node)));
    }
    let moving = DAEMONS.iter().any(|unit| underway(&unit));
    if moving || DAEMONS.iter().all(|unit| !stopped(&unit)) {
        // Who is silent does not come by waiting.
        let others = view.without(node).into_iter().map(|other| nodes::running(other, corosync::DAEMON));
        return found.item(others.fold(wait(&apart), Item::needs).gives(joined(view.cx, node)));
    }
    found.item(run(view, node, sight));
    let wait = wait("the others to see it")
        .needs(nodes::running(node, corosync::DAEMON))
        .needs(nodes::running(node, pacemaker::DAEMON));
    found.item(wait.gives(joined(view.cx, node)).assumed_if(true));
}

/// Starts what does not run. Where nobody is in a cluster yet, all nodes are started in one round: they wait for each
/// other to be seen before anything runs.
fn run(view: &View<'_>, node: &NodeName, sight: &Sight) -> Item {
    let first = view.is_off_everywhere();
    let command = match start(view) {
        Start::OnBoot => systemd::enable_all_now(&DAEMONS),
        Start::AfterHeal if first => systemd::start(&DAEMONS),
        Start::AfterHeal => systemd::enable_now(join::UNIT),
    };
    let summary = format!("start Corosync and Pacemaker on {node}");
    let mut item = Item::run(&member(view.spec(), node), "start", summary, Place::On(node.clone()), command)
        .needs(nodes::knows_names(node))
        .needs(nodes::installed(node, pacemaker::DAEMON))
        .gives(nodes::running(node, corosync::DAEMON))
        .gives(nodes::running(node, pacemaker::DAEMON));
    item = maintenance::whole(view.cx, node).into_iter().fold(item, Item::needs);
    for (other, there) in view.answering().filter(|(other, _)| first || *other == node) {
        item = item.needs(files::has_key(other)).needs(files::has_cib(view, other));
        // A file that may not be changed before this node is back is no reason to keep it from coming back.
        if !(view.must_wait() && there.is_ours()) {
            item = item.needs(files::written(other)).needs(force::in_force(view));
        }
    }
    if start(view) == Start::AfterHeal && !first {
        item = after_heal::files(node).into_iter().fold(item, Item::needs);
    }
    for unit in DAEMONS {
        let unit_now = sight.unit(unit);
        if !unit_now.active() {
            let seen = if unit_now.loaded { unit_now.active_state.as_str() } else { "not installed" };
            item = item.because(Difference::changed(unit, seen, "active"));
        }
    }
    item
}

/// What runs is also to be started at boot, as the file says.
fn enable(view: &View<'_>, node: &NodeName, sight: &Sight, found: &mut Assessment) {
    if start(view) == Start::AfterHeal {
        return;
    }
    let wanted = at_boot(view);
    let disabled: Vec<&str> = wanted.iter().copied().filter(|unit| !sight.unit(unit).enabled).collect();
    if disabled.is_empty() {
        return;
    }
    let summary = format!("have Corosync and Pacemaker start at boot on {node}");
    let mut item =
        Item::run(&member(view.spec(), node), "enable", summary, Place::On(node.clone()), systemd::enable(&disabled));
    for unit in disabled {
        item = item.because(Difference::changed(format!("{unit} at boot"), "disabled", "enabled"));
    }
    found.item(item);
}
