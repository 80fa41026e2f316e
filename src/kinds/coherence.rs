//! What two programs must agree on, each with a part of it in its own configuration: the time after which a node is
//! given up, where a service may run and where its mount can be, what a database needs of the volume below it.
//!
//! Each rule was paid for with lost rows or a needless outage, so each message has its figures.

mod database;
mod timeouts;

use super::timing::{self, FenceTimes, LONGEST, Seconds};
use super::{FailoverDomain, HealGate, Resource, Service, Spec, Start, Volume, VolumeState, volumes};
use crate::model::{DomainName, Finding, Findings, ServiceName, SpecPath, VolumeName};

/// Looks across the sections, if there is to be a cluster manager.
pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    if !spec.has_manager() {
        return;
    }
    check_times(spec, &FenceTimes::new(), findings);
    for (name, service) in spec.present_services() {
        let path = SpecPath::of(["services"]).at(name);
        check_places(spec, name, service, &path, findings);
        database::check(spec, service, findings);
    }
    for (name, domain) in &spec.failover_domains {
        check_failback(spec, name, domain, findings);
    }
}

/// What the file alone does not show: times that are long enough for the usual fencing and not for the measured one.
pub(super) fn check_measured(spec: &Spec, times: &FenceTimes, findings: &mut Findings) {
    let (mut usual, mut measured) = (Findings::default(), Findings::default());
    check_times(spec, &FenceTimes::new(), &mut usual);
    check_times(spec, times, &mut measured);
    let told =
        |finding: &Finding| usual.0.iter().any(|other| (other.code, &other.path) == (finding.code, &finding.path));
    measured.0.retain(|finding| !told(finding));
    findings.0.append(&mut measured.0);
}

/// The bounds that follow from how long fencing takes.
fn check_times(spec: &Spec, times: &FenceTimes, findings: &mut Findings) {
    for (name, volume) in spec.volumes.iter().filter(|(_, volume)| volume.state != VolumeState::Absent) {
        check_ping_timeout(spec, name, volume, times, findings);
    }
    check_token(spec, times, findings);
    for (name, service) in spec.present_services() {
        timeouts::check(spec, (name, service), times, &SpecPath::of(["services"]).at(name), findings);
    }
}

/// A node that is cut off must be fenced before its clients go on alone.
fn check_ping_timeout(spec: &Spec, name: &VolumeName, volume: &Volume, times: &FenceTimes, findings: &mut Findings) {
    let Some(bound) = timing::bound(spec, volume, times) else { return };
    let (option, time) = timing::gives_up(spec, volume, times);
    if bound.total() >= LONGEST || time > bound.total() {
        return;
    }
    let path = SpecPath::of(["volumes"]).at(name).at("options").at(option);
    let message = format!(
        "a node that is cut off goes on alone after {}, and is fenced only after {bound}: what it acknowledges in \
         between is lost",
        Seconds(time)
    );
    let least = bound.total().as_secs().saturating_add(1);
    let hint = format!("leave it out, or write {least} or more; a shorter token makes it less");
    findings.error(path, "ping-timeout-bound", message, hint);
}

/// There must be a ping-timeout above the bound at all.
fn check_token(spec: &Spec, times: &FenceTimes, findings: &mut Findings) {
    let bounds = spec.volumes.values().filter_map(|volume| timing::bound(spec, volume, times));
    if let Some(bound) = bounds.max_by_key(timing::Bound::total).filter(|bound| bound.total() >= LONGEST) {
        let message = format!("ping-timeouts would have to exceed {bound}, and glusterd takes {}", Seconds(LONGEST));
        let hint = "write a shorter token, and fence without delay";
        findings.error(SpecPath::of(["corosync", "token"]), "token-too-long", message, hint);
    }
}

/// Where a service may run, its mounts must be.
fn check_places(spec: &Spec, name: &ServiceName, service: &Service, path: &SpecPath, findings: &mut Findings) {
    let domain = spec.domain_of(service);
    let nodes = spec.serving(service);
    for (index, resource) in service.resources.iter().enumerate() {
        let Resource::Mount(resource) = resource else { continue };
        let Some(mount) = spec.mounts.get(&resource.name).filter(|mount| mount.nodes.is_some()) else { continue };
        let path = path.at("resources").at(index).at("mount");
        let without: Vec<&str> = nodes.iter().filter(|node| !mount.is_on(node)).map(|node| node.as_str()).collect();
        let members_without = domain.is_some_and(|domain| !domain.nodes.keys().any(|node| mount.is_on(node)));
        if members_without || without.len() == nodes.len() {
            let message = format!("mount {} is on none of the nodes that {name} is to run on", resource.name);
            let hint = "leave `nodes` out at the mount, or write the members of the domain there";
            findings.error(path, "mount-outside-domain", message, hint);
        } else if !without.is_empty() {
            let list = without.join(", ");
            let message = format!("{name} may run on {list}, where mount {} is not", resource.name);
            let hint = "leave `nodes` out at the mount, or restrict the domain: `restricted: true`";
            findings.warn(path, "mount-not-everywhere", message, hint);
        }
    }
}

/// A service that goes home at once goes home to a stale copy.
fn check_failback(spec: &Spec, name: &DomainName, domain: &FailoverDomain, findings: &mut Findings) {
    let start = spec.corosync.as_ref().map(|corosync| corosync.start).unwrap_or_default();
    if !domain.failback || start == Start::AfterHeal {
        return;
    }
    let own = spec
        .present_services()
        .map(|(_, service)| service)
        .filter(|service| service.failover_domain.as_ref() == Some(name) && service.heal_gate != HealGate::Strict);
    let mut replicated =
        own.flat_map(|service| service.volumes(spec)).filter(|(_, volume)| volumes::is_redundant(volume));
    if let Some((volume, _)) = replicated.next() {
        let message =
            format!("a node that comes back would take the service before its bricks of volume {volume} are healed");
        let path = SpecPath::of(["failoverDomains"]).at(name).at("failback");
        findings.error(path, "failback-before-heal", message, "leave `healGate` out at the service");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_fencing_shows_what_is_too_short_for_it() {
        let text = include_str!("../../specs/postgres-ha-tuned.yaml");
        let profile = "profile: db-workload";
        let text = text.replace(profile, &format!("{profile}\n    options: {{network.ping-timeout: 15}}"));
        let spec = crate::spec::from_bytes("t", text.into_bytes()).spec.unwrap();
        let codes = |seconds: u64| {
            let times = spec.nodes.keys().map(|node| (node.clone(), std::time::Duration::from_secs(seconds)));
            let mut findings = Findings::default();
            check_measured(&spec, &times.collect(), &mut findings);
            findings.0.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(7), [""; 0]);
        assert_eq!(codes(8), ["ping-timeout-bound"]);
    }
}
