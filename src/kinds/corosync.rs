//! Corosync: who is a member, and when a silent member is given up.
//!
//! One `corosync.conf` and one key on every node, from the nodes' ids and addresses. What a section leaves out has a
//! default, and a file without a section for the cluster manager leaves Corosync and Pacemaker untouched.

mod after_heal;
mod check;
mod device;
mod files;
mod force;
mod members;
#[cfg(test)]
mod tests;
mod view;

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::Units;
use super::{Assessment, Cx, Kind, Spec};
use crate::model::{Address, Findings, Interval, Milestone, NodeName, QuorumDeviceStatus, Subject};
use crate::tools::node::Family;
use crate::tools::{corosync, join};
use view::View;

/// Corosync's unit, and Pacemaker's.
const COROSYNC: &str = "corosync.service";
const PACEMAKER: &str = "pacemaker.service";
/// The units that make a node a member.
const DAEMONS: [&str; 2] = [COROSYNC, PACEMAKER];
/// The unit of the quorum device's daemon.
const QDEVICE: &str = "corosync-qdevice.service";

/// Corosync and Pacemaker on all nodes, as members of one cluster, as a kind.
pub(super) struct Membership;

impl Kind for Membership {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        check::check(spec, findings);
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        if let Some(view) = View::of(cx) {
            files::assess(&view, found);
            force::assess(&view, found);
            members::assess(&view, found);
            device::assess(&view, found);
            after_heal::assess(&view, found);
        }
    }
}

/// The milestone that Corosync and Pacemaker run on `node` and that it is a member with all others that run.
pub(super) fn joined(cx: &Cx<'_>, node: &NodeName) -> Milestone {
    member(cx.spec, node).is("joined")
}

fn member(spec: &Spec, node: &NodeName) -> Subject {
    Subject::on("member", &spec.cluster, node)
}

/// Who is not there of those whom a running Corosync knows of, in a sentence.
pub(crate) fn missing_member(cx: &Cx<'_>) -> Option<String> {
    View::of(cx)?.missing()
}

/// Whether the others keep quorum when `node` leaves them; nothing if that cannot be seen.
pub(super) fn quorate_without(cx: &Cx<'_>, node: &NodeName) -> Option<bool> {
    View::of(cx)?.quorate_without(node)
}

/// The units by which a node is a member, or about to be, in the order in which they are stopped.
pub(super) fn in_use(units: &Units) -> Vec<&'static str> {
    let runs = |unit: &&str| {
        let unit = units.known().and_then(|units| units.get(*unit));
        unit.is_some_and(|unit| unit.active() || ["activating", "reloading"].contains(&unit.active_state.as_str()))
    };
    [join::UNIT, QDEVICE, PACEMAKER, COROSYNC].into_iter().filter(runs).collect()
}

/// How each node stands with the quorum device, if there is to be one.
pub(super) fn device_status(cx: &Cx<'_>) -> Vec<QuorumDeviceStatus> {
    View::of(cx).map(|view| device::status(&view)).unwrap_or_default()
}

/// The packages that the cluster manager needs on a system of `family`.
pub(super) fn packages(spec: &Spec, family: Family) -> Vec<&'static str> {
    let (mut packages, fence_agents) = match family {
        _ if !spec.has_manager() => return Vec::new(),
        Family::Debian => (vec!["corosync", "pacemaker", "pacemaker-cli-utils", "resource-agents"], "fence-agents"),
        Family::RedHat => (vec!["corosync", "pacemaker", "resource-agents"], "fence-agents-all"),
        Family::Other => return Vec::new(),
    };
    if !spec.fence_devices.is_empty() {
        packages.push(fence_agents);
    }
    if spec.quorum_device.is_some() {
        packages.push(corosync::QDEVICE);
    }
    packages
}

/// The packages that it may need, over all families.
pub(super) fn all_packages(spec: &Spec) -> Vec<&'static str> {
    let mut all = packages(spec, Family::Debian);
    for package in packages(spec, Family::RedHat) {
        if !all.contains(&package) {
            all.push(package);
        }
    }
    all
}

/// The units that are looked at, if there is a cluster manager.
pub(super) fn units(spec: &Spec) -> Vec<&'static str> {
    if !spec.has_manager() {
        return Vec::new();
    }
    vec![COROSYNC, QDEVICE, PACEMAKER, join::UNIT]
}

