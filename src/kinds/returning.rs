//! Bricks that were away: they are looked at before glusterd serves them.
//!
//! Two copies of which each misses something that the other has are torn, and the database that runs on one of them
//! dies as soon as the other is served. A script on the node keeps glusterd from that whether bricklayer runs or not;
//! this file puts it there, and says in a plan why glusterd is not started.

use std::collections::BTreeMap;

use super::actual::Actual;
use super::{Assessment, Brick, Cx, Kind, Spec, Volume, files, healgate, nodes, units, volumes};
use crate::model::{Cause, Difference, Findings, Item, NodeName, Place, Seen, Subject, VolumeName};
use crate::tools::guard::{self, Copy, SCRIPT_FILE, UNIT_FILE};
use crate::tools::node::BrickPlace;
use crate::tools::{gluster, node, systemd};

/// What stands before glusterd, as a kind.
pub(super) struct Returning;

impl Kind for Returning {
    fn check(&self, _: &Spec, _: &mut Findings) {}

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        let guarded = guarded(cx.spec);
        if guarded.is_empty() {
            return;
        }
        let actual = Actual::of(cx);
        if matches!(actual.volumes, Seen::Unknown(_)) {
            // Nobody can tell by which names the bricks are reached.
            return;
        }
        let owner = format!("cluster {}", cx.spec.cluster);
        for name in cx.spec.nodes.keys() {
            let pairs = pairs(&actual, &guarded, name);
            if pairs.is_empty() {
                continue;
            }
            let copies: Vec<Copy<'_>> = pairs.iter().map(|pair| pair.copy(cx.spec, &actual)).collect();
            let text = guard::unit(&owner, &copies);
            files::keep(cx, (SCRIPT_FILE, name), guard::script(), node::write, found);
            files::keep(cx, (UNIT_FILE, name), &text, node::write, found);
            found.items.extend(reload(cx, name));
        }
    }
}

/// A brick of a node, and another copy of what is on it.
struct Pair<'a> {
    name: &'a VolumeName,
    own: &'a Brick,
    other: &'a Brick,
}

impl Pair<'_> {
    /// As the script is told of it. The host of the other brick is the one that its volume has, or else will have.
    fn copy(&self, spec: &Spec, actual: &Actual) -> Copy<'_> {
        let Self { name, own, other } = self;
        let host = actual.host(spec, name, other);
        Copy { volume: name.as_str(), here: own.path.as_str(), host, there: other.path.as_str() }
    }
}

/// The volumes behind a gate whose copies may be torn.
fn guarded(spec: &Spec) -> BTreeMap<&VolumeName, &Volume> {
    let may_be_torn = |(_, volume): &(&VolumeName, &Volume)| volumes::may_diverge(volume);
    if spec.has_manager() { healgate::watched(spec).into_iter().filter(may_be_torn).collect() } else { BTreeMap::new() }
}

/// The bricks of `node`, each with every other copy, where they lie.
fn pairs<'a>(actual: &'a Actual, guarded: &BTreeMap<&'a VolumeName, &'a Volume>, node: &NodeName) -> Vec<Pair<'a>> {
    let of_volume = |(name, volume): (&&'a VolumeName, &&'a Volume)| {
        let (name, volume) = (*name, *volume);
        let sets = actual.bricks(name, volume).chunks(volumes::set_size(volume));
        let of_set = move |set: &'a [Brick]| {
            let own = set.iter().filter(|brick| brick.node == *node);
            own.flat_map(move |own| {
                set.iter().filter(move |other| other.node != own.node).map(move |other| Pair { name, own, other })
            })
        };
        sets.flat_map(of_set).collect::<Vec<_>>()
    };
    guarded.iter().flat_map(of_volume).collect()
}

