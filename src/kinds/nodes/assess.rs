//! What a node needs before anything can be on it: an answer, its packages, glusterd, and names for the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{installed, running};
use crate::kinds::manager::is_standby;
use crate::kinds::units::{self, Units};
use crate::kinds::{Assessment, Cx, Filesystem, Hosts, Spec, corosync, maintenance, postgresql, returning};
use crate::model::{Cause, Difference, Item, Milestone, NodeName, Place, Query, Seen, SpecPath, Subject, Why};
use crate::tools::node::{Family, Node as NodeFacts};
use crate::tools::{corosync as manager, gluster, node, systemd};

/// The packages that `GlusterFS` may need, over all families; a node is asked for all packages at once.
const GLUSTER: &[&str] = &["attr", "e2fsprogs", "glusterfs-client", "glusterfs-fuse", gluster::PACKAGE, "xfsprogs"];
/// How far two nodes' clocks may be apart before it is said, in seconds: file times of a replica then disagree.
const CLOCK_SKEW_MAX: f64 = 5.0;

/// The packages that `node` needs.
fn packages(spec: &Spec, node: &NodeName, facts: &NodeFacts) -> Vec<&'static str> {
    let mut packages = corosync::packages(spec, facts.family);
    if needs_gluster(spec) {
        packages.extend(gluster_packages(spec, node, facts.family));
    }
    packages.extend(postgresql::packages(spec, node, facts));
    packages
}

/// `GlusterFS`, what reads extended attributes, and what makes file systems.
fn gluster_packages(spec: &Spec, node: &NodeName, family: Family) -> Vec<&'static str> {
    let client = match family {
        Family::Debian => "glusterfs-client",
        Family::RedHat => "glusterfs-fuse",
        Family::Other => return Vec::new(),
    };
    let bricks = spec.volumes.values().flat_map(|volume| &volume.bricks).filter(|brick| brick.node == *node);
    let made: BTreeSet<&str> = bricks.filter_map(|brick| brick.filesystem).map(Filesystem::package).collect();
    ["attr", client, gluster::PACKAGE].into_iter().chain(made).collect()
}

/// The packages that any node may need.
fn all_packages(spec: &Spec) -> Vec<&'static str> {
    GLUSTER.iter().copied().chain(corosync::all_packages(spec)).chain(postgresql::all_packages(spec)).collect()
}

/// What is asked of every node about itself.
pub(in crate::kinds) fn look(spec: &Spec) -> Query<NodeFacts> {
    node::look(&all_packages(spec))
}

/// Whether `node` was seen to have glusterd.
pub(in crate::kinds) fn has_gluster(cx: &Cx<'_>, node: &NodeName) -> bool {
    cx.see(node, &look(cx.spec)).known().is_some_and(|facts| facts.packages.contains_key(gluster::PACKAGE))
}

/// The milestone that `node` knows the names of all nodes.
pub(in crate::kinds) fn knows_names(node: &NodeName) -> Milestone {
    Subject::on("hosts", "/etc/hosts", node).is("written")
}

/// Looks at all nodes.
pub(super) fn assess(cx: &Cx<'_>, found: &mut Assessment) {
    let hosts_lines = hosts_lines(cx.spec);
    for (name, units) in units::of_all(cx) {
        let looked = cx.see(name, &look(cx.spec));
        hosts(cx, name, &hosts_lines, found);
        match looked {
            Seen::Is(facts) => {
                hold(name, &facts, found);
                install(cx, name, &facts, found);
                if needs_gluster(cx.spec) {
                    glusterd(cx, name, &units, found);
                }
            }
            Seen::Unknown(Why::NotAsked) => {}
            Seen::NotYet(_) => unreachable!("looking at a node needs nothing that bricklayer could turn on"),
            Seen::Unknown(why) => silent(cx, name, &why, found),
        }
    }
    compare_clocks(cx, found);
    compare_versions(cx, found);
}

fn needs_gluster(spec: &Spec) -> bool {
    !spec.volumes.is_empty() || !spec.mounts.is_empty()
}

pub(in crate::kinds) fn subject(name: &NodeName) -> Subject {
    Subject::new("node", name)
}

fn silent(cx: &Cx<'_>, name: &NodeName, why: &Why, found: &mut Assessment) {
    let spec = cx.spec;
    let (because, hint) = match why {
        Why::Drained(_) => (why.to_string(), maintenance::hint(name)),
        Why::NoAnswer(_, failure) if is_standby(cx, name) => {
            (failure.to_string(), format!("it is in standby: once it is on, {}", maintenance::hint(name)))
        }
        other => {
            let hint = format!("nothing is changed on {name} until it answers; everything else goes on");
            let because = match other {
                Why::NoAnswer(_, failure) => failure.to_string(),
                other => other.to_string(),
            };
            (because, hint)
        }
    };
    found.item(Item::held(&subject(name), "look", format!("look at node {name}"), Cause::Unknown, because, hint));
    for package in all_packages(spec) {
        found.unknown(installed(name, package), why);
    }
    found.unknown(running(name, gluster::DAEMON), why);
}

