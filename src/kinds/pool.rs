//! The trusted pool: every node of a cluster with volumes is a peer of every other, under its storage name.
//!
//! Peers are told apart by UUID, never by name: after a probe the probed side knows the prober by whatever its
//! address resolves to, until it is probed back.

mod reach;

use std::collections::BTreeMap;

use reach::Obstacle;

use super::nodes::{self, POLL};
use super::{Assessment, Cx, Kind, Spec, maintenance};
use crate::model::{Cause, Difference, Findings, Item, Lane, Milestone, NodeName, Place, Seen, SpecPath, Subject, Why};
use crate::tools::gluster::{self, Peer, Pool, Standing};

/// The pool, as a kind.
pub(super) struct Peers;

impl Kind for Peers {
    fn check(&self, _spec: &Spec, _findings: &mut Findings) {}

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        if cx.spec.volumes.is_empty() {
            return;
        }
        let view = View::of(cx);
        let Some(seed) = view.seed.clone() else { return };
        for name in cx.spec.nodes.keys() {
            if *name == seed {
                membership_of_seed(&view, name, found);
            } else {
                join_up(cx, &view, &seed, name, found);
            }
            naming(cx, &view, name, found);
        }
    }
}

/// The milestone that `node` is in the pool, and connected both ways with every other member.
pub(super) fn in_pool(node: &NodeName) -> Milestone {
    Subject::new("peer", node).is("in the pool")
}

/// The milestone that the others know `node` by its storage name.
fn named(node: &NodeName) -> Milestone {
    Subject::new("peer", node).is("known by its storage name")
}

/// What must have been reached before `node` can hold a brick of a new volume.
pub(super) fn membership(spec: &Spec, node: &NodeName) -> Vec<Milestone> {
    let mut needs = vec![in_pool(node), nodes::knows_names(node)];
    if spec.nodes.len() > 1 {
        needs.push(named(node));
    }
    needs
}

/// The pool as all nodes together see it.
pub(super) struct View {
    seen: BTreeMap<NodeName, Seen<Pool>>,
    /// The node from which the others are looked at and probed: of those that answer, the one with most peers and
    /// volumes.
    pub(super) seed: Option<NodeName>,
    /// The nodes on which a change of the pool may be asked for, best first; the seed if none answers yet.
    pub(super) able: Vec<NodeName>,
}

impl View {
    /// Puts the nodes' views together.
    pub(super) fn of(cx: &Cx<'_>) -> Self {
        let views: BTreeMap<NodeName, Seen<Pool>> =
            cx.spec.nodes.keys().map(|name| (name.clone(), cx.see(name, &gluster::pool()))).collect();
        // A pool takes no node that has volumes of its own, so of nodes that are alone such a one takes in the others.
        // Who has peers is not asked: none of the others can take it in.
        let volumes = |name| cx.see(name, &gluster::volumes()).known().map_or(0, BTreeMap::len);
        let own = |name, pool: &Pool| if pool.peers.is_empty() { volumes(name) } else { 0 };
        let company = |pool: &Pool| (pool.peers.values().filter(|peer| peer.connected).count(), pool.peers.len());
        let standing = |name, pool: &Pool| (company(pool), own(name, pool));
        let answering = views.iter().filter_map(|(name, seen)| Some((name, standing(name, seen.known()?))));
        // The first of equals: `max_by_key` takes the last.
        let best = answering.rev().max_by_key(|(_, standing)| *standing).map(|(name, _)| name);
        let startable = || views.iter().find(|(_, seen)| matches!(seen, Seen::NotYet(_))).map(|(name, _)| name);
        let seed = best.or_else(startable).cloned();
        let view = Self { seen: views, seed, able: Vec::new() };
        Self { able: view.together(cx.spec), ..view }
    }

    fn pool(&self, node: &NodeName) -> Option<&Pool> {
        self.seen.get(node)?.known()
    }

