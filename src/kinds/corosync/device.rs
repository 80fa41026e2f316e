//! The quorum device: a daemon on every node that has a host outside of the cluster vote with it. Where the two speak
//! TLS, the certificates come first, and a file without the device is in force only after the daemon has gone.

use super::view::{Sight, View};
use super::{QDEVICE, force};
use crate::kinds::{Algorithm, Assessment, QuorumDevice, Tls, files, nodes};
use crate::model::{Cause, Difference, Item, Milestone, NodeName, Place, QuorumDeviceStatus, Seen, Subject, Threat};
use crate::tools::corosync::{self, DeviceState};
use crate::tools::systemd;

/// For how many seconds a daemon that was just started may be without a vote: it calls its host every eight.
const PATIENCE: f64 = 20.0;

/// Looks at all nodes.
pub(super) fn assess(view: &View<'_>, found: &mut Assessment) {
    let Some(device) = &view.spec().quorum_device else {
        for (name, sight) in &view.nodes {
            retire(view, name, sight, found);
        }
        return;
    };
    if device.tls() != Tls::Off {
        for name in view.nodes.keys() {
            certificate(view, device, name, found);
        }
    }
    let mut before = None;
    for (name, sight) in view.nodes.iter().filter(|(_, sight)| sight.units.known().is_some() && !sight.is_foreign()) {
        let unit = sight.unit(QDEVICE);
        match unit.active_state.as_str() {
            "active" => runs(view, device, (name, sight), &mut before, found),
            "activating" | "deactivating" => {
                let summary = format!("corosync-qdevice on {name} to be {}", unit.active_state.replace("ing", "ed"));
                found.item(Item::wait(&subject(view, name), "settle", summary, nodes::POLL));
            }
            _ => found.item(start(view, device, name, &unit.active_state)),
        }
    }
}

impl QuorumDevice {
    /// Whether TLS is spoken: not unless written.
    pub(super) fn tls(&self) -> Tls {
        self.tls.unwrap_or_default()
    }

    /// What a daemon that does as written says of itself.
    fn wanted(&self) -> [(&'static str, &str); 3] {
        [("host", self.host.as_str()), ("algorithm", self.algorithm.word()), ("tls", self.tls().word())]
    }
}

impl Algorithm {
    /// As `corosync.conf` has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ffsplit => "ffsplit",
            Self::Lms => "lms",
        }
    }
}

impl Tls {
    /// As `corosync.conf` has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Required => "required",
        }
    }
}

fn subject(view: &View<'_>, node: &NodeName) -> Subject {
    Subject::on("quorum-device", &view.spec().cluster, node)
}

/// The milestone that `node` can prove to the device's host what cluster it is of.
pub(super) fn certified(view: &View<'_>, node: &NodeName) -> Milestone {
    subject(view, node).is("certified")
}

/// The milestone that no daemon of a device runs on `node`.
pub(super) fn gone(view: &View<'_>, node: &NodeName) -> Milestone {
    subject(view, node).is("gone")
}

/// Certificates are signed on the device's host, where bricklayer does not log in. Without them the daemon does not
/// start, and a cluster that counts on it would start by halves.
fn certificate(view: &View<'_>, device: &QuorumDevice, node: &NodeName, found: &mut Assessment) {
    let milestone = certified(view, node);
    let cluster = view.spec().cluster.as_str();
    let because = match view.cx.see(node, &corosync::certificate()) {
        Seen::Is(of) => match of.as_deref() {
            Some(of) if of == cluster => return found.met(milestone),
            Some(of) => format!("the certificate on {node} is of the cluster {of}"),
            None => format!("there is no certificate on {node} that {} has signed", device.host),
        },
        Seen::NotYet(_) => format!("there is no corosync-qdevice on {node} yet, and so no certificate"),
        Seen::Unknown(why) => return found.unknown(milestone, &why),
    };
    let all: Vec<&str> = view.spec().nodes.iter().map(|(name, node)| node.management(name)).collect();
    let certify = corosync::certify(cluster, device.host.as_str(), &all);
    let hint =
        format!("`{certify}` makes them for all nodes, as root of a machine that may log in to all; or `tls: off`");
    let summary = format!("have a certificate for {} on {node}", device.host);
    let item = Item::held(&subject(view, node), "certify", summary, Cause::Refused, because, hint);
    found.item(item.gives(milestone));
}

/// Its unit requires Corosync's. With `start: afterHeal` that, too, comes at once: a member votes before it serves.
fn start(view: &View<'_>, device: &QuorumDevice, node: &NodeName, seen: &str) -> Item {
    let summary = format!("have {} vote with {node}", device.host);
    let command = systemd::enable_now(QDEVICE);
    let seen = if seen.is_empty() { "not installed" } else { seen };
    let item = Item::run(&subject(view, node), "start", summary, Place::On(node.clone()), command)
        .because(Difference::changed(QDEVICE, seen, "active"))
        .needs(nodes::installed(node, corosync::QDEVICE))
        .needs(nodes::running(node, corosync::DAEMON))
        .needs(files::written(corosync::CONF, node))
        // The daemon ends at once where its device is not in what Corosync runs with.
        .needs(force::in_force(view));
    if device.tls() == Tls::Off { item } else { item.needs(certified(view, node)) }
}

