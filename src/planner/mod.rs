//! From what is written, what was seen and what is wanted now, to what is to be done: a pure function.
//!
//! The kinds say what differs; `safety` says what must hold before a dangerous item may run; what remains is
//! order. A need is met by a milestone that was positively seen, and by nothing else: not by the absence of an item
//! that would bring it about.

#[cfg(test)]
pub(crate) mod mutant;
mod order;
mod safety;
mod wish;

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::{Assessment, Cx, KINDS, Spec};
use crate::model::{Cause, Command, Facts, Held, Intent, Item, NodeName, Plan, Step, Work};

/// Questions that must be answered before a plan is whole, by node.
pub type Questions = BTreeMap<NodeName, BTreeSet<Command>>;

/// Makes a plan, and tells what should be asked first.
///
/// # Guarantees
/// The same inputs give the same plan, byte for byte. Each step stands after those it needs.
///
/// # Caveats
/// While there are questions the plan is only what can be said without their answers; nothing of it may be run.
#[must_use]
pub fn draft(spec: &Spec, facts: &Facts, intent: &Intent) -> (Plan, Questions) {
    let cx = Cx::new(spec, facts, intent);
    let mut found = Assessment::default();
    for kind in KINDS {
        kind.assess(&cx, &mut found);
    }
    if let Some(wish) = &intent.wish {
        wish::narrow(spec, wish, &mut found);
    }
    #[cfg(test)]
    mutant::forget(&cx, &mut found);
    safety::guard(&cx, &mut found);
    for item in &mut found.items {
        hold(item, intent);
    }
    let mut findings = found.findings.0.clone();
    findings.sort();
    findings.dedup();
    let steps = order::arrange(found);
    (Plan { cluster: spec.cluster.clone(), steps, findings }, cx.into_questions())
}

/// Makes a plan of facts that leave no question open.
#[must_use]
pub fn plan(spec: &Spec, facts: &Facts, intent: &Intent) -> Plan {
    draft(spec, facts, intent).0
}

/// Holds an item that this run may not take, or has tried in vain.
fn hold(item: &mut Item, intent: &Intent) {
    let Work::Run(run) = &item.work else { return };
    let held = if let Some(why) = intent.given_up.get(&item.id) {
        Held { cause: Cause::Failed, because: why.clone(), hint: None }
    } else if intent.allow.permits(run.risk) {
        return;
    } else {
        let impact = run.impact.join("; ");
        Held {
            cause: Cause::NotAllowed,
            because: format!("it is {}: {impact}", run.risk),
            hint: Some(format!("say `--allow {}` if that is wanted now", run.risk)),
        }
    };
    item.work = Work::Held(held);
}

/// Whether two plans would do the same, item by item: id, place, command, risk and impact.
#[must_use]
pub fn same_work(a: &Step, b: &Step) -> bool {
    let work = |step: &Step| match &step.item.work {
        Work::Run(run) => Some((run.place.clone(), run.command.clone(), run.risk, run.impact.clone())),
        Work::Wait(_) | Work::Held(_) => None,
    };
    a.item.id == b.item.id && work(a) == work(b)
}
