//! The heal gate: a service starts nowhere but on a complete copy of its data, whether bricklayer runs or not.
//!
//! An agent of ours on every node says in an attribute of the node whether a volume may be served there, and the rule
//! of the service reads it. This file puts the agent on the nodes and says what it watches; `manager` puts it to work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::actual::Actual;
use super::timing::{self, FenceTimes};
use super::{Assessment, Brick, Cx, Kind, Resource, Service, Spec, Volume, files, ids, volumes};
use crate::model::{
    Agent, Findings, Force, Gate, Milestone, NodeName, Operation, Primitive, ServiceName, SpecPath, VolumeName,
};
use crate::tools::healgate::{self, Watch};
use crate::tools::node;

/// How often the agent looks; it counts on that in what it takes for news.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long it may take: each of its programs is given 10 s.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a service does about copies of its data that are not complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HealGate {
    /// It starts on no node whose copy misses anything; where it runs already, it is left alone.
    #[default]
    Strict,
    /// It prefers a node whose copy is complete.
    Prefer,
    /// It starts anywhere.
    Off,
}

/// The agents on the nodes, as a kind.
pub(super) struct HealGates;

impl Kind for HealGates {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        for (name, service) in spec.present_services() {
            check(spec, name, service, findings);
        }
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        if !cx.spec.has_manager() || watched(cx.spec).is_empty() {
            return;
        }
        let (path, text) = (healgate::AGENT_FILE, healgate::agent());
        for node in cx.spec.nodes.keys() {
            files::keep(cx, (path, node), text, node::write_program, found);
        }
    }
}

/// Without a gate, what was written while a node was away is lost once it takes over.
fn check(spec: &Spec, name: &ServiceName, service: &Service, findings: &mut Findings) {
    let path = SpecPath::of(["services"]).at(name);
    let reason = service.accept_data_loss.as_deref().map(str::trim);
    let open = service.heal_gate != HealGate::Strict;
    let database = service.resources.iter().any(|resource| matches!(resource, Resource::Postgresql(_)));
    let lone = copies(spec, service).find(|(_, volume)| volumes::may_diverge(volume));
    match (open, reason) {
        (_, Some("")) => {
            let hint = "write why it may be lost, for whoever reads this after it was";
            findings.error(path.at("acceptDataLoss"), "no-reason", "no reason is given", hint);
        }
        (false, Some(_)) => {
            let message = "the heal gate is strict, so that nothing is lost by it";
            let hint = "leave it out, or write `healGate: off` beside it";
            findings.warn(path.at("acceptDataLoss"), "accept-data-loss-alone", message, hint);
        }
        (true, None) if database => {
            if let Some((volume, _)) = lone {
                let message = format!(
                    "{name} may start on a copy of volume {volume} that misses what was written while its node was \
                     away, and the database then has two histories"
                );
                let hint = "leave `healGate` out, or say why that may be: `acceptDataLoss: \"the reason\"`";
                findings.error(path.at("healGate"), "open-heal-gate", message, hint);
            }
        }
        _ => {}
    }
}

/// The volumes of a service of which there are several copies.
fn copies<'a>(spec: &'a Spec, service: &'a Service) -> impl Iterator<Item = (&'a VolumeName, &'a Volume)> {
    service.volumes(spec).filter(|(_, volume)| volumes::is_redundant(volume))
}

/// The volumes that have a gate.
pub(super) fn watched(spec: &Spec) -> BTreeMap<&VolumeName, &Volume> {
    let gated = spec.present_services().filter(|(_, service)| service.heal_gate != HealGate::Off);
    gated.flat_map(|(_, service)| copies(spec, service)).collect()
}

/// What watches the gates, on every node.
pub(super) fn watchers(cx: &Cx<'_>, times: &FenceTimes) -> Vec<Primitive> {
    let watched = watched(cx.spec);
    // Without a gate, nobody is asked for volumes here.
    if watched.is_empty() {
        return Vec::new();
    }
    let actual = Actual::of(cx);
    watched.into_iter().map(|(name, volume)| watcher(cx, &actual, times, (name, volume))).collect()
}