/// Corosync's own default (corosync.conf(5)).
const TOKEN: Interval = Interval::seconds(3);
/// What Corosync adds to the token for each node above two (corosync.conf(5), `token_coefficient`).
const TOKEN_COEFFICIENT: Duration = Duration::from_millis(650);
/// How long the one that is left of two nodes looks for the other: a fifth of the token within these bounds, as cman
/// had it (Red Hat Cluster Administration, "Changing Consensus Timeout"). Of two, nobody else is asked; less than the
/// token is safe there, and only there (corosync.conf(5), `consensus`).
const CONSENSUS_OF_TWO: RangeInclusive<Duration> = Duration::from_millis(200)..=Duration::from_secs(2);

/// How members notice each other's silence, and when they join.
///
/// ```yaml
/// corosync:
///   token: 20s
///   start: onBoot
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Corosync {
    /// How long a member may be silent before it counts as lost: 3 s unless written. Consensus takes 1.2 times as
    /// long again; with two nodes a fifth of it, at least 0.2 s and at most 2 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Interval>,
    /// When a node that was off joins the cluster again.
    pub start: Start,
}

/// When a node that was off joins the cluster again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Start {
    /// As soon as it has booted, by itself.
    #[default]
    OnBoot,
    /// Once its bricks are healed, by itself; at the end of a bounded wait in any case, and at once if nobody is in a
    /// cluster yet.
    AfterHeal,
}

/// A third vote for clusters with an even number of nodes: a host outside of the cluster that runs corosync-qnetd.
///
/// ```yaml
/// quorumDevice: {host: qd1, algorithm: ffsplit, tls: required}
/// ```
///
/// bricklayer does not log in to that host: corosync-qnetd is installed and started there by hand, and the nodes must
/// reach its port 5403. After a power loss of all, nothing starts before every node and the host have been seen once;
/// in the meantime one of two nodes goes on with the host's vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuorumDevice {
    /// The host that runs corosync-qnetd.
    pub host: Address,
    /// How it gives its vote.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Whether the nodes and the host encrypt what they say and prove who they are: `off` unless written. With `on` or
    /// `required` each node needs a certificate that the host has signed; `plan` tells the command that makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// How a quorum device gives its vote (corosync-qdevice(8)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Algorithm {
    /// To exactly one of two halves.
    #[default]
    Ffsplit,
    /// To each part that has a node with the most votes left: the last man standing.
    Lms,
}

/// Whether TLS is spoken with a quorum device (corosync-qdevice(8)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Tls {
    /// Never.
    #[default]
    Off,
    /// If the host offers it.
    On,
    /// Always: where the host does not offer it, there is no vote.
    Required,
}

impl Spec {
    /// Whether the file has anything for the cluster manager. If not, Corosync and Pacemaker are left as they are.
    #[must_use]
    pub fn has_manager(&self) -> bool {
        self.corosync.is_some()
            || self.quorum_device.is_some()
            || !self.fence_devices.is_empty()
            || !self.failover_domains.is_empty()
            || !self.services.is_empty()
    }

    /// How long a member may be silent before it counts as lost, as it is written into `corosync.conf`.
    #[must_use]
    pub fn token(&self) -> Interval {
        self.corosync.as_ref().and_then(|corosync| corosync.token).unwrap_or(TOKEN)
    }

    /// The token at run time: from three nodes on, Corosync adds to it.
    #[must_use]
    pub fn effective_token(&self) -> Duration {
        let beyond_two = u32::try_from(self.nodes.len().saturating_sub(2)).unwrap_or(u32::MAX);
        self.token().duration().saturating_add(TOKEN_COEFFICIENT.saturating_mul(beyond_two))
    }

    /// How long it takes until the others agree that a silent member is lost: token and consensus.
    #[must_use]
    pub fn detection(&self) -> Duration {
        let token = self.effective_token();
        token.saturating_add(self.consensus().unwrap_or(token.saturating_mul(6) / 5))
    }

    /// Consensus as it is written into `corosync.conf`: with two nodes only.
    pub(super) fn consensus(&self) -> Option<Duration> {
        let (shortest, longest) = CONSENSUS_OF_TWO.into_inner();
        (self.nodes.len() == 2).then(|| (self.effective_token() / 5).clamp(shortest, longest))
    }

    /// The name or address that Corosync talks to `node` by: its storage address unless written.
    pub(super) fn cluster_address_of<'a>(&'a self, node: &'a NodeName) -> &'a str {
        let written = self.nodes.get(node).and_then(|written| written.addresses.cluster.as_ref());
        written.map_or_else(|| self.storage_of(node), |at| at.name.as_str())
    }
}
