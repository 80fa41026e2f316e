//! Mounts that the cluster manager does: no unit of systemd's, and a mount point to which nobody can write while
//! nothing is mounted there. A database was once put onto the root file system because a mount had failed.

use super::assess::{Now, One};
use crate::kinds::{Assessment, Cx, MountState};
use crate::model::{AbsPath, Cause, Difference, Item, Milestone, NodeName, Place, Seen, Subject, Why};
use crate::tools::mounts::{self, Point};

/// The milestone that the mount point `path` on `node` is one to which nobody can write.
fn is_sealed(path: &AbsPath, node: &NodeName) -> Milestone {
    Subject::on("mount point", path, node).is("sealed")
}

/// The milestones that every mount of the cluster manager's can be done on each node that answers: one that is silent
/// gets its own when it is back.
pub(in crate::kinds) fn sealed(cx: &Cx<'_>) -> Vec<Milestone> {
    let managed =
        cx.spec.mounts.iter().filter(|(name, mount)| mount.state == MountState::Mounted && cx.spec.is_managed(name));
    let on = |mount: &super::Mount| {
        let nodes = mount.on(cx.spec).into_iter().filter(|node| cx.answers(node));
        nodes.map(|node| is_sealed(&mount.path, node)).collect::<Vec<_>>()
    };
    managed.flat_map(|(_, mount)| on(mount)).collect()
}

/// Looks at the mount point of `one`, and takes away a unit of ours that was there before the service was.
pub(super) fn assess(one: &One<'_>, now: &Now, found: &mut Assessment) {
    let (path, node) = (&one.mount.path, one.node);
    let sealed = is_sealed(path, node);
    let query = mounts::points(points(one.cx, node));
    let point = match one.cx.see(node, &query) {
        Seen::Is(points) => points.get(path.as_str()).copied(),
        Seen::NotYet(_) => None,
        Seen::Unknown(Why::NotAsked) => return,
        Seen::Unknown(why) => return found.unknown(sealed, &why),
    };
    one.unmount(now, found);
    let by_unit = now.is_ours() && now.mounted;
    let held = |because: String, hint: &str| {
        let summary = format!("seal the mount point {path} on {node}");
        Item::held(&one.subject(), "seal", summary, Cause::Refused, because, hint).gives(sealed.clone())
    };
    let why = match point {
        Some(Point::Mounted) if !by_unit => return found.met(sealed),
        Some(Point::Sealed) => return found.met(sealed),
        Some(Point::Used) => {
            let because = format!("there are files in {path} on {node} while nothing is mounted there");
            return found.item(held(because, "move them away: under the mount nobody would see them"));
        }
        Some(Point::Other) => {
            let because = format!("{path} on {node} is not a directory");
            return found.item(held(because, "move it away, or name another path"));
        }
        Some(Point::Absent) | None => Difference::new(path.as_str(), "a directory to which nobody can write"),
        Some(Point::Open | Point::Mounted) => {
            Difference::changed(path.as_str(), "writable while nothing is mounted", "to be written by nobody then")
        }
    };
    let summary = format!("seal the mount point {path} on {node}");
    let command = mounts::make_point(path);
    let item = Item::run(&one.subject(), "seal", summary, Place::On(node.clone()), command).because(why);
    let item = if by_unit { item.needs(one.subject().is("unmounted")) } else { item };
    found.item(item.gives(sealed));
}

/// The mount points of `node` that the cluster manager mounts on.
fn points<'a>(cx: &Cx<'a>, node: &NodeName) -> Vec<&'a AbsPath> {
    let here =
        cx.spec.mounts.iter().filter(|(name, mount)| {
            mount.state == MountState::Mounted && mount.is_on(node) && cx.spec.is_managed(name)
        });
    here.map(|(_, mount)| &mount.path).collect()
}
