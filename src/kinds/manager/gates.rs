//! The heal gates of services: when their rules may come into force, and what a gate that is shut means.

use std::collections::BTreeMap;

use super::{POLL, Standing, configured, outcome};
use crate::kinds::{Assessment, Cx, Service, Spec, healgate, volumes};
use crate::model::{Cause, Gate, Item, NodeName, ServiceName, VolumeName};
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
        let in_force = standing.cib.has_constraint(&pacemaker::gate_id(name.as_str(), attribute));
        let shut = owners.iter().find(|owner| !standing.cib.is_open(owner, attribute));
        let (false, true, Some(owner)) = (in_force, gate.strict, shut) else { return true };
        let summary = format!("{} to speak on {owner}, where service {name} runs", gate.watcher);
        let wait = Item::wait(&outcome::subject(name), "gate", summary, POLL);
        found.item(wait.needs(configured(cx.spec)));
        false
    });
    gates
}

/// Why a service does not start although it is to.
pub(super) struct Shut {
    /// In one sentence.
    pub(super) because: String,
    /// What a person can do about it, unless it passes by itself.
    pub(super) hint: Option<String>,
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
    let here = |node: &&NodeName| standing.state.member(node.as_str()).is_some_and(Member::takes_services);
    let serving: Vec<&NodeName> = spec.serving(service).into_iter().filter(here).collect();
    let shut: Vec<&VolumeName> =
        serving.iter().filter_map(|node| is_shut(standing, spec, service, node.as_str())).collect();
    let volume = shut.first().filter(|_| shut.len() == serving.len())?;
    let bricks = &spec.volumes.get(*volume)?.bricks;
    let away = spec.nodes.keys().filter(|node| bricks.iter().any(|brick| brick.node == **node) && !here(node));
    let away = list(away);
    let here = list(serving.iter().copied());
    let quorum = volumes::client_quorum(&spec.volumes[*volume]).is_some();
    let because = match (quorum, away.is_empty()) {
        (true, _) => format!("too few bricks of volume {volume} are in reach of {here}"),
        (false, true) => format!("volume {volume} is not healed on {here}"),
        (false, false) => {
            format!(
                "{here} lacks what was written to volume {volume} while it was away, or may lack it, and {away} is not here"
            )
        }
    };
    let hint =
        (!away.is_empty()).then(|| format!("bring {away} back: the service starts as soon as a copy is complete"));
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
