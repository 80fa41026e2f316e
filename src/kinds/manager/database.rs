//! shim until the database kind lands
use crate::kinds::{Cx, Postgresql, Spec};
use crate::model::{Milestone, ServiceName, Subject};
use std::collections::BTreeMap;
pub(super) fn identifier(_cx: &Cx<'_>, _service: &ServiceName) -> Option<String> {
    None
}
pub(super) fn parameters(_cx: &Cx<'_>, _service: &ServiceName, pg: &Postgresql) -> BTreeMap<String, String> {
    BTreeMap::from([("pgdata".to_owned(), pg.data_dir.to_string())])
}
pub(super) fn made(service: &ServiceName) -> Milestone {
    Subject::new("database", service).is("made")
}
pub(super) fn placed(_spec: &Spec) -> Vec<Milestone> {
    Vec::new()
}
