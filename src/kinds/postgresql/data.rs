//! The data directory: looked at on every brick, and made once, while nothing speaks against it.

use std::collections::{BTreeMap, BTreeSet};

use super::{One, alike, all, made};
use crate::kinds::actual::Actual;
use crate::kinds::manager::Standing;
use crate::kinds::{Assessment, Brick, Cx, Mount, Volume, bricks, nodes};
use crate::model::{Cause, Difference, Item, NodeName, Place, Query, Seen, ServiceName, Threat, Why};
use crate::tools::postgresql::{self, Holds, Programs, Runs};
use crate::tools::{gluster, pacemaker};

/// What was seen of a database.
struct Sight {
    /// What each brick has, as far as it was seen.
    places: Vec<(NodeName, postgresql::Place)>,
    /// Why a brick was not seen.
    unseen: Option<Why>,
}

/// Looks at the data of `one`.
pub(super) fn assess(one: &One<'_>, found: &mut Assessment) {
    let Some((mount, below)) = one.mount() else { return refuse_path(one, found) };
    let Some(volume) = one.cx.spec.volumes.get(&mount.volume) else { return };
    // All questions first, so that they are one round trip.
    let (sight, kept, alike) = (look(one.cx, volume, below), kept(one), alike::differs(one));
    let (sight, kept) = match (sight, kept) {
        (Some(sight), Ok(kept)) => (sight, kept),
        (_, Err(why)) if why != Why::NotAsked => return found.unknown(made(one.name), &why),
        _ => return,
    };
    let there: Vec<&postgresql::Place> =
        sight.places.iter().map(|(_, place)| place).filter(|place| place.holds == Holds::Database).collect();
    let unfit = if there.is_empty() {
        absent(one, mount, volume, &sight, kept.as_deref())
    } else {
        present(one, &there, kept.as_deref())
    };
    let unfit =
        unfit.or_else(|| Some((alike?, "bring all nodes that may serve it to one version, one node at a time")));
    if let Some((because, hint)) = unfit {
        found.item(held(one, &because, hint));
    } else if !there.is_empty() {
        found.met(made(one.name));
    } else if let Some(why) = &sight.unseen {
        found.unknown(made(one.name), why);
    } else {
        make(one, mount, volume, below, &sight, found);
    }
}

fn held(one: &One<'_>, because: &str, hint: &str) -> Item {
    let summary = format!("serve the database of service {}", one.name);
    Item::held(&one.subject(), "look", summary, Cause::Refused, because, hint).gives(made(one.name))
}

fn refuse_path(one: &One<'_>, found: &mut Assessment) {
    let because = format!("{} does not lie below a mount of this file", one.database.data_dir);
    found.item(held(one, &because, "name a directory below the path of a mount"));
}

/// The number that the cluster manager keeps, as far as it runs.
fn kept(one: &One<'_>) -> Result<Option<String>, Why> {
    match Standing::of(one.cx) {
        Seen::Is(standing) => Ok(standing.cib.meta(one.name.as_str(), pacemaker::DATABASE).map(str::to_owned)),
        Seen::NotYet(_) => Ok(None),
        Seen::Unknown(why) => Err(why),
    }
}

/// What every brick of `volume` has; nothing while they are being asked.
fn look(cx: &Cx<'_>, volume: &Volume, below: &str) -> Option<Sight> {
    let mut places = Vec::new();
    let mut unseen = None;
    let mut asking = false;
    let queries = queries(cx);
    for brick in &volume.bricks {
        match cx.see(&brick.node, &queries[&brick.node]) {
            Seen::Is(seen) => match seen.get(&path(brick, below)) {
                Some(place) => places.push((brick.node.clone(), place.clone())),
                None => {
                    unseen = Some(Why::Unreadable(brick.node.clone(), format!("nothing is told of {}", brick.path)));
                }
            },
            Seen::NotYet(milestone) => unseen = Some(Why::Nobody(format!("{milestone}: not yet"))),
            Seen::Unknown(Why::NotAsked) => asking = true,
            Seen::Unknown(why) => unseen = Some(why),
        }
    }
    (!asking).then_some(Sight { places, unseen })
}

fn path(brick: &Brick, below: &str) -> String {
    format!("{}/{below}", brick.path)
}

/// One question for each node that has bricks of databases.
fn queries(cx: &Cx<'_>) -> BTreeMap<NodeName, Query<BTreeMap<String, postgresql::Place>>> {
    let mut paths: BTreeMap<NodeName, BTreeSet<String>> = BTreeMap::new();
    for one in all(cx) {
        let Some((mount, below)) = one.mount() else { continue };
        for brick in cx.spec.volumes.get(&mount.volume).into_iter().flat_map(|volume| &volume.bricks) {
            paths.entry(brick.node.clone()).or_default().insert(path(brick, below));
        }
    }
    paths.into_iter().map(|(node, paths)| (node, postgresql::databases(paths))).collect()
}

/// What speaks against a database that is there, and what to do.
fn present(one: &One<'_>, there: &[&postgresql::Place], kept: Option<&str>) -> Option<(String, &'static str)> {
    let identifiers: BTreeSet<&str> = there.iter().filter_map(|place| place.identifier.as_deref()).collect();
    let (data, name) = (&one.database.data_dir, one.name);
    if identifiers.len() > 1 {
        let because = format!("the bricks below {data} have different databases");
        return Some((because, "one of the bricks is of another time: find out which before anything is started"));
    }
    if let (Some(kept), Some(is)) = (kept, identifiers.first().filter(|is| Some(**is) != kept)) {
        let because = format!("{data} has database {is}, and service {name} had database {kept}");
        return Some((because, "bring back the right one, or take the service out and write it anew"));
    }
    let version = there.iter().find_map(|place| place.version.clone())?;
    let programs = one.nodes.iter().find_map(|node| one.programs(node))?.version?;
    (version != programs.to_string()).then(|| {
        let because =
            format!("the database of service {name} is one of PostgreSQL {version}, and its nodes have {programs}");
        (because, "write its `version`, or convert it with pg_upgrade while the service rests")
    })
}

