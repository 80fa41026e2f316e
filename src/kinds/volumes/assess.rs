//! What a volume needs to be as written: made, grown, tuned, started, served, healed; or stopped, or gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::shape::{self, Change};
use super::{Volume, VolumeState, exists, healed, started, usable};
use super::{layout, options};
use crate::kinds::actual::Actual;
use crate::kinds::{Assessment, Brick, Cx, Standing, bricks, maintenance, nodes, pool, units};
use crate::model::{
    Cause, Difference, Item, Lane, Milestone, NodeName, Place, Risk, Seen, Subject, Threat, VolumeName, Why, Wish,
};
use crate::tools::gluster;

/// How long a started glusterd is given to start its bricks by itself, in seconds. It may start one, learn that the
/// volume was changed meanwhile, and start it again (measured: 6 s, once 12 s).
const BRICKS_START: f64 = 15.0;
/// How long until it is worth counting again what is left to heal.
const HEAL_POLL: Duration = Duration::from_secs(2);
/// With so few entries left to heal it is asked whether they are such as heal by themselves.
const FEW_ENTRIES: u64 = 100;

/// Looks at all volumes.
pub(super) fn assess(cx: &Cx<'_>, found: &mut Assessment) {
    let actual = Actual::of(cx);
    let place = Place::AnyOf(actual.pool.able.clone());
    for (name, volume) in &cx.spec.volumes {
        let one = One { cx, actual: &actual, place: &place, name, volume };
        match &actual.volumes {
            Seen::Is(volumes) => match volumes.get(name.as_str()) {
                Some(there) => one.compare(there, found),
                None => one.make(false, found),
            },
            Seen::NotYet(_) => one.make(true, found),
            Seen::Unknown(why) => one.unknown(why, found),
        }
    }
}

/// One volume.
pub(super) struct One<'a> {
    pub(super) cx: &'a Cx<'a>,
    pub(super) actual: &'a Actual,
    place: &'a Place,
    pub(super) name: &'a VolumeName,
    volume: &'a Volume,
}

