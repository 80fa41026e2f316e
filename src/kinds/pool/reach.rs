//! Whether two nodes could become peers at all: do they know each other's names, and do their packets get through.
//!
//! Asked before anything is changed, because glusterd itself says "Transport endpoint is not connected" to all of it.

use crate::kinds::{Cx, Hosts};
use crate::model::{NodeName, Seen};
use crate::tools::gluster;
use crate::tools::node::{self, Port};

/// glusterd's port (glusterfs, `GF_DEFAULT_BASE_PORT`).
const GLUSTERD: u16 = 24007;
/// The first port that bricks take (glusterd.vol, `base-port`).
const FIRST_BRICK: u16 = 49152;

/// What keeps two nodes apart, and what to do about it.
pub(super) struct Obstacle {
    pub(super) because: String,
    pub(super) hint: &'static str,
}

/// What keeps `a` and `b` apart, as far as a look from each of them tells.
pub(super) fn obstacle(cx: &Cx<'_>, a: &NodeName, b: &NodeName) -> Option<Obstacle> {
    // All four are asked before any is judged, so that the answers come in one wave.
    let obstacles = [names(cx, a), names(cx, b), ports(cx, a, b), ports(cx, b, a)];
    obstacles.into_iter().flatten().next()
}

/// The storage name that `viewer` does not know, if there is one.
fn names(cx: &Cx<'_>, viewer: &NodeName) -> Option<Obstacle> {
    if cx.spec.hosts == Hosts::Managed {
        return None;
    }
    let all = cx.spec.nodes.keys().map(|name| cx.spec.storage_of(name));
    let seen = cx.see(viewer, &node::names(all));
    let (unknown, _) = seen.known()?.iter().find(|(_, addresses)| addresses.is_empty())?;
    Some(Obstacle {
        because: format!("{viewer} cannot resolve the name {unknown}"),
        hint: "add it to DNS or /etc/hosts on every node, or write `hosts: managed` and the nodes' `ip`",
    })
}

/// How the storage ports of `node` fail from `viewer`, if they do.
pub(super) fn ports(cx: &Cx<'_>, viewer: &NodeName, node: &NodeName) -> Option<Obstacle> {
    let target = |port: u16| {
        let address = cx.spec.storage_of(node);
        if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
    };
    let (glusterd, brick) = (target(GLUSTERD), target(FIRST_BRICK));
    let seen = cx.see(viewer, &node::ports([glusterd.clone(), brick.clone()]));
    // A port that refuses may just have nobody behind it yet; one that says nothing has something in front of it.
    let listening = matches!(cx.see(node, &gluster::pool()), Seen::Is(_));
    let how = |port: &String| match seen.known()?.get(port)? {
        Port::Silent => Some("does not answer"),
        Port::Refused if listening && *port == glusterd => Some("is refused"),
        Port::Open | Port::Refused | Port::Unresolved => None,
    };
    let (port, how) = [&glusterd, &brick].into_iter().find_map(|port| Some((port, how(port)?)))?;
    Some(Obstacle {
        because: format!("{viewer} cannot reach {node} on its storage network: {port} {how}"),
        hint: "plug the network, and open ports 24007 and 49152 to 60999 (TCP) between the nodes",
    })
}
