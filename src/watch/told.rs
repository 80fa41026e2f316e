//! What has been told of a cluster, so that only what is different is told: one log event a change, not a tick.
//!
//! # Guarantees
//! While something is unknown nothing is told to be gone: what cannot be seen may still be so. Nothing is told of a
//! plan's assumptions; they are told when they have been seen.

use std::collections::{BTreeMap, BTreeSet};

use super::news::News;
use crate::model::{Cause, Event, Held, Item, ItemId, Plan, Step, Work};

/// What is known to be so, as last told.
#[derive(Debug, Default)]
pub struct Told {
    differing: BTreeMap<ItemId, String>,
    held: BTreeMap<ItemId, (Item, String)>,
    failing: BTreeMap<ItemId, Failing>,
    /// Steps whose command has ended well, until they are gone from the plan.
    ran: BTreeSet<ItemId>,
    waiting: BTreeSet<ItemId>,
    doubts: BTreeSet<String>,
    lease: Option<String>,
    trouble: Option<String>,
    as_written: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Failing {
    why: String,
    for_good: bool,
}

impl Told {
    /// What is new in `event`.
    pub fn event(&mut self, event: &Event) -> Vec<News> {
        match event {
            Event::Planned(plan) => self.plan(plan),
            Event::Ran { id, summary, node, took } => {
                self.lease = None;
                let new = self.ran.insert(id.clone());
                let ran = || News::Ran { id: id.clone(), summary: summary.clone(), node: node.clone(), took: *took };
                new.then(ran).into_iter().collect()
            }
            Event::Retrying { id, why, pause: _ } => self.fails(id, why, false),
            Event::Failed { id, why } => self.fails(id, why, true),
            Event::Waiting { on } => self.waits(on),
            Event::Looking | Event::Started { .. } | Event::Stopping => Vec::new(),
        }
    }

    /// What is new in `plan`.
    pub fn plan(&mut self, plan: &Plan) -> Vec<News> {
        self.trouble = None;
        let mut news = Vec::new();
        for step in &plan.steps {
            self.step(step, &mut news);
        }
        let ids: BTreeSet<&ItemId> = plan.steps.iter().map(|step| &step.item.id).collect();
        let blind = plan.steps.iter().any(|step| is_unknown(&step.item));
        if !blind {
            self.gone(&ids, &mut news);
        }
        self.doubts(plan, &mut news);
        // That something is known again is seen even while something else is not.
        self.no_longer_held(plan, |item| !blind || is_unknown(item) || ids.contains(&item.id), &mut news);
        if plan.is_empty() && !std::mem::replace(&mut self.as_written, plan.is_empty()) {
            self.lease = None;
            news.push(News::AsWritten);
        }
        self.as_written = plan.is_empty();
        news
    }

    fn step(&mut self, step: &Step, news: &mut Vec<News>) {
        let Step { item, .. } = step;
        match &item.work {
            Work::Held(Held { cause: Cause::Failed, because, .. }) => {
                news.extend(self.fails(&item.id, because, true));
            }
            Work::Held(held) => {
                let former = self.held.insert(item.id.clone(), (item.clone(), held.because.clone()));
                if former.is_none_or(|(former, because)| is_other(&former, &because, item, &held.because)) {
                    news.push(News::held(item, held));
                }
            }
            Work::Run(_) | Work::Wait(_) if step.is_stuck() || item.assumed => {}
            Work::Run(_) => {
                if self.differing.insert(item.id.clone(), item.summary.clone()).is_none() {
                    news.push(News::differs(item));
                }
            }
            Work::Wait(_) => {
                if self.waiting.insert(item.id.clone()) {
                    news.push(News::Waits { id: item.id.clone(), on: item.summary.clone() });
                }
            }
        }
    }

    /// Everything that is not in `left` is over.
    fn gone(&mut self, left: &BTreeSet<&ItemId>, news: &mut Vec<News>) {
        let over: Vec<ItemId> = self.differing.keys().filter(|id| !left.contains(id)).cloned().collect();
        for id in over {
            let summary = self.differing.remove(&id).unwrap_or_default();
            if !self.ran.contains(&id) {
                news.push(News::Gone { id, summary });
            }
        }
        self.ran.retain(|id| left.contains(id));
        self.failing.retain(|id, _| left.contains(id));
        self.waiting.retain(|id| left.contains(id));
    }

