//! Services as the cluster manager knows them: a group of primitives, where it may run, and what makes it move.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Standing, gates, outcome};
use crate::kinds::timing::{self, FenceTimes, Operations};
use crate::kinds::{
    Assessment, Cx, FailoverDomain, Ip, MountResource, Recovery, Resource, Service, ServiceState, Spec, healgate, ids,
    mounts, postgresql, secrets,
};
use crate::model::{
    Agent, ClusterDocument, Force, Gate, Group, Item, NodeName, Operation, Primitive, Role, Score, Seen, ServiceName,
    SpecPath, Wish,
};
use crate::tools::network;
use crate::tools::pacemaker::DATABASE;

/// How much a member of a domain is preferred to a node that is none.
const MEMBER: i32 = 100_000;
/// How much one priority is preferred to the next.
const RANK: i32 = 1000;
/// The priority of every service, for `priority-fencing-delay`: the node that serves is to win.
const PRIORITY: &str = "10";

/// Adds the services.
pub(super) fn contribute(
    cx: &Cx<'_>,
    standing: Option<&Standing>,
    document: &mut ClusterDocument,
    found: &mut Assessment,
) {
    let times = standing.map(Standing::measured).unwrap_or_default();
    let mut interfaces = BTreeSet::new();
    for (name, service) in cx.spec.present_services() {
        let mut group = group(cx, &times, name, service);
        for link in links(cx, name, service, found) {
            // Elsewhere is better than without a link, and without a link is better than nowhere.
            let gate = Gate { watcher: ids::link(&link), force: Force::PreferUnlessShut };
            group.gates.insert(format!("ethmonitor-{link}"), gate);
            interfaces.insert(link);
        }
        group.gates.extend(gates::in_force(cx, standing, name, service, found));
        document.services.push(group);
    }
    document.watchers.extend(healgate::watchers(cx, &times));
    document.watchers.extend(interfaces.iter().map(|interface| link_watcher(interface)));
}

/// Whether a service is to run, as far as file and cluster say: what it was last told holds unless the file demands.
pub(super) fn wants_to_run(service: &Service, told: Option<&str>) -> bool {
    match (service.state, told) {
        (Some(state), _) => state == ServiceState::Started,
        (None, Some(role)) => role == Role::Started.word(),
        (None, None) => service.autostart,
    }
}

pub(super) fn group(cx: &Cx<'_>, times: &FenceTimes, name: &ServiceName, service: &Service) -> Group {
    let mut meta = BTreeMap::from([("resource-stickiness", stickiness(cx.spec, service).to_string())]);
    if timing::priority_fencing_delay(cx.spec, times).is_some() {
        meta.insert("priority", PRIORITY.to_owned());
    }
    let window = || format!("{}s", timing::restart_window(cx.spec, service, times).as_secs());
    let threshold = match service.recovery {
        Recovery::Relocate => Some(1),
        Recovery::Restart => service.max_restarts,
        Recovery::Disable => None,
    };
    if let Some(threshold) = threshold {
        meta.insert("migration-threshold", threshold.to_string());
        meta.insert("failure-timeout", window());
    }
    if let Some(identifier) = postgresql::identifier(cx, name) {
        meta.insert(DATABASE, identifier);
    }
    let role = match service.state {
        Some(ServiceState::Started) => Some(Role::Started),
        Some(ServiceState::Stopped) => Some(Role::Stopped),
        Some(ServiceState::Absent) | None => None,
    };
    Group {
        id: name.clone(),
        meta,
        initial_role: if service.autostart { Role::Started } else { Role::Stopped },
        role,
        members: members(cx, times, name, service),
        places: places(cx.spec, cx.spec.domain_of(service)),
        gates: BTreeMap::new(),
        wished: BTreeMap::new(),
    }
}

