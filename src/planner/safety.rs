//! What is unsafe now, and why: the one room that knows.
//!
//! Kinds only say what an item threatens. Here each threat is turned into what must be positively seen before the
//! item may run, or into the reason why it may not.

use crate::kinds::volumes::healed;
use crate::kinds::{Assessment, Cx};
use crate::model::{Cause, Held, Item, Seen, Threat, VolumeName, Work};
use crate::tools::{gluster, mounts};

/// Goes through all items that threaten something.
pub(super) fn guard(cx: &Cx<'_>, found: &mut Assessment) {
    for item in found.items.iter_mut().filter(|item| matches!(item.work, Work::Run(_))) {
        for threat in item.threatens.clone() {
            match threat {
                Threat::Replicas(volume) => replicas(cx, &volume, item),
                Threat::Access(volume) => access(cx, &volume, item),
            }
        }
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