    fn no_longer_held(&mut self, plan: &Plan, sure: impl Fn(&Item) -> bool, news: &mut Vec<News>) {
        let held: BTreeSet<&ItemId> = plan.held().map(|step| &step.item.id).collect();
        let over = |(id, (item, _)): &(&ItemId, &(Item, String))| !held.contains(id) && sure(item);
        let over: Vec<ItemId> = self.held.iter().filter(over).map(|(id, _)| id.clone()).collect();
        news.extend(over.iter().filter_map(|id| self.held.remove(id)).map(|(item, _)| News::no_longer_held(&item)));
    }

    fn doubts(&mut self, plan: &Plan, news: &mut Vec<News>) {
        let doubts: BTreeSet<String> = plan.findings.iter().map(|finding| finding.message.clone()).collect();
        news.extend(doubts.difference(&self.doubts).cloned().map(News::Doubt));
        self.doubts = doubts;
    }

    fn fails(&mut self, id: &ItemId, why: &str, for_good: bool) -> Vec<News> {
        let former = self.failing.get(id);
        if former.is_some_and(|former| former.why == why && (former.for_good || !for_good)) {
            return Vec::new();
        }
        self.failing.insert(id.clone(), Failing { why: why.to_owned(), for_good });
        let summary = self.differing.get(id).unwrap_or(&id.0).clone();
        vec![News::Fails { id: id.clone(), summary, why: why.to_owned(), for_good }]
    }

    /// Waits are told when they come into a plan; what is left is a lease that another has.
    fn waits(&mut self, on: &[(ItemId, String)]) -> Vec<News> {
        let lease = on.iter().find(|(id, _)| self.differing.contains_key(id)).map(|(_, why)| why.clone());
        if lease.is_none() || self.lease == lease {
            return Vec::new();
        }
        self.lease.clone_from(&lease);
        lease.map(News::Kept).into_iter().collect()
    }

    /// Something is in the way before any look.
    pub fn trouble(&mut self, why: String) -> Option<News> {
        let new = self.trouble.as_ref() != Some(&why);
        self.trouble = Some(why.clone());
        new.then_some(News::Trouble(why))
    }
}

/// Whether a reason says something else. That a node is silent can be seen in many ways: only their first words count.
fn is_other(former: &Item, because: &str, item: &Item, now: &str) -> bool {
    let first = |text: &str| text.split(':').next().map(str::to_owned);
    if is_unknown(former) && is_unknown(item) { first(because) != first(now) } else { because != now }
}

fn is_unknown(item: &Item) -> bool {
    matches!(&item.work, Work::Held(held) if held.cause == Cause::Unknown)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{ClusterName, NodeName, Place, State, Subject};
    use crate::tools::gluster;

    fn volume() -> Subject {
        Subject::new("volume", "v")
    }

    fn step() -> Item {
        let place = Place::On(NodeName::new("n1").unwrap());
        Item::run(&volume(), "start", "start volume v", place, gluster::start("v", false))
    }

    fn held(cause: Cause, because: &str) -> Item {
        Item::held(&volume(), "shape", "change volume v", cause, because, "")
    }

    fn silent() -> Item {
        Item::held(&Subject::new("node", "n2"), "look", "look at n2", Cause::Unknown, "no route", "")
    }

    fn plan(items: impl IntoIterator<Item = Item>) -> Plan {
        let state = |item: &Item| if matches!(item.work, Work::Held(_)) { State::Held } else { State::Ready };
        let steps = items.into_iter().map(|item| Step { state: state(&item), item }).collect();
        Plan { cluster: ClusterName::new("c").unwrap(), steps, findings: vec![] }
    }

    fn ran() -> Event {
        let Item { id, summary, .. } = step();
        Event::Ran { id, summary, node: NodeName::new("n1").unwrap(), took: Duration::from_secs(1) }
    }

    fn kinds(news: &[News]) -> Vec<&'static str> {
        let kind = |news: &News| match news {
            News::Differs { .. } => "differs",
            News::Waits { .. } => "waits",
            News::Ran { .. } => "ran",
            News::Fails { for_good: false, .. } => "retries",
            News::Fails { .. } => "fails",
            News::Gone { .. } => "gone",
            News::Held { .. } => "held",
            News::NoLongerHeld { .. } => "no longer held",
            News::Unreachable { .. } => "unreachable",
            News::Reachable { .. } => "reachable",
            News::Doubt(_) => "doubt",
            News::Kept(_) => "kept out",
            News::Trouble(_) => "trouble",
            News::AsWritten => "as written",
        };
        news.iter().map(kind).collect()
    }