/// The service that a wish is about, with the wish granted: nothing where the wish is about something else.
pub(super) fn granted(cx: &Cx<'_>, standing: &Standing, wish: &Wish) -> Option<Group> {
    let (Wish::Enable(name)
    | Wish::Disable(name)
    | Wish::Freeze(name)
    | Wish::Unfreeze(name)
    | Wish::Relocate(name, _)
    | Wish::Restart(name)) = wish
    else {
        return None;
    };
    let written = cx.spec.services.get(name)?;
    let mut group = Group { role: None, ..group(cx, &standing.measured(), name, written) };
    match wish {
        Wish::Enable(_) => group.role = Some(Role::Started),
        Wish::Disable(_) => group.role = Some(Role::Stopped),
        Wish::Freeze(_) => drop(group.wished.insert("maintenance", "true")),
        Wish::Unfreeze(_) => drop(group.wished.insert("maintenance", "false")),
        // The constraint lasts as long as the way there, and no longer: a service that is there stays by itself.
        Wish::Relocate(_, to) if standing.state.owner(name.as_str()) != Some(to.as_str()) => {
            group.places.insert(to.clone(), Score::Always);
        }
        // It is pinned for as long as it is down, or it might start elsewhere.
        Wish::Restart(_) if !cx.intent.ran.contains(&outcome::subject(name).item("restart")) => {
            let owner = standing.state.owner(name.as_str()).and_then(|owner| NodeName::new(owner).ok());
            group.places.extend(owner.map(|owner| (owner, Score::Always)));
        }
        _ => {}
    }
    Some(group)
}

/// How much a service wants to stay where it is: not at all if it goes home by itself, else more than any priority and
/// less than membership, because one that runs outside of its domain does come back into it. Each resource adds to it.
fn stickiness(spec: &Spec, service: &Service) -> i32 {
    let Some(domain) = spec.domain_of(service) else { return RANK };
    if domain.failback {
        return 0;
    }
    let members = i32::try_from(domain.nodes.len()).unwrap_or(i32::MAX);
    let resources = i32::try_from(service.resources.len().max(1)).unwrap_or(i32::MAX);
    members.saturating_mul(RANK).min((MEMBER - 1) / resources).max(1)
}

fn places(spec: &Spec, domain: Option<&FailoverDomain>) -> BTreeMap<NodeName, Score> {
    let Some(domain) = domain else { return BTreeMap::new() };
    let mut ranks: Vec<u32> = domain.nodes.values().copied().collect();
    ranks.sort_unstable();
    ranks.dedup();
    let place = |node: &NodeName| match domain.nodes.get(node) {
        Some(priority) if domain.ordered => {
            let rank = ranks.iter().position(|rank| rank == priority).unwrap_or(0);
            let better_than = i32::try_from(ranks.len() - rank).unwrap_or(0);
            Some(Score::Points(MEMBER.saturating_add(RANK.saturating_mul(better_than))))
        }
        Some(_) => Some(Score::Points(MEMBER)),
        None if domain.restricted => Some(Score::Never),
        None => None,
    };
    spec.nodes.keys().filter_map(|node| Some((node.clone(), place(node)?))).collect()
}

fn members(cx: &Cx<'_>, times: &FenceTimes, name: &ServiceName, service: &Service) -> Vec<Primitive> {
    let member = |(id, resource): (String, &Resource)| {
        let (agent, parameters) = agent(cx, name, resource);
        let operations = operations(service, timing::operations(cx.spec, service, resource, times));
        Primitive { id, agent, parameters, meta: BTreeMap::new(), operations }
    };
    ids::members(name, service).into_iter().zip(&service.resources).map(member).collect()
}

fn agent(cx: &Cx<'_>, service: &ServiceName, resource: &Resource) -> (Agent, BTreeMap<String, String>) {
    let heartbeat = |name: &str| Agent::Ocf("heartbeat".to_owned(), name.to_owned());
    match resource {
        Resource::Ip(Ip { address, interface, .. }) => {
            let mut parameters = BTreeMap::from([
                ("ip".to_owned(), address.address.to_string()),
                ("cidr_netmask".to_owned(), address.prefix.to_string()),
            ]);
            parameters.extend(interface.as_ref().map(|interface| ("nic".to_owned(), interface.to_string())));
            (heartbeat("IPaddr2"), parameters)
        }
        Resource::Mount(mount) => (heartbeat("Filesystem"), filesystem(cx.spec, mount)),
        Resource::Postgresql(postgresql) => (heartbeat("pgsql"), postgresql::parameters(cx, service, postgresql)),
        Resource::Systemd(systemd) => (Agent::Systemd(systemd.unit.to_string()), BTreeMap::new()),
        Resource::Lsb(lsb) => (Agent::Lsb(lsb.script.to_string()), BTreeMap::new()),
        Resource::Ocf(ocf) => {
            let (provider, name) = ocf.agent.as_str().split_once(':').unwrap_or(("heartbeat", ocf.agent.as_str()));
            (Agent::Ocf(provider.to_owned(), name.to_owned()), ocf.parameters.clone())
        }
    }
}

