//! A service that is to start from the copies of one node, because those of the others are lost: the one way past a
//! gate that is shut, and it gives the lost copies up for good.
//!
//! To start on a copy that may miss something, and to let the other one come back later, makes two histories. So the
//! lost bricks go out of the volume before anything starts, and come back only emptied.

use std::collections::BTreeSet;

use super::{Live, POLL, gates, groups, off, outcome, stages, verbs};
use crate::kinds::actual::Actual;
use crate::kinds::{Assessment, Brick, Volume, healgate, postgresql, returning, volumes};
use crate::model::{
    Cause, Difference, Group, Item, Lane, Milestone, NodeName, Place, Risk, Role, ServiceName, Subject, VolumeName,
};
use crate::tools::{gluster, pacemaker};

/// The copies of one volume.
struct Copies<'a> {
    name: &'a VolumeName,
    volume: &'a Volume,
    /// The bricks that are to go.
    lost: Vec<Lost<'a>>,
}

/// A brick that is to go.
struct Lost<'a> {
    brick: &'a Brick,
    /// Whether it is kept from being served, because it and the one that is kept each miss something: then its node need
    /// not be off.
    torn: bool,
}

impl Copies<'_> {
    fn subject(&self) -> Subject {
        Subject::new("recovery", self.name)
    }

    fn given_up(&self) -> Milestone {
        self.subject().is("alone")
    }
}

/// Has service `name` start from the copies on `from`.
pub(super) fn assess(live: &Live<'_>, name: &ServiceName, from: &NodeName, found: &mut Assessment) {
    let actual = Actual::of(live.cx);
    let all = copies(live, &actual, name, from);
    if let Some(item) = all.iter().find_map(|copies| unfit(live, &actual, copies, name, from)) {
        return found.item(item);
    }
    let silent = all.iter().flat_map(|copies| &copies.lost).filter(|lost| !lost.torn);
    for node in silent.map(|lost| &lost.brick.node).collect::<BTreeSet<_>>() {
        off::confirm(live, node, found);
    }
    let wait = Item::wait(&outcome::subject(name), "start", format!("service {name} to start on {from}"), POLL);
    let lost: Vec<&Copies<'_>> = all.iter().filter(|copies| !copies.lost.is_empty()).collect();
    if !lost.is_empty() {
        found.items.extend(lost.iter().map(|copies| give_up(live, &actual, copies, from)));
        return found.item(lost.iter().fold(wait, |wait, copies| wait.needs(copies.given_up())).assumed_if(true));
    }
    start(live, name, from, wait, found);
}

/// The volumes of the service whose clients keep no quorum: behind one that does, no copy is ever alone.
fn copies<'a>(live: &Live<'a>, actual: &'a Actual, name: &ServiceName, from: &NodeName) -> Vec<Copies<'a>> {
    let spec = live.cx.spec;
    let volumes = spec.services[name].volumes(spec);
    let copies = |(name, volume): (&'a VolumeName, &'a Volume)| {
        let lost = |set: &'a [Brick]| {
            let lost = set.iter().filter(|brick| brick.node != *from && actual.has_brick(name, brick));
            let torn =
                |lost: &Brick| set.iter().any(|kept| kept.node == *from && returning::is_torn(actual, lost, kept));
            lost.map(move |brick| Lost { brick, torn: torn(brick) })
        };
        let sets = actual.bricks(name, volume).chunks(volumes::set_size(volume));
        Copies { name, volume, lost: sets.flat_map(lost).collect() }
    };
    volumes.filter(|(_, volume)| volumes::may_diverge(volume)).map(copies).collect()
}

/// Why the volume cannot be left with the copies on `from`, if it cannot.
fn unfit(
    live: &Live<'_>,
    actual: &Actual,
    copies: &Copies<'_>,
    service: &ServiceName,
    from: &NodeName,
) -> Option<Item> {
    let Copies { name, volume, .. } = copies;
    let held = |cause, because, hint: &str| {
        let summary = format!("start service {service} from the copy on {from}");
        Some(Item::held(&copies.subject(), "give-up", summary, cause, because, hint))
    };
    let torn = copies.lost.iter().all(|lost| lost.torn);
    if let Some(owner) = live.standing.state.owner(service.as_str())
        && !copies.lost.is_empty()
        && !(torn && owner == from.as_str())
    {
        let because = format!("service {service} runs on {owner}");
        return held(Cause::Refused, because, "there is nothing to recover: what it runs on is complete enough for it");
    }
    if actual.volumes.known().is_none_or(|volumes| !volumes.contains_key(name.as_str())) {
        let because = format!("it is not known which bricks volume {name} has");
        return held(Cause::Unknown, because, "`bricklayer status` tells what can be seen");
    }
    let sets = actual.bricks(name, volume).chunks(volumes::set_size(volume));
    let served = |brick: &&Brick| {
        let place = actual.place(&brick.node, brick.path.as_str());
        brick.node == *from && place.is_some_and(|place| place.process.is_some() && place.volume_id.is_some())
    };
    if sets.into_iter().any(|set| set.iter().filter(served).count() != 1) {
        let because = format!("{from} does not serve one brick of every set of volume {name}");
        return held(Cause::Unsafe, because, "name the node whose copy is there: `bricklayer status` shows the bricks");
    }
    None
}

/// Takes the lost bricks of a volume out of it.
fn give_up(live: &Live<'_>, actual: &Actual, copies: &Copies<'_>, from: &NodeName) -> Item {
    let spec = live.cx.spec;
    let Copies { name, volume, lost } = copies;
    let names: Vec<String> = lost.iter().map(|lost| lost.brick.called(spec)).collect();
    let summary = format!("give up the copies of volume {name} on other nodes than {from}");
    let command = gluster::give_up_bricks(name.as_str(), 1, &names);
    let mut item = Item::run(&copies.subject(), "give-up", summary, Place::On(from.clone()), command)
        .in_lane(Lane::Gluster)
        .at_risk(Risk::Destructive, format!("what was acknowledged while {from} was away is lost"))
        .gives(copies.given_up());
    let torn = lost.iter().filter(|lost| lost.torn).map(|lost| lost.brick);
    let kept = actual.bricks(name, volume).iter().filter(|brick| brick.node == *from);
    for sentence in postgresql::reached(live.cx, name, kept.chain(torn)) {
        item = item.at_risk(Risk::Destructive, sentence);
    }
    for (Lost { brick, torn }, name) in lost.iter().zip(names) {
        item = item.because(Difference::gone("brick", name));
        if !torn {
            item = item.needs(off::off(&brick.node));
        }
    }
    item
}

/// Has the gates know of the bricks that are left, and the service run.
fn start(live: &Live<'_>, name: &ServiceName, from: &NodeName, wait: Item, found: &mut Assessment) {
    let spec = live.cx.spec;
    let standing = live.standing;
    let written = &spec.services[name];
    let configuration = &standing.cib.configuration;
    let times = standing.measured();
    let group = Group { role: Some(Role::Started), ..groups::group(live.cx, &times, name, written) };
    let watching = pacemaker::watching(configuration, &healgate::watchers(live.cx, &times));
    let stages = stages::at_once(configuration, pacemaker::granted(&watching, &group));
    live.put_into_force(&stages, found);
    verbs::cleanup(live, name, found);
    let rests = standing.state.rests(name.as_str());
    if rests && gates::is_shut(standing, spec, written, from.as_str()).is_some() {
        let wait = if stages.is_empty() { wait } else { wait.needs(super::configured(spec)) };
        return found.item(wait);
    }
    outcome::assess(live, &group, stages.is_empty(), found);
}
