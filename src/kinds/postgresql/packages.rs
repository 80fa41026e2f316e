//! The server's package on each node, without a database of its own, and its units, which the cluster manager's agent
//! does not use: nothing but the agent starts a server.

use super::{One, all, serving, written};
use crate::kinds::units::{self, Units};
use crate::kinds::{Assessment, Cx, Spec, nodes};
use crate::model::{Cause, Difference, Item, Milestone, NodeName, Place, Seen, Subject, Why};
use crate::tools::node::{self, Family, Node};
use crate::tools::postgresql::{self, CREATECLUSTER, Programs};
use crate::tools::systemd;

/// The unit of the whole package: in Debian's family of all its databases, in Red Hat's of the one.
const UNIT: &str = "postgresql.service";
/// The units of Debian's databases, one each.
const INSTANCES: &str = "postgresql@*.service";
const INSTANCE: &str = "postgresql@";

/// The units that are looked at.
pub(in crate::kinds) fn units(spec: &Spec) -> Vec<&'static str> {
    if written(spec).next().is_some() { vec![UNIT, INSTANCES] } else { Vec::new() }
}

/// The packages that `node` needs, as far as it is known which.
pub(in crate::kinds) fn packages(spec: &Spec, name: &NodeName, node: &Node) -> Vec<&'static str> {
    let here = written(spec).filter(|(_, service, _)| spec.serving(service).contains(&name));
    here.filter_map(|(.., database)| Some(Programs::of(node, database.version)?.package)).collect()
}

/// The packages that any node may need, and those that must be alike on all of them.
pub(in crate::kinds) fn all_packages(spec: &Spec) -> Vec<&'static str> {
    let mut all: Vec<&str> = written(spec).flat_map(|(.., database)| postgresql::packages(database.version)).collect();
    if !all.is_empty() {
        all.extend(postgresql::ORDERING_PACKAGES);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// The milestone that packages of `node` make no database of their own: it would hold the port on every node.
fn makes_none(node: &NodeName) -> Milestone {
    Subject::on("file", CREATECLUSTER, node).is("written")
}

/// What must have been reached before the packages of `node` are installed.
pub(in crate::kinds) fn before_install(spec: &Spec, name: &NodeName, node: &Node) -> Option<Milestone> {
    (node.family == Family::Debian && serving(spec).contains(name)).then(|| makes_none(name))
}

/// The milestone that nothing but the cluster manager starts a server on `node`.
pub(super) fn off(node: &NodeName) -> Milestone {
    Subject::on("unit", UNIT, node).is("off")
}

/// Looks at packages and units.
pub(super) fn assess(cx: &Cx<'_>, found: &mut Assessment) {
    for name in serving(cx.spec) {
        let units = units::of(cx, name);
        let config = cx.see(name, &node::text_of(CREATECLUSTER));
        let seen = cx.see(name, &nodes::look(cx.spec));
        let Seen::Is(node) = seen else { continue };
        if node.family == Family::Debian {
            createcluster(name, &config, found);
        }
        unit(name, &node, &units, found);
    }
    for one in all(cx) {
        one.nodes.iter().for_each(|node| unknown_version(&one, node, found));
    }
}

fn createcluster(name: &NodeName, seen: &Seen<Option<String>>, found: &mut Assessment) {
    let text = match seen {
        Seen::Is(text) => text,
        Seen::NotYet(_) | Seen::Unknown(Why::NotAsked) => return,
        Seen::Unknown(why) => return found.unknown(makes_none(name), why),
    };
    if text.as_deref().is_some_and(postgresql::makes_none_of_its_own) {
        return found.met(makes_none(name));
    }
    let summary = format!("keep packages from making a database of their own on {name}");
    let subject = Subject::on("file", CREATECLUSTER, name);
    let item = Item::run(&subject, "set", summary, Place::On(name.clone()), postgresql::make_none_of_its_own());
    found.item(item.because(Difference::new("create_main_cluster", "false")).gives(makes_none(name)));
}

fn unit(name: &NodeName, node: &Node, units: &Units, found: &mut Assessment) {
    let units = match units {
        Seen::Is(units) => units,
        Seen::NotYet(_) | Seen::Unknown(Why::NotAsked) => return,
        Seen::Unknown(why) => return found.unknown(off(name), why),
    };
    let subject = Subject::on("unit", UNIT, name);
    let summary = format!("take {UNIT} from systemd on {name}");
    let unit = units.get(UNIT).cloned().unwrap_or_default();
    // In Debian's family the unit of the package is nothing by itself: its databases are units of their own.
    let is_database = |id: &str| id.starts_with(INSTANCE) || (id == UNIT && node.family != Family::Debian);
    let runs = units.iter().find(|(id, unit)| is_database(id) && unit.active_state != "inactive" && unit.loaded);
    if let Some((id, running)) = runs.filter(|(_, unit)| unit.active_state != "failed") {
        let because = format!(
            "{id} on {name} is {} and serves a database that no service of this file has",
            running.active_state
        );
        let hint = format!("move that database elsewhere, or stop it yourself: `systemctl disable --now {id}`");
        return found.item(Item::held(&subject, "disable", summary, Cause::Refused, because, hint).gives(off(name)));
    }
    if !unit.active() && !unit.enabled {
        return found.met(off(name));
    }
    let item = Item::run(&subject, "disable", summary, Place::On(name.clone()), systemd::disable_now(UNIT));
    let why = Difference::changed("started by", "systemd", "the cluster manager alone");
    found.item(item.because(why).gives(off(name)));
}

/// A node on which it is not known which version there is.
fn unknown_version(one: &One<'_>, name: &NodeName, found: &mut Assessment) {
    let seen = one.cx.see(name, &nodes::look(one.cx.spec));
    let Seen::Is(node) = seen else { return };
    if one.programs(name).is_some() {
        return;
    }
    let subject = Subject::on("database", one.name, name);
    let summary = format!("install PostgreSQL for service {} on {name}", one.name);
    let (because, hint) = match (node.family, one.database.version) {
        (Family::Other, _) => (
            format!("{} is a system whose PostgreSQL bricklayer does not know", node.os),
            "use Debian, Ubuntu or Red Hat's family",
        ),
        (_, Some(version)) => {
            (format!("no package of PostgreSQL {version} is known"), "write a `version` that there is, from 10 on")
        }
        (_, None) => (
            format!("it is not known which PostgreSQL {} has", node.os),
            "write the `version`: the number in the name of the package `postgresql-NN`",
        ),
    };
    found.item(Item::held(&subject, "version", summary, Cause::Refused, because, hint));
}