/// systemd reads glusterd's unit again once there is something new in it.
fn reload(cx: &Cx<'_>, name: &NodeName) -> Option<Item> {
    let units = units::of(cx, name);
    let stale = units.known().is_some_and(|units| units::glusterd(units).needs_reload);
    let item = || {
        let summary = format!("have systemd read glusterd's unit again on {name}");
        let item = Item::run(&subject(name), "reload", summary, Place::On(name.clone()), systemd::reload());
        item.because(Difference::changed(gluster::UNIT, "another text in force", "as written"))
    };
    stale.then(item)
}

fn subject(name: &NodeName) -> Subject {
    Subject::new("guard", name)
}

/// Why glusterd on `name` must not serve its bricks now, if it must not.
pub(super) fn why_not(cx: &Cx<'_>, name: &NodeName) -> Option<Item> {
    let guarded = guarded(cx.spec);
    if guarded.is_empty() {
        return None;
    }
    let actual = Actual::of(cx);
    pairs(&actual, &guarded, name).iter().find_map(|pair| torn(cx.spec, &actual, pair))
}

/// Whether the brick of a pair is not served, and each of the two misses something that the other has.
pub(super) fn is_torn(actual: &Actual, own: &Brick, other: &Brick) -> bool {
    let lists = |brick: &Brick| actual.place(&brick.node, brick.path.as_str()).filter(|place| listed(place) > 0);
    lists(own).is_some_and(|own| own.process.is_none()) && lists(other).is_some()
}

/// How much the copy at a place has that others lack.
fn listed(place: &BrickPlace) -> u64 {
    place.pending.unwrap_or(0)
}

/// Whether the two copies are torn, or may be, before the brick of this node is served.
fn torn(spec: &Spec, actual: &Actual, Pair { name, own, other }: &Pair<'_>) -> Option<Item> {
    let place = |brick: &Brick| actual.place(&brick.node, brick.path.as_str());
    let here = place(own).filter(|here| here.process.is_none() && listed(here) > 0)?;
    let summary = format!("start glusterd on {}", own.node);
    let held = |cause, because, hint: String| {
        Item::held(&nodes::subject(&own.node), "glusterd", summary, cause, because, hint)
    };
    let (own_copy, other_copy) = (own.called(spec), other.called(spec));
    match place(other) {
        Some(there) if listed(there) == 0 => None,
        Some(there) => {
            let because = format!(
                "the copies of volume {name} are torn: {own_copy} has {} entries that {other_copy} lacks, which has {} \
                 that {own_copy} lacks",
                listed(here),
                listed(there)
            );
            let hint = "one of them is given up for good: `bricklayer service recover NAME --from NODE`".to_owned();
            Some(held(Cause::Unsafe, because, hint))
        }
        None => {
            let because = format!(
                "{own_copy} has {} entries that {other_copy} lacks, and what that has cannot be seen: if each lacks \
                 something, a database dies of it",
                listed(here)
            );
            let hint =
                format!("bring {0} back, or if it is off for good: `bricklayer node confirm-off {0}`", other.node);
            Some(held(Cause::Unknown, because, hint))
        }
    }
}

/// The nodes whose glusterd waits for the copy on `lost`, which is off for good.
pub(super) fn waiting_for<'a>(cx: &'a Cx<'_>, lost: &NodeName) -> Vec<&'a NodeName> {
    let guarded = guarded(cx.spec);
    if guarded.is_empty() {
        return Vec::new();
    }
    let actual = Actual::of(cx);
    let waits = |name: &&NodeName| {
        let off = units::of(cx, name).known().is_some_and(|units| !units::glusterd(units).active());
        let pairs = pairs(&actual, &guarded, name);
        off && pairs.iter().any(|pair| pair.other.node == *lost && torn(cx.spec, &actual, pair).is_some())
    };
    cx.spec.nodes.keys().filter(|name| *name != lost).filter(waits).collect()
}

/// Has the node serve its bricks although the copy on `lost` cannot be asked.
pub(super) fn go_on_alone(name: &NodeName, lost: &NodeName) -> Item {
    let summary = format!("have {name} serve its bricks without asking {lost}");
    Item::run(&subject(name), "alone", summary, Place::On(name.clone()), guard::go_on_alone())
}