fn hold(name: &NodeName, facts: &NodeFacts, found: &mut Assessment) {
    if facts.hold {
        let item = Item::run(
            &subject(name),
            "release",
            format!("let services start again on {name}"),
            Place::On(name.clone()),
            node::release_hold(),
        );
        found.item(item.because(Difference::gone("policy-rc.d", "left by an interrupted installation")));
    }
}

fn install(cx: &Cx<'_>, name: &NodeName, facts: &NodeFacts, found: &mut Assessment) {
    let wanted = packages(cx.spec, name, facts);
    let (there, missing): (Vec<&str>, Vec<&str>) = wanted.iter().partition(|p| facts.packages.contains_key(**p));
    for package in there {
        found.met(installed(name, package));
    }
    if facts.family == Family::Other {
        return other_family(cx, name, facts, found);
    }
    if missing.is_empty() {
        return;
    }
    let mut item = Item::run(
        &subject(name),
        "install",
        format!("install {} on {name}", missing.join(", ")),
        Place::On(name.clone()),
        node::install(facts.family, &missing),
    );
    for package in missing {
        item = item.because(Difference::new(format!("package {package}"), "installed")).gives(installed(name, package));
    }
    found.item(postgresql::before_install(cx.spec, name, facts).into_iter().fold(item, Item::needs));
}

/// On a system whose package manager bricklayer does not know, the programs themselves say whether they are there.
fn other_family(cx: &Cx<'_>, name: &NodeName, facts: &NodeFacts, found: &mut Assessment) {
    let mut by_hand = |verb, what: &str, package, lacking: bool, all: &[&str], hint: &str| {
        if !lacking {
            return all.iter().for_each(|package| found.met(installed(name, package)));
        }
        let summary = format!("install {what} on {name}");
        let because = format!("{} has a package manager that bricklayer does not know", facts.os);
        let item = Item::held(&subject(name), verb, summary, Cause::Refused, because, hint);
        found.item(item.gives(installed(name, package)));
    };
    if needs_gluster(cx.spec) {
        let lacking = off(&cx.see(name, &gluster::pool())) == Some(&installed(name, gluster::PACKAGE));
        let hint = "install glusterfs (server and client) and attr by hand, so that `gluster` and `getfattr` are found";
        by_hand("install", "glusterfs", gluster::PACKAGE, lacking, GLUSTER, hint);
    }
    if cx.spec.has_manager() {
        let lacking = off(&cx.see(name, &manager::cmap())) == Some(&installed(name, manager::DAEMON));
        let hint = "install corosync, pacemaker and the agents by hand, so that `corosync` and `crm_mon` are found";
        by_hand("install-manager", "corosync", manager::DAEMON, lacking, &corosync::all_packages(cx.spec), hint);
    }
}

/// What has to be reached before it can be seen.
fn off<T>(seen: &Seen<T>) -> Option<&Milestone> {
    match seen {
        Seen::NotYet(milestone) => Some(milestone),
        Seen::Is(_) | Seen::Unknown(_) => None,
    }
}

fn glusterd(cx: &Cx<'_>, name: &NodeName, units: &Units, found: &mut Assessment) {
    let milestone = running(name, gluster::DAEMON);
    let unit = match units {
        Seen::Is(units) => units::glusterd(units),
        Seen::NotYet(_) => systemd::Unit::default(),
        Seen::Unknown(Why::NotAsked) => return,
        Seen::Unknown(why) => {
            let summary = format!("look at glusterd on {name}");
            let item = Item::held(&subject(name), "glusterd", summary, Cause::Unknown, why.to_string(), "");
            return found.item(item.gives(milestone));
        }
    };
    if unit.active() {
        found.met(milestone.clone());
    }
    if unit.active_state == "activating" {
        let wait = Item::wait(&subject(name), "glusterd", format!("glusterd to start on {name}"), super::POLL);
        return found.item(wait.gives(milestone));
    }
    if unit.active() && unit.enabled {
        return;
    }
    if let Some(held) = returning::why_not(cx, name).filter(|_| !unit.active()) {
        return found.item(held.gives(milestone));
    }
    let verb = if unit.active() { "enable" } else { "start" };
    let mut item = Item::run(
        &subject(name),
        "glusterd",
        format!("{verb} glusterd on {name}"),
        Place::On(name.clone()),
        systemd::enable_now(gluster::UNIT),
    )
    .needs(installed(name, gluster::PACKAGE))
    .gives(milestone);
    if !unit.active() {
        let seen = if unit.loaded { unit.active_state.as_str() } else { "not installed" };
        item = item.because(Difference::changed(gluster::UNIT, seen, "active"));
    }
    if !unit.enabled {
        item = item.because(Difference::changed("at boot", "disabled", "enabled"));
    }
    found.item(item);
}

