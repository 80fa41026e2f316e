//! What became of the services: whether each is where it is to be, is on its way, or has failed.

use super::{Live, POLL, gates, groups};
use crate::kinds::Assessment;
use crate::model::{Cause, Fencer, Group, Item, Lane, Place, Role, Score, ServiceName, Subject, Threat};
use crate::tools::pacemaker::{self, Failure, Member, Resource};

/// A service as something that steps are about.
pub(super) fn subject(name: &ServiceName) -> Subject {
    Subject::new("service", name)
}

/// Looks at a service; `in_force` says whether the configuration that it is looked at for is in force.
pub(super) fn assess(live: &Live<'_>, group: &Group, in_force: bool, found: &mut Assessment) {
    if let Some(item) = one(live, group) {
        found.item(if in_force { item } else { item.needs(super::configured(live.cx.spec)) });
    }
}

/// Looks at the devices that fence, once they are configured. One that failed everywhere is tried again, once a run: its
/// cause may have been mended since, and the cluster manager does not ask for it again by itself.
pub(super) fn fencers(live: &Live<'_>, fencers: &[Fencer], found: &mut Assessment) {
    let state = &live.standing.state;
    for Fencer { id, .. } in fencers {
        let Some(resource) = state.resources.iter().find(|resource| resource.id == *id) else { continue };
        if resource.active || state.maintenance || !resource.managed {
            continue;
        }
        let subject = Subject::new("fence device", id);
        let Some(failure) = state.failures.iter().find(|failure| failure.resource == *id) else {
            let wait = Item::wait(&subject, "start", format!("fence device {id} to start"), POLL);
            found.item(wait.needs(super::coordinated(live.cx.spec)));
            continue;
        };
        let place = Place::On(live.standing.node.clone());
        let again = format!("have fence device {id} tried again");
        let again = Item::run(&subject, "cleanup", again, place, pacemaker::cleanup(id)).in_lane(Lane::Cib);
        if live.cx.intent.ran.contains(&again.id) {
            let summary = format!("start fence device {id}");
            let hint = "mend what it says: without the device, nothing starts elsewhere when a node is lost";
            found.item(Item::held(&subject, "start", summary, Cause::Failed, said(failure), hint));
        } else {
            found.item(again.threatens(Threat::Cluster));
        }
    }
}

fn one(live: &Live<'_>, group: &Group) -> Option<Item> {
    let name = &group.id;
    let standing = live.standing;
    let written = &live.cx.spec.services[name];
    let role = group.role.map(Role::word).or_else(|| standing.cib.meta(name.as_str(), "target-role"));
    let there = standing.cib.resource(name.as_str()).is_some();
    let runs = if there { role.unwrap_or("Started") == "Started" } else { groups::wants_to_run(written, role) };
    if standing.cib.is_frozen(name.as_str()) || standing.state.maintenance {
        // People have taken it into their own hands.
        return None;
    }
    let owner = standing.state.owner(name.as_str());
    let bound_for = group.places.iter().find(|(_, score)| **score == Score::Always).map(|(node, _)| node.as_str());
    match (runs, owner) {
        (true, Some(owner)) if bound_for.is_none_or(|node| node == owner) => None,
        (true, _) => Some(start(live, group, bound_for)),
        (false, _) if there && !standing.state.rests(name.as_str()) => {
            Some(Item::wait(&subject(name), "stop", format!("service {name} to stop"), POLL))
        }
        (false, _) => None,
    }
}

