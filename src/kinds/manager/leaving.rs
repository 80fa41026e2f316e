//! Services on a node that is to run nothing: whether they can go elsewhere, and whether they have.

use super::{Live, Standing, gates, groups, outcome};
use crate::kinds::{Assessment, Cx};
use crate::model::{NodeName, ServiceName};
use crate::tools::pacemaker::Member;

/// Why a service could run nowhere but on `node`, if it could not.
pub(in crate::kinds) fn stays(cx: &Cx<'_>, standing: &Standing, name: &ServiceName, node: &NodeName) -> Option<String> {
    let service = &cx.spec.services[name];
    if standing.cib.is_frozen(name.as_str()) {
        return Some("a person has told the cluster manager to leave it alone".to_owned());
    }
    let mut reasons = Vec::new();
    for other in cx.spec.serving(service).into_iter().filter(|other| *other != node) {
        if !standing.state.member(other.as_str()).is_some_and(Member::takes_services) {
            reasons.push(format!("{other} is not a member that takes services now"));
        } else if let Some(volume) = gates::is_shut(standing, cx.spec, service, other.as_str()) {
            reasons.push(format!("the copy of volume {volume} on {other} is not known to be complete"));
        } else if let Some(failure) = standing.state.failures_of(name.as_str()).find(|f| f.node == other.as_str()) {
            reasons.push(outcome::said(failure));
        } else {
            return None;
        }
    }
    Some(if reasons.is_empty() { "it has no other node".to_owned() } else { reasons.join("; ") })
}

/// Whether the cluster is known to be told to run nothing on `node`.
pub(in crate::kinds) fn is_standby(cx: &Cx<'_>, node: &NodeName) -> bool {
    cx.spec.has_manager() && Standing::of(cx).known().is_some_and(|standing| standing.cib.is_standby(node.as_str()))
}

/// What is left until each service runs that is to run.
pub(in crate::kinds) fn unsettled(cx: &Cx<'_>, standing: &Standing, found: &mut Assessment) {
    let live = Live { cx, standing };
    let times = standing.measured();
    for (name, service) in cx.spec.present_services() {
        if standing.cib.resource(name.as_str()).is_some() {
            outcome::assess(&live, &groups::group(cx, &times, name, service), true, found);
        }
    }
}
