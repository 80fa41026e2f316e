//! The cluster manager's configuration: what fence devices, failover domains and services come to, as one document,
//! and what differs from it in the live one.
//!
//! Everything goes in as one change. Resource by resource, a database would start alone on each node before the group
//! around it is there, fail everywhere and stay failed. Only a new service whose database is still to be made comes with
//! a second one (`stages`).

mod agents;
mod fencers;
mod gates;
mod groups;
mod impact;
mod leaving;
mod off;
mod outcome;
mod recover;
mod stages;
mod standing;
mod status;
#[cfg(test)]
mod tests;
mod verbs;

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Assessment, Cx, Kind, Spec, coherence, corosync, domains, fencing, ids, services};
use crate::model::{
    Cause, ClusterDocument, Difference, Findings, Item, Lane, Milestone, NodeName, Place, Risk, Seen, ServiceName,
    SpecPath, Subject, Threat, Why,
};
use crate::tools::pacemaker::{self, Change};
use crate::tools::xml::Element;
use stages::Stage;

pub(super) use fencers::secret_path;
pub(super) use leaving::{is_standby, stays, unsettled};
pub(crate) use standing::Standing;
pub(super) use status::status;

/// How long until it is worth looking again at what the cluster manager does by itself.
const POLL: Duration = Duration::from_secs(1);

/// The cluster manager's configuration, as a kind.
pub(super) struct Manager;

impl Kind for Manager {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        for check in [fencing::check, domains::check, services::check, ids::check, coherence::check] {
            check(spec, findings);
        }
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        if !cx.spec.has_manager() {
            return;
        }
        match Standing::of(cx) {
            Seen::Is(standing) => Live { cx, standing: &standing }.assess(found),
            Seen::NotYet(_) if cx.intent.wish.is_some() => {
                let because = "Pacemaker runs on no node that answers";
                let hint = "`bricklayer apply` starts it, `bricklayer status` tells what is there";
                found.item(Item::held(
                    &subject(cx.spec),
                    "look",
                    "ask the cluster manager",
                    Cause::Unsafe,
                    because,
                    hint,
                ));
            }
            Seen::NotYet(_) => first(cx, found),
            Seen::Unknown(why) => {
                found.unknown(configured(cx.spec), &why);
                found.unknown(answers(cx.spec), &why);
                if let Why::Unreadable(..) = why {
                    let summary = "look at the cluster manager";
                    let because = why.to_string();
                    found.item(Item::held(&subject(cx.spec), "look", summary, Cause::Unknown, because, ""));
                }
            }
        }
    }
}

/// The cluster manager's configuration as something that steps are about.
fn subject(spec: &Spec) -> Subject {
    Subject::new("cib", &spec.cluster)
}

/// The milestone that the cluster manager's configuration is as written.
pub(super) fn configured(spec: &Spec) -> Milestone {
    subject(spec).is("as written")
}

/// The members together, as something that steps are about.
fn members(spec: &Spec) -> Subject {
    Subject::new("cluster", &spec.cluster)
}

/// The milestone that one of the members has told how the cluster stands.
pub(super) fn answers(spec: &Spec) -> Milestone {
    members(spec).is("answering")
}

/// The milestone that the members have one among them that decides, and quorum.
fn coordinated(spec: &Spec) -> Milestone {
    members(spec).is("coordinated")
}

/// The members choose the one that decides by themselves.
fn election(spec: &Spec) -> Item {
    Item::wait(&members(spec), "coordinator", "the members to choose a coordinator", POLL).gives(coordinated(spec))
}

/// The way from a cluster that does not run yet: what will be configured once it does.
fn first(cx: &Cx<'_>, found: &mut Assessment) {
    let document = document(cx, None, found);
    let wait = election(cx.spec).assumed_if(true);
    found.item(cx.spec.nodes.keys().fold(wait, |item, node| item.needs(corosync::joined(cx, node))));
    let stages = stages::of(cx, None, &Element::new("configuration"), &document);
    if stages.is_empty() {
        return found.met(configured(cx.spec));
    }
    let asked = cx.spec.nodes.keys().find(|node| cx.answers(node));
    for stage in &stages {
        if let Some(node) = asked {
            agents::check(cx, node, &stage.changes, found);
        }
        let place = Place::AnyOf(cx.spec.nodes.keys().cloned().collect());
        let item = push(cx, place, stage, (0, 0)).needs(coordinated(cx.spec));
        found.item(groups::needs(cx, &stage.leaves, item).assumed_if(true));
    }
    for (name, service) in &cx.spec.services {
        if groups::wants_to_run(service, None) {
            let wait = Item::wait(&outcome::subject(name), "start", format!("service {name} to start"), POLL);
            found.item(wait.needs(configured(cx.spec)).assumed_if(true));
        }
    }
}

