//! Databases: `PostgreSQL` with its data on a volume, made once, and configured alike on every node that may serve it.
//!
//! What is dangerous here is to take a database that cannot be seen for one that is not there. So it counts as there
//! if any brick has it, and as absent only if every brick was looked at and every copy is complete; and the number that
//! a database is given when it is made is kept in the cluster manager, so that a lost one is not made anew.

mod alike;
mod check;
mod check_access;
mod config;
mod copies;
mod data;
mod packages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{Assessment, Cx, Kind, Mount, Postgresql, Resource, Service, Spec, files, nodes};
use crate::model::{Findings, Item, Milestone, NodeName, ServiceName, Subject};
use crate::tools::postgresql::{self, Programs};

pub(super) use copies::reached;
pub(super) use data::identifier;
pub(super) use packages::{all_packages, before_install, packages, units};

/// The databases, as a kind.
pub(super) struct Databases;

impl Kind for Databases {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        check::check(spec, findings);
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        packages::assess(cx, found);
        config::control(cx, found);
        for one in all(cx) {
            config::assess(&one, found);
            data::assess(&one, found);
        }
    }
}

/// The database of one service.
struct One<'a> {
    cx: &'a Cx<'a>,
    name: &'a ServiceName,
    database: &'a Postgresql,
    /// The nodes that may serve it.
    nodes: Vec<&'a NodeName>,
}

/// The databases of all services.
fn all<'a>(cx: &'a Cx<'a>) -> impl Iterator<Item = One<'a>> {
    written(cx.spec).map(|(name, service, database)| One { cx, name, database, nodes: cx.spec.serving(service) })
}

/// The services with a database, as far as they are to be there.
fn written(spec: &Spec) -> impl Iterator<Item = (&ServiceName, &Service, &Postgresql)> {
    spec.present_services().filter_map(|(name, service)| Some((name, service, database(service)?)))
}

fn database(service: &Service) -> Option<&Postgresql> {
    service.resources.iter().find_map(|resource| match resource {
        Resource::Postgresql(database) => Some(database),
        _ => None,
    })
}

/// The nodes that may serve a database.
fn serving(spec: &Spec) -> BTreeSet<&NodeName> {
    written(spec).flat_map(|(_, service, _)| spec.serving(service)).collect()
}

impl<'a> One<'a> {
    fn subject(&self) -> Subject {
        Subject::new("database", self.name)
    }

    /// Where `node` has the programs, if that is known.
    fn programs(&self, node: &NodeName) -> Option<Programs> {
        let seen = self.cx.see(node, &nodes::look(self.cx.spec));
        Programs::of(seen.known()?, self.database.version)
    }

    /// The mount that the data is on, with the rest of the path.
    fn mount(&self) -> Option<(&'a Mount, &'a str)> {
        let data = self.database.data_dir.as_str();
        self.cx.spec.mounts.values().find_map(|mount| {
            let below = data.strip_prefix(mount.path.as_str())?.strip_prefix('/')?;
            Some((mount, below))
        })
    }

    fn owner(&self) -> String {
        format!("service {} of cluster {}", self.name, self.cx.spec.cluster)
    }
}

/// The folder of a service's files on each node.
fn folder(service: &ServiceName) -> String {
    format!("/etc/bricklayer/postgresql/{service}")
}

fn settings_file(service: &ServiceName) -> String {
    folder(service) + "/postgresql.conf"
}

fn access_file(service: &ServiceName) -> String {
    folder(service) + "/pg_hba.conf"
}

/// The milestone that the database of `service` is there.
pub(super) fn made(service: &ServiceName) -> Milestone {
    Subject::new("database", service).is("made")
}

/// Whether the database of `service` was seen to be there, as [`made`] says; so too where the service has none.
pub(super) fn is_made(cx: &Cx<'_>, service: &ServiceName) -> bool {
    let Some(one) = all(cx).find(|one| one.name == service) else { return true };
    let mut found = Assessment::default();
    data::assess(&one, &mut found);
    found.met.contains(&made(service))
}

/// Adds to `item` what must have been reached before the cluster manager may start the database of `service`, on each
/// node that answers: one that is silent gets its own when it is back.
pub(super) fn needs(cx: &Cx<'_>, service: &ServiceName, item: Item) -> Item {
    let Some(one) = all(cx).find(|one| one.name == service) else { return item };
    let answering: Vec<&NodeName> = one.nodes.iter().copied().filter(|node| cx.answers(node)).collect();
    let each = answering.into_iter().flat_map(|node| {
        [
            files::written(&settings_file(service), node),
            files::written(&access_file(service), node),
            files::written(postgresql::CONTROL_FILE, node),
            packages::off(node),
        ]
    });
    std::iter::once(made(service)).chain(each).fold(item, Item::needs)
}

/// What the agent is told of the database of `service`.
pub(super) fn parameters(cx: &Cx<'_>, service: &ServiceName, database: &Postgresql) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::from([
        ("pgdata", database.data_dir.to_string()),
        ("pgdba", postgresql::USER.to_owned()),
        ("pgport", database.port.to_string()),
        ("config", settings_file(service)),
        ("socketdir", postgresql::SOCKETS.to_owned()),
        ("pgctl", postgresql::CONTROL_FILE.to_owned()),
    ]);
    let programs = all(cx).find(|one| one.name == service).and_then(|one| {
        // They are the same on every node, or nothing is changed.
        one.nodes.iter().find_map(|node| one.programs(node))
    });
    if let Some(programs) = programs {
        parameters.insert("psql", format!("{}/psql", programs.bin));
        parameters.insert("logfile", format!("{}/{service}.log", programs.log_folder));
    }
    parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