/// A service that is to run and does not yet, or not there.
fn start(live: &Live<'_>, group: &Group, bound_for: Option<&str>) -> Item {
    let name = &group.id;
    let state = &live.standing.state;
    let members: Vec<&Resource> = state.group(name.as_str()).collect();
    let failures: Vec<&Failure> = state.failures_of(name.as_str()).collect();
    let is_stuck = |member: &&Resource| !member.active && !matches!(member.role.as_str(), "Starting" | "Stopping");
    let failed_on = |node: &Member| failures.iter().any(|f| f.node == node.name && f.task == "start");
    let serving = live.cx.spec.serving(&live.cx.spec.services[name]);
    let may_serve = |node: &&Member| node.takes_services() && serving.iter().any(|name| name.as_str() == node.name);
    let nowhere_left = || state.members.iter().filter(may_serve).all(failed_on);
    let given_up = members.iter().any(is_stuck)
        && (members.iter().any(|member| member.blocked) || (!failures.is_empty() && nowhere_left()));
    if let (true, Some(failure)) = (given_up, failures.first()) {
        return failed(name, failure);
    }
    if state.rests(name.as_str())
        && let Some(shut) = gates::why_shut(live.standing, live.cx.spec, name)
    {
        return gates::waiting(name, shut);
    }
    let up = members.iter().filter(|member| member.active && member.role == "Started").count();
    let where_to = bound_for.map(|node| format!(" on {node}")).unwrap_or_default();
    let wait = Item::wait(&subject(name), "start", format!("service {name} to start{where_to}"), POLL);
    // Nothing starts while nobody decides.
    let wait = wait.needs(super::coordinated(live.cx.spec));
    wait.left(u64::try_from(members.len() - up).unwrap_or(0), "resources")
}

/// A failure in one sentence.
pub(super) fn said(Failure { resource, task, node, status, reason, .. }: &Failure) -> String {
    let reason = if reason.is_empty() { status } else { reason };
    format!("{task} of {resource} failed on {node}: {reason}")
}

fn failed(name: &ServiceName, failure: &Failure) -> Item {
    Item::held(
        &subject(name),
        "start",
        format!("start service {name}"),
        Cause::Failed,
        said(failure),
        format!("when its cause is mended, `bricklayer service enable {name}` has it tried again"),
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::kinds::Cx;
    use crate::kinds::manager::{Standing, document};
    use crate::model::{Answer, Facts, Intent, NodeName, Seen, Work};
    use crate::tools::sample;

    #[test]
    fn a_service_that_failed_wherever_it_may_run_is_not_waited_for_because_of_a_node_outside_of_its_domain() {
        let file =
            include_str!("../../../specs/postgres-ha.yaml").replace("\nnodes:\n", "\nnodes:\n  node03: {id: 3}\n");
        let file = file.replace("plugs: {", "plugs: {node03: node03, ");
        let spec = crate::spec::from_bytes("postgres-ha.yaml", file.into()).spec.unwrap();
        let mut state = sample::read("84-resource-cannot-start/crm_mon.txt");
        let first = state.stdout.lines().find(|line| line.contains("<node name=\"node01\" id=\"1\" online")).unwrap();
        let third = first.replace("node01", "node03").replace("id=\"1\"", "id=\"3\"");
        state.stdout = state.stdout.replacen(first, &format!("{first}\n{third}"), 1);
        let mut facts = Facts::default();
        for node in ["node01", "node02"].map(|name| NodeName::new(name).unwrap()) {
            let cib = sample::read("84-resource-cannot-start/cibadmin-Q.txt");
            for (command, output) in [(pacemaker::cib().command, cib), (pacemaker::state().command, state.clone())] {
                facts.record(&node, command, Answer { outcome: Ok(output), at: Timestamp::UNIX_EPOCH });
            }
        }
        let intent = Intent::default();
        let cx = Cx::new(&spec, &facts, &intent);
        let Seen::Is(standing) = Standing::of(&cx) else { panic!("it answers") };
        assert!(standing.state.members.iter().any(|member| member.name == "node03" && member.takes_services()));
        let mut found = Assessment::default();
        let document = document(&cx, Some(&standing), &mut found);
        assess(&Live { cx: &cx, standing: &standing }, &document.services[0], true, &mut found);
        let failed = |item: &Item| matches!(&item.work, Work::Held(held) if held.cause == Cause::Failed);
        assert!(found.items.iter().any(failed), "{:?}", found.items);
    }
}
