//! The readers against what the real programs printed, and what is rendered against itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::model::{
    Agent, ClusterDocument, Difference, Fencer, Force, Gate, Group, NodeName, Operation, Primitive, Role, Score,
    ServiceName,
};
use crate::tools::sample;
use crate::tools::xml::Element;

fn seen(name: &str) -> State {
    (state().read)(&sample::read(name)).unwrap()
}

fn live(name: &str) -> Cib {
    (cib().read)(&sample::read(name)).unwrap()
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

/// A service of one address, preferred on node01.
fn document() -> ClusterDocument {
    let operation = |name, interval| Operation { name, interval, timeout: Duration::from_secs(20), on_fail: None };
    let ip = Primitive {
        id: "service01-ip".into(),
        agent: Agent::Ocf("heartbeat".into(), "IPaddr2".into()),
        parameters: [("ip".to_owned(), "192.168.7.99".to_owned())].into(),
        meta: BTreeMap::new(),
        operations: vec![operation("start", None), operation("monitor", Some(Duration::from_secs(10)))],
    };
    let service = Group {
        id: ServiceName::new("service01").unwrap(),
        meta: [("resource-stickiness", "2000".to_owned())].into(),
        initial_role: Role::Stopped,
        role: None,
        members: vec![ip],
        places: [(node("node01"), Score::Points(101_000)), (node("node02"), Score::Points(100_000))].into(),
        gates: BTreeMap::new(),
        wished: BTreeMap::new(),
    };
    let fencer = Fencer {
        id: "kvmhost01".into(),
        agent: "fence_virsh".into(),
        parameters: [("ip".to_owned(), "192.168.8.1".to_owned())].into(),
        meta: [("resource-stickiness", "1".to_owned())].into(),
        operations: Vec::new(),
    };
    ClusterDocument {
        properties: [("stonith-enabled", "true".to_owned()), ("dc-deadtime", String::new())].into(),
        fencers: vec![fencer],
        levels: [(node("node01"), vec![vec!["kvmhost01".to_owned()]])].into(),
        watchers: Vec::new(),
        services: vec![service],
        frozen: BTreeSet::new(),
    }
}

#[test]
fn a_running_cluster_tells_members_owner_and_quorum() {
    let state = seen("76-service-started/crm_mon.txt");
    assert!(state.dc.is_some() && state.quorate && !state.maintenance);
    let online: Vec<_> =
        state.members.iter().filter(|member| member.online).map(|member| member.name.as_str()).collect();
    assert_eq!(online, ["node01", "node02"]);
    assert_eq!(state.owner("service01"), Some("node01"));
    assert!(!state.rests("service01"));
    let state = seen("77-service-stopped/crm_mon.txt");
    assert!(state.rests("service01") && state.owner("service01").is_none());
}

#[test]
fn a_daemon_that_is_off_is_not_a_cluster_without_anything() {
    for name in ["70-cluster-off/crm_mon.txt", "70-cluster-off/cibadmin-Q.txt"] {
        let output = sample::read(name);
        assert_eq!((state().read)(&output).unwrap_err(), ReadError::Off(DAEMON), "{name}");
        assert_eq!((cib().read)(&output).unwrap_err(), ReadError::Off(DAEMON), "{name}");
    }
    let young = seen("73-no-dc-yet/crm_mon.txt");
    assert!(young.dc.is_none() && !young.quorate);
}

#[test]
fn a_lost_node_is_to_be_fenced_until_it_was() {
    let losing = seen("85-node-lost/node02.crm_mon.txt");
    assert!(losing.member("node01").is_some_and(|member| member.unclean), "{losing:#?}");
    let fenced = seen("86-fenced/node02.crm_mon.txt");
    assert!(fenced.member("node01").is_some_and(|member| !member.unclean && !member.online));
    let last = fenced.fenced.iter().find(|event| event.status == "success").unwrap();
    assert_eq!((last.target.as_str(), last.action.as_str()), ("node01", "reboot"));
    assert!(last.completed.is_some());
}

#[test]
fn a_failure_tells_what_failed_where_and_why() {
    let state = seen("84-resource-cannot-start/crm_mon.txt");
    let start = state.failures.iter().find(|failure| failure.task == "start").unwrap();
    assert_eq!((start.resource.as_str(), start.status.as_str()), ("service01-postgresql", "error"));
    assert_eq!(start.reason, "Can't start PostgreSQL.");
}

#[test]
fn maintenance_and_moves_by_hand_are_seen() {
    assert!(seen("81-maintenance/crm_mon.txt").maintenance);
    let moved = live("78-moved/cibadmin-Q.txt");
    assert!(moved.strays().iter().any(|stray| stray.get("rsc") == Some("service01")), "{:?}", moved.strays());
    let before = live("76-service-started/cibadmin-Q.txt");
    assert!(before.strays().is_empty() && before.quorate);
}

#[test]
fn what_was_put_in_differs_in_nothing_and_what_is_foreign_stays() {
    let before = live("76-service-started/cibadmin-Q.txt").configuration;
    let wanted = candidate(&before, &document());
    assert!(!changes(&before, &wanted).is_empty());
    // The live fence device and service are taken over by their ids, and written anew.
    assert_eq!(candidate(&wanted, &document()), wanted);
    assert_eq!(changes(&wanted, &candidate(&wanted, &document())), []);
    let foreign = Element::new("primitive").with("id", "foreign").with("class", "ocf").with("type", "Dummy");
    let mut with_foreign = wanted.clone();
    with_foreign.child_mut("resources").children.insert(0, foreign.clone());
    let again = candidate(&with_foreign, &document());
    assert!(again.child("resources").unwrap().children.contains(&foreign));
    // What is owned and not wanted any more goes, with its constraints and levels.
    let empty = candidate(&with_foreign, &ClusterDocument::default());
    let left: Vec<&str> = empty.child("resources").unwrap().children.iter().map(Element::id).collect();
    assert_eq!(left, ["foreign"]);
    assert!(empty.child("constraints").unwrap().children.iter().all(|one| !one.id().starts_with("service01")));
    assert!(empty.child("fencing-topology").is_none());
}

#[test]
fn a_service_that_is_left_alone_stays_as_it_is_with_its_constraints() {
    let gate = Gate { watcher: "healgate-data00".to_owned(), force: Force::Strict };
    let mut gated = document();
    gated.services[0].gates.insert("healgate-data00".to_owned(), gate);
    let before = candidate(&Element::new("configuration"), &gated);
    let mut other = document();
    other.services[0].meta.insert("resource-stickiness", "1".to_owned());
    other.services[0].places.clear();
    assert!(!changes(&before, &candidate(&before, &other)).is_empty());
    let frozen = BTreeSet::from([other.services[0].id.clone()]);
    let other = ClusterDocument { frozen: frozen.clone(), ..other };
    assert_eq!(changes(&before, &candidate(&before, &other)), []);
    let gone = ClusterDocument { services: Vec::new(), ..other };
    assert_eq!(changes(&before, &candidate(&before, &gone)), []);
}

#[test]
fn what_only_begins_like_an_owned_resource_is_not_owned() {
    let mut configuration = candidate(&Element::new("configuration"), &document());
    let foreign = Element::new("primitive").with("id", "kvmhost01-2").with("class", "ocf").with("type", "Dummy");
    configuration.child_mut("resources").children.push(foreign);
    let owned = owned_resources(&configuration);
    assert!(owned.contains("kvmhost01") && owned.contains("service01-ip") && !owned.contains("kvmhost01-2"));
}

#[test]
fn a_new_service_has_its_first_role_and_keeps_what_it_was_told_afterwards() {
    let empty = Element::new("configuration");
    let first = candidate(&empty, &document());
    let role = |configuration: &Element| {
        let cib = Cib {
            admin_epoch: 0,
            epoch: 1,
            quorate: true,
            configuration: configuration.clone(),
            attributes: BTreeMap::new(),
        };
        cib.meta("service01", "target-role").map(str::to_owned)
    };
    assert_eq!(role(&first).as_deref(), Some("Stopped"));
    let enabled = granted(&first, &Group { role: Some(Role::Started), ..document().services.remove(0) });
    assert_eq!(role(&enabled).as_deref(), Some("Started"));
    assert_eq!(changes(&enabled, &candidate(&enabled, &document())), []);
}

#[test]
fn a_wish_changes_what_it_names_and_leaves_no_constraint_behind() {
    let before = candidate(&Element::new("configuration"), &document());
    let mut group = document().services.remove(0);
    group.places.insert(node("node02"), Score::Always);
    let on_its_way = granted(&before, &group);
    let told = changes(&before, &on_its_way);
    let score = Difference::changed("score", "100000", "INFINITY");
    assert_eq!(
        told.iter().map(|change| (change.object.as_str(), &change.fields[..])).collect::<Vec<_>>(),
        [("service01-on-node02", &[score][..])]
    );
    assert_eq!(granted(&on_its_way, &document().services[0]), before);
    let frozen = granted(&before, &Group { wished: [("maintenance", "true")].into(), ..document().services.remove(0) });
    let thawed =
        granted(&frozen, &Group { wished: [("maintenance", "false")].into(), ..document().services.remove(0) });
    assert_ne!(frozen, before);
    assert_eq!(changes(&before, &thawed), []);
}

#[test]
fn an_agents_metadata_tells_its_parameters() {
    let metadata = (metadata("fence_virsh").read)(&sample::read("70-cluster-off/fence_virsh-metadata.txt")).unwrap();
    assert!(metadata.parameters.contains_key("identity_file") && metadata.parameters.contains_key("password_script"));
    assert_eq!(metadata.parameters.get("ip"), Some(&true));
    assert_eq!(metadata.parameters.get("ipaddr"), Some(&false), "an old name must not be given beside the new one");
}
