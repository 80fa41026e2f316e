//! In how many changes the configuration is put into force: in one, or in two where there is a new service whose
//! database is still to be made.
//!
//! To make a database takes seconds, and may be refused. Fencing, the gates and all other services do not wait for that,
//! and once the database is there, Pacemaker has long started what its service waits for.
//!
//! The second one waits for the database and not for the first: whatever is not in force once the database is made goes
//! in together with its service.

use std::collections::BTreeSet;

use super::Standing;
use crate::kinds::{Cx, postgresql};
use crate::model::{ClusterDocument, ServiceName};
use crate::tools::pacemaker::{self, Change};
use crate::tools::xml::Element;

/// One change of the configuration.
pub(super) struct Stage {
    /// What the configuration becomes.
    pub(super) candidate: Element,
    /// What differs from what is in force before; never nothing.
    pub(super) changes: Vec<Change>,
    /// The services that it leaves for the next one.
    pub(super) leaves: BTreeSet<ServiceName>,
    /// Whether it brings in what another one leaves, and nothing else.
    pub(super) follows: bool,
}

impl Stage {
    /// Whether the configuration is as written after it.
    pub(super) fn is_last(&self) -> bool {
        self.leaves.is_empty()
    }

    /// What it does to the configuration: one verb in both, because what they need and why is the same. The last one is
    /// the same step, whether or not another goes before it.
    pub(super) fn verb(&self) -> &'static str {
        if self.is_last() { "configure" } else { "first/configure" }
    }
}

/// The stages on the way from `live` to the document, in their order; none where nothing differs.
pub(super) fn of(cx: &Cx<'_>, standing: Option<&Standing>, live: &Element, document: &ClusterDocument) -> Vec<Stage> {
    let later = later(cx, standing);
    let whole = pacemaker::candidate(live, document);
    if later.is_empty() {
        return at_once(live, whole);
    }
    let mut document = document.clone();
    document.services.retain(|group| !later.contains(&group.id));
    let first = pacemaker::candidate(live, &document);
    let then =
        Stage { changes: pacemaker::changes(&first, &whole), candidate: whole, leaves: BTreeSet::new(), follows: true };
    let first = Stage { changes: pacemaker::changes(live, &first), candidate: first, leaves: later, follows: false };
    [first, then].into_iter().filter(|stage| !stage.changes.is_empty()).collect()
}

/// The one stage from `live` to `candidate`; none where nothing differs.
pub(super) fn at_once(live: &Element, candidate: Element) -> Vec<Stage> {
    let changes = pacemaker::changes(live, &candidate);
    let stage = Stage { candidate, changes, leaves: BTreeSet::new(), follows: false };
    [stage].into_iter().filter(|stage| !stage.changes.is_empty()).collect()
}

/// The services that come with a change of their own: the cluster manager does not have them, and their database was
/// not seen to be made. Those that it has stay in every change, or it would take them out.
fn later(cx: &Cx<'_>, standing: Option<&Standing>) -> BTreeSet<ServiceName> {
    let is_there = |name: &ServiceName| standing.is_some_and(|standing| standing.cib.resource(name.as_str()).is_some());
    let names = cx.spec.present_services().map(|(name, _)| name);
    names.filter(|name| !is_there(name) && !postgresql::is_made(cx, name)).cloned().collect()
}