/// What speaks against making a database where no brick has one, and what to do.
fn absent(
    one: &One<'_>,
    mount: &Mount,
    volume: &Volume,
    sight: &Sight,
    kept: Option<&str>,
) -> Option<(String, &'static str)> {
    let (data, name) = (&one.database.data_dir, one.name);
    if let Some(kept) = kept {
        let because =
            format!("this volume lost its database: no brick has database {kept} of service {name} in {data}");
        return Some((
            because,
            "bring it back from a brick that was replaced, or from a backup; none is ever made anew",
        ));
    }
    if let Some((node, _)) = sight.places.iter().find(|(_, place)| place.holds == Holds::Other) {
        let because = format!("there is something else than a database in {data}, on the brick of {node}");
        return Some((because, "move it away, or name another `dataDir`"));
    }
    if let Seen::Is(standing) = Standing::of(one.cx)
        && standing.cib.resource(&format!("{name}-postgresql")).is_some()
    {
        let because = format!("service {name} has been configured, and no brick has its database");
        return Some((because, "find out where it is; or take the service out (`state: absent`) and write it anew"));
    }
    if let Some(node) = one.nodes.iter().find(|node| one.server(node).is_some_and(|server| server.runs == Runs::Ours)) {
        let because = format!("a server of {data} runs on {node}, and no brick has its files");
        return Some((because, "find out what it serves"));
    }
    strange_brick(one, mount, volume)
}

/// A brick that the file does not name cannot be looked at.
fn strange_brick(one: &One<'_>, mount: &Mount, volume: &Volume) -> Option<(String, &'static str)> {
    let actual = Actual::of(one.cx);
    let there = actual.volumes.known()?.get(mount.volume.as_str())?;
    let written = |brick: &gluster::Brick| {
        let is_it = |written: &Brick| written.path.as_str() == brick.path && actual.owner(brick) == Some(&written.node);
        volume.bricks.iter().any(is_it)
    };
    (!there.bricks.iter().all(written)).then(|| {
        let because = format!(
            "volume {} has bricks that the file does not name, and one of them may have the database",
            mount.volume
        );
        (because, "write all of its bricks")
    })
}

/// Makes the database.
fn make(one: &One<'_>, mount: &Mount, volume: &Volume, below: &str, sight: &Sight, found: &mut Assessment) {
    let summary = format!("make the database of service {} in {}", one.name, one.database.data_dir);
    if sight.places.iter().any(|(_, place)| place.busy) {
        let wait = Item::wait(&one.subject(), "make", summary, nodes::POLL);
        return found.item(wait.gives(made(one.name)));
    }
    let Some((node, programs)) = maker(one, volume) else { return };
    let actual = Actual::of(one.cx);
    let there = actual.volumes.known().and_then(|volumes| volumes.get(mount.volume.as_str()));
    let started = there.is_some_and(|there| there.started);
    let command = postgresql::make(&mount.volume, below, &programs);
    let mut item = Item::run(&one.subject(), "make", summary, Place::On(node.clone()), command)
        .because(Difference::new("database", format!("PostgreSQL {}", words(&programs))))
        .needs(nodes::installed(node, programs.package))
        .gives(made(one.name))
        .assumed_if(!started);
    if started {
        item = item.threatens(Threat::Once(mount.volume.clone()));
    }
    if sight.places.iter().any(|(_, place)| place.unfinished) {
        item = item.because(Difference::gone("beside it", "one that was broken off"));
    }
    item = volume.bricks.iter().fold(item, |item, brick| item.needs(bricks::served(brick)));
    if let Seen::NotYet(milestone) = Standing::of(one.cx)
        && has_run(one)
    {
        // What it keeps is asked for first.
        item = item.needs(milestone);
    }
    found.item(item);
}

/// Whether the cluster manager has ever run on a node that may serve it, as far as is known.
fn has_run(one: &One<'_>) -> bool {
    let used = |node: &&NodeName| one.cx.see(node, &pacemaker::has_run()).known() == Some(&true);
    one.nodes.iter().filter(|node| used(node)).count() > 0
}

fn words(programs: &Programs) -> String {
    programs.version.map_or_else(|| programs.package.to_owned(), |version| version.to_string())
}

/// Who makes it: always the same node, where another one that is still at work is seen; with a brick, if it may be.
fn maker<'a>(one: &One<'a>, volume: &Volume) -> Option<(&'a NodeName, Programs)> {
    let with_brick = one.nodes.iter().find(|node| volume.bricks.iter().any(|brick| brick.node == ***node));
    let node = *with_brick.or_else(|| one.nodes.first())?;
    Some((node, one.programs(node)?))
}

/// The number of the database of `service`: the one that the cluster manager keeps, or else that of the one on the
/// bricks. What is kept is never overwritten by what is there.
pub(in crate::kinds) fn identifier(cx: &Cx<'_>, service: &ServiceName) -> Option<String> {
    let one = all(cx).find(|one| one.name == service)?;
    if let Ok(Some(kept)) = kept(&one) {
        return Some(kept);
    }
    let (mount, below) = one.mount()?;
    let sight = look(cx, cx.spec.volumes.get(&mount.volume)?, below)?;
    let mut numbers = sight.places.into_iter().filter_map(|(_, place)| place.identifier);
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}
