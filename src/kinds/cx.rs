//! What a kind looks through: answers that are there, questions for those that are not, and a place for its own.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::{Spec, nodes};
use crate::model::{Command, Facts, Findings, Intent, Item, Milestone, NodeName, Query, ReadError, Seen, Why};
use crate::tools::node;

/// What was read from outputs, each a `Seen<T>` of the query's own `T`.
type Readings = BTreeMap<NodeName, BTreeMap<Command, Rc<dyn Any>>>;

/// The file, the facts, and a note of every question that has no answer yet.
pub struct Cx<'a> {
    /// What is written.
    pub spec: &'a Spec,
    /// What is wanted now.
    pub intent: &'a Intent,
    facts: &'a Facts,
    asked: RefCell<BTreeMap<NodeName, BTreeSet<Command>>>,
    // One output is read once a plan, however many items look at it.
    read: RefCell<Readings>,
}

impl<'a> Cx<'a> {
    /// A view of `facts` for `spec`, to those who plan for `intent`.
    #[must_use]
    pub fn new(spec: &'a Spec, facts: &'a Facts, intent: &'a Intent) -> Self {
        Self { spec, intent, facts, asked: RefCell::default(), read: RefCell::default() }
    }

    /// What `node` answers to `query`; asks it if it has not answered.
    pub fn see<T: 'static>(&self, node: &NodeName, query: &Query<T>) -> Seen<T> {
        let known = |read: &Readings| read.get(node)?.get(&query.command)?.downcast_ref::<Seen<T>>().cloned();
        if let Some(seen) = known(&self.read.borrow()) {
            return seen;
        }
        let seen = self.look(node, query);
        let mut read = self.read.borrow_mut();
        read.entry(node.clone()).or_default().insert(query.command.clone(), Rc::new(seen.clone()));
        seen
    }

    /// What `node` answers to `query`, drained or not: the past stays what it was.
    pub fn hear<T>(&self, node: &NodeName, query: &Query<T>) -> Seen<T> {
        self.read(node, query)
    }

    /// Whether `node` has answered `query`; asks it if not. Reads nothing, which counts where answers are long.
    pub fn ask<T>(&self, node: &NodeName, query: &Query<T>) -> bool {
        let answered = self.facts.get(node, &query.command).is_some();
        if !answered {
            self.asked.borrow_mut().entry(node.clone()).or_default().insert(query.command.clone());
        }
        answered
    }

    /// What `node` answers, if that counts: of a drained node nothing does but to those who want something of it, so
    /// that all else is planned around it as around a silent one.
    fn look<T>(&self, node: &NodeName, query: &Query<T>) -> Seen<T> {
        if self.intent.wish.as_ref().is_some_and(|wish| wish.minds(node)) {
            return self.read(node, query);
        }
        match self.read(node, &node::drained()) {
            Seen::Is(drained) if *drained => Seen::Unknown(Why::Drained(node.clone())),
            // Whether it is drained is not known, and unknown is not "no".
            Seen::Unknown(why) if why != Why::NotAsked => Seen::Unknown(why),
            _ => self.read(node, query),
        }
    }

    /// Whether `node` is drained, whoever asks; nothing if that is not known.
    #[must_use]
    pub fn is_drained(&self, node: &NodeName) -> Option<bool> {
        self.read(node, &node::drained()).known().copied()
    }

    fn read<T>(&self, node: &NodeName, query: &Query<T>) -> Seen<T> {
        let Some(answer) = self.facts.get(node, &query.command) else {
            self.ask(node, query);
            return Seen::Unknown(Why::NotAsked);
        };
        let output = match &answer.outcome {
            Ok(output) => output,
            Err(failure) => return Seen::Unknown(Why::NoAnswer(node.clone(), failure.clone())),
        };
        match (query.read)(output) {
            Ok(value) => Seen::Is(Arc::new(value)),
            Err(ReadError::NotInstalled(package)) => Seen::NotYet(nodes::installed(node, package)),
            Err(ReadError::Off(unit)) => Seen::NotYet(nodes::running(node, unit)),
            Err(error @ (ReadError::Refused(_) | ReadError::Garbled(_))) => {
                Seen::Unknown(Why::Unreadable(node.clone(), format!("`{}`: {error}", query.command)))
            }
        }
    }

    /// Whether `node` was seen to answer.
    #[must_use]
    pub fn answers(&self, node: &NodeName) -> bool {
        self.see(node, &nodes::look(self.spec)).known().is_some()
    }

    /// The time at which `node` answered `query`, by the operator's clock.
    #[must_use]
    pub fn answered_at<T>(&self, node: &NodeName, query: &Query<T>) -> Option<jiff::Timestamp> {
        self.facts.get(node, &query.command).map(|answer| answer.at)
    }

    /// Whether nothing was looked for that has no answer yet: what is put together of answers is then whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.asked.borrow().is_empty()
    }

    /// The questions that have no answer yet, by node.
    #[must_use]
    pub fn into_questions(self) -> BTreeMap<NodeName, BTreeSet<Command>> {
        self.asked.into_inner()
    }
}

/// What the kinds answered.
#[derive(Default)]
pub struct Assessment {
    /// What differs.
    pub items: Vec<Item>,
    /// The milestones that were seen to be reached. A need is met by being in here and by nothing else.
    pub met: BTreeSet<Milestone>,
    /// The milestones of which nobody can say whether they are reached, with the reason.
    pub unknown: BTreeMap<Milestone, Why>,
    /// What is doubtful on the nodes.
    pub findings: Findings,
}

impl Assessment {
    /// Says that `milestone` was seen to be reached.
    pub fn met(&mut self, milestone: Milestone) {
        self.met.insert(milestone);
    }

    /// Says that nobody can tell whether `milestone` is reached.
    pub fn unknown(&mut self, milestone: Milestone, why: &Why) {
        self.unknown.insert(milestone, why.clone());
    }

    /// Adds a difference.
    pub fn item(&mut self, item: Item) {
        self.items.push(item);
    }
}