    /// What `viewer` has on `node`.
    fn peer<'a>(&'a self, spec: &Spec, viewer: &NodeName, node: &NodeName) -> Option<&'a Peer> {
        let peers = &self.pool(viewer)?.peers;
        match self.pool(node) {
            Some(pool) => peers.get(&pool.own),
            // A node whose glusterd does not answer can only be recognised by the names it goes by.
            None => peers.values().find(|peer| peer.hostnames.iter().any(|name| spec.goes_by(node, name))),
        }
    }

    /// The UUID under which `viewer` knows the name of `node`, if that is another than the node's own and nobody's.
    fn place_of(&self, spec: &Spec, viewer: &NodeName, node: &NodeName) -> Option<&str> {
        let own = self.by_uuid();
        let lost = |(uuid, peer): &(&String, &Peer)| {
            !own.contains_key(*uuid) && peer.hostnames.iter().any(|name| spec.goes_by(node, name))
        };
        self.pool(node)?;
        self.pool(viewer)?.peers.iter().find(lost).map(|(uuid, _)| uuid.as_str())
    }

    /// The seed, and those that are in its pool and connected.
    fn together(&self, spec: &Spec) -> Vec<NodeName> {
        let Some(seed) = &self.seed else { return Vec::new() };
        let together = |node: &&NodeName| {
            let settled = |peer: Option<&Peer>| peer.is_some_and(Peer::is_settled);
            settled(self.peer(spec, seed, node)) && settled(self.peer(spec, node, seed))
        };
        std::iter::once(seed).chain(self.seen.keys().filter(|node| *node != seed).filter(together)).cloned().collect()
    }

    /// The nodes by UUID, as far as they have told theirs.
    pub(super) fn by_uuid(&self) -> BTreeMap<String, NodeName> {
        self.seen.iter().filter_map(|(name, seen)| Some((seen.known()?.own.clone(), name.clone()))).collect()
    }
}

impl Spec {
    /// Whether `name` is one of the names or addresses that the file gives to `node`.
    pub(super) fn goes_by(&self, node: &NodeName, name: &str) -> bool {
        let Some(written) = self.nodes.get(node) else { return false };
        let addresses = [&written.addresses.cluster, &written.addresses.storage];
        let any =
            |at: &super::NetworkAddress| at.name.as_str() == name || at.ip.is_some_and(|ip| ip.to_string() == name);
        node.as_str() == name || written.management(node) == name || addresses.into_iter().flatten().any(any)
    }

    /// The storage name of `node`.
    pub(super) fn storage_of<'a>(&'a self, node: &'a NodeName) -> &'a str {
        self.nodes.get(node).map_or(node.as_str(), |written| written.storage(node))
    }
}

/// The nodes that do not answer while another node's glusterd still believes itself connected to them.
pub(crate) fn counted_on(cx: &Cx<'_>) -> Vec<NodeName> {
    let view = View::of(cx);
    let silent = |node: &&NodeName| matches!(view.seen[*node], Seen::Unknown(Why::NoAnswer(..)));
    let connected =
        |viewer: &NodeName, node: &NodeName| view.peer(cx.spec, viewer, node).is_some_and(|peer| peer.connected);
    let counted = |node: &&NodeName| cx.spec.nodes.keys().any(|viewer| connected(viewer, node));
    cx.spec.nodes.keys().filter(silent).filter(counted).cloned().collect()
}

fn subject(node: &NodeName) -> Subject {
    Subject::new("peer", node)
}

fn membership_of_seed(view: &View, seed: &NodeName, found: &mut Assessment) {
    match &view.seen[seed] {
        Seen::Is(_) => found.met(in_pool(seed)),
        // Once its glusterd runs it is a pool of one by itself.
        Seen::NotYet(_) => {
            let wait = Item::wait(&subject(seed), "answer", format!("glusterd on {seed} to tell its pool"), POLL);
            found.item(wait.needs(nodes::running(seed, gluster::DAEMON)).gives(in_pool(seed)).assumed_if(true));
        }
        Seen::Unknown(why) => found.unknown(in_pool(seed), why),
    }
}

fn join_up(cx: &Cx<'_>, view: &View, seed: &NodeName, node: &NodeName, found: &mut Assessment) {
    if let Seen::Unknown(why) = &view.seen[node] {
        found.unknown(in_pool(node), why);
        // What others see of a silent node still tells whether it was ever a member; nothing is to be done about it.
        return;
    }
    match view.peer(cx.spec, seed, node) {
        Some(peer) => standing(cx, view, seed, node, peer, found),
        None => join(cx, view, seed, node, found),
    }
}