/// The sets of copies, where they lie: the list by which another copy is judged is that of a brick of the volume, and a
/// directory that is only written has none. A brick that was given up is none of them while its node is away; one that is
/// to come is one as soon as its node answers.
fn sets<'a>(cx: &Cx<'_>, actual: &'a Actual, name: &VolumeName, volume: &'a Volume) -> Vec<Vec<(&'a str, &'a str)>> {
    let is_made = actual.volumes.known().is_some_and(|volumes| volumes.contains_key(name.as_str()));
    let counts = |brick: &&Brick| !is_made || actual.has_brick(name, brick) || cx.answers(&brick.node);
    let set = |set: &'a [Brick]| set.iter().filter(counts).map(as_watched).collect();
    actual.bricks(name, volume).chunks(volumes::set_size(volume)).map(set).collect()
}

/// A brick as the agent is told of it.
pub(super) fn as_watched(brick: &Brick) -> (&str, &str) {
    (brick.node.as_str(), brick.path.as_str())
}

fn watcher(cx: &Cx<'_>, actual: &Actual, times: &FenceTimes, (name, volume): (&VolumeName, &Volume)) -> Primitive {
    let spec = cx.spec;
    let with_bricks: BTreeSet<&NodeName> = volume.bricks.iter().map(|brick| &brick.node).collect();
    let mounts = spec.present_services().flat_map(|(service_name, service)| {
        let ids = ids::members(service_name, service).into_iter().zip(&service.resources);
        ids.filter_map(|(id, resource)| match resource {
            Resource::Mount(mount) => {
                let mount = spec.mounts.get(&mount.name).filter(|mount| mount.volume == *name)?;
                Some((id, mount.path.as_str()))
            }
            _ => None,
        })
    });
    let watch = Watch {
        volume: name.as_str(),
        sets: sets(cx, actual, name, volume),
        hosts: with_bricks.into_iter().map(|node| (node.as_str(), spec.storage_of(node))).collect(),
        mounts: mounts.collect(),
        quorum: volumes::client_quorum(volume),
        patience: timing::patience(spec, volume, times),
    };
    let (provider, agent) = healgate::AGENT;
    Primitive {
        id: ids::gate(name),
        agent: Agent::Ocf(provider.to_owned(), agent.to_owned()),
        parameters: watch.parameters(),
        meta: BTreeMap::new(),
        operations: Operation::watching(INTERVAL, TIMEOUT).into_iter().chain([Operation::notified(TIMEOUT)]).collect(),
    }
}

/// The gates of a service, by the attribute that says whether they are open.
pub(super) fn gates(spec: &Spec, service: &Service) -> BTreeMap<String, Gate> {
    let force = match service.heal_gate {
        HealGate::Strict => Force::Strict,
        HealGate::Prefer => Force::Prefer,
        HealGate::Off => return BTreeMap::new(),
    };
    let gate = |(name, _): (&VolumeName, &Volume)| {
        (healgate::attribute(name.as_str()), Gate { watcher: ids::gate(name), force })
    };
    copies(spec, service).map(gate).collect()
}

/// The volumes whose strict gate a service stands behind.
pub(super) fn behind<'a>(spec: &'a Spec, service: &'a Service) -> impl Iterator<Item = (&'a VolumeName, &'a Volume)> {
    copies(spec, service).filter(|_| service.heal_gate == HealGate::Strict)
}

/// The milestones that the agent is where the cluster manager looks for it.
pub(super) fn placed(spec: &Spec) -> Vec<Milestone> {
    if watched(spec).is_empty() {
        return Vec::new();
    }
    spec.nodes.keys().map(|node| files::written(healgate::AGENT_FILE, node)).collect()
}
