//! What must lie on a node before Corosync and Pacemaker are started there: one file and one key, the same on all
//! nodes, and on nodes that are all new something for Pacemaker to begin with.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{View, unseen};
use super::{device, joined};
use crate::kinds::{Assessment, Tls, files, nodes};
use crate::model::{Cause, Difference, Item, Milestone, NodeName, Place, Risk, Seen, Subject, Threat};
use crate::tools::corosync::{self, Key, Keys};
use crate::tools::{node as node_files, pacemaker};

/// Looks at all nodes.
pub(super) fn assess(view: &View<'_>, found: &mut Assessment) {
    for name in view.nodes.keys() {
        conf(view, name, found);
    }
    keys(view, found);
    first_cib(view, found);
}

fn conf_of(node: &NodeName) -> Subject {
    files::subject(corosync::CONF, node)
}

/// The milestone that `node` has the file as it is to be.
pub(super) fn written(node: &NodeName) -> Milestone {
    files::written(corosync::CONF, node)
}

/// The milestone that `node` has the key that all have.
pub(super) fn has_key(node: &NodeName) -> Milestone {
    key_of(node).is("placed")
}

/// The milestone that Pacemaker has something to begin with on `node`.
pub(super) fn has_cib(view: &View<'_>, node: &NodeName) -> Milestone {
    Subject::on("cib", &view.spec().cluster, node).is("begun")
}

fn conf(view: &View<'_>, node: &NodeName, found: &mut Assessment) {
    let seen = match &view.nodes[node].conf {
        Seen::Is(seen) => seen,
        Seen::NotYet(_) => return,
        Seen::Unknown(why) => return unseen(view, node, corosync::CONF, (&conf_of(node), written(node)), why, found),
    };
    if seen.as_deref() == Some(&view.text) {
        return found.met(written(node));
    }
    if let Some(held) = in_the_way(view, node) {
        return found.item(held.gives(written(node)));
    }
    let summary = format!("write {} on {node}", corosync::CONF);
    let mut item = Item::run(
        &conf_of(node),
        "write",
        summary,
        Place::On(node.clone()),
        node_files::write(corosync::CONF, &view.text),
    )
    .needs(nodes::installed(node, corosync::DAEMON))
    .gives(written(node));
    item.why = why(view, (**seen).as_deref());
    // From now on it is what this node starts with, whatever becomes of the reload.
    if let Some((now, wanted)) = view.quorum_rises() {
        let impact = format!("{node} starts with it: it takes {wanted} votes then, where it took {now}");
        item = item.at_risk(Risk::Disruptive, impact);
    }
    if view.quorum_rises().is_some() || view.loses_device() {
        item = item.threatens(Threat::Quorum);
    }
    if view.spec().quorum_device.as_ref().is_some_and(|device| device.tls() != Tls::Off) {
        item = view.answering().fold(item, |item, (other, _)| item.needs(device::certified(view, other)));
    }
    found.item(item);
}

/// What keeps the file from being written, if anything does.
fn in_the_way(view: &View<'_>, node: &NodeName) -> Option<Item> {
    let held = |cause, because: String, hint: &str| {
        let summary = format!("write {} on {node}", corosync::CONF);
        Some(Item::held(&conf_of(node), "write", summary, cause, because, hint))
    };
    if view.nodes[node].is_foreign() {
        let because = format!("{} on {node} was not written by bricklayer", corosync::CONF);
        let hint = "compare it with this file, then move it away on every node: a file of bricklayer's takes its place";
        // Somebody else's cluster is not one that this file may be put on.
        return held(Cause::Refused, because, hint).map(|item| item.gives(joined(view.cx, node)));
    }
    let id = view.stranger()?;
    let because = format!("the node with the id {id} is a member of the cluster and not in this file");
    held(Cause::Unsafe, because, "stop pacemaker and corosync there first, or write the node into this file")
}

fn why(view: &View<'_>, text: Option<&str>) -> Vec<Difference> {
    let Some(text) = text else { return vec![Difference::new(corosync::CONF, "as written")] };
    if corosync::is_packaged(text) {
        return vec![Difference::changed(corosync::CONF, "the package's example", "as written")];
    }
    let why = between(&corosync::keys(text), &view.wanted);
    if why.is_empty() { vec![Difference::changed(corosync::CONF, "another text", "as written")] } else { why }
}

/// What differs between two files, key by key.
fn between(now: &Keys, wanted: &Keys) -> Vec<Difference> {
    let all: BTreeSet<&String> = now.keys().chain(wanted.keys()).collect();
    let differs = all.into_iter().filter(|key| now.get(*key) != wanted.get(*key));
    differs
        .map(|key| Difference { field: key.clone(), from: now.get(key).cloned(), to: wanted.get(key).cloned() })
        .collect()
}

fn key_of(node: &NodeName) -> Subject {
    Subject::on("secret", corosync::KEY, node)
}

