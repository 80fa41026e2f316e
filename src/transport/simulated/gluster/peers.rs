//! `gluster peer` and `gluster pool`, and `adopt-peer`, which makes a new machine the peer that was lost.

use super::xml::{Xml, accepted, answer};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Peer;
use crate::transport::simulated::output::{Call, failed};
use crate::transport::simulated::systemd::run_job;
use crate::transport::simulated::world::{Sight, World};

/// How long the handshake after a probe can be seen.
const SETTLING_MS: u64 = 60;
const UNREACHABLE: &str = "Probe returned with Transport endpoint is not connected";

/// `peer status`.
pub fn status(world: &World, at: &NodeName) -> Output {
    accepted(|xml| xml.element("peerStatus", |xml| list(world, at, xml)))
}

/// `pool list`: the same and the node itself, last.
pub fn pool_list(world: &World, at: &NodeName) -> Output {
    accepted(|xml| {
        xml.element("peerStatus", |xml| {
            list(world, at, xml);
            xml.element("peer", |xml| {
                xml.leaf("uuid", &world.nodes[at].glusterd.uuid);
                xml.leaf("hostname", "localhost");
                xml.leaf("connected", 1);
            });
        });
    })
}

fn list(world: &World, at: &NodeName, xml: &mut Xml) {
    for peer in &world.nodes[at].glusterd.peers {
        // One whose machine was lost is nobody's any more, and stays in the books.
        let sight = world.node_with(&peer.uuid).map_or(Sight::Gone, |node| world.sight(at, node));
        let (state, name) = match peer {
            Peer { rejected: true, .. } => (6, "Peer Rejected"),
            Peer { settles_ms, .. } if *settles_ms > world.clock_ms => (4, "Accepted peer request"),
            _ => (3, "Peer in Cluster"),
        };
        xml.element("peer", |xml| {
            xml.leaf("uuid", &peer.uuid);
            xml.leaf("hostname", &peer.names[0]);
            xml.element("hostnames", |xml| peer.names.iter().for_each(|name| xml.leaf("hostname", name)));
            xml.leaf("connected", i32::from(sight != Sight::Gone));
            xml.leaf("state", state);
            xml.leaf("stateStr", name);
        });
    }
}

/// `peer probe HOST`.
pub fn probe(world: &mut World, at: &NodeName, host: &str) -> Output {
    let done = |errno, word: &str| answer(0, errno, "", |xml| xml.leaf("output", word));
    let Some(other) = world.node_called(at, host).cloned() else { return answer(-1, 107, UNREACHABLE, |_| {}) };
    if other == *at {
        return done(1, "Probe on localhost not needed");
    }
    let uuid = world.nodes[&other].glusterd.uuid.clone();
    if let Some(known) = world.nodes[at].glusterd.peers.iter().find(|peer| peer.uuid == uuid) {
        // A new name for an address that is known is a success, for a new address it is none: so the real one says.
        let addresses = world.resolve(at, host);
        let other_name = !known.names.iter().any(|name| name == host)
            && known.names.iter().any(|name| world.resolve(at, name) == addresses);
        tell_name(world, at, &uuid, host);
        if other_name {
            return done(0, "success");
        }
        return done(2, &format!("Host {host} port 24007 already in peer list"));
    }
    if world.nodes[at].glusterd.peers.iter().any(|peer| peer.names.iter().any(|name| name == host)) {
        return done(2, &format!("Host {host} port 24007 already in peer list"));
    }
    if !world.reaches(at, &other) || !world.nodes[&other].serves() {
        return answer(-1, 107, UNREACHABLE, |_| {});
    }
    let stranger = &world.nodes[&other].glusterd;
    if !stranger.peers.is_empty() || !stranger.volumes.is_empty() {
        let error = format!("{host} is either already part of another cluster or having volumes configured");
        return answer(-1, 3, &error, |_| {});
    }
    join(world, at, &other, host);
    done(0, "success")
}

