//! Mutants of the planner, for the laws: one lacks a sort of need, another a rule of safety. Whatever can be taken away
//! here must be missed by somebody.
//!
//! The planner of a thread is meant, so that laws run side by side.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;

use super::safety::{RULES, Rule};
use crate::kinds::{Assessment, Cx};
use crate::model::{Command, Item, Milestone, Work};

/// What a mutant lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    /// What items of a sort need of milestones of a sort, whatever their names and nodes.
    Need {
        /// The sort of item: what it is about, and what is done to it.
        item: (&'static str, String),
        /// The sort of milestone: what it is about, and its state.
        milestone: (&'static str, &'static str),
    },
    /// A rule, by what it says.
    Rule(&'static str),
}

impl Lack {
    fn need(item: &Item, milestone: &Milestone) -> Self {
        let verb = item.id.0.rsplit('/').next().unwrap_or_default().to_owned();
        Self::Need { item: (item.subject.kind, verb), milestone: (milestone.subject.kind, milestone.state) }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Need { item: (kind, verb), milestone: (of, state) } => {
                write!(f, "the need of {kind}/{verb} that a {of} is {state}")
            }
            Self::Rule(says) => write!(f, "the rule that {says}"),
        }
    }
}

/// What a planner has that it could lack, and whether that ever mattered.
pub(crate) type Noted = BTreeMap<Lack, Mattered>;

/// Whether something mattered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mattered {
    /// Whether it ever did: a need that was not met, a rule that was about an item.
    pub(crate) ever: bool,
    /// What was to bring about what was needed.
    pub(crate) by: BTreeSet<Command>,
}

/// What is special about the planner of a thread.
#[derive(Default)]
enum Special {
    #[default]
    Nothing,
    Noting(Noted),
    Lacking(Lack),
}

thread_local! {
    static SPECIAL: RefCell<Special> = RefCell::default();
}

/// Runs with a planner that notes what it has. Must not leave its thread.
pub(crate) async fn noting<T>(run: impl Future<Output = T>) -> (T, Noted) {
    let rules = RULES.iter().map(|rule| (Lack::Rule(rule.says), Mattered::default()));
    SPECIAL.set(Special::Noting(rules.collect()));
    let result = run.await;
    match SPECIAL.take() {
        Special::Noting(noted) => (result, noted),
        Special::Nothing | Special::Lacking(_) => unreachable!("nobody else sets it"),
    }
}

/// Runs with a planner that lacks something. Must not leave its thread.
pub(crate) async fn lacking<T>(lack: &Lack, run: impl Future<Output = T>) -> T {
    SPECIAL.set(Special::Lacking(lack.clone()));
    let result = run.await;
    SPECIAL.take();
    result
}

/// Takes away the need that the planner lacks, or notes which there are.
pub(super) fn forget(cx: &Cx<'_>, found: &mut Assessment) {
    let Assessment { items, met, .. } = found;
    SPECIAL.with_borrow_mut(|special| match special {
        Special::Lacking(Lack::Need { item: (kind, verb), milestone }) => {
            let end = format!("/{verb}");
            for item in items.iter_mut().filter(|item| item.subject.kind == *kind && item.id.0.ends_with(&end)) {
                item.needs.retain(|need| (need.subject.kind, need.state) != *milestone);
            }
        }
        // A plan with questions left is not run.
        Special::Noting(noted) if cx.is_complete() => {
            for (item, need) in items.iter().flat_map(|item| item.needs.iter().map(move |need| (item, need))) {
                let mattered = noted.entry(Lack::need(item, need)).or_default();
                if !met.contains(need) {
                    mattered.ever = true;
                    givers(items, need, &mut mattered.by);
                }
            }
        }
        Special::Nothing | Special::Noting(_) | Special::Lacking(Lack::Rule(_)) => {}
    });
}

/// The commands that are to bring a milestone about, also by way of what is waited for.
fn givers(items: &[Item], milestone: &Milestone, all: &mut BTreeSet<Command>) {
    for item in items.iter().filter(|item| item.gives.contains(milestone)) {
        match &item.work {
            Work::Run(run) => _ = all.insert(run.command.clone()),
            Work::Wait(_) => item.needs.iter().for_each(|need| givers(items, need, all)),
            Work::Held(_) => {}
        }
    }
}

/// Applies a rule, unless the planner lacks it.
pub(super) fn apply(rule: &Rule, cx: &Cx<'_>, found: &mut Assessment) {
    SPECIAL.with_borrow_mut(|special| match special {
        Special::Lacking(Lack::Rule(lack)) if *lack == rule.says => {}
        Special::Noting(noted) => {
            (rule.apply)(cx, found);
            noted.entry(Lack::Rule(rule.says)).or_default().ever |= cx.is_complete();
        }
        Special::Nothing | Special::Lacking(_) => (rule.apply)(cx, found),
    });
}
