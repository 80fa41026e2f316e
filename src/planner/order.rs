//! Order: which step waits for which, and who is held because another is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::kinds::Assessment;
use crate::model::{Cause, Held, Item, ItemId, Milestone, State, Step, Subject, Why, Work};

/// Puts the items into an order in which each stands after those it needs, and says where each stands.
pub(super) fn arrange(found: Assessment) -> Vec<Step> {
    let Assessment { mut items, met, unknown, findings: _ } = found;
    let wants = wants(&items, &met);
    let ids: BTreeSet<ItemId> = items.iter().map(|item| item.id.clone()).collect();
    let mut silenced: Vec<BTreeSet<ItemId>> = Vec::with_capacity(items.len());
    for (item, wants) in items.iter_mut().zip(&wants) {
        silenced.push(orphaned(item, &wants.nobody, &unknown, &ids));
    }
    let mut steps: Vec<Option<Step>> = vec![None; items.len()];
    let order = sorted(&wants);
    let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    for &index in &order {
        let Some(item) = items[index].take() else { continue };
        let before = wants[index].on.iter().filter_map(|&giver| steps[giver].as_ref());
        let state = state(&item, before, std::mem::take(&mut silenced[index]));
        steps[index] = Some(Step { item, state });
    }
    order.into_iter().filter_map(|index| steps[index].take()).collect()
}

/// What an item still wants before it can be.
#[derive(Default)]
struct Wants {
    /// The items that give it, by place.
    on: BTreeSet<usize>,
    /// The milestones that no item gives.
    nobody: Vec<Milestone>,
}

fn wants(items: &[Item], met: &BTreeSet<Milestone>) -> Vec<Wants> {
    let mut givers: BTreeMap<&Milestone, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        for milestone in &item.gives {
            givers.entry(milestone).or_default().push(index);
        }
    }
    let of = |(own, item): (usize, &Item)| {
        let mut wants = Wants::default();
        for milestone in item.needs.iter().filter(|milestone| !met.contains(*milestone)) {
            match givers.get(milestone) {
                Some(givers) => wants.on.extend(givers.iter().copied().filter(|giver| *giver != own)),
                None => wants.nobody.push(milestone.clone()),
            }
        }
        wants
    };
    items.iter().enumerate().map(of).collect()
}

/// Deals with milestones that no item gives: a silent node's own item says why, anything else holds this one.
fn orphaned(
    item: &mut Item,
    nobody: &[Milestone],
    unknown: &BTreeMap<Milestone, Why>,
    ids: &BTreeSet<ItemId>,
) -> BTreeSet<ItemId> {
    let mut silenced = BTreeSet::new();
    for milestone in nobody {
        let why = unknown.get(milestone);
        let look = why.and_then(Why::absent).map(|node| Subject::new("node", node).item("look"));
        match look.filter(|look| ids.contains(look)) {
            Some(look) => {
                silenced.insert(look);
            }
            None if matches!(item.work, Work::Held(_)) => {}
            None => {
                let because = match why {
                    Some(why) => format!("it is not known whether {milestone}: {why}"),
                    None => format!("it is not known whether {milestone}"),
                };
                item.work = Work::Held(Held { cause: Cause::Unknown, because, hint: None });
            }
        }
    }
    silenced
}

fn state<'a>(item: &Item, before: impl Iterator<Item = &'a Step>, silenced: BTreeSet<ItemId>) -> State {
    if matches!(item.work, Work::Held(_)) {
        return State::Held;
    }
    let mut blocked = silenced;
    let mut after = Vec::new();
    for step in before {
        match &step.state {
            State::Held => {
                blocked.insert(step.item.id.clone());
            }
            State::Blocked(on) => blocked.extend(on.iter().cloned()),
            State::Ready | State::After(_) => after.push(step.item.id.clone()),
        }
    }
    match (blocked.is_empty(), after.is_empty()) {
        (false, _) => State::Blocked(blocked.into_iter().collect()),
        (true, false) => State::After(after),
        (true, true) => State::Ready,
    }
}

/// The places of the items, each after those it wants; among equals, as the kinds gave them.
fn sorted(wants: &[Wants]) -> Vec<usize> {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); wants.len()];
    let mut left: Vec<usize> = wants.iter().map(|wants| wants.on.len()).collect();
    for (index, wants) in wants.iter().enumerate() {
        for &giver in &wants.on {
            followers[giver].push(index);
        }
    }
    let free = left.iter().enumerate().filter(|(_, left)| **left == 0).map(|(index, _)| Reverse(index));
    let mut free: BinaryHeap<Reverse<usize>> = free.collect();
    let mut order = Vec::with_capacity(wants.len());
    while let Some(Reverse(index)) = free.pop() {
        order.push(index);
        for &follower in &followers[index] {
            left[follower] -= 1;
            if left[follower] == 0 {
                free.push(Reverse(follower));
            }
        }
    }
    debug_assert_eq!(order.len(), wants.len(), "two items that need each other: a mistake in a kind");
    order
}
