//! What can be wrong with the cluster that Corosync makes of the nodes: their numbers, their votes, their patience.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::kinds::timing::Seconds;
use crate::kinds::{Algorithm, QuorumDevice, Spec, Tls, TransportSpec, nodes};
use crate::model::{Findings, SpecPath};

/// Below it, a node is lost at every hiccup of its machine. Corosync itself takes no less than some 100 ms.
const SHORTEST_TOKEN: Duration = Duration::from_millis(500);
/// Below it, a node is lost at a long one.
const SHORT_TOKEN: Duration = Duration::from_secs(2);

/// Looks at the cluster, if there is to be one.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    if !spec.has_manager() {
        return;
    }
    check_nodes(spec, findings);
    check_token(spec, findings);
    check_votes(spec, findings);
}

fn check_nodes(spec: &Spec, findings: &mut Findings) {
    let path = SpecPath::of(["nodes"]);
    let taken: BTreeSet<u32> = spec.nodes.values().filter_map(|node| node.id).collect();
    let mut free = (1..).filter(|id| !taken.contains(id));
    for (name, node) in &spec.nodes {
        if node.id.is_none() {
            let next = free.next().unwrap_or_default();
            let message = format!("{name} has no id, and the cluster manager knows its members by a number");
            findings.error(path.at(name), "missing-id", message, format!("write `id: {next}`, and keep it for ever"));
        }
        let address = spec.cluster_address_of(name);
        let loopback = address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback() || ip.is_unspecified());
        // An address for storage is told of where storage is looked at.
        if node.addresses.cluster.is_some() && (loopback || address == "localhost") {
            let message = format!("`{address}` is each node itself: the other members cannot reach {name} by it");
            let hint = "write the address of its cluster network";
            findings.error(path.at(name).at("addresses").at("cluster"), "loopback-address", message, hint);
        }
    }
    if spec.nodes.len() != 1 {
        return;
    }
    if spec.transport == TransportSpec::Local {
        let message = "`local` reaches this machine alone, and a cluster manager is there for more than one";
        let hint = "write `transport: {ssh: {user: root}}` and the other nodes, or take its sections out";
        findings.error(SpecPath::of(["transport"]), "local-with-manager", message, hint);
    } else {
        let message = "one node has nobody that takes over from it";
        findings.warn(path, "one-node", message, "write a second one, better two");
    }
}

fn check_token(spec: &Spec, findings: &mut Findings) {
    let token = spec.token();
    let path = SpecPath::of(["corosync", "token"]);
    let lost = Seconds(spec.detection());
    let message = format!("with a token of {token} a node is lost after {lost} without a word, token and consensus");
    if token.duration() < SHORTEST_TOKEN {
        let hint = "a busy machine is as silent as that, and each time it would be fenced: write 3s or more";
        findings.error(path, "token-too-short", message, hint);
    } else if token.duration() < SHORT_TOKEN {
        let hint = "a pause of its host gets a healthy node fenced: write 3s, Corosync's own, or more";
        findings.warn(path, "short-token", message, hint);
    }
}

fn check_votes(spec: &Spec, findings: &mut Findings) {
    let count = spec.nodes.len();
    let Some(device) = &spec.quorum_device else {
        if count > 2 && count.is_multiple_of(2) {
            let half = count / 2;
            let message =
                format!("{count} nodes: when {half} and {half} lose sight of each other, both halves stop everything");
            let hint = "add one vote: `quorumDevice: {host: qd1}`, or a node";
            findings.warn(SpecPath::of(["nodes"]), "even-votes", message, hint);
        }
        return;
    };
    let path = SpecPath::of(["quorumDevice"]);
    check_tls(device, &path, findings);
    if let Some(node) = nodes::at_address(spec, device.host.as_str()) {
        let message = format!("`{}` is {node}: its vote would be lost together with that node's", device.host);
        let hint = "run corosync-qnetd on a host that is no member of the cluster";
        findings.error(path.at("host"), "quorum-device-on-node", message, hint);
    }
    if count % 2 == 1 && device.algorithm == Algorithm::Ffsplit {
        let message = format!("{count} nodes have a majority without it; one vote more makes a tie possible");
        let hint = "take it out, or write `algorithm: lms` for a last man standing";
        findings.warn(path, "odd-votes", message, hint);
    }
}

/// Who can speak in the name of the host decides which half goes on.
fn check_tls(device: &QuorumDevice, path: &SpecPath, findings: &mut Findings) {
    let host = &device.host;
    match device.tls {
        None => {
            let message = format!("whoever can pass for {host} on the network can give its vote: TLS is off");
            let hint = "write `tls: required`, which takes certificates, or `tls: off` where the network is safe";
            findings.warn(path.clone(), "quorum-device-in-clear", message, hint);
        }
        Some(Tls::On) => {
            let message = format!("whoever can pass for {host} on the network need only say that it has no TLS");
            let hint = "write `tls: required`: the certificates are the same";
            findings.warn(path.at("tls"), "quorum-device-may-be-in-clear", message, hint);
        }
        Some(Tls::Off | Tls::Required) => {}
    }
}
