//! What is unsafe now, and why: the one room that knows.
//!
//! Kinds only say what an item threatens. Here each threat is turned into what must be positively seen before the
//! item may run, or into the reason why it may not.

use std::time::Duration;

use crate::kinds::volumes::healed;
use crate::kinds::{Assessment, Cx, Standing, counted_on, missing_member};
use crate::model::{Cause, Held, Item, Lane, Seen, Subject, Threat, VolumeName, Work};
use crate::tools::{gluster, mounts};

/// How long until it is worth looking whether glusterd has noticed that a peer is away.
const NOTICE_POLL: Duration = Duration::from_secs(3);

/// Goes through all items that threaten something, or that the whole pool takes part in.
pub(super) fn guard(cx: &Cx<'_>, found: &mut Assessment) {
    silent_peers(cx, found);
    pending_fencing(cx, found);
    for item in found.items.iter_mut().filter(|item| matches!(item.work, Work::Run(_))) {
        for threat in item.threatens.clone() {
            match threat {
                Threat::Replicas(volume) | Threat::Once(volume) => replicas(cx, &volume, item),
                Threat::Access(volume) => access(cx, &volume, item),
                Threat::Cluster => cluster(cx, item),
                Threat::Quorum => quorum(cx, item),
            }
        }
    }
}

/// Nothing is asked of the pool while it still counts on a node that is silent. glusterd notices a silent peer after
/// some 25 s, if it is left alone; a command before that blocks for 120 s, keeps the volume locked after that, and
/// keeps glusterd from noticing for a quarter of an hour (measured with glusterfs 10.3).
fn silent_peers(cx: &Cx<'_>, found: &mut Assessment) {
    let of_pool = |item: &&mut Item| matches!(&item.work, Work::Run(run) if run.lane == Lane::Gluster);
    if !found.items.iter_mut().any(|item| of_pool(&item)) {
        return;
    }
    for node in counted_on(cx) {
        let subject = Subject::new("peer", &node);
        let noticed = subject.is("noticed to be away");
        for item in found.items.iter_mut().filter(of_pool) {
            item.needs.push(noticed.clone());
        }
        let summary = format!("glusterd to notice that {node} is away");
        found.item(Item::wait(&subject, "away", summary, NOTICE_POLL).gives(noticed));
    }
}

fn hold(item: &mut Item, because: String, hint: &str) {
    item.work = Work::Held(Held { cause: Cause::Unsafe, because, hint: Some(hint.to_owned()) });
}

/// The bricks of a replica set are changed only while every copy is complete and served, and none is in dispute:
/// glusterd itself would not stop anybody (gluster/glusterfs#895).
fn replicas(cx: &Cx<'_>, volume: &VolumeName, item: &mut Item) {
    item.needs.push(healed(volume));
    let query = gluster::heal(volume.as_str());
    let answers: Vec<_> = cx.spec.nodes.keys().map(|node| cx.see(node, &query)).collect();
    let disputed = answers.iter().filter_map(Seen::known).map(|heal| heal.split_brain).max();
    match disputed {
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

/// The cluster manager is told nothing while a person has told it to hold still.
fn cluster(cx: &Cx<'_>, item: &mut Item) {
    if Standing::of(cx).known().is_some_and(|standing| standing.state.maintenance) {
        let because = "the cluster is in maintenance mode: somebody has told it to hold still".to_owned();
        hold(item, because, "`crm_attribute --name maintenance-mode --delete` ends it");
    }
}

/// While a node is to be fenced, the cluster manager does not know yet what is lost and what runs: what it is told
/// then, and what it would foresee, rests on that.
fn pending_fencing(cx: &Cx<'_>, found: &mut Assessment) {
    let threatens = |item: &&mut Item| item.threatens.contains(&Threat::Cluster);
    if !found.items.iter_mut().any(|item| threatens(&item)) {
        return;
    }
    let Seen::Is(standing) = Standing::of(cx) else { return };
    for member in standing.state.members.iter().filter(|member| member.unclean && standing.is_coordinated()) {
        let subject = Subject::new("fencing", &member.name);
        let over = subject.is("over");
        for item in found.items.iter_mut().filter(threatens) {
            item.needs.push(over.clone());
        }
        found.item(Item::wait(&subject, "end", format!("{} to be fenced", member.name), NOTICE_POLL).gives(over));
    }
}

/// A volume is not taken from under those who use it.
fn access(cx: &Cx<'_>, volume: &VolumeName, item: &mut Item) {
    let source = |source: &String| source.rsplit_once([':', '/']).is_some_and(|(_, name)| name == volume.as_str());
    let query = mounts::gluster_mounts();
    let user = cx.spec.nodes.keys().find_map(|node| {
        let mounted = cx.see(node, &query);
        let (path, _) = mounted.known()?.iter().find(|(_, from)| source(from))?;
        Some(format!("volume {volume} is mounted on {path} of {node}"))
    });
    if let Some(because) = user {
        hold(item, because, "unmount it first: `state: absent` for the mount in this file");
    }
}

/// With a member missing, one vote less or one more that is needed is all it takes for everything to stop.
fn quorum(cx: &Cx<'_>, item: &mut Item) {
    if let Some(because) = missing_member(cx) {
        hold(item, because, "bring it back first; nothing else waits for this");
    }
}
