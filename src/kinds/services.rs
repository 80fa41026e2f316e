//! Services: what runs on one node at a time, resource by resource, and moves as a whole.

mod check;
mod check_address;
mod resources;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FailoverDomain, HealGate, Spec, Volume};
use crate::model::{DomainName, Interval, MountName, NodeName, ServiceName, VolumeName};

pub(super) use check::{Part, check, parts};
pub use resources::{Cidr, Ip, Lsb, MountResource, Ocf, Postgresql, Resource, Systemd, Timeouts};

/// A service: a list of resources that start in this order, stop in reverse, and run on one node together.
///
/// ```yaml
/// services:
///   service01:
///     failoverDomain: dom01
///     autostart: false
///     resources:
///       - ip: {address: 192.168.7.99/24, monitorLink: true}
///       - mount: gldata00
///       - postgresql: {dataDir: /gldata00/pgsql}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Where it may run; on any node if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_domain: Option<DomainName>,
    /// Whether it runs as soon as it is there. From then on `service enable` and `service disable` say so.
    #[serde(default = "yes")]
    pub autostart: bool,
    /// Whether it is to run, to rest, or not to be there; unless written, whatever it was last told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ServiceState>,
    /// What happens when a resource fails while it runs.
    #[serde(default)]
    pub recovery: Recovery,
    /// How often it is restarted in place before it is moved, with `recovery: restart`; without end unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_restarts: Option<u32>,
    /// After how long without a failure the failures before it are forgotten: 10 minutes unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_window: Option<Interval>,
    /// What it does about copies of its data that are not complete.
    #[serde(default)]
    pub heal_gate: HealGate,
    /// Why it may start on a copy that is not complete, where the gate lets it: what that copy misses is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_data_loss: Option<String>,
    /// What it is made of, in the order in which it starts.
    pub resources: Vec<Resource>,
}

impl Service {
    /// The volumes that it mounts.
    pub fn volumes<'a>(&'a self, spec: &'a Spec) -> impl Iterator<Item = (&'a VolumeName, &'a Volume)> {
        self.resources.iter().filter_map(|resource| match resource {
            Resource::Mount(mount) => spec.volumes.get_key_value(&spec.mounts.get(&mount.name)?.volume),
            _ => None,
        })
    }
}

fn yes() -> bool {
    true
}

/// Whether a service is to run, to rest, or not to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ServiceState {
    /// It runs.
    Started,
    /// It rests.
    Stopped,
    /// It is taken out of the cluster manager. Its data stays.
    Absent,
}

/// What happens when a resource fails while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Recovery {
    /// It is restarted where it is, and elsewhere if it does not start.
    #[default]
    Restart,
    /// It is moved at once.
    Relocate,
    /// It is stopped and stays so.
    Disable,
}

impl Spec {
    /// The failover domain of `service`, if it has one.
    #[must_use]
    pub fn domain_of(&self, service: &Service) -> Option<&FailoverDomain> {
        self.failover_domains.get(service.failover_domain.as_ref()?)
    }

    /// The nodes on which `service` may ever run: the members of its domain, and unless that is restricted all others
    /// after them.
    pub(super) fn serving<'a>(&'a self, service: &Service) -> Vec<&'a NodeName> {
        let domain = self.domain_of(service);
        let member = |node: &&NodeName| domain.is_some_and(|domain| domain.nodes.contains_key(*node));
        let others = self.nodes.keys().filter(|node| !member(node) && domain.is_none_or(|domain| !domain.restricted));
        self.nodes.keys().filter(member).chain(others).collect()
    }

    /// The services that are to be there: what is to go may be written as it was.
    pub(super) fn present_services(&self) -> impl Iterator<Item = (&ServiceName, &Service)> {
        self.services.iter().filter(|(_, service)| service.state != Some(ServiceState::Absent))
    }

    /// Whether a mount is where a service is, and nowhere else: the cluster manager mounts it.
    pub(super) fn is_managed(&self, mount: &MountName) -> bool {
        let lists = |resource: &Resource| matches!(resource, Resource::Mount(listed) if listed.name == *mount);
        self.present_services().flat_map(|(_, service)| &service.resources).any(lists)
    }
}
