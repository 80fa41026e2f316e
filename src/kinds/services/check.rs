//! What can be wrong with services: what they are made of, in which order, and what two of them cannot share.

use std::collections::BTreeMap;

use super::check_address;
use crate::kinds::{
    Lsb, MountResource, MountState, Ocf, Recovery, Resource, Service, ServiceState, Spec, Systemd, Timeouts,
    VolumeState, parameters,
};
use crate::model::{DomainName, Findings, MountName, ServiceName, SpecPath, did_you_mean};

/// What bricklayer itself starts and stops on a node.
const OF_THE_CLUSTER: &[&str] = &["corosync", "pacemaker", "glusterd", "corosync-qdevice"];

/// One resource of a service, and where it is written.
pub(in crate::kinds) struct Part<'a> {
    /// The service's name.
    pub(in crate::kinds) name: &'a ServiceName,
    /// The service.
    pub(in crate::kinds) service: &'a Service,
    /// The resource's place in its list.
    pub(in crate::kinds) index: usize,
    /// The resource.
    pub(in crate::kinds) resource: &'a Resource,
    /// Where it is written.
    pub(in crate::kinds) path: SpecPath,
}

/// Every resource of every service that is to be there.
pub(in crate::kinds) fn parts(spec: &Spec) -> impl Iterator<Item = Part<'_>> {
    spec.present_services().flat_map(|(name, service)| {
        let path = SpecPath::of(["services"]).at(name).at("resources");
        service.resources.iter().enumerate().map(move |(index, resource)| {
            let path = path.at(index).at(resource.key());
            Part { name, service, index, resource, path }
        })
    })
}

/// Looks at the services.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    for (name, service) in spec.present_services() {
        check_service(spec, service, &SpecPath::of(["services"]).at(name), findings);
    }
    for part in parts(spec) {
        match part.resource {
            Resource::Systemd(systemd) => check_unit(systemd, &part.path, findings),
            Resource::Ocf(ocf) => check_agent(ocf, &part.path, findings),
            _ => {}
        }
    }
    check_mounts(spec, findings);
    check_units(spec, findings);
    check_address::check(spec, findings);
}

fn check_service(spec: &Spec, service: &Service, path: &SpecPath, findings: &mut Findings) {
    if service.resources.is_empty() {
        let hint = "write what it is made of: `resources: [{mount: gldata00}]`";
        findings.error(path.at("resources"), "no-resources", "this service is made of nothing", hint);
    }
    if let Some(domain) = service.failover_domain.as_ref().filter(|name| !spec.failover_domains.contains_key(*name)) {
        let all = "write it below `failoverDomains:`, or name one that is there";
        let hint = did_you_mean(domain.as_str(), spec.failover_domains.keys().map(DomainName::as_str), all);
        let message = format!("there is no failover domain `{domain}`");
        findings.error(path.at("failoverDomain"), "unknown-domain", message, hint);
    }
    check_recovery(service, path, findings);
}

fn check_recovery(service: &Service, path: &SpecPath, findings: &mut Findings) {
    match (service.max_restarts, service.recovery) {
        (Some(0), Recovery::Restart) => {
            let message = "`maxRestarts: 0` restarts nothing";
            findings.error(path.at("maxRestarts"), "bad-value", message, "write `recovery: relocate`");
        }
        (Some(_), Recovery::Relocate | Recovery::Disable) => {
            let message = "`maxRestarts` belongs to `recovery: restart`: nothing is restarted here";
            findings.error(path.at("maxRestarts"), "max-restarts-alone", message, "leave one of the two out");
        }
        _ => {}
    }
    if service.restart_window.is_some() && service.recovery == Recovery::Disable {
        let message = "`restartWindow` says when failures are forgotten, and a disabled service waits for a person";
        findings.warn(path.at("restartWindow"), "restart-window-alone", message, "leave it out");
    }
}

