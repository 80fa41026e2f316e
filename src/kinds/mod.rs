//! One file for each kind of thing a user can write: its YAML form, its checks, and what it does about a difference.
//!
//! Adding a kind is one file here and one line in [`KINDS`]. A kind never runs anything: it looks at answers
//! through [`Cx`], and what it looks for and does not find is what is asked next.

mod actual;
mod bricks;
mod cluster;
mod coherence;
mod corosync;
mod cx;
mod domains;
mod fencing;
mod files;
mod healgate;
mod history;
mod ids;
mod maintenance;
mod manager;
mod mounts;
mod nodes;
mod one_of;
mod parameters;
mod paths;
mod pool;
mod postgresql;
mod returning;
mod runbook;
mod secrets;
mod services;
mod status;
pub mod timing;
mod units;
pub(crate) mod volumes;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cluster::{ApiVersion, Hosts, SshSpec, TransportSpec};
pub(crate) use corosync::missing_member;
pub use corosync::{Algorithm, Corosync, QuorumDevice, Start, Tls};
pub use cx::{Assessment, Cx};
pub use domains::FailoverDomain;
pub use fencing::{FenceDevice, FenceLevels, Fencing};
pub use healgate::HealGate;
pub use history::history;
pub(crate) use manager::Standing;
pub use mounts::{Mount, MountState};
pub use nodes::{Addresses, NetworkAddress, Node};
pub(crate) use pool::counted_on;
pub use runbook::runbook;
pub use services::{
    Ip, Lsb, MountResource, Ocf, Postgresql, Recovery, Resource, Service, ServiceState, Systemd, Timeouts,
};
pub use status::status;
pub use volumes::{Brick, Filesystem, Profile, Volume, VolumeState};

use crate::model::{
    ClusterName, DomainName, FenceDeviceName, Findings, Milestone, MountName, NodeName, ServiceName, VolumeName, Wish,
};

/// What the author of a kind writes. `Sync`, because kinds are stateless entries of a static list.
pub trait Kind: Sync {
    /// Looks at what the file says about this kind and tells what is wrong or doubtful in it.
    fn check(&self, spec: &Spec, findings: &mut Findings);

    /// Looks at the nodes through `cx` and answers with what differs.
    ///
    /// Called again and again with more answers until every question asked through `cx` is answered. It is a pure
    /// function of `cx`, must ask as early as it can (each wave of questions is a round trip), and must give, for
    /// each milestone it is responsible for, either [`Assessment::met`] with evidence or an item that gives it.
    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment);
}

/// Every kind, in the order in which a reader would tell of them.
pub static KINDS: &[&dyn Kind] = &[
    &nodes::Nodes,
    &pool::Peers,
    &bricks::Bricks,
    &volumes::Volumes,
    &returning::Returning,
    &mounts::Mounts,
    &secrets::Secrets,
    &postgresql::Databases,
    &corosync::Membership,
    &healgate::HealGates,
    &manager::Manager,
    &maintenance::Maintenance,
];

/// What must have been seen for `wish` to be granted when nothing is left to do for it.
pub(crate) fn seen_for(spec: &Spec, wish: &Wish) -> Milestone {
    match wish {
        Wish::Heal(volume) => volumes::healed(volume),
        Wish::Drain(node) => maintenance::drained(node),
        Wish::Resume(node) | Wish::Replace(node) => maintenance::resumed(node),
        _ => manager::answers(spec),
    }
}

/// What is wrong or doubtful in a file, by every kind.
#[must_use]
pub fn check_all(spec: &Spec) -> Findings {
    let mut findings = Findings::default();
    cluster::check(spec, &mut findings);
    for kind in KINDS {
        kind.check(spec, &mut findings);
    }
    findings
}

/// One file: one cluster, as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// The version of the file's form.
    pub api_version: ApiVersion,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// How the nodes are reached.
    pub transport: TransportSpec,
    /// Who writes the names of the nodes into `/etc/hosts`.
    #[serde(default)]
    pub hosts: Hosts,
    /// The machines.
    pub nodes: BTreeMap<NodeName, Node>,
    /// The volumes.
    #[serde(default)]
    pub volumes: BTreeMap<VolumeName, Volume>,
    /// Where volumes are mounted.
    #[serde(default)]
    pub mounts: BTreeMap<MountName, Mount>,
    /// How members of the cluster notice each other's silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corosync: Option<Corosync>,
    /// A third vote for an even number of nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum_device: Option<QuorumDevice>,
    /// What switches nodes off.
    #[serde(default)]
    pub fence_devices: BTreeMap<FenceDeviceName, FenceDevice>,
    /// In which order fence devices are tried, by node.
    #[serde(default)]
    pub fence_levels: FenceLevels,
    /// Why nodes are not fenced, if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fencing: Option<Fencing>,
    /// On which nodes services may run.
    #[serde(default)]
    pub failover_domains: BTreeMap<DomainName, FailoverDomain>,
    /// What runs on one node at a time.
    #[serde(default)]
    pub services: BTreeMap<ServiceName, Service>,
}
