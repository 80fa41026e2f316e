//! Replacing: a new machine takes the place of one whose disks are lost, under its name and addresses.
//!
//! What any run does makes it a node like the others; `pool` has it be the member that it was, `bricks` makes the empty
//! directories. Here is what fills them, one set after the other: a brick that lies where it lay is found by glusterd, which
//! is started once more for it, because it finds directories only at its start, and is reset; one that is written elsewhere
//! takes the place of the old one in the volume. Self-heal fills them. Only then it joins the cluster, as one that is
//! resumed does.

use std::time::Duration;

use super::obstacles::{Obstacle, obstacle, unknown};
use super::resume;
use crate::kinds::actual::Actual;
use crate::kinds::{Assessment, Brick, Cx, Volume, bricks, nodes, pool, volumes};
use crate::model::{Cause, Difference, Item, Lane, Milestone, NodeName, Place, Risk, Seen, Subject, VolumeName, Why};
use crate::tools::node::{self, PlaceKind};
use crate::tools::{gluster, systemd};

/// How long until it is worth looking again.
const POLL: Duration = Duration::from_secs(1);

fn subject(node: &NodeName) -> Subject {
    Subject::new("replace", node)
}

/// Whether the directory of `brick` is to be filled anew, because its machine is a new one.
pub(in crate::kinds) fn refills(cx: &Cx<'_>, actual: &Actual, brick: &Brick) -> bool {
    let place = actual.place(&brick.node, brick.path.as_str());
    super::replaces(cx, &brick.node) && place.is_some_and(bricks::is_blank)
}

/// Whether `brick` was just put in the place of a lost one and nobody lists yet what it lacks: with a dispersed set, some
/// seconds go by from its being served to the first entry of such a list.
pub(in crate::kinds) fn is_unlisted(cx: &Cx<'_>, actual: &Actual, name: &VolumeName, brick: &Brick) -> bool {
    let coded = cx.spec.volumes.get(name).filter(|volume| volume.disperse.is_some());
    let Some(volume) = coded.filter(|_| super::replaces(cx, &brick.node) && actual.has_brick(name, brick)) else {
        return false;
    };
    let set = volume.bricks.chunks(volumes::set_size(volume)).find(|set| set.contains(brick)).unwrap_or_default();
    let has_files = |one: &Brick| cx.see(&one.node, &node::coded_version(&one.path)).known().copied();
    // All at once, so that they are one round trip.
    let all: Vec<_> = set.iter().map(|one| (one == brick, has_files(one))).collect();
    !all.contains(&(true, Some(true))) && all.iter().any(|(own, has)| !own && *has != Some(false))
}

/// A brick that is to be filled.
struct Empty<'a> {
    name: &'a VolumeName,
    brick: &'a Brick,
    /// The brick whose place it takes, if that lay elsewhere.
    old: Option<&'a Brick>,
}

impl<'a> Empty<'a> {
    /// The brick, if it is to be filled.
    fn of(cx: &Cx<'_>, actual: &'a Actual, name: &'a VolumeName, brick: &'a Brick) -> Option<Self> {
        let old = actual.elsewhere(name, cx.spec.volumes.get(name)?, brick);
        let lost = || actual.has_brick(name, brick) && refills(cx, actual, brick);
        (old.is_some() || lost()).then_some(Self { name, brick, old })
    }
}