/// A mount is where its service is, so it has one.
fn check_mounts(spec: &Spec, findings: &mut Findings) {
    let mut taken: BTreeMap<&MountName, &ServiceName> = BTreeMap::new();
    for part in parts(spec) {
        let Resource::Mount(MountResource { name, .. }) = part.resource else { continue };
        let Some(mount) = spec.mounts.get(name) else {
            let all = "write it below `mounts:`, or name one that is there";
            let hint = did_you_mean(name.as_str(), spec.mounts.keys().map(MountName::as_str), all);
            findings.error(part.path, "unknown-mount", format!("there is no mount `{name}`"), hint);
            continue;
        };
        if let Some(other) = taken.insert(name, part.name) {
            let message = if other == part.name {
                format!("mount {name} stands in {other} already")
            } else {
                format!("mount {name} belongs to {other} already, and moves with it")
            };
            let hint = "give each service a mount of its own; two mounts may show one volume";
            findings.error(part.path.clone(), "shared-mount", message, hint);
        }
        if mount.state == MountState::Absent {
            let message = format!("mount {name} is to be gone");
            let hint = "leave `state: absent` out at the mount, or the mount out here";
            findings.error(part.path.clone(), "mount-is-absent", message, hint);
        }
        if spec.volumes.get(&mount.volume).is_some_and(|volume| volume.state == VolumeState::Stopped) {
            let message = format!("volume {} of mount {name} is to rest, and {} needs it", mount.volume, part.name);
            let hint = "write `state: stopped` for the service, or leave it out at the volume";
            if part.service.state != Some(ServiceState::Stopped) {
                findings.error(part.path, "service-on-stopped-volume", message, hint);
            }
        }
    }
}

fn check_unit(systemd: &Systemd, path: &SpecPath, findings: &mut Findings) {
    let unit = systemd.unit.as_str();
    let path = path.at("unit");
    if let Some(plain) = unit.strip_suffix(".service") {
        let message = format!("`{unit}` is written with its suffix");
        findings.error(path, "unit-suffix", message, format!("write `{plain}`"));
    } else if OF_THE_CLUSTER.contains(&unit) {
        let message = format!("`{unit}` carries the cluster itself and runs on every node");
        findings.error(path, "unit-of-the-cluster", message, "leave it out");
    } else if unit.ends_with('@') {
        let message = format!("`{unit}` is a template, and runs only with an instance's name behind it");
        findings.error(path, "bad-unit", message, format!("write `{unit}NAME`"));
    }
}

/// A unit or an init script is one thing on a node, whichever service has it.
fn check_units(spec: &Spec, findings: &mut Findings) {
    let mut taken: BTreeMap<&str, &ServiceName> = BTreeMap::new();
    for part in parts(spec) {
        let (unit, key) = match part.resource {
            Resource::Systemd(Systemd { unit, .. }) => (unit.as_str(), "unit"),
            Resource::Lsb(Lsb { script, .. }) => (script.as_str(), "script"),
            _ => continue,
        };
        if let Some(other) = taken.insert(unit, part.name) {
            let message =
                format!("`{unit}` belongs to {other} already: to start or stop it for one is to do so for both");
            findings.error(part.path.at(key), "duplicate-unit", message, "let it stand in one service");
        }
    }
}

fn check_agent(ocf: &Ocf, path: &SpecPath, findings: &mut Findings) {
    let agent = ocf.agent.as_str();
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if !agent.split_once(':').is_some_and(|(provider, name)| word(provider) && word(name)) {
        let name = agent.rsplit(':').next().unwrap_or(agent);
        let hint = format!("write provider and name: `heartbeat:{name}`");
        findings.error(path.at("agent"), "bad-agent", format!("`{agent}` is not a resource agent"), hint);
    }
    for (name, value) in &ocf.parameters {
        let path = path.at("parameters").at(name);
        if parameters::check(name, value, &path, findings) && parameters::is_secret(name) {
            let message = format!("the value of `{name}` is a secret, and everybody in the cluster can read it");
            let hint = "have the agent read it from a file on the nodes, if it can";
            findings.error(path, "inline-secret", message, hint);
        }
    }
}

impl Resource {
    /// Its key in the file.
    pub(in crate::kinds) fn key(&self) -> &'static str {
        match self {
            Self::Ip(_) => "ip",
            Self::Mount(_) => "mount",
            Self::Postgresql(_) => "postgresql",
            Self::Systemd(_) => "systemd",
            Self::Lsb(_) => "lsb",
            Self::Ocf(_) => "ocf",
        }
    }

    /// The timeouts that are written of it.
    pub(in crate::kinds) fn timeouts(&self) -> &Timeouts {
        match self {
            Self::Ip(ip) => &ip.timeouts,
            Self::Mount(mount) => &mount.timeouts,
            Self::Postgresql(postgresql) => &postgresql.timeouts,
            Self::Systemd(systemd) => &systemd.timeouts,
            Self::Lsb(lsb) => &lsb.timeouts,
            Self::Ocf(ocf) => &ocf.timeouts,
        }
    }
}
