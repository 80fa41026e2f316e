//! Replacing: a new machine takes the place of one whose disks are lost, under its name and addresses.
//!
//! What any run does makes it a node like the others; `pool` has it be the member that it was, `bricks` makes the empty
//! directories. Here is what fills them: glusterd is started once more, because it finds directories only at its start, and
//! takes them for its bricks, one set after the other; self-heal fills them. Only then it joins the cluster, as one that is
//! resumed does.

use std::time::Duration;

use super::obstacles::{Obstacle, obstacle, unknown};
use super::resume;
use crate::kinds::actual::Actual;
use crate::kinds::{Assessment, Brick, Cx, bricks, nodes, pool, volumes};
use crate::model::{
    Cause, Difference, Item, Lane, Milestone, NodeName, Place, Risk, Seen, Subject, VolumeName, Why, Wish,
};
use crate::tools::{gluster, systemd};

/// How long until it is worth looking again.
const POLL: Duration = Duration::from_secs(1);

fn subject(node: &NodeName) -> Subject {
    Subject::new("replace", node)
}

/// Whether the directory of `brick` is to be filled anew, because its machine is a new one.
pub(in crate::kinds) fn refills(cx: &Cx<'_>, actual: &Actual, brick: &Brick) -> bool {
    let place = actual.place(&brick.node, brick.path.as_str());
    cx.intent.wish == Some(Wish::Replace(brick.node.clone())) && place.is_some_and(bricks::is_blank)
}

/// A brick that is to be filled, with its volume's name.
type Empty<'a> = (&'a VolumeName, &'a Brick);

/// Looks at `node`, which is a new machine.
pub(super) fn assess(cx: &Cx<'_>, node: &NodeName, found: &mut Assessment) {
    let actual = Actual::of(cx);
    let all = resume::bricks(cx, node);
    let empty = all.filter(|(name, brick)| actual.has_brick(name, brick) && refills(cx, &actual, brick)).collect();
    let replace = Replace { cx, actual: &actual, node, empty };
    if let Some(item) = replace.obstacle() {
        // Nothing is begun, also not what any run does for the node.
        found.items.clear();
        return found.item(item);
    }
    if !replace.empty.is_empty() {
        replace.learn(found);
        replace.find(found);
        replace.fill(found);
    }
    resume::assess(cx, node, found);
}

struct Replace<'a> {
    cx: &'a Cx<'a>,
    actual: &'a Actual,
    node: &'a NodeName,
    empty: Vec<Empty<'a>>,
}