/// A daemon that runs: as written, at boot, and with the device's vote.
fn runs(
    view: &View<'_>,
    device: &QuorumDevice,
    (node, sight): (&NodeName, &Sight),
    before: &mut Option<Milestone>,
    found: &mut Assessment,
) {
    let place = || Place::On(node.clone());
    if !sight.unit(QDEVICE).enabled {
        let summary = format!("have {} vote with {node} from the boot on", device.host);
        let item = Item::run(&subject(view, node), "enable", summary, place(), systemd::enable(&[QDEVICE]));
        found.item(item.because(Difference::changed(format!("{QDEVICE} at boot"), "disabled", "enabled")));
    }
    let Some(state) = sight.device.as_ref().and_then(Seen::known) else { return };
    let why = differences(device, state);
    if why.is_empty() {
        return without_vote(view, device, (node, sight), state, found);
    }
    let restarted = subject(view, node).is("restarted");
    let summary = format!("restart corosync-qdevice on {node}");
    let mut item = Item::run(&subject(view, node), "restart", summary, place(), systemd::restart(&[QDEVICE]))
        .threatens(Threat::Quorum)
        .needs(files::written(corosync::CONF, node))
        .needs(force::in_force(view))
        .gives(restarted.clone());
    item.why = why;
    // One after the other: in between, the node is without the vote.
    if let Some(before) = before.replace(restarted) {
        item = item.needs(before);
    }
    found.item(item);
}

fn differences(device: &QuorumDevice, state: &DeviceState) -> Vec<Difference> {
    let now = [&state.host, &state.algorithm, &state.tls];
    let both = device.wanted().into_iter().zip(now);
    let differ = both.filter(|((_, wanted), now)| wanted != now);
    differ.map(|((field, wanted), now)| Difference::changed(field, now.as_str(), wanted)).collect()
}

/// Nothing else waits for the vote: what rests on quorum looks at quorum.
fn without_vote(
    view: &View<'_>,
    device: &QuorumDevice,
    (node, sight): (&NodeName, &Sight),
    state: &DeviceState,
    found: &mut Assessment,
) {
    if state.votes {
        return;
    }
    let host = &device.host;
    let summary = format!("{host} to vote with {node}");
    let looked = view.cx.see(node, &nodes::look(view.spec()));
    if looked.known().is_some_and(|facts| sight.unit(QDEVICE).active_for(facts.uptime) < PATIENCE) {
        return found.item(Item::wait(&subject(view, node), "vote", summary, nodes::POLL));
    }
    let because = format!("{host} does not vote with {node}: {}", state.connection.to_lowercase());
    let hint = format!("start corosync-qnetd on {host}, and let the nodes reach its port 5403");
    found.item(Item::held(&subject(view, node), "vote", summary, Cause::Unknown, because, hint));
}

/// With no device written, its daemon goes before what Corosync runs with does: one that loses its device under way
/// fails, and leaves a device without a vote behind in Corosync.
fn retire(view: &View<'_>, node: &NodeName, sight: &Sight, found: &mut Assessment) {
    if sight.units.known().is_none() {
        return;
    }
    let unit = sight.unit(QDEVICE);
    let is_idle = ["inactive", "failed", ""].contains(&unit.active_state.as_str());
    if !unit.enabled && is_idle {
        return found.met(gone(view, node));
    }
    if sight.is_foreign() {
        return;
    }
    let summary = format!("have no quorum device vote with {node} any longer");
    let place = Place::On(node.clone());
    let mut item = Item::run(&subject(view, node), "retire", summary, place, systemd::disable_now(QDEVICE))
        .because(Difference::gone(QDEVICE, if is_idle { "enabled" } else { "active" }))
        .needs(files::written(corosync::CONF, node))
        .gives(gone(view, node));
    if !is_idle {
        item = item.threatens(Threat::Quorum);
    }
    found.item(item);
}

/// How each node stands with the device; a daemon that does not run does not vote.
pub(super) fn status(view: &View<'_>) -> Vec<QuorumDeviceStatus> {
    let Some(device) = &view.spec().quorum_device else { return Vec::new() };
    let of = |(name, sight): (&&NodeName, &Sight)| {
        let (votes, connection) = match &sight.device {
            Some(Seen::Is(state)) => (Some(state.votes), Some(state.connection.clone())),
            Some(Seen::NotYet(_)) => (Some(false), Some("off".to_owned())),
            Some(Seen::Unknown(_)) | None => (None, None),
        };
        QuorumDeviceStatus { host: device.host.to_string(), node: (*name).clone(), votes, connection }
    };
    view.nodes.iter().map(of).collect()
}