    #[test]
    fn a_drift_is_told_when_it_is_seen_when_it_is_mended_and_when_all_is_as_written_again() {
        let mut told = Told::default();
        assert_eq!(kinds(&told.plan(&plan([]))), ["as written"]);
        assert_eq!(kinds(&told.plan(&plan([step()]))), ["differs"]);
        assert!(told.plan(&plan([step()])).is_empty());
        assert_eq!(kinds(&told.event(&ran())), ["ran"]);
        assert_eq!(kinds(&told.plan(&plan([]))), ["as written"]);
        assert!(told.plan(&plan([])).is_empty());
    }

    #[test]
    fn what_goes_by_itself_is_told_to_be_gone() {
        let mut told = Told::default();
        told.plan(&plan([step()]));
        assert_eq!(kinds(&told.plan(&plan([]))), ["gone", "as written"]);
    }

    #[test]
    fn nothing_is_gone_while_a_node_is_silent() {
        let mut told = Told::default();
        told.plan(&plan([step()]));
        assert_eq!(kinds(&told.plan(&plan([silent()]))), ["unreachable"]);
        let silent_in =
            |because: &str| Item::held(&Subject::new("node", "n2"), "look", "look at n2", Cause::Unknown, because, "");
        told.plan(&plan([silent_in("cannot be reached: timed out")]));
        assert!(told.plan(&plan([silent_in("cannot be reached: no route")])).is_empty());
        assert_eq!(kinds(&told.plan(&plan([step()]))), ["reachable"]);
        told.plan(&plan([step(), held(Cause::Refused, "too small")]));
        assert_eq!(kinds(&told.plan(&plan([silent()]))), ["unreachable"]);
        assert_eq!(kinds(&told.plan(&plan([held(Cause::Refused, "too small")]))), ["gone", "reachable"]);
    }

    #[test]
    fn what_is_held_is_told_again_only_for_another_reason() {
        let mut told = Told::default();
        assert_eq!(kinds(&told.plan(&plan([held(Cause::Refused, "too small")]))), ["held"]);
        assert!(told.plan(&plan([held(Cause::Refused, "too small")])).is_empty());
        assert_eq!(kinds(&told.plan(&plan([held(Cause::Unsafe, "a heal is pending")]))), ["held"]);
        assert_eq!(kinds(&told.plan(&plan([]))), ["no longer held", "as written"]);
    }

    #[test]
    fn a_step_that_fails_in_every_tick_in_the_same_way_is_told_once_as_tried_and_once_as_failed() {
        let mut told = Told::default();
        told.plan(&plan([step()]));
        let id = step().id;
        let mut heard = Vec::new();
        for _tick in 0..3 {
            for _try in 0..2 {
                let pause = Duration::from_secs(1);
                heard.extend(told.event(&Event::Retrying { id: id.clone(), why: "no".into(), pause }));
            }
            heard.extend(told.event(&Event::Failed { id: id.clone(), why: "no".into() }));
            let mut failed = held(Cause::Failed, "no");
            failed.id = id.clone();
            heard.extend(told.plan(&plan([failed])));
            heard.extend(told.plan(&plan([step()])));
        }
        assert_eq!(kinds(&heard), ["retries", "fails"]);
        let why = "for another reason".to_owned();
        assert_eq!(kinds(&told.event(&Event::Failed { id, why })), ["fails"]);
    }

    #[test]
    fn a_lease_that_another_has_is_told_once() {
        let mut told = Told::default();
        told.plan(&plan([step()]));
        let waiting = Event::Waiting { on: vec![(step().id, "another is at work".into())] };
        assert_eq!(kinds(&told.event(&waiting)), ["kept out"]);
        assert!(told.event(&waiting).is_empty());
        told.event(&ran());
        assert_eq!(kinds(&told.event(&waiting)), ["kept out"]);
    }

    #[test]
    fn an_assumption_is_told_when_it_is_seen_to_be_so() {
        let mut told = Told::default();
        assert!(told.plan(&plan([step().assumed_if(true)])).is_empty());
        assert_eq!(kinds(&told.plan(&plan([step()]))), ["differs"]);
    }
}