impl Replace<'_> {
    fn is(&self, state: &'static str) -> Milestone {
        subject(self.node).is(state)
    }

    /// What keeps the copies from being made anew, if anything does.
    fn obstacle(&self) -> Option<Item> {
        let summary = format!("fill the bricks of {}", self.node);
        let held = |Obstacle { cause, because, hint }: Obstacle| {
            Item::held(&subject(self.node), "fill", summary, cause, because, hint)
        };
        self.of_volumes().map(held)
    }

    fn of_volumes(&self) -> Option<Obstacle> {
        let there = match &self.actual.volumes {
            Seen::Is(there) => there,
            Seen::Unknown(Why::NotAsked) => return None,
            Seen::NotYet(_) | Seen::Unknown(_) => return Some(unknown("it is not known which volumes there are")),
        };
        let made = self.cx.spec.volumes.iter().filter(|(name, _)| there.contains_key(name.as_str()));
        let mut sets = made.flat_map(|(name, volume)| {
            volume.bricks.chunks(volumes::set_size(volume)).map(move |set| (name, volume, set))
        });
        sets.find_map(|(name, volume, set)| {
            let others: Vec<&Brick> =
                set.iter().filter(|brick| brick.node != *self.node && self.actual.has_brick(name, brick)).collect();
            if others.len() == set.len() {
                return self.of_other_set(name, &others);
            }
            if !volumes::is_redundant(volume) {
                let because = format!("volume {name} has no other copy of what lay on {}", self.node);
                let hint = "delete the volume, and bring its files back from a backup";
                return Some(obstacle(Cause::Refused, because, hint));
            }
            others.into_iter().find_map(|brick| self.of_sibling(name, brick))
        })
    }

    /// Why another copy of what lay on the node is none that the new one can be made from.
    fn of_sibling(&self, name: &VolumeName, brick: &Brick) -> Option<Obstacle> {
        let Brick { node, path, .. } = brick;
        match self.actual.place(node, path.as_str()).map(|place| place.process) {
            Some(Some(_)) => None,
            Some(None) => {
                let because = format!("brick {node}:{path} of volume {name} is not served");
                let hint = "a set is filled only while all its other copies are there: `bricklayer apply` serves them";
                Some(obstacle(Cause::Unsafe, because, hint))
            }
            None => Some(unknown(format!("it is not known whether brick {node}:{path} of volume {name} is served"))),
        }
    }

    /// Why a set that has nothing to do with the node comes first.
    fn of_other_set(&self, name: &VolumeName, set: &[&Brick]) -> Option<Obstacle> {
        let lists = |brick: &&Brick| self.actual.place(&brick.node, brick.path.as_str())?.pending;
        let left = set.iter().filter_map(lists).max().filter(|left| *left > 0)?;
        let because = format!("another set of volume {name} has {left} entries to heal");
        Some(obstacle(Cause::Unsafe, because, format!("`bricklayer volume heal {name}`, then ask again")))
    }

    /// The others tell it of the volumes.
    fn learn(&self, found: &mut Assessment) {
        let knows = match self.cx.see(self.node, &gluster::volumes()) {
            Seen::Is(volumes) => self.empty.iter().all(|(name, _)| volumes.contains_key(name.as_str())),
            Seen::NotYet(_) | Seen::Unknown(_) => false,
        };
        if knows {
            return found.met(self.is("told of the volumes"));
        }
        let wait = Item::wait(&subject(self.node), "learn", format!("{} to be told of the volumes", self.node), POLL);
        found.item(wait.needs(pool::in_pool(self.node)).gives(self.is("told of the volumes")));
    }

    /// Has glusterd find the directories.
    fn find(&self, found: &mut Assessment) {
        let summary = format!("have glusterd on {} find the directories of its bricks", self.node);
        let place = Place::On(self.node.clone());
        let item = Item::run(&subject(self.node), "find", summary, place, systemd::restart(&[gluster::UNIT]));
        if self.cx.intent.ran.contains(&item.id) {
            return found.met(self.is("knowing its bricks"));
        }
        let ready = self.empty.iter().map(|(_, brick)| bricks::ready(brick));
        let item = ready.fold(item.in_lane(Lane::Gluster).needs(self.is("told of the volumes")), Item::needs);
        found.item(item.gives(self.is("knowing its bricks")));
    }

    /// Fills the bricks, one after the other.
    fn fill(&self, found: &mut Assessment) {
        let mut before: Option<Milestone> = self.underway(found);
        for (name, brick) in &self.empty {
            let at = Subject::on("brick", &brick.path, self.node);
            let command = gluster::reset_brick(name.as_str(), &brick.called(self.cx.spec));
            let summary = format!("fill brick {} on {} from the other copies of volume {name}", brick.path, self.node);
            let able = self.actual.pool.able.iter().filter(|able| *able != self.node);
            let item = Item::run(&at, "fill", summary, Place::AnyOf(able.cloned().collect()), command)
                .because(Difference::changed("copy", "lost", "made anew"))
                .in_lane(Lane::Gluster)
                .at_risk(Risk::Destructive, format!("what lay on {} before is given up", self.node))
                .needs(bricks::ready(brick))
                .needs(pool::in_pool(self.node))
                .needs(nodes::running(self.node, gluster::DAEMON))
                .needs(self.is("knowing its bricks"))
                .gives(bricks::served(brick));
            let filled = at.is("filled");
            found.item(before.replace(filled.clone()).into_iter().fold(item, Item::needs));
            let wait = Item::wait(&at, "filled", format!("brick {} on {} to be filled", brick.path, self.node), POLL);
            found.item(wait.needs(bricks::served(brick)).gives(filled).assumed_if(true));
        }
    }

    /// The brick of this node that is being filled, if one is.
    fn underway(&self, found: &mut Assessment) -> Option<Milestone> {
        let served = |(name, brick): &Empty<'_>| {
            let volume = &self.cx.spec.volumes[*name];
            let set = volume.bricks.chunks(volumes::set_size(volume)).find(|set| set.contains(brick))?;
            let lists = |other: &Brick| self.actual.place(&other.node, other.path.as_str())?.pending;
            let left = set.iter().filter(|other| other.node != *self.node).filter_map(lists).max()?;
            (left > 0 && !refills(self.cx, self.actual, brick)).then_some((brick.path.clone(), left))
        };
        let (path, left) = resume::bricks(self.cx, self.node).find_map(|one| served(&one))?;
        let at = Subject::on("brick", &path, self.node);
        let wait = Item::wait(&at, "filled", format!("brick {path} on {} to be filled", self.node), POLL);
        found.item(wait.left(left, "entries").gives(at.is("filled")));
        Some(at.is("filled"))
    }
}