/// Every member gets the new one, and the new one gets every member and all volumes.
fn join(world: &mut World, at: &NodeName, new: &NodeName, host: &str) {
    let settles_ms = world.clock_ms + SETTLING_MS;
    let peer = |uuid: String, names| Peer { uuid, names, settles_ms, rejected: false };
    let own_name = world.reverse(new, host, at);
    let members: Vec<(NodeName, Peer)> =
        world.members(at).into_iter().map(|(name, peer, _)| (name, peer.clone())).collect();
    let own = world.nodes[at].glusterd.uuid.clone();
    let mut own_names = vec![own_name];
    // The others tell it what else they call the one that probed.
    for peers in members.iter().map(|(name, _)| &world.nodes[name].glusterd.peers) {
        let told = peers.iter().filter(|peer| peer.uuid == own).flat_map(|peer| &peer.names);
        for name in told {
            if !own_names.contains(name) {
                own_names.push(name.clone());
            }
        }
    }
    let mut known = vec![peer(own, own_names)];
    known.extend(members.iter().map(|(_, known)| peer(known.uuid.clone(), known.names.clone())));
    let uuid = world.nodes[new].glusterd.uuid.clone();
    for name in members.iter().map(|(name, _)| name).chain([at]) {
        let books = &mut world.node_mut(name).glusterd;
        books.peers.push(peer(uuid.clone(), vec![host.to_owned()]));
    }
    world.node_mut(new).glusterd.peers = known;
}

/// A further name of a member, told to all who can be told.
fn tell_name(world: &mut World, at: &NodeName, uuid: &str, host: &str) {
    let connected = world.members(at).into_iter().filter(|(_, _, sight)| *sight == Sight::Connected);
    let told: Vec<NodeName> = connected.map(|(name, _, _)| name).chain([at.clone()]).collect();
    for name in told {
        let peers = &mut world.node_mut(&name).glusterd.peers;
        let unknown = |peer: &&mut Peer| peer.uuid == uuid && !peer.names.iter().any(|name| name == host);
        if let Some(peer) = peers.iter_mut().find(unknown) {
            peer.names.push(host.to_owned());
        }
    }
}

/// `peer detach HOST`.
pub fn detach(world: &mut World, at: &NodeName, host: &str) -> Output {
    let peers = &world.nodes[at].glusterd.peers;
    let Some(uuid) = peers.iter().find(|peer| peer.names.iter().any(|name| name == host)).map(|peer| peer.uuid.clone())
    else {
        return answer(-1, 2, &format!("{host} is not part of cluster"), |_| {});
    };
    let volumes = &world.nodes[at].glusterd.volumes;
    if volumes.iter().flat_map(|volume| &volume.bricks).any(|brick| brick.uuid == uuid) {
        let error = format!(
            "Peer {host} hosts one or more bricks. If the peer is in not recoverable state then use either \
             replace-brick or remove-brick command with force to remove all bricks from the peer and attempt the peer \
             detach again."
        );
        return answer(1, 3, &error, |_| {});
    }
    for node in world.nodes.values_mut() {
        if node.glusterd.uuid == uuid {
            node.glusterd.peers.clear();
            node.glusterd.volumes.clear();
        }
        node.glusterd.peers.retain(|peer| peer.uuid != uuid);
    }
    accepted(|xml| xml.leaf("output", "success"))
}

/// `adopt-peer UUID PEER=HOST...`.
pub fn adopt_peer(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let Some((uuid, peers)) = call.args.split_first() else { return failed(1, "adopt-peer: UUID PEER=HOST...\n") };
    let pairs: Vec<(&str, &str)> = peers.iter().filter_map(|peer| peer.split_once('=')).collect();
    let glusterd = &world.nodes[at].glusterd;
    if glusterd.uuid == *uuid {
        return run_job(world, at, "start", "glusterd.service");
    }
    let is_other = |peer: &Peer| pairs.iter().all(|(uuid, _)| *uuid != peer.uuid);
    if !glusterd.volumes.is_empty() || glusterd.peers.iter().any(is_other) {
        return failed(3, "glusterd is in a pool already; it stays who it is\n");
    }
    let stopped = run_job(world, at, "stop", "glusterd.service");
    if !stopped.success() {
        return stopped;
    }
    let peer = |(uuid, host): &(&str, &str)| Peer {
        uuid: (*uuid).to_owned(),
        names: vec![(*host).to_owned()],
        settles_ms: 0,
        rejected: false,
    };
    let glusterd = &mut world.node_mut(at).glusterd;
    (*uuid).clone_into(&mut glusterd.uuid);
    glusterd.peers = pairs.iter().map(peer).collect();
    run_job(world, at, "start", "glusterd.service")
}