/// The lines of bricklayer's block in `/etc/hosts`: every address of every node that has a name and an IP.
fn hosts_lines(spec: &Spec) -> String {
    let mut block = String::new();
    for node in spec.nodes.values() {
        let addresses = [&node.addresses.cluster, &node.addresses.storage];
        for (name, ip) in addresses.into_iter().flatten().filter_map(|at| Some((&at.name, at.ip?))) {
            let _ = writeln!(block, "{ip}\t{name}");
        }
    }
    block
}

fn hosts(cx: &Cx<'_>, name: &NodeName, wanted: &str, found: &mut Assessment) {
    let milestone = knows_names(name);
    if cx.spec.hosts == Hosts::Unmanaged {
        // Nobody has to write anything; whether the names resolve is asked where it matters, before a probe.
        return found.met(milestone);
    }
    let cluster = cx.spec.cluster.as_str();
    match cx.see(name, &node::hosts_file()) {
        Seen::Is(text) => {
            let seen = node::hosts_block(&text, cluster);
            if seen.as_deref() == Some(wanted) {
                return found.met(milestone);
            }
            let item = Item::run(
                &subject(name),
                "hosts",
                format!("write the nodes' names into /etc/hosts on {name}"),
                Place::On(name.clone()),
                node::write_hosts(cluster, wanted),
            );
            let lines = |text: &str| format!("{} lines", text.lines().count());
            let why = Difference {
                field: format!("block {cluster}"),
                from: seen.as_deref().map(lines),
                to: Some(lines(wanted)),
            };
            found.item(item.because(why).gives(milestone));
        }
        Seen::NotYet(_) => {}
        Seen::Unknown(why) => found.unknown(milestone, &why),
    }
}

fn seen_nodes<'a>(cx: &'a Cx<'_>) -> impl Iterator<Item = (&'a NodeName, Seen<NodeFacts>)> {
    cx.spec.nodes.keys().map(|name| (name, cx.see(name, &look(cx.spec))))
}

fn compare_clocks(cx: &Cx<'_>, found: &mut Assessment) {
    let ahead = seen_nodes(cx).filter_map(|(name, seen)| {
        let at = cx.answered_at(name, &look(cx.spec))?.as_duration().as_secs_f64();
        Some((name, seen.known()?.clock - at))
    });
    let ahead: Vec<(&NodeName, f64)> = ahead.collect();
    let by_clock = |a: &&(&NodeName, f64), b: &&(&NodeName, f64)| a.1.total_cmp(&b.1);
    let (Some(slowest), Some(fastest)) = (ahead.iter().min_by(by_clock), ahead.iter().max_by(by_clock)) else {
        return;
    };
    let apart = fastest.1 - slowest.1;
    if apart > CLOCK_SKEW_MAX {
        found.findings.warn(
            SpecPath::of(["nodes", fastest.0.as_str()]),
            "clocks-apart",
            format!("the clock of {} is {apart:.0} s ahead of {}'s", fastest.0, slowest.0),
            "run a time service such as chrony on every node",
        );
    }
}

fn compare_versions(cx: &Cx<'_>, found: &mut Assessment) {
    let mut by_version: BTreeMap<String, Vec<&NodeName>> = BTreeMap::new();
    for (name, seen) in seen_nodes(cx) {
        if let Some(version) = seen.known().and_then(|facts| facts.packages.get(gluster::PACKAGE)) {
            by_version.entry(version.clone()).or_default().push(name);
        }
    }
    if by_version.len() > 1 {
        let list = |(version, nodes): (&String, &Vec<&NodeName>)| {
            let nodes: Vec<&str> = nodes.iter().map(|name| name.as_str()).collect();
            format!("{version} on {}", nodes.join(", "))
        };
        let list: Vec<String> = by_version.iter().map(list).collect();
        found.findings.warn(
            SpecPath::of(["nodes"]),
            "versions-differ",
            format!("the nodes run different versions of glusterfs: {}", list.join("; ")),
            "bring all nodes to one version, one node at a time, each healed before the next",
        );
    }
}