/// What all kinds together ask of the cluster manager.
fn document(cx: &Cx<'_>, standing: Option<&Standing>, found: &mut Assessment) -> ClusterDocument {
    let mut document = ClusterDocument::default();
    fencers::contribute(cx, standing, &mut document);
    groups::contribute(cx, standing, &mut document, found);
    document
}

/// The step that puts a stage into force, if the configuration is still the one with these epochs.
fn push(cx: &Cx<'_>, place: Place, stage: &Stage, epochs: (u64, u64)) -> Item {
    let objects: Vec<&Change> = stage.changes.iter().filter(|change| change.object != pacemaker::OWNED).collect();
    let summary = match objects[..] {
        [one] => format!("configure {} in the cluster manager", one.object),
        _ => format!("configure {} objects in the cluster manager", objects.len()),
    };
    let command = pacemaker::push(&stage.candidate, epochs);
    let item = Item::run(&subject(cx.spec), stage.verb(), summary, place, command)
        .in_lane(Lane::Cib)
        .threatens(Threat::Cluster);
    let item = if stage.is_last() { item.gives(configured(cx.spec)) } else { item };
    Item { why: stage.changes.iter().flat_map(why).collect(), ..item }
}

/// What a change is, in lines: an object that comes or goes is one, an object that changes is one a field.
fn why(change: &Change) -> Vec<Difference> {
    let object = &change.object;
    if object == pacemaker::OWNED {
        return Vec::new();
    }
    let whole = || {
        let what = ["type", "members", "score"].iter().find_map(|name| {
            let field = change.fields.iter().find(|field| field.field == *name)?;
            field.to.clone().or_else(|| field.from.clone())
        });
        what.unwrap_or_else(|| "as written".to_owned())
    };
    match change.presence {
        (false, true) => vec![Difference::new(object, whole())],
        (true, false) => vec![Difference::gone(object, whole())],
        _ => {
            let field = |field: &Difference| Difference { field: format!("{object} {}", field.field), ..field.clone() };
            change.fields.iter().map(field).collect()
        }
    }
}

/// What would be changed of frozen services: it waits, or it would all come at once when they are looked after
/// again.
fn left_alone(changes: &[Change], frozen: &BTreeSet<ServiceName>, found: &mut Assessment) {
    for name in frozen {
        let own = |change: &&Change| {
            let rest = change.object.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if let Some(change) = changes.iter().find(own) {
            found.findings.warn(
                SpecPath::of(["services", name.as_str()]),
                "frozen",
                format!("service {name} is frozen, and differs: {} is not as written", change.object),
                format!("`bricklayer service unfreeze {name}`, then `apply`"),
            );
        }
    }
}

/// A cluster that answers.
struct Live<'a> {
    cx: &'a Cx<'a>,
    standing: &'a Standing,
}

