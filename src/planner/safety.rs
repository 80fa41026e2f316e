//! What is unsafe now, and why: the one room that knows.
//!
//! Kinds only say what an item threatens. Here each threat is turned into what must be positively seen before the
//! item may run, or into the reason why it may not.

use std::time::Duration;

use crate::kinds::volumes::healed;
use crate::kinds::{Assessment, Cx, Standing, counted_on, missing_member};
use crate::model::{Cause, Held, Item, Lane, NodeName, Seen, Subject, Threat, VolumeName, Why, Work};
use crate::tools::{gluster, mounts};

/// How long until it is worth looking whether glusterd has noticed that a peer is away.
const NOTICE_POLL: Duration = Duration::from_secs(3);

/// A rule: turns what items threaten into what they need, or into the reason why they may not run.
pub(super) struct Rule {
    /// What it says.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people, and by the law that no rule is needless"))]
    pub(super) says: &'static str,
    /// Whether it is about an item.
    about: fn(&Item) -> bool,
    /// Applies it, where it is about any.
    pub(super) apply: fn(&Cx<'_>, &mut Assessment),
}

/// Every rule, in the order in which they apply.
pub(super) static RULES: &[Rule] = &[
    Rule { says: "a pool that counts on a silent node is left alone", about: is_of_pool, apply: silent_peers },
    Rule { says: "the cluster is told nothing while a node is to be fenced", about: is_of_cluster, apply: fencing },
    Rule {
        says: "a set of bricks is changed only when each copy is whole and served",
        about: of_sets,
        apply: complete,
    },
    Rule { says: "a set of bricks is changed only when surely no copies disagree", about: of_sets, apply: undisputed },
    Rule { says: "a volume is not taken from under those who use it", about: takes_away, apply: unused },
    Rule { says: "a volume is not taken where it is not known who uses it", about: takes_away, apply: surely_unused },
    Rule { says: "the cluster is told nothing during maintenance", about: is_of_cluster, apply: maintenance },
    Rule { says: "the quorum is not touched while a member is missing", about: touches_quorum, apply: quorum },
];

/// Applies every rule.
pub(super) fn guard(cx: &Cx<'_>, found: &mut Assessment) {
    for rule in RULES {
        if !found.items.iter().any(rule.about) {
            continue;
        }
        #[cfg(not(test))]
        (rule.apply)(cx, found);
        #[cfg(test)]
        super::mutant::apply(rule, cx, found);
    }
}

fn is_of_pool(item: &Item) -> bool {
    matches!(&item.work, Work::Run(run) if run.lane == Lane::Gluster)
}

fn is_of_cluster(item: &Item) -> bool {
    item.threatens.contains(&Threat::Cluster)
}

fn touches_quorum(item: &Item) -> bool {
    item.threatens.contains(&Threat::Quorum)
}

fn of_sets(item: &Item) -> bool {
    item.threatens.iter().any(|threat| replicas(threat).is_some())
}

fn takes_away(item: &Item) -> bool {
    item.threatens.iter().any(|threat| access(threat).is_some())
}

/// The items that can be run among those that a rule is about.
fn runs(found: &mut Assessment, about: fn(&Item) -> bool) -> impl Iterator<Item = &mut Item> {
    found.items.iter_mut().filter(move |item| matches!(item.work, Work::Run(_)) && about(item))
}

/// Nothing is asked of the pool while it still counts on a node that is silent. glusterd notices a silent peer after
/// some 25 s, if it is left alone; a command before that blocks for 120 s, keeps the volume locked after that, and
/// keeps glusterd from noticing for a quarter of an hour (measured with glusterfs 10.3).
fn silent_peers(cx: &Cx<'_>, found: &mut Assessment) {
    for node in counted_on(cx) {
        let subject = Subject::new("peer", &node);
        let noticed = subject.is("noticed to be away");
        for item in runs(found, is_of_pool) {
            item.needs.push(noticed.clone());
        }
        let summary = format!("glusterd to notice that {node} is away");
        found.item(Item::wait(&subject, "away", summary, NOTICE_POLL).gives(noticed));
    }
}

fn hold(item: &mut Item, because: String, hint: &str) {
    item.work = Work::Held(Held { cause: Cause::Unsafe, because, hint: Some(hint.to_owned()) });
}

/// The items that can be run and threaten a volume, with that volume.
fn threatening(
    found: &mut Assessment,
    volume: fn(&Threat) -> Option<&VolumeName>,
) -> impl Iterator<Item = (VolumeName, &mut Item)> {
    let runs = found.items.iter_mut().filter(|item| matches!(item.work, Work::Run(_)));
    runs.filter_map(move |item| Some((item.threatens.iter().find_map(volume)?.clone(), item)))
}

fn replicas(threat: &Threat) -> Option<&VolumeName> {
    match threat {
        Threat::Replicas(volume) | Threat::Once(volume) => Some(volume),
        Threat::Access(_) | Threat::Cluster | Threat::Quorum => None,
    }
}

fn access(threat: &Threat) -> Option<&VolumeName> {
    match threat {
        Threat::Access(volume) => Some(volume),
        Threat::Replicas(_) | Threat::Once(_) | Threat::Cluster | Threat::Quorum => None,
    }
}

/// The bricks of a replica set are changed only while every copy is complete and served: glusterd itself would not
/// stop anybody (gluster/glusterfs#895).
fn complete(_: &Cx<'_>, found: &mut Assessment) {
    for (volume, item) in threatening(found, replicas) {
        item.needs.push(healed(&volume));
    }
}

/// Of copies that disagree nobody knows which is right, and a new one would be made from either.
/// Unknown is not undisputed.
fn undisputed(cx: &Cx<'_>, found: &mut Assessment) {
    for (volume, item) in threatening(found, replicas) {
        let query = gluster::heal(volume.as_str());
        let answers: Vec<_> = cx.spec.nodes.keys().map(|node| cx.see(node, &query)).collect();
        match answers.iter().filter_map(Seen::known).map(|heal| heal.split_brain).max() {
            Some(0) => {}
            Some(entries) => hold(
                item,
                format!("{entries} entries of volume {volume} are in split-brain"),
                "resolve them first: `gluster volume heal VOLUME info split-brain` lists them",
            ),
            None => hold(
                item,
                format!("nobody can tell whether volume {volume} is free of split-brain"),
                "look at `gluster volume heal VOLUME info` on a node",
            ),
        }
    }
}

/// The cluster manager is told nothing while a person has told it to hold still.
fn maintenance(cx: &Cx<'_>, found: &mut Assessment) {
    if !Standing::of(cx).known().is_some_and(|standing| standing.state.maintenance) {
        return;
    }
    for item in runs(found, is_of_cluster) {
        let because = "the cluster is in maintenance mode: somebody has told it to hold still".to_owned();
        hold(item, because, "`crm_attribute --name maintenance-mode --delete` ends it");
    }
}

/// While a node is to be fenced, the cluster manager does not know yet what is lost and what runs: what it is told
/// then, and what it would foresee, rests on that.
fn fencing(cx: &Cx<'_>, found: &mut Assessment) {
    let Seen::Is(standing) = Standing::of(cx) else { return };
    for member in standing.state.members.iter().filter(|member| member.unclean && standing.is_coordinated()) {
        let subject = Subject::new("fencing", &member.name);
        let over = subject.is("over");
        for item in found.items.iter_mut().filter(|item| is_of_cluster(item)) {
            item.needs.push(over.clone());
        }
        found.item(Item::wait(&subject, "end", format!("{} to be fenced", member.name), NOTICE_POLL).gives(over));
    }
}

/// A volume is not taken from under those who use it.
fn unused(cx: &Cx<'_>, found: &mut Assessment) {
    for (volume, item) in threatening(found, access) {
        let user = mounts_of(cx, &volume).find_map(|(node, mount)| Some((node, mount.ok()??)));
        if let Some((node, path)) = user {
            let because = format!("volume {volume} is mounted on {path} of {node}");
            hold(item, because, "unmount it first: `state: absent` for the mount in this file");
        }
    }
}

/// Nor while a node does not tell what it uses: unknown is not unused.
fn surely_unused(cx: &Cx<'_>, found: &mut Assessment) {
    for (volume, item) in threatening(found, access) {
        let silent = mounts_of(cx, &volume).find_map(|(node, mount)| Some((node, mount.err()?)));
        if let Some((node, why)) = silent {
            let because = format!("it is not known whether {node} uses volume {volume}: {why}");
            hold(item, because, "bring the node back, or take it out of this file");
        }
    }
}

/// Where each node has the volume mounted, if it has; or why that is not known.
fn mounts_of<'a>(
    cx: &'a Cx<'_>,
    volume: &'a VolumeName,
) -> impl Iterator<Item = (&'a NodeName, Result<Option<String>, Why>)> {
    let source = |source: &String| source.rsplit_once([':', '/']).is_some_and(|(_, name)| name == volume.as_str());
    cx.spec.nodes.keys().map(move |node| {
        let mounted = match cx.see(node, &mounts::gluster_mounts()) {
            Seen::Is(mounted) => Ok(mounted.iter().find(|(_, from)| source(from)).map(|(path, _)| path.clone())),
            // Where nothing is installed that could mount it, it is not mounted.
            Seen::NotYet(_) => Ok(None),
            Seen::Unknown(why) => Err(why),
        };
        (node, mounted)
    })
}

/// With a member missing, one vote less or one more that is needed is all it takes for everything to stop.
fn quorum(cx: &Cx<'_>, found: &mut Assessment) {
    for item in runs(found, touches_quorum) {
        if let Some(because) = missing_member(cx) {
            hold(item, because, "bring it back first; nothing else waits for this");
        }
    }
}