impl One<'_> {
    pub(super) fn subject(&self) -> Subject {
        Subject::new("volume", self.name)
    }

    /// A step that glusterd takes.
    pub(super) fn step(&self, verb: &str, summary: String, command: crate::model::Command) -> Item {
        Item::run(&self.subject(), verb, summary, self.place.clone(), command).in_lane(Lane::Gluster)
    }

    fn unknown(&self, why: &Why, found: &mut Assessment) {
        for milestone in [exists(self.name), started(self.name), usable(self.name), healed(self.name)] {
            found.unknown(milestone, why);
        }
        if let Why::Unreadable(..) = why {
            let summary = format!("look at volume {}", self.name);
            let hint = "run the same command on the node by hand to see more";
            found.item(Item::held(&self.subject(), "look", summary, Cause::Unknown, why.to_string(), hint));
        }
    }

    /// The volume is not there.
    fn make(&self, assumed: bool, found: &mut Assessment) {
        if self.volume.state == VolumeState::Absent {
            return;
        }
        found.item(self.create().assumed_if(assumed));
        let initial = options::changes(self.volume, &self.wanted_options(&BTreeMap::new()), &BTreeMap::new());
        if !initial.set.is_empty() {
            found.item(self.set(&initial).needs(exists(self.name)).assumed_if(assumed));
        }
        if self.volume.state == VolumeState::Started {
            found.item(self.start().needs(exists(self.name)).assumed_if(assumed));
        }
    }

    fn create(&self) -> Item {
        let shape = shape::wanted(self.volume);
        let mut item = self.step(
            "create",
            format!("create volume {} ({})", self.name, shape::words(shape, self.volume.bricks.len())),
            gluster::create(self.name.as_str(), shape, &self.brick_names(&self.volume.bricks), self.force()),
        );
        for (index, brick) in self.volume.bricks.iter().enumerate() {
            let called = brick.called(self.cx.spec);
            item = item.because(Difference::new(format!("brick {}", index + 1), called)).needs(bricks::ready(brick));
        }
        self.membership(&self.volume.bricks).fold(item, Item::needs).gives(exists(self.name))
    }

    fn brick_names<'b>(&self, bricks: impl IntoIterator<Item = &'b Brick>) -> Vec<String> {
        bricks.into_iter().map(|brick| brick.called(self.cx.spec)).collect()
    }

    /// What must have been reached before the nodes of `bricks` can hold bricks.
    fn membership<'b>(&self, bricks: impl IntoIterator<Item = &'b Brick>) -> impl Iterator<Item = Milestone> {
        let holders: BTreeSet<&NodeName> = bricks.into_iter().map(|brick| &brick.node).collect();
        holders.into_iter().flat_map(|node| pool::membership(self.cx.spec, node))
    }

    /// `force` is said only where the file allows what it is for.
    fn force(&self) -> bool {
        self.volume.allow_root_partition
    }

    fn start(&self) -> Item {
        let mut item = self
            .step("start", format!("start volume {}", self.name), gluster::start(self.name.as_str(), false))
            .because(Difference::changed("state", "stopped", "started"))
            .gives(started(self.name))
            .gives(usable(self.name));
        for brick in self.actual.planned(self.cx, self.name, self.volume) {
            item = item.needs(bricks::ready(brick)).gives(bricks::served(brick));
        }
        item
    }

    fn set(&self, changes: &options::Changes) -> Item {
        let number = changes.set.len();
        let plural = if number == 1 { "" } else { "s" };
        let summary = format!("set {number} option{plural} of volume {}", self.name);
        let mut item = self.step("set", summary, gluster::set(self.name.as_str(), &changes.set));
        item.why.clone_from(&changes.why);
        item
    }

    /// The volume is there.
    fn compare(&self, there: &gluster::Volume, found: &mut Assessment) {
        found.met(exists(self.name));
        if there.started {
            found.met(started(self.name));
        }
        if self.volume.state == VolumeState::Absent {
            return self.remove(there, found);
        }
        self.shape(there, found);
        self.options(there, found);
        match (self.volume.state, there.started) {
            (VolumeState::Started, false) => {
                found.item(self.start());
                let why = Why::Nobody(format!("volume {} is stopped", self.name));
                found.unknown(healed(self.name), &why);
            }
            (VolumeState::Started, true) => {
                self.serve(there, found);
                self.heal(there, found);
            }
            // Bricks are added to a running volume only.
            (VolumeState::Stopped, true) => found.item(self.stop().needs(self.subject().is("grown"))),
            (VolumeState::Stopped | VolumeState::Absent, _) => {
                let why = Why::Nobody(format!("volume {} is to rest, and only a started volume heals", self.name));
                found.unknown(healed(self.name), &why);
            }
        }
    }

    fn stop(&self) -> Item {
        self.step("stop", format!("stop volume {}", self.name), gluster::stop(self.name.as_str()))
            .because(Difference::changed("state", "started", "stopped"))
            .at_risk(Risk::Disruptive, format!("everything that uses volume {} loses it", self.name))
            .threatens(Threat::Access(self.name.clone()))
            .gives(self.subject().is("stopped"))
    }

    fn remove(&self, there: &gluster::Volume, found: &mut Assessment) {
        if there.started {
            found.item(self.stop());
        } else {
            found.met(self.subject().is("stopped"));
        }
        let item = self
            .step("delete", format!("delete volume {}", self.name), gluster::delete(self.name.as_str()))
            .because(Difference::gone("volume", shape::words(shape::present(there), there.bricks.len())))
            .at_risk(Risk::Destructive, "the volume is gone; the files in its bricks stay where they are")
            .threatens(Threat::Access(self.name.clone()))
            .needs(self.subject().is("stopped"));
        // glusterd deletes nothing while a peer is away, which would bring the volume back.
        found.item(self.cx.spec.nodes.keys().map(pool::in_pool).fold(item, Item::needs));
    }

    fn shape(&self, there: &gluster::Volume, found: &mut Assessment) {
        let wanted = shape::wanted(self.volume);
        match shape::change(self.volume, there, self.actual) {
            Change::None => {
                found.met(self.subject().is("grown"));
                layout::spread(self, there, found);
            }
            Change::Add { bricks, raise } => {
                let mut item = self.grow(there, &bricks, raise).gives(self.subject().is("grown"));
                if !raise {
                    item = item.needs(layout::note(self, there, found));
                }
                found.item(item);
            }
            Change::Move(node) => {
                found.met(self.subject().is("grown"));
                found.item(self.moved(there, node));
            }
            Change::Impossible(because) => {
                found.met(self.subject().is("grown"));
                let summary = format!("make volume {} {}", self.name, shape::words(wanted, self.volume.bricks.len()));
                let hint = "a volume's kind and the order of its bricks are for ever: write them as they are, or make \
                            a second volume and copy the data";
                found.item(Item::held(&self.subject(), "shape", summary, Cause::Refused, because, hint));
            }
        }
    }

    /// Bricks of `node` are written elsewhere than they lie: to fill new ones gives the old ones up, which a person asks for.
    fn moved(&self, there: &gluster::Volume, node: &NodeName) -> Item {
        let pairs = self.volume.bricks.iter().zip(&there.bricks);
        let moved = pairs.filter(|(written, lies)| written.path.as_str() != lies.path);
        let moved: Vec<String> =
            moved.map(|(written, lies)| format!("{} and not {}", lies.path, written.path)).collect();
        let because = format!("{node} has {} in it", moved.join(", "));
        let hint = format!(
            "`bricklayer node replace {node}` has what is written filled from the other copies and gives up what {node} \
             has; or write the bricks as they are"
        );
        let summary = format!("have volume {} use other directories on {node}", self.name);
        Item::held(&self.subject(), "move", summary, Cause::Refused, because, hint)
    }

    fn grow(&self, there: &gluster::Volume, new: &[&Brick], raise: bool) -> Item {
        let shape = shape::wanted(self.volume);
        let now = shape::words(shape::present(there), there.bricks.len());
        let then = shape::words(shape, self.volume.bricks.len());
        let names = self.brick_names(new.iter().copied());
        // glusterd takes the new bricks of different sets for one set and wants them on different nodes; that each set
        // is on different nodes has been checked in the file.
        let nodes: BTreeSet<&NodeName> = new.iter().map(|brick| &brick.node).collect();
        let force = self.force() || (raise && nodes.len() < new.len());
        let command = gluster::add_bricks(self.name.as_str(), raise.then_some(shape), &names, force);
        let mut item = self
            .step("grow", format!("grow volume {} to {then}", self.name), command)
            .because(Difference::changed("shape", now, then))
            .needs(started(self.name));
        if shape::set_size(shape::present(there)) > 1 {
            item = item.threatens(Threat::Replicas(self.name.clone()));
        }
        for (brick, name) in new.iter().zip(names) {
            item = item.because(Difference::new("brick", name)).needs(bricks::ready(brick));
        }
        item = self.membership(new.iter().copied()).fold(item, Item::needs);
        let impact = if raise {
            "self-heal copies every file to the new bricks; reads and writes go on"
        } else {
            "new files go to all bricks; present ones stay where they are until somebody rebalances"
        };
        item.at_risk(Risk::Safe, impact)
    }

    /// What the file asks for, for a volume of which `set` is set.
    fn wanted_options(&self, set: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let spec = self.cx.spec;
        let standing = spec.has_manager().then(|| Standing::of(self.cx));
        let times = standing.as_ref().and_then(Seen::known).map(Standing::measured);
        options::wanted(spec, self.volume, times.as_ref(), set)
    }

    fn options(&self, there: &gluster::Volume, found: &mut Assessment) {
        let changes = options::changes(self.volume, &self.wanted_options(&there.options), &there.options);
        for (name, now) in &changes.reset {
            let summary = format!("give option {name} of volume {} back to its default", self.name);
            let command = gluster::reset(self.name.as_str(), name);
            let item = self.step(&format!("reset-{name}"), summary, command);
            found.item(item.because(Difference::gone(name, now)).gives(self.subject().is("tidy")));
        }
        if changes.reset.is_empty() {
            found.met(self.subject().is("tidy"));
        }
        if !changes.set.is_empty() {
            // What is owned is written down anew only after what is owned no more has been given back.
            found.item(self.set(&changes).needs(self.subject().is("tidy")));
        }
    }

    /// The bricks of the volume as written that are also bricks of it now, wherever on their nodes they lie.
    fn present_bricks(&self) -> impl Iterator<Item = &Brick> {
        let planned = self.actual.planned(self.cx, self.name, self.volume);
        planned.filter(|brick| self.actual.has_brick(self.name, brick))
    }

    /// Starts the processes of bricks that have none.
    fn serve(&self, there: &gluster::Volume, found: &mut Assessment) {
        let dead: Vec<&Brick> = self
            .present_bricks()
            .filter(|b| self.actual.place(&b.node, b.path.as_str()).is_some_and(|place| place.process.is_none()))
            .filter(|b| !maintenance::refills(self.cx, self.actual, b))
            .collect();
        let missing = self.missing(there);
        if missing == 0 {
            found.met(usable(self.name));
        } else if dead.len() < missing {
            let why = Why::Nobody(format!("too few bricks of volume {} are served", self.name));
            found.unknown(usable(self.name), &why);
        }
        if dead.is_empty() {
            return;
        }
        let give = |item: Item| {
            let item = dead.iter().fold(item, |item, brick| item.gives(bricks::served(brick)));
            if dead.len() < missing { item } else { item.gives(usable(self.name)) }
        };
        if dead.iter().any(|brick| self.just_started(&brick.node)) {
            let summary = format!("the bricks of volume {} to start", self.name);
            return found.item(give(Item::wait(&self.subject(), "serve", summary, nodes::POLL)));
        }
        let summary = format!("start the dead bricks of volume {}", self.name);
        let mut item = give(self.step("serve", summary, gluster::start(self.name.as_str(), true)));
        for brick in &dead {
            let field = format!("process of {}:{}", brick.node, brick.path);
            item = item
                .because(Difference::changed(field, "none", "running"))
                .needs(bricks::ready(brick))
                .needs(nodes::running(&brick.node, gluster::DAEMON));
        }
        found.item(item);
    }

    /// How many bricks more must be served for the volume to be used: of each set of two one, of a larger set more
    /// than half, of a disperse set all but its redundancy.
    fn missing(&self, there: &gluster::Volume) -> usize {
        let served = |brick: &gluster::Brick| {
            let place = self.actual.owner(brick).and_then(|node| self.actual.place(node, &brick.path));
            place.is_some_and(|place| place.process.is_some())
        };
        let shape = shape::present(there);
        let sets = there.bricks.chunks(shape::set_size(shape));
        let short = |set: &[gluster::Brick]| {
            shape::enough(shape, set.len()).saturating_sub(set.iter().filter(|brick| served(brick)).count())
        };
        sets.map(short).sum()
    }

    /// Whether glusterd on `node` has been up for so short a time that its bricks may still be on their way.
    fn just_started(&self, node: &NodeName) -> bool {
        let units = units::of(self.cx, node);
        let facts = self.cx.see(node, &nodes::look(self.cx.spec));
        let (Some(unit), Some(facts)) = (units.known().map(units::glusterd), facts.known()) else {
            return false;
        };
        unit.active() && unit.active_for(facts.uptime) < BRICKS_START
    }

    /// Waits for what is left to heal. The count is each brick's own list of what is stale elsewhere.
    fn heal(&self, there: &gluster::Volume, found: &mut Assessment) {
        let wished = self.cx.intent.wish == Some(Wish::Heal(self.name.clone()));
        if wished {
            self.heal_now(found);
        }
        let bricks: Vec<&Brick> = self.present_bricks().collect();
        let places: Vec<_> = bricks.iter().map(|b| self.actual.place(&b.node, b.path.as_str())).collect();
        let counts: Vec<Option<u64>> = places.iter().map(|place| place.and_then(|place| place.pending)).collect();
        let pending = shape::pending(shape::present(there), &counts);
        let all_served = places.iter().all(|place| place.is_some_and(|place| place.process.is_some()));
        let whole = pending == 0 && all_served && bricks.len() == there.bricks.len();
        if whole && !bricks.iter().any(|brick| maintenance::is_unlisted(self.cx, self.actual, self.name, brick)) {
            return found.met(healed(self.name));
        }
        let summary = format!("volume {} to heal", self.name);
        if all_served && let Some(because) = disputed(self.cx, self.actual, self.name, pending) {
            let hint = "resolve them first: `gluster volume heal VOLUME info split-brain` lists them";
            let item = Item::held(&self.subject(), "heal", summary, Cause::Refused, because, hint);
            return found.item(item.gives(healed(self.name)));
        }
        let mut item =
            Item::wait(&self.subject(), "heal", summary, HEAL_POLL).gives(healed(self.name)).assumed_if(pending == 0);
        if pending > 0 {
            item = item.left(pending, "entries");
        }
        // A crawl leaves what is just written to, and the next one comes by itself after ten minutes
        // (`cluster.heal-timeout`).
        if !wished && all_served && self.cx.intent.stalled.contains(&item.id) {
            self.heal_now(found);
        }
        for brick in bricks {
            item = item.needs(bricks::served(brick));
        }
        found.item(item);
    }

    fn heal_now(&self, found: &mut Assessment) {
        found.items.extend(heal_now(self.cx, self.actual, self.name.as_str()));
    }
}

/// Starts a crawl, once a run.
pub(in crate::kinds) fn heal_now(cx: &Cx<'_>, actual: &Actual, name: &str) -> Option<Item> {
    let place = Place::AnyOf(actual.pool.able.clone());
    let summary = format!("heal volume {name} now");
    let now = Item::run(&Subject::new("volume", name), "heal-now", summary, place, gluster::heal_now(name));
    (!cx.intent.ran.contains(&now.id)).then(|| now.in_lane(Lane::Gluster))
}

/// What no heal mends, if that is what is left: entries of which no copy is right by itself. While there are many to heal
/// it is not asked, because the answer takes the longer the more they are.
pub(in crate::kinds) fn disputed(cx: &Cx<'_>, actual: &Actual, name: &VolumeName, pending: u64) -> Option<String> {
    let node = actual.pool.able.first().filter(|_| (1..=FEW_ENTRIES).contains(&pending))?;
    let entries = cx.see(node, &gluster::heal(name.as_str())).known()?.split_brain;
    (entries > 0).then(|| format!("{entries} entries of volume {name} are in split-brain"))
}