/// A node that is known to the pool: in it, on the way, or refused.
fn standing(cx: &Cx<'_>, view: &View, seed: &NodeName, node: &NodeName, peer: &Peer, found: &mut Assessment) {
    let back = view.peer(cx.spec, node, seed);
    let what = match &peer.standing {
        Standing::Rejected => {
            let item = Item::held(
                &subject(node),
                "rejected",
                format!("take {node} back into the pool"),
                Cause::Refused,
                format!("{seed} and {node} disagree about a volume (peer rejected)"),
                format!(
                    "compare /var/lib/glusterd/vols on both; if {seed} is right, stop glusterd on {node}, empty \
                     /var/lib/glusterd there but for glusterd.info, start it, and apply again"
                ),
            );
            return found.item(item.gives(in_pool(node)));
        }
        Standing::InCluster if peer.connected && back.is_some_and(Peer::is_settled) => match stranger(cx, view, node) {
            None => return found.met(in_pool(node)),
            Some(other) => format!("to be connected with {other}"),
        },
        Standing::InCluster => "to be connected both ways".to_owned(),
        Standing::Underway(state) => format!("to be in the pool ({state})"),
    };
    if !peer.connected && matches!(view.seen[node], Seen::Is(_)) {
        // Both run and do not see each other: waiting may be in vain.
        if let Some(Obstacle { because, hint }) = reach::ports(cx, seed, node) {
            found.findings.warn(SpecPath::of(["nodes", node.as_str()]), "port-closed", because, hint);
        }
    }
    let wait = Item::wait(&subject(node), "connect", format!("peer {node} {what}"), POLL);
    found.item(wait.needs(nodes::running(node, gluster::DAEMON)).gives(in_pool(node)));
}

/// A member that does not see `node`, or is not seen by it: every member has its say when a volume is made.
fn stranger<'a>(cx: &'a Cx<'_>, view: &View, node: &NodeName) -> Option<&'a NodeName> {
    let settled = |viewer: &NodeName, peer: &NodeName| {
        let seen = view.peer(cx.spec, viewer, peer);
        seen.is_some_and(|peer| peer.connected && peer.standing == Standing::InCluster)
    };
    let is_member = |other: &NodeName| {
        let seed = view.seed.as_ref().is_some_and(|seed| view.peer(cx.spec, seed, other).is_some());
        seed && other != node && view.pool(other).is_some()
    };
    cx.spec.nodes.keys().find(|other| is_member(other) && !(settled(other, node) && settled(node, other)))
}

/// A new machine in the place of one that the pool knows by another UUID: to probe it would change nothing, because
/// glusterd goes by the name there and by the UUID in all else.
fn adopt(cx: &Cx<'_>, view: &View, node: &NodeName, uuid: &str, found: &mut Assessment) {
    let what = subject(node);
    let summary = format!("have the pool know {node} as the member that it was");
    if !maintenance::replaces(cx, node) {
        let because = format!("the pool knows {node} as another machine than it is now: its disk was lost, or changed");
        let hint = format!("`bricklayer node replace {node}` has it take the place of the lost one");
        let item = Item::held(&what, "adopt", summary, Cause::Refused, because, hint);
        return found.item(item.gives(in_pool(node)).gives(named(node)));
    }
    let others = view.seen.iter().filter(|(other, _)| *other != node);
    let names =
        others.filter_map(|(other, seen)| Some((seen.known()?.own.clone(), cx.spec.storage_of(other).to_owned())));
    let own = view.pool(node).map(|pool| pool.own.clone()).unwrap_or_default();
    let item = Item::run(&what, "adopt", summary, Place::On(node.clone()), gluster::adopt(uuid, &names.collect()))
        .because(Difference::changed("UUID", own, uuid))
        .in_lane(Lane::Gluster)
        .needs(nodes::knows_names(node))
        .gives(in_pool(node))
        .gives(named(node));
    found.item(item);
}