impl Live<'_> {
    fn assess(&self, found: &mut Assessment) {
        let spec = self.cx.spec;
        found.met(answers(spec));
        if self.standing.is_coordinated() {
            found.met(coordinated(spec));
        } else {
            // They cannot before they are a quorum.
            found.item(election(spec).needs(corosync::joined(self.cx, &self.standing.node)));
        }
        self.newcomers(found);
        if let Some(wish) = &self.cx.intent.wish {
            return verbs::assess(self, wish, found);
        }
        self.strays(found);
        coherence::check_measured(spec, &self.standing.measured(), &mut found.findings);
        let mut document = document(self.cx, Some(self.standing), found);
        let live = &self.standing.cib.configuration;
        let frozen = self.frozen();
        if !frozen.is_empty() {
            let thawed = pacemaker::candidate(live, &document);
            document.frozen = frozen;
            let candidate = pacemaker::candidate(live, &document);
            left_alone(&pacemaker::changes(&candidate, &thawed), &document.frozen, found);
        }
        let stages = stages::of(self.cx, Some(self.standing), live, &document);
        for stage in &stages {
            agents::check(self.cx, &self.standing.node, &stage.changes, found);
        }
        self.put_into_force(&stages, found);
        if stages.iter().all(|stage| stage.follows) {
            outcome::fencers(self, &document.fencers, found);
        }
        if stages.is_empty() {
            gates::opening(self, found);
        }
        for group in &document.services {
            outcome::assess(self, group, stages.is_empty(), found);
        }
    }

    /// Puts stages into force, one after the other.
    fn put_into_force(&self, stages: &[Stage], found: &mut Assessment) {
        let Some((next, others)) = stages.split_first() else { return found.met(configured(self.cx.spec)) };
        self.change(next, found);
        // What they change is not in force yet.
        found.items.extend(others.iter().map(|stage| self.item(stage).assumed_if(true)));
    }

    fn item(&self, stage: &Stage) -> Item {
        let cib = &self.standing.cib;
        let place = Place::On(self.standing.node.clone());
        let item = push(self.cx, place, stage, (cib.admin_epoch, cib.epoch)).needs(coordinated(self.cx.spec));
        if self.cx.intent.wish.is_none() { groups::needs(self.cx, &stage.leaves, item) } else { item }
    }

    fn change(&self, stage: &Stage, found: &mut Assessment) {
        let item = self.item(stage);
        if !self.cx.is_complete() {
            // What is still asked may belong into the document: a part of it is not worth a trial.
            return found.item(item);
        }
        match self.cx.see(&self.standing.node, &pacemaker::trial(&stage.candidate)) {
            Seen::Is(trial) if trial.errors.is_empty() => {
                let (risk, impact) = impact::of(self, &stage.candidate, &trial.actions);
                found.item(impact.into_iter().fold(item, |item, sentence| item.at_risk(risk, sentence)));
            }
            Seen::Is(trial) => {
                let because = format!("Pacemaker does not take it: {}", trial.errors.join("; "));
                let hint = "what it names is most likely a foreign object in its configuration: look at `cibadmin -Q`";
                found.item(Item { why: item.why, ..self.held(stage, Cause::Refused, because, hint) });
            }
            // What cannot be tried is not pushed; a cluster that is about to answer is looked at again.
            Seen::NotYet(_) => found.item(item.at_risk(Risk::Safe, "its effect is looked at first").assumed_if(true)),
            Seen::Unknown(Why::NotAsked) => found.item(item),
            Seen::Unknown(why) => {
                found.item(self.held(stage, Cause::Unknown, format!("its effect cannot be foreseen: {why}"), ""));
            }
        }
    }

    /// A stage, when it is not put into force.
    fn held(&self, stage: &Stage, cause: Cause, because: String, hint: &str) -> Item {
        let spec = self.cx.spec;
        let item = Item::held(&subject(spec), stage.verb(), "configure the cluster manager", cause, because, hint);
        if stage.is_last() { item.gives(configured(spec)) } else { item }
    }

    /// A node that Corosync knows and Pacemaker does not yet: it takes nothing over until it is taken in.
    fn newcomers(&self, found: &mut Assessment) {
        let state = &self.standing.state;
        let pending = |node: &&NodeName| state.member(node.as_str()).is_some_and(|member| member.pending);
        for node in self.cx.spec.nodes.keys().filter(pending) {
            let subject = Subject::on("member", &self.cx.spec.cluster, node);
            found.item(Item::wait(&subject, "take-in", format!("Pacemaker to take {node} in"), POLL));
        }
    }

    /// The services that a person has told the cluster manager to leave alone.
    fn frozen(&self) -> BTreeSet<ServiceName> {
        let names = self.cx.spec.services.keys();
        names.filter(|name| self.standing.cib.is_frozen(name.as_str())).cloned().collect()
    }

    /// What `crm_resource --move` leaves behind pins a service until a person takes it away.
    fn strays(&self, found: &mut Assessment) {
        for stray in self.standing.cib.strays() {
            let resource = stray.get("rsc").unwrap_or_default();
            let service = self.cx.spec.services.keys().find(|name| resource == name.as_str());
            let path = service.map_or_else(SpecPath::default, |name| SpecPath::of(["services", name.as_str()]));
            found.findings.warn(
                path,
                "stray-constraint",
                format!("the constraint {} pins {resource}", stray.id()),
                format!("`crm_resource --clear --resource {resource}` takes it away"),
            );
        }
    }
}