/// Looks at `node`, which is a new machine.
pub(super) fn assess(cx: &Cx<'_>, node: &NodeName, found: &mut Assessment) {
    let actual = Actual::of(cx);
    let all = resume::bricks(cx, node);
    let empty = all.filter_map(|(name, brick)| Empty::of(cx, &actual, name, brick)).collect();
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
        self.of_volumes().or_else(|| self.empty.iter().find_map(|empty| self.of_places(empty))).map(held)
    }

    fn of_volumes(&self) -> Option<Obstacle> {
        let there = match &self.actual.volumes {
            Seen::Is(there) => there,
            Seen::Unknown(Why::NotAsked) => return None,
            Seen::NotYet(_) | Seen::Unknown(_) => return Some(unknown("it is not known which volumes there are")),
        };
        let made =
            self.cx.spec.volumes.iter().filter_map(|(name, volume)| Some((name, volume, there.get(name.as_str())?)));
        if let Some(obstacle) = made.clone().find_map(|(name, volume, there)| self.of_shape(name, volume, there)) {
            return Some(obstacle);
        }
        let mut sets = made.flat_map(|(name, volume, _)| {
            self.actual.bricks(name, volume).chunks(volumes::set_size(volume)).map(move |set| (name, volume, set))
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

    /// Why a volume that has bricks of the node is not as it is written, but for where those lie.
    fn of_shape(&self, name: &VolumeName, volume: &Volume, there: &gluster::Volume) -> Option<Obstacle> {
        let has = there.bricks.iter().any(|brick| self.actual.owner(brick) == Some(self.node));
        let because = match volumes::change(volume, there, self.actual).for_all_but(self.node) {
            Some(because) if has => because,
            _ => return None,
        };
        let hint = "write its bricks as they are, in their order, but for those of the node that is replaced";
        Some(obstacle(Cause::Refused, format!("volume {name} is not as it is written: {because}"), hint))
    }

    /// Why a brick that lay elsewhere is not given up for the one that is written.
    fn of_places(&self, Empty { name, brick, old }: &Empty<'_>) -> Option<Obstacle> {
        let old = (*old)?;
        let Brick { node, path, device, .. } = brick;
        let place = |brick: &Brick| self.actual.place(node, brick.path.as_str());
        match self.actual.places.get(node) {
            // A new machine, which cannot look yet.
            Some(Seen::NotYet(_)) => return None,
            Some(Seen::Is(_)) => {}
            _ => return Some(unknown(format!("it is not known what lies at {path} on {node}"))),
        }
        let Some(left) = place(old) else {
            return Some(unknown(format!("it is not known what lies at {} on {node}", old.path)));
        };
        if let Some(entries) = left.pending.filter(|entries| *entries > 0) {
            let because =
                format!("{} on {node} has {entries} entries that other copies of volume {name} lack", old.path);
            let hint = format!("`bricklayer volume heal {name}`, then ask again; or, if they may be lost, empty it");
            return Some(obstacle(Cause::Unsafe, because, hint));
        }
        // What lies below a mount point whose device is not mounted says nothing about the brick.
        let new =
            place(brick).filter(|place| device.is_none() || path.parent().is_some_and(|at| at.as_str() == place.mount));
        new.filter(|place| place.kind != PlaceKind::Absent && !place.empty).map(|_| {
            let because = format!("{path} on {node} is not empty");
            obstacle(Cause::Refused, because, "a brick is filled in an empty directory: name another, or empty it")
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
            Seen::Is(volumes) => self.empty.iter().all(|Empty { name, .. }| volumes.contains_key(name.as_str())),
            Seen::NotYet(_) | Seen::Unknown(_) => false,
        };
        if knows {
            return found.met(self.is("told of the volumes"));
        }
        let wait = Item::wait(&subject(self.node), "learn", format!("{} to be told of the volumes", self.node), POLL);
        found.item(wait.needs(pool::in_pool(self.node)).gives(self.is("told of the volumes")));
    }

    /// Has glusterd find the directories that lie where they lay.
    fn find(&self, found: &mut Assessment) {
        let mut reset = self.empty.iter().filter(|empty| empty.old.is_none()).peekable();
        if reset.peek().is_none() {
            return;
        }
        let summary = format!("have glusterd on {} find the directories of its bricks", self.node);
        let place = Place::On(self.node.clone());
        let item = Item::run(&subject(self.node), "find", summary, place, systemd::restart(&[gluster::UNIT]));
        if self.cx.intent.ran.contains(&item.id) {
            return found.met(self.is("knowing its bricks"));
        }
        let ready = reset.map(|empty| bricks::ready(empty.brick));
        let item = ready.fold(item.in_lane(Lane::Gluster).needs(self.is("told of the volumes")), Item::needs);
        found.item(item.gives(self.is("knowing its bricks")));
    }

    /// Fills the bricks, one after the other.
    fn fill(&self, found: &mut Assessment) {
        let mut before: Option<Milestone> = self.underway(found);
        for empty in &self.empty {
            let brick = empty.brick;
            let at = Subject::on("brick", &brick.path, self.node);
            let filled = at.is("filled");
            let item = self.fill_one(&at, empty);
            found.item(before.replace(filled.clone()).into_iter().fold(item, Item::needs));
            let wait = Item::wait(&at, "filled", format!("brick {} on {} to be filled", brick.path, self.node), POLL);
            found.item(wait.needs(bricks::served(brick)).gives(filled).assumed_if(true));
        }
    }

    /// Fills one.
    fn fill_one(&self, at: &Subject, Empty { name, brick, old }: &Empty<'_>) -> Item {
        let spec = self.cx.spec;
        let called = |brick: &Brick| format!("{}:{}", self.actual.host(spec, name, brick), brick.path);
        let summary = format!("fill brick {} on {} from the other copies of volume {name}", brick.path, self.node);
        let (command, why, after) = match old {
            None => (
                gluster::reset_brick(name.as_str(), &called(brick)),
                Difference::changed("copy", "lost", "made anew"),
                self.is("knowing its bricks"),
            ),
            Some(old) => (
                gluster::replace_brick(name.as_str(), &called(old), &brick.called(spec)),
                Difference::changed("brick", called(old), brick.called(spec)),
                self.is("told of the volumes"),
            ),
        };
        let able = self.actual.pool.able.iter().filter(|able| *able != self.node);
        Item::run(at, "fill", summary, Place::AnyOf(able.cloned().collect()), command)
            .because(why)
            .in_lane(Lane::Gluster)
            .at_risk(Risk::Destructive, format!("what lay on {} before is given up", self.node))
            .needs(bricks::ready(brick))
            .needs(pool::in_pool(self.node))
            .needs(nodes::running(self.node, gluster::DAEMON))
            .needs(after)
            .gives(bricks::served(brick))
    }

    /// The brick of this node that is being filled, if one is.
    fn underway(&self, found: &mut Assessment) -> Option<Milestone> {
        let is_filled = |(name, brick): &(&VolumeName, &Brick)| {
            self.actual.has_brick(name, brick) && !refills(self.cx, self.actual, brick)
        };
        let mut filled = resume::bricks(self.cx, self.node).filter(is_filled);
        let (path, left) = filled.find_map(|(name, brick)| Some((&brick.path, self.left(name, brick)?)))?;
        let at = Subject::on("brick", path, self.node);
        let wait = Item::wait(&at, "filled", format!("brick {path} on {} to be filled", self.node), POLL);
        let wait = if left > 0 { wait.left(left, "entries") } else { wait };
        found.item(wait.gives(at.is("filled")));
        Some(at.is("filled"))
    }

    /// How much a brick that is being filled lacks; nothing once it is whole.
    fn left(&self, name: &VolumeName, brick: &Brick) -> Option<u64> {
        let volume = &self.cx.spec.volumes[name];
        let set = volume.bricks.chunks(volumes::set_size(volume)).find(|set| set.contains(brick))?;
        let lists = |other: &Brick| self.actual.place(&other.node, other.path.as_str())?.pending;
        let left = set.iter().filter(|other| other.node != *self.node).filter_map(lists).max().unwrap_or(0);
        (left > 0 || is_unlisted(self.cx, self.actual, name, brick)).then_some(left)
    }
}