/// A node that the pool does not know.
fn join(cx: &Cx<'_>, view: &View, seed: &NodeName, node: &NodeName, found: &mut Assessment) {
    let what = subject(node);
    let address = cx.spec.storage_of(node);
    if view.pool(node).is_some_and(|pool| !pool.peers.is_empty()) {
        let item = Item::held(
            &what,
            "join",
            format!("add {node} to the pool"),
            Cause::Refused,
            format!("{node} is in another trusted pool than {seed}"),
            "detach it there first (`gluster peer detach`), or take it out of this file",
        );
        return found.item(item.gives(in_pool(node)).gives(named(node)));
    }
    let own_volumes = match cx.see(node, &gluster::volumes()) {
        Seen::Is(volumes) => volumes.keys().next().map(|name| {
            let because = format!("{node} has a volume of its own, {name}, and a pool takes only nodes without");
            (Cause::Refused, because, "delete the volume there, or take the node out of this file")
        }),
        Seen::NotYet(_) | Seen::Unknown(Why::NotAsked) => None,
        Seen::Unknown(why) => {
            let because = format!("it is not known whether {node} has volumes of its own: {why}");
            Some((Cause::Unknown, because, "run the same command on the node by hand to see more"))
        }
    };
    if let Some((cause, because, hint)) = own_volumes {
        let item = Item::held(&what, "join", format!("add {node} to the pool"), cause, because, hint);
        return found.item(item.gives(in_pool(node)).gives(named(node)));
    }
    if let Some(uuid) = view.place_of(cx.spec, seed, node) {
        return adopt(cx, view, node, uuid, found);
    }
    if let Some(Obstacle { because, hint }) = reach::obstacle(cx, seed, node) {
        let item = Item::held(&what, "join", format!("add {node} to the pool"), Cause::Refused, because, hint);
        return found.item(item.gives(in_pool(node)).gives(named(node)));
    }
    let assumed = view.pool(node).is_none() || view.pool(seed).is_none();
    let mut item = Item::run(
        &what,
        "join",
        format!("add {node} to the pool as {address}"),
        Place::On(seed.clone()),
        gluster::probe(address),
    )
    .because(Difference::new("peer", address))
    .in_lane(Lane::Gluster)
    .needs(nodes::running(seed, gluster::DAEMON))
    .needs(nodes::running(node, gluster::DAEMON))
    .needs(nodes::knows_names(seed))
    .needs(nodes::knows_names(node))
    .gives(in_pool(node))
    .gives(named(node))
    .assumed_if(assumed);
    // A glusterd that does not run yet may be in a pool already, and then that is the one to join.
    for other in cx.spec.nodes.keys().filter(|other| *other != seed && *other != node) {
        if matches!(view.seen[other], Seen::NotYet(_)) && nodes::has_gluster(cx, other) {
            item = item.needs(nodes::running(other, gluster::DAEMON));
        }
    }
    found.item(item);
}

/// Makes every other node know `node` by its storage name: bricks are named by it, on every node.
fn naming(cx: &Cx<'_>, view: &View, node: &NodeName, found: &mut Assessment) {
    if cx.spec.nodes.len() < 2 {
        return;
    }
    let address = cx.spec.storage_of(node);
    let others = || cx.spec.nodes.keys().filter(|other| *other != node);
    let known_to = |viewer: &NodeName| view.peer(cx.spec, viewer, node).map(|peer| has_name(peer, address));
    let teacher = others().find(|viewer| known_to(viewer) == Some(false));
    let Some(teacher) = teacher else {
        return unheard(cx, view, node, found);
    };
    let seen = view.peer(cx.spec, teacher, node).map(|peer| peer.hostnames.join(", ")).unwrap_or_default();
    found.item(teach(node, teacher, address).because(Difference::changed("name", seen, address)));
}

/// Nobody knows `node` by a wrong name: either all is well, or nobody knows it at all yet.
fn unheard(cx: &Cx<'_>, view: &View, node: &NodeName, found: &mut Assessment) {
    let viewer = view.able.iter().find(|viewer| *viewer != node);
    if viewer.is_some_and(|viewer| view.peer(cx.spec, viewer, node).is_some()) {
        return found.met(named(node));
    }
    if view.seed.as_ref() != Some(node) {
        // The step that takes it into the pool says its storage name; only a silent node has no such step.
        if let Some(Seen::Unknown(why)) = view.seen.get(node) {
            found.unknown(named(node), why);
        }
        return;
    }
    // The seed is not probed itself, so somebody has to probe it back.
    let others = || view.seen.iter().filter(|(other, _)| *other != node);
    match others().find(|(_, seen)| !matches!(seen, Seen::Unknown(_))) {
        Some((teacher, _)) => {
            found.item(teach(node, teacher, cx.spec.storage_of(node)).assumed_if(true));
        }
        None => {
            if let Some((_, Seen::Unknown(why))) = others().next() {
                found.unknown(named(node), why);
            }
        }
    }
}

fn teach(node: &NodeName, teacher: &NodeName, address: &str) -> Item {
    Item::run(
        &subject(node),
        "name",
        format!("make the pool know {node} as {address}"),
        Place::On(teacher.clone()),
        gluster::probe(address),
    )
    .in_lane(Lane::Gluster)
    .needs(in_pool(node))
    .needs(in_pool(teacher))
    .needs(nodes::knows_names(teacher))
    .gives(named(node))
}

fn has_name(peer: &Peer, address: &str) -> bool {
    peer.hostnames.iter().any(|name| name == address)
}