/// One key for all nodes: made once, on one node, and only if it is known that there is none anywhere.
fn keys(view: &View<'_>, found: &mut Assessment) {
    let mut holders: BTreeMap<&NodeName, &Key> = BTreeMap::new();
    let mut unseen_nodes = false;
    for (name, sight) in &view.nodes {
        match &sight.key {
            Seen::Is(key) => holders.extend(key.as_ref().as_ref().map(|key| (*name, key))),
            Seen::NotYet(_) => unseen_nodes = true,
            Seen::Unknown(why) => {
                unseen_nodes = true;
                unseen(view, name, "the cluster's key", (&key_of(name), has_key(name)), why, found);
            }
        }
    }
    let lacking = view.nodes.iter().filter(|(_, sight)| matches!(&sight.key, Seen::Is(key) if key.is_none()));
    let lacking: Vec<&NodeName> = lacking.map(|(name, _)| *name).collect();
    let digests: BTreeSet<&str> = holders.values().map(|key| key.digest.as_str()).collect();
    if digests.len() > 1 {
        return disagree(&holders, &lacking, found);
    }
    let source = match holders.keys().next() {
        Some(holder) => (*holder).clone(),
        None if unseen_nodes || !view.is_off_everywhere() => return no_source(view, &lacking, found),
        None => match lacking.first() {
            Some(first) => (*first).clone(),
            None => return,
        },
    };
    for (name, key) in &holders {
        if key.is_private {
            found.met(has_key(name));
        } else {
            found.item(copy(&source, name).because(Difference::changed("mode and owner", "others'", "root's alone")));
        }
    }
    for name in lacking {
        found.item(if holders.is_empty() && *name == source { make(name) } else { copy(&source, name) });
    }
}

fn make(node: &NodeName) -> Item {
    let summary = format!("make the cluster's key on {node}");
    Item::run(&key_of(node), "make", summary, Place::On(node.clone()), corosync::make_key())
        .because(Difference::new(corosync::KEY, "256 random bytes"))
        .needs(nodes::installed(node, corosync::DAEMON))
        .gives(has_key(node))
}

fn copy(from: &NodeName, to: &NodeName) -> Item {
    let summary = if from == to {
        format!("keep the cluster's key on {to} from others")
    } else {
        format!("copy the cluster's key from {from} to {to}")
    };
    let item = Item::run(&key_of(to), "copy", summary, Place::On(to.clone()), corosync::copy_key(from));
    let item = item.needs(nodes::installed(to, corosync::DAEMON)).gives(has_key(to));
    if from == to {
        item
    } else {
        item.because(Difference::new(corosync::KEY, format!("as on {from}"))).needs(has_key(from))
    }
}

/// Nodes that have a key each, and not the same.
fn disagree(holders: &BTreeMap<&NodeName, &Key>, lacking: &[&NodeName], found: &mut Assessment) {
    let names: Vec<&str> = holders.keys().map(|name| name.as_str()).collect();
    let because = format!("{} have different keys: one of them may be of another cluster", names.join(" and "));
    let hint = format!("remove {} where it is the wrong one", corosync::KEY);
    for name in holders.keys().chain(lacking) {
        let summary = format!("copy the cluster's key to {name}");
        let item = Item::held(&key_of(name), "copy", summary, Cause::Refused, because.clone(), hint.clone());
        found.item(item.gives(has_key(name)));
    }
}

/// Nodes without a key, while others may have one that cannot be seen.
fn no_source(view: &View<'_>, lacking: &[&NodeName], found: &mut Assessment) {
    let (because, hint) = match view.running().next() {
        Some((node, _)) => (
            format!("a cluster runs on {node}, and no node that answers has its key"),
            "a key is made only while no cluster runs",
        ),
        None => (
            "a node that cannot be looked at may have a key already".to_owned(),
            "a key is made only when every node has been seen to have none",
        ),
    };
    for name in lacking {
        let summary = format!("make the cluster's key for {name}");
        let item = Item::held(&key_of(name), "make", summary, Cause::Unknown, because.clone(), hint);
        found.item(item.gives(has_key(name)));
    }
}

/// On nodes that are all new, Pacemaker gets told not to wait for a coordinator that cannot be there. The same is put
/// down on all of them, in one round, or on none.
fn first_cib(view: &View<'_>, found: &mut Assessment) {
    let is_new = |node: &NodeName| view.cx.see(node, &pacemaker::has_run()).known() == Some(&false);
    let off: Vec<&NodeName> = view.nodes.iter().filter(|(_, sight)| sight.is_off()).map(|(name, _)| *name).collect();
    // All are asked before any is judged, so that the answers come in one wave.
    let new: Vec<&NodeName> = off.into_iter().filter(|name| is_new(name)).collect();
    for name in view.nodes.keys() {
        if new.len() < view.nodes.len() {
            found.met(has_cib(view, name));
            continue;
        }
        let summary = format!("have Pacemaker on {name} elect a coordinator soon, the first time");
        let subject = Subject::on("cib", &view.spec().cluster, name);
        let mut item = Item::run(&subject, "seed", summary, Place::On((*name).clone()), pacemaker::seed())
            .because(Difference::new("dc-deadtime", "2s"))
            .gives(has_cib(view, name));
        for other in &new {
            item = item.needs(nodes::installed(other, pacemaker::DAEMON));
        }
        found.item(item);
    }
}
