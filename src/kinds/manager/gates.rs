//! The heal gates of services: when their rules may come into force, and what a gate that is shut means.

use std::collections::BTreeMap;

use super::{Live, POLL, Standing, configured, outcome};
use crate::kinds::{Assessment, Cx, Service, Spec, healgate, volumes};
use crate::model::{Cause, Force, Gate, Item, NodeName, ServiceName, Subject, VolumeName};
use crate::tools::healgate::attribute;
use crate::tools::pacemaker::{self, Member};

/// The gates of a service whose rules are to be in force. Where it runs already and the agents have not spoken yet, the
/// rule would stop it: it comes with the next change, and there is a wait for that.
pub(super) fn in_force(
    cx: &Cx<'_>,
    standing: Option<&Standing>,
    name: &ServiceName,
    service: &Service,
    found: &mut Assessment,
) -> BTreeMap<String, Gate> {
    let mut gates = healgate::gates(cx.spec, service);
    let Some(standing) = standing else { return gates };
    let owners: Vec<&String> = standing.state.group(name.as_str()).flat_map(|member| &member.on).collect();
    gates.retain(|attribute, gate| {
        let in_force = is_in_force(standing, name, attribute);
        let shut = owners.iter().find(|owner| !standing.cib.is_open(owner, attribute));
        let (false, true, Some(owner)) = (in_force, gate.force == Force::Strict, shut) else { return true };
        let summary = format!("{} to speak on {owner}, where service {name} runs", gate.watcher);
        let wait = Item::wait(&outcome::subject(name), "gate", summary, POLL);
        found.item(wait.needs(configured(cx.spec)));
        false
    });
    gates
}

/// Whether there is a rule of the service's that reads the attribute.
fn is_in_force(standing: &Standing, name: &ServiceName, attribute: &str) -> bool {
    standing.cib.has_constraint(&pacemaker::gate_id(name.as_str(), attribute))
}

/// Gates that are about to open: the copies heal, or have healed and the agents have not said so yet. Until then a
/// service is not at full strength, because it has nowhere to go.
pub(super) fn opening(live: &Live<'_>, found: &mut Assessment) {
    let spec = live.cx.spec;
    for (name, service) in &spec.services {
        for node in spec.serving(service) {
            let volume = is_shut(live.standing, spec, service, node.as_str());
            let in_force = |volume: &&VolumeName| is_in_force(live.standing, name, &attribute(volume.as_str()));
            if let Some(volume) = volume.filter(in_force).filter(|_| is_here(live.standing, node)) {
                found.items.extend(wait_for(live.standing, spec, volume, node));
            }
        }
    }
}

/// The wait for a gate that opens by itself, because all are here who have something to say.
pub(super) fn wait_for(standing: &Standing, spec: &Spec, volume: &VolumeName, node: &NodeName) -> Option<Item> {
    let summary = format!("the copy of volume {volume} on {node} to be known as complete");
    let item = Item::wait(&Subject::on("gate", volume, node), "open", summary, POLL);
    away(standing, spec, volume).is_empty().then_some(item)
}

fn is_here(standing: &Standing, node: &NodeName) -> bool {
    standing.state.member(node.as_str()).is_some_and(Member::takes_services)
}

/// Who has bricks of a volume and is not here.
fn away<'a>(standing: &Standing, spec: &'a Spec, volume: &VolumeName) -> Vec<&'a NodeName> {
    let bricks = spec.volumes.get(volume).map_or(&[][..], |volume| &volume.bricks);
    let has_bricks = |node: &&NodeName| bricks.iter().any(|brick| brick.node == **node);
    spec.nodes.keys().filter(has_bricks).filter(|node| !is_here(standing, node)).collect()
}

/// Why a service does not start although it is to.
pub(super) struct Shut {
    /// In one sentence.
    pub(super) because: String,
    /// What a person can do about it, unless it passes by itself.
    pub(super) hint: Option<String>,
}

impl Shut {
    /// Both in one.
    pub(super) fn in_full(self) -> String {
        self.hint.map_or(self.because.clone(), |hint| format!("{}; {hint}", self.because))
    }
}

/// Whether the gate of one of the service's volumes is shut on `node`.
pub(super) fn is_shut<'a>(
    standing: &Standing,
    spec: &'a Spec,
    service: &'a Service,
    node: &str,
) -> Option<&'a VolumeName> {
    let shut = |name: &&VolumeName| !standing.cib.is_open(node, &attribute(name.as_str()));
    healgate::behind(spec, service).map(|(name, _)| name).find(shut)
}

/// Why no gate of a service that rests is open, if none is.
pub(super) fn why_shut(standing: &Standing, spec: &Spec, name: &ServiceName) -> Option<Shut> {
    let service = spec.services.get(name)?;
    let here = |node: &&NodeName| is_here(standing, node);
    let serving: Vec<&NodeName> = spec.serving(service).into_iter().filter(here).collect();
    let shut: Vec<&VolumeName> =
        serving.iter().filter_map(|node| is_shut(standing, spec, service, node.as_str())).collect();
    let volume = shut.first().filter(|_| shut.len() == serving.len())?;
    let away = list(away(standing, spec, volume).into_iter());
    let here = list(serving.iter().copied());
    let quorum = volumes::client_quorum(&spec.volumes[*volume]).is_some();
    let because = match (quorum, away.is_empty()) {
        (true, _) => format!("too few bricks of volume {volume} are in reach of {here}"),
        (false, true) => format!("volume {volume} is not healed on {here}"),
        (false, false) => {
            format!(
                "{here} lacks what was written to volume {volume} without it, or may lack it, and {away} is not here"
            )
        }
    };
    let hint = (!away.is_empty()).then(|| {
        let lost = if quorum {
            String::new()
        } else {
            format!("; if it is lost for good, `bricklayer service recover {name} --from NODE`")
        };
        format!("bring {away} back: the service starts as soon as a copy is complete{lost}")
    });
    Some(Shut { because, hint })
}

fn list<'a>(nodes: impl Iterator<Item = &'a NodeName>) -> String {
    nodes.map(NodeName::as_str).collect::<Vec<_>>().join(", ")
}

/// The service that waits for a gate: by itself, or until a person brings back who has the copy.
pub(super) fn waiting(name: &ServiceName, Shut { because, hint }: Shut) -> Item {
    let subject = outcome::subject(name);
    match hint {
        Some(hint) => Item::held(&subject, "start", format!("start service {name}"), Cause::Unsafe, because, hint),
        None => Item::wait(&subject, "start", format!("service {name} to start: {because}"), POLL),
    }
}