/// A mount of the node's own glusterd, or of another's while that one starts.
fn filesystem(spec: &Spec, resource: &MountResource) -> BTreeMap<String, String> {
    let Some(mount) = spec.mounts.get(&resource.name) else { return BTreeMap::new() };
    let mut options = mount.options.clone();
    if !options.iter().any(|option| option.starts_with("backup-volfile-servers=")) && spec.nodes.len() > 1 {
        let servers: Vec<&str> = spec.nodes.keys().map(|node| spec.storage_of(node)).collect();
        options.push(format!("backup-volfile-servers={}", servers.join(":")));
    }
    BTreeMap::from([
        ("device".to_owned(), format!("localhost:/{}", mount.volume)),
        ("directory".to_owned(), mount.path.to_string()),
        ("fstype".to_owned(), "glusterfs".to_owned()),
        ("options".to_owned(), options.join(",")),
    ])
}

fn operations(service: &Service, may: Operations) -> Vec<Operation> {
    // A service that is to stay down after a failure stops where it failed, and does not start elsewhere.
    let on_fail = (service.recovery == Recovery::Disable).then_some("stop");
    vec![
        Operation { name: "start", interval: None, timeout: may.start, on_fail },
        Operation { name: "stop", interval: None, timeout: may.stop, on_fail: None },
        Operation { name: "monitor", interval: Some(may.interval), timeout: may.monitor, on_fail },
    ]
}

/// The interfaces whose link a service depends on.
fn links(cx: &Cx<'_>, name: &ServiceName, service: &Service, found: &mut Assessment) -> Vec<String> {
    let watched = |(index, resource): (usize, &Resource)| match resource {
        Resource::Ip(ip) if ip.monitor_link => Some((index, ip.clone())),
        _ => None,
    };
    let watched = service.resources.iter().enumerate().filter_map(watched);
    let mut links = Vec::new();
    for (index, ip) in watched {
        match interface(cx, service, &ip) {
            Ok(interface) => links.extend(interface),
            Err(because) => found.findings.warn(
                SpecPath::of(["services", name.as_str(), "resources", &index.to_string()]),
                "link-not-watched",
                because,
                "write its `interface`",
            ),
        }
    }
    links
}

/// The interface of an address: the written one, or the one that has an address of its network on every node. Nothing
/// while that is not known.
fn interface(cx: &Cx<'_>, service: &Service, ip: &Ip) -> Result<Option<String>, String> {
    if let Some(interface) = &ip.interface {
        return Ok(Some(interface.to_string()));
    }
    let network = String::from(ip.address.network());
    let mut common: Option<String> = None;
    for node in cx.spec.serving(service) {
        let Seen::Is(interfaces) = cx.see(node, &network::interfaces(&network)) else { continue };
        let [one] = &interfaces[..] else {
            return Err(format!(
                "the link of {} cannot be watched: {node} has no one interface in {network}",
                ip.address.address
            ));
        };
        match &common {
            Some(other) if other != one => {
                return Err(format!(
                    "the link of {} cannot be watched: it is {other} on one node and {one} on {node}",
                    ip.address.address
                ));
            }
            _ => common = Some(one.clone()),
        }
    }
    Ok(common)
}

fn link_watcher(interface: &str) -> Primitive {
    Primitive {
        id: ids::link(interface),
        agent: Agent::Ocf("heartbeat".to_owned(), "ethmonitor".to_owned()),
        parameters: BTreeMap::from([
            ("interface".to_owned(), interface.to_owned()),
            ("link_status_only".to_owned(), "true".to_owned()),
            ("name".to_owned(), format!("ethmonitor-{interface}")),
        ]),
        meta: BTreeMap::new(),
        operations: Operation::watching(Duration::from_secs(10), Duration::from_secs(60)),
    }
}

/// What must have been reached before services and fence devices can be configured, without those that it `leaves`.
pub(super) fn needs(cx: &Cx<'_>, leaves: &BTreeSet<ServiceName>, item: Item) -> Item {
    let services = cx.spec.present_services().filter(|(name, _)| !leaves.contains(*name));
    let item = services.fold(item, |item, (name, _)| postgresql::needs(cx, name, item));
    let sealed = mounts::sealed(cx);
    let agents = healgate::placed(cx.spec);
    secrets::placed(cx).into_iter().chain(sealed).chain(agents).fold(item, Item::needs)
}
