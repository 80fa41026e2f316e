//! A node that is off for good, as a person has seen: nobody can fence it, and nobody is to wait for it any more.
//!
//! What makes the others wait protects the data: after a power loss of all, nobody knows what the missing node has done
//! meanwhile, and while it cannot be fenced, it may still write. Only a person who has seen it without power can say.

use super::{Live, coordinated};
use crate::kinds::{Assessment, Cx, corosync, returning};
use crate::model::{Cause, Difference, Item, Milestone, NodeName, Place, Risk, Subject};
use crate::tools::corosync::{cmap, stop_waiting};
use crate::tools::pacemaker;

fn subject(node: &NodeName) -> Subject {
    Subject::new("fencing", node)
}

/// The milestone that the cluster goes on without `node`.
pub(super) fn off(node: &NodeName) -> Milestone {
    subject(node).is("off")
}

/// The nodes whose Corosync decides nothing before it has seen all others once.
pub(super) fn waiting<'a>(cx: &'a Cx<'_>) -> impl Iterator<Item = &'a NodeName> {
    let waits = |node: &&NodeName| cx.see(node, &cmap()).known().is_some_and(|cmap| cmap.waits_for_all);
    cx.spec.nodes.keys().filter(waits)
}

/// Goes on without `node`.
pub(super) fn confirm(live: &Live<'_>, node: &NodeName, found: &mut Assessment) {
    let summary = format!("go on without {node}");
    let member = live.standing.state.member(node.as_str());
    let hint = "only a node without power can be gone on without: switch it off, or bring it back";
    let held = |because| Item::held(&subject(node), "confirm", summary.clone(), Cause::Unsafe, because, hint);
    if live.cx.answers(node) {
        return found.item(held(format!("{node} answers, so it is not off")).gives(off(node)));
    }
    if member.is_some_and(|member| member.online || member.pending) {
        return found.item(held(format!("{node} is a member of the cluster, so it is not off")).gives(off(node)));
    }
    let waiting: Vec<&NodeName> = waiting(live.cx).collect();
    for waiter in &waiting {
        let summary = format!("have {waiter} not wait for {node}");
        let place = Place::On((*waiter).clone());
        let item = Item::run(&subject(node), &format!("unblock-{waiter}"), summary, place, stop_waiting());
        found.item(
            item.because(Difference::changed("wait_for_all", "waits", "goes on"))
                .at_risk(Risk::Destructive, format!("if {node} runs, both write to the same data"))
                .gives(corosync::joined(live.cx, waiter)),
        );
    }
    let alone = returning::waiting_for(live.cx, node);
    for waiter in &alone {
        let item = returning::go_on_alone(waiter, node);
        found.item(item.at_risk(Risk::Destructive, format!("what only {node} has is missing")).gives(off(node)));
    }
    if waiting.is_empty() && member.is_none_or(|member| !member.unclean) {
        if alone.is_empty() {
            found.met(off(node));
        }
        return;
    }
    let place = Place::On(live.standing.node.clone());
    let item = Item::run(&subject(node), "confirm", summary, place, pacemaker::confirm_off(node.as_str()));
    found.item(
        item.because(Difference::changed("state", "to be fenced", "off"))
            .at_risk(Risk::Destructive, format!("if {node} is not off, it and who takes over write to the same data"))
            .needs(coordinated(live.cx.spec))
            .gives(off(node)),
    );
}
