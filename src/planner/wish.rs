//! A wish: what of a plan it is about, and when it counts as granted.

use crate::kinds::{Assessment, Spec, seen_for};
use crate::model::{Cause, Item, NodeName, Subject, Wish};
use crate::tools::guard;

/// Leaves of what was found only what the wish is about. If that is nothing, what it asks for was seen, or nobody could
/// see it: that no step is left over is no evidence by itself.
pub(super) fn narrow(spec: &Spec, wish: &Wish, found: &mut Assessment) {
    found.items.retain(|item| concerns(wish, item));
    let seen = seen_for(spec, wish);
    if !found.items.is_empty() || found.met.contains(&seen) {
        return;
    }
    let because = match found.unknown.get(&seen) {
        Some(why) => format!("it is not known whether {seen}: {why}"),
        None => format!("it is not known whether {seen}"),
    };
    let hint = "`bricklayer status` tells what can be seen";
    found.item(Item::held(&seen.subject, "see", "do as the verb says", Cause::Unknown, because, hint));
}

/// Whether an item is a part of what is wished: a verb does what it says, and mends nothing else on the way.
fn concerns(wish: &Wish, item: &Item) -> bool {
    let Subject { kind, name, .. } = &item.subject;
    match (wish, *kind) {
        (Wish::Heal(volume), "volume") => {
            name == volume.as_str() && ["heal", "heal-now"].iter().any(|verb| item.id == item.subject.item(verb))
        }
        (Wish::Heal(_), _) => false,
        (Wish::Fence(node, _) | Wish::ConfirmOff(node), "fencing") => name == node.as_str(),
        // Who waits for a copy that is off for good is told not to.
        (Wish::ConfirmOff(_) | Wish::Recover(..), "guard") => item.id == item.subject.item("alone"),
        (Wish::Drain(_), "volume") => item.id == item.subject.item("heal-now"),
        (Wish::Resume(node), _) => *kind == "resume" || is_of(node, item),
        // Once its bricks lie elsewhere, all others are told where.
        (Wish::Replace(_), "guard") => true,
        (Wish::Replace(_), "file") if name == guard::UNIT_FILE => true,
        (Wish::Replace(node), _) => ["resume", "replace"].contains(kind) || is_of(node, item),
        (Wish::Drain(_), "drain" | "service")
        | (Wish::Recover(..), "recovery" | "fencing")
        | (_, "cib" | "cluster") => true,
        (
            Wish::Enable(service)
            | Wish::Disable(service)
            | Wish::Freeze(service)
            | Wish::Unfreeze(service)
            | Wish::Relocate(service, _)
            | Wish::Recover(service, _)
            | Wish::Restart(service),
            "service",
        ) => name == service.as_str(),
        _ => false,
    }
}

/// Whether an item brings `node` back: what is done on it and about it, and the bricks and the heal of volumes.
fn is_of(node: &NodeName, item: &Item) -> bool {
    let Subject { kind, name, node: on } = &item.subject;
    match *kind {
        "cib" | "cluster" => on.as_ref().is_none_or(|on| on == node),
        "node" | "peer" | "guard" => name == node.as_str(),
        "volume" => ["serve", "heal", "heal-now"].iter().any(|verb| item.id == item.subject.item(verb)),
        _ => on.as_ref() == Some(node),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::model::{Answer, Facts, Failure, Intent, ServiceName, VolumeName, Wish};
    use crate::planner::draft;

    #[test]
    fn a_wish_is_not_granted_by_a_cluster_that_nobody_can_see() {
        let text = include_bytes!("../../specs/quickstart.yaml").to_vec();
        let spec = crate::spec::from_bytes("quickstart.yaml", text).spec.unwrap();
        let enable = Wish::Enable(ServiceName::new("db").unwrap());
        for wish in [enable, Wish::Heal(VolumeName::new("data").unwrap())] {
            let intent = Intent { wish: Some(wish.clone()), ..Intent::default() };
            let mut facts = Facts::default();
            let plan = loop {
                let (plan, questions) = draft(&spec, &facts, &intent);
                if questions.is_empty() {
                    break plan;
                }
                for (node, commands) in questions {
                    for command in commands {
                        let outcome = Err(Failure::Unreachable("no power".to_owned()));
                        facts.record(&node, command, Answer { outcome, at: Timestamp::UNIX_EPOCH });
                    }
                }
            };
            assert_eq!(plan.held().count(), 1, "{wish:?}: {:#?}", plan.steps);
            assert!(!plan.can_go_on());
        }
    }
}
