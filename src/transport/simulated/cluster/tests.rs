//! The cluster manager against what the real one printed, and through the article's failures.

mod fenced;
mod qdevice;

use std::time::Duration;

use super::data::FenceMode;
use super::element::Element;
use crate::model::{NodeName, Output};
use crate::transport::simulated::{Simulated, World};

const NODES: [&str; 2] = ["node01", "node02"];
const GROUP: [&str; 3] = ["service01-ip", "service01-mount", "service01-postgresql"];

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, rest) = text.split_once("\n# stdout\n").unwrap();
    format!("{}\n", rest.split_once("\n# stderr").map_or(rest, |(stdout, _)| stdout))
}

/// The article's two nodes, with a volume and a database on it, before Corosync is started.
fn prepared() -> Simulated {
    let addresses = |name: &str| {
        let number = &name[name.len() - 1..];
        vec![name.to_owned(), format!("192.168.9.1{number}"), format!("192.168.10.1{number}")]
    };
    let mut world = World::empty(NODES.map(|name| (node(name), addresses(name))));
    for name in NODES {
        world.give_storage(&node(name), "/dev/vdb", "/glvol00");
    }
    let sim = Simulated::new(world);
    let packages = ["debian", "glusterfs-server", "corosync", "pacemaker", "fence-agents", "postgresql-15"];
    for name in NODES {
        sure(&sim, name, "install-packages", &packages);
        sure(&sim, name, "systemctl", &["disable", "--now", "corosync", "pacemaker", "postgresql"]);
        sure(&sim, name, "systemctl", &["enable", "--now", "glusterd"]);
        sure(&sim, name, "make-mount-point", &["/gldata00"]);
        let mut world = sim.world();
        let node = world.node_mut(&node(name));
        node.put("/etc/corosync/corosync.conf", &sample("71-configured-off/corosync.conf"), "644");
        node.put("/etc/corosync/authkey", "a key", "400");
        node.put("/etc/cluster/fence_virsh_key", "another", "600");
    }
    sim.advance(Duration::from_secs(1));
    sure(&sim, "node01", "gluster", &["peer", "probe", "192.168.9.12"]);
    sim.advance(Duration::from_secs(1));
    let bricks = ["192.168.9.11:/glvol00/brick", "192.168.9.12:/glvol00/brick"];
    sure(&sim, "node01", "gluster", &["volume", "create", "data00", "replica", "2", bricks[0], bricks[1]]);
    sure(&sim, "node01", "gluster", &["volume", "start", "data00"]);
    sure(&sim, "node01", "make-database", &["data00", "pgsql", "/usr/lib/postgresql/15/bin", "postgres"]);
    sim
}

/// The same once a DC has been found.
fn empty() -> Simulated {
    let sim = prepared();
    for name in NODES {
        sure(&sim, name, "systemctl", &["start", "corosync", "pacemaker"]);
    }
    sim.advance(Duration::from_secs(25));
    sim
}

/// The same with the configuration of the samples, and the service started.
fn started() -> Simulated {
    let sim = empty();
    push(
        &sim,
        "node01",
        &wanted(|text| text.replace("\"target-role\" value=\"Stopped\"", "\"target-role\" value=\"Started\"")),
    );
    sim.advance(Duration::from_secs(15));
    sim
}

fn sure(sim: &Simulated, at: &str, program: &str, args: &[&str]) -> Output {
    let output = sim.by_hand(&node(at), program, args);
    assert!(output.success(), "{program} {args:?} on {at}: {output:?}");
    output
}

/// The configuration of the samples, changed.
fn wanted(change: impl Fn(&str) -> String) -> String {
    let cib = Element::read(&change(&sample("75-configured/cibadmin-Q"))).unwrap();
    cib.child("configuration").unwrap().print()
}

fn epochs(sim: &Simulated, at: &str) -> (String, String) {
    let cib = Element::read(&sure(sim, at, "cibadmin", &["-Q"]).stdout).unwrap();
    (cib.get("admin_epoch").unwrap().to_owned(), cib.get("epoch").unwrap().to_owned())
}

fn push(sim: &Simulated, at: &str, configuration: &str) {
    let (admin_epoch, epoch) = epochs(sim, at);
    let output = sim.by_hand_with(&node(at), "push-cib", &[&admin_epoch, &epoch], configuration);
    assert!(output.success(), "{output:?}");
}

fn change(sim: &Simulated, at: &str, from: &str, to: &str) {
    let cib = sure(sim, at, "cibadmin", &["-Q"]).stdout;
    assert!(cib.contains(from), "{from} is not in {cib}");
    let cib = Element::read(&cib.replace(from, to)).unwrap();
    push(sim, at, &cib.child("configuration").unwrap().print());
}

/// Where each member of the group runs, for a node's `crm_mon`.
fn places(sim: &Simulated, at: &str) -> Vec<String> {
    let state = Element::read(&sure(sim, at, "crm_mon", &["-1", "--output-as=xml"]).stdout).unwrap();
    let mut found = Vec::new();
    state.child("resources").unwrap_or(&Element::new("resources")).walk(&mut |element| {
        if element.name == "resource" && GROUP.contains(&element.id()) {
            let nodes: Vec<&str> = element.all("node").filter_map(|node| node.get("name")).collect();
            found.push(format!("{} {}", element.get("role").unwrap(), nodes.join(" ")));
        }
    });
    found
}

fn on(name: &str) -> Vec<String> {
    vec![format!("Started {name}"); 3]
}

/// Everything that the group started really is on one machine alone.
fn held(sim: &Simulated) -> Vec<Vec<String>> {
    let ours = |held: &String| GROUP.contains(&held.as_str());
    sim.world().nodes.values().map(|node| node.held.keys().filter(|held| ours(held)).cloned().collect()).collect()
}

/// What differs from run to run made equal: times, durations, numbers of calls and of clients.
fn normal(text: &str) -> String {
    const CHANGING: [&str; 14] = [
        "time",
        "last_updated",
        "cib-last-written",
        "last-rc-change",
        "exec-time",
        "call",
        "exec",
        "completed",
        "client",
        "last-failure",
        "request",
        "queue-time",
        "epoch",
        "num_updates",
    ];
    fn quiet(element: &mut Element) {
        for (name, value) in &mut element.attributes {
            if CHANGING.contains(&name.as_str()) && !value.is_empty() {
                "...".clone_into(value);
            }
        }
        element.children.iter_mut().for_each(quiet);
        // Who becomes DC of two that start together is chance.
        if element.name == "current_dc" {
            element.attributes.retain(|(name, _)| !matches!(name.as_str(), "name" | "id"));
        }
        element.attributes.retain(|(name, _)| name != "is_dc");
        // The real one keeps the history in the order in which a node met its resources.
        if matches!(element.name.as_str(), "node") {
            element.children.sort_by(|a, b| a.id().cmp(b.id()));
        }
        element.children.retain(|child| child.name != "node_history");
    }
    let mut root = Element::read(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    quiet(&mut root);
    root.print()
}

fn agree(sim: &Simulated, at: &str, program: &str, args: &[&str], name: &str) {
    let fake = sim.by_hand(&node(at), program, args);
    assert_eq!(normal(&fake.stdout), normal(&sample(name)), "{name}");
}

const MON: &[&str] = &["-1", "--output-as=xml"];

#[test]
fn a_cluster_that_is_off_says_what_the_real_one_said() {
    let sim = prepared();
    let of = |program: &str, args: &[&str]| sim.by_hand(&node("node01"), program, args);
    agree(&sim, "node01", "crm_mon", MON, "71-configured-off/crm_mon");
    assert_eq!((of("crm_mon", MON).status, of("cibadmin", &["-Q"]).status), (102, 102));
    let off = of("corosync-cmapctl", &[]);
    assert_eq!((off.status, off.stderr.as_str()), (1, "Failed to initialize the cmap API. Error CS_ERR_LIBRARY\n"));
    agree(
        &sim,
        "node01",
        "stonith_admin",
        &["--history", "*", "--output-as=xml"],
        "71-configured-off/stonith_admin-history",
    );
    sim.world().node_mut(&node("node01")).files.remove("/etc/corosync/authkey");
    let failed = of("systemctl", &["start", "corosync.service"]);
    assert_eq!(failed.status, 1);
    assert!(failed.stderr.starts_with("Job for corosync.service failed because the control process"), "{failed:?}");
    assert_eq!(of("systemctl", &["is-active", "corosync"]).stdout, "failed\n");
}

#[test]
fn two_nodes_wait_for_each_other_and_then_find_a_dc() {
    let sim = prepared();
    sure(&sim, "node01", "systemctl", &["start", "corosync", "pacemaker"]);
    sim.advance(Duration::from_secs(3));
    agree(&sim, "node01", "crm_mon", MON, "72-waiting-for-all/crm_mon");
    agree(&sim, "node01", "cibadmin", &["-Q"], "72-waiting-for-all/cibadmin-Q");
    let alone = sim.by_hand(&node("node01"), "corosync-quorumtool", &["-s", "-p"]);
    assert_eq!(alone.status, 2);
    assert!(alone.stdout.contains("Quorum:           1 Activity blocked\n"), "{}", alone.stdout);
    sim.by_hand(&node("node01"), "systemctl", &["stop", "corosync"]);
    for name in NODES {
        sure(&sim, name, "systemctl", &["start", "corosync", "pacemaker"]);
    }
    sim.advance(Duration::from_secs(3));
    let both = sure(&sim, "node02", "corosync-quorumtool", &["-s", "-p"]).stdout;
    let shape = |text: &str| {
        let changing = |line: &&str| !line.starts_with("Date:") && !line.starts_with("Ring ID:");
        text.lines().filter(changing).fold(String::new(), |text, line| text + line + "\n")
    };
    assert_eq!(shape(&both), shape(&sample("73-no-dc-yet/node02.corosync-quorumtool")));
    sim.advance(Duration::from_secs(25));
    agree(&sim, "node01", "crm_mon", MON, "74-empty/crm_mon");
    agree(&sim, "node02", "crm_mon", MON, "74-empty/node02.crm_mon");
}

#[test]
fn the_map_of_corosync_has_the_keys_of_the_real_one() {
    let sim = empty();
    let told = sure(&sim, "node01", "corosync-cmapctl", &[]).stdout;
    let real = sample("74-empty/corosync-cmapctl");
    for prefix in ["nodelist.", "quorum.", "totem.", "runtime.members.", "logging.", "internal_configuration."] {
        let of = |text: &str| text.lines().filter(|l| l.starts_with(prefix)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of(&told), of(&real));
    }
    // How many messages there were is by chance.
    let line_of = |line: &str| match line.split_once(" = ") {
        Some((key, _)) if key.contains(".rx ") || key.contains(".tx ") => key.to_owned(),
        _ => line.to_owned(),
    };
    for line in told.lines().filter(|line| line.starts_with("runtime.")).map(line_of) {
        assert!(real.lines().any(|known| line_of(known) == line), "{line}");
    }
}

#[test]
fn a_seeded_pacemaker_finds_its_dc_after_six_seconds() {
    let sim = prepared();
    for name in NODES {
        assert_eq!(sure(&sim, name, "look-cib-folder", &[]).stdout, "empty\n");
        sure(&sim, name, "seed-cib", &["2"]);
        assert_eq!(sure(&sim, name, "look-cib-folder", &[]).stdout, "used\n");
        sure(&sim, name, "systemctl", &["enable", "--now", "corosync", "pacemaker"]);
    }
    let has_dc = || sure(&sim, "node01", "crm_mon", MON).stdout.contains("current_dc present=\"true\"");
    sim.advance(Duration::from_secs(5));
    assert!(!has_dc());
    sim.advance(Duration::from_secs(2));
    assert!(has_dc());
    assert!(sure(&sim, "node02", "cibadmin", &["-Q"]).stdout.contains("name=\"dc-deadtime\" value=\"2s\""));
}

#[test]
fn a_configuration_is_tried_then_pushed_under_its_epoch() {
    let sim = empty();
    let (admin_epoch, epoch) = epochs(&sim, "node02");
    let asked = wanted(str::to_owned);
    let tried = sim.by_hand_with(&node("node02"), "try-cib", &[], &asked).stdout;
    assert!(tried.starts_with(&format!("0\t{epoch}\t0\t0\n--\n<pacemaker-result")), "{tried}");
    let xml = |text: &str| {
        let root = Element::read(&text[text.find("<pacemaker-result").unwrap()..]).unwrap();
        ["cluster_status", "actions", "revised_cluster_status"]
            .map(|part| normal(&root.child(part).unwrap().print()))
            .concat()
    };
    assert_eq!(xml(&tried), xml(&sample("75-configured/crm_simulate-good")));
    let late = sim.by_hand_with(&node("node02"), "push-cib", &[&admin_epoch, "1"], &asked);
    assert_eq!((late.status, late.stderr), (75, format!("the CIB has changed: epoch 0.{epoch}, planned 0.1\n")));
    let again = sim.by_hand_with(&node("node01"), "push-cib", &[&admin_epoch, &epoch], &asked);
    assert!(again.success());
    sim.advance(Duration::from_secs(5));
    agree(&sim, "node01", "crm_mon", MON, "75-configured/crm_mon");
    let verdict = |from: &str, to: &str| {
        let text = wanted(|text| text.replacen(from, to, 1));
        sim.by_hand_with(&node("node01"), "try-cib", &[], &text).stdout
    };
    let bad = verdict("rsc=\"service01\" node=\"node01\"", "rsc=\"nosuch\" node=\"node01\"");
    assert!(bad.contains("\t78\t0\n! :"), "{bad}");
    assert!(bad.contains("validity error : IDREF attribute rsc references an unknown ID \"nosuch\"\n"), "{bad}");
    assert!(bad.ends_with("! crm_verify: Errors found during check: config not valid\n--\n"), "{bad}");
    assert!(
        verdict("<group id=\"service01\"", "<group id=\"service01\" colour=\"red\"")
            .contains("Invalid attribute colour")
    );
    assert!(verdict("class=\"stonith\" ", "").contains("\t78\t0\n"));
    assert!(verdict("service01-on-node02", "service01-on-node01").contains("ID service01-on-node01 redefined"));
    assert!(verdict("value=\"true\"", "value=\"maybe\"").contains("because 'maybe' is invalid"));
}

#[test]
fn a_service_starts_stops_and_moves_as_the_real_one_did() {
    let sim = started();
    agree(&sim, "node01", "crm_mon", MON, "76-service-started/crm_mon");
    let actions = |change: &dyn Fn(&str) -> String| {
        let cib = sure(&sim, "node01", "cibadmin", &["-Q"]).stdout;
        let cib = Element::read(&change(&cib)).unwrap();
        let text = cib.child("configuration").unwrap().print();
        let tried = sim.by_hand_with(&node("node01"), "try-cib", &[], &text).stdout;
        let root = Element::read(tried.split_once("--\n").unwrap().1).unwrap_or_else(|e| panic!("{e}: {tried}"));
        root.child("actions").unwrap().print()
    };
    let real = |name: &str| {
        Element::read(&sample(&format!("76-service-started/crm_simulate-{name}")))
            .unwrap()
            .child("actions")
            .unwrap()
            .print()
    };
    let swap = |from: &'static str, to: &'static str| move |text: &str| text.replace(from, to);
    assert_eq!(actions(&swap("\"node02\" score=\"1000\"", "\"node02\" score=\"INFINITY\"")), real("moves"));
    assert_eq!(actions(&swap("value=\"Started\"", "value=\"Stopped\"")), real("stops"));
    assert_eq!(
        actions(&swap("\"cidr_netmask\" value=\"24\"", "\"cidr_netmask\" value=\"25\"")),
        real("restarts-from-address")
    );
    assert_eq!(actions(&swap("value=\"/gldata00/pgsql\"", "value=\"/gldata00/other\"")), real("restarts-last-member"));
    assert_eq!(
        actions(&swap("interval=\"10s\" timeout=\"60s\"", "interval=\"15s\" timeout=\"60s\"")),
        real("monitor-interval")
    );
    change(&sim, "node02", "\"node02\" score=\"1000\"", "\"node02\" score=\"INFINITY\"");
    sim.advance(Duration::from_secs(15));
    assert_eq!((places(&sim, "node01"), held(&sim)[0].len(), held(&sim)[1].len()), (on("node02"), 0, 3));
    change(&sim, "node01", "\"target-role\" value=\"Started\"", "\"target-role\" value=\"Stopped\"");
    sim.advance(Duration::from_secs(5));
    assert_eq!(places(&sim, "node02"), ["Stopped "; 3]);
    assert!(held(&sim).concat().is_empty());
}

#[test]
fn a_resource_that_fails_is_recovered_and_one_that_cannot_start_is_tried_on_each_node() {
    let sim = started();
    sim.world().kill_resource(&node("node01"), "service01-postgresql");
    sim.advance(Duration::from_secs(20));
    assert_eq!(places(&sim, "node01"), on("node01"));
    let seen = sure(&sim, "node01", "crm_mon", MON).stdout;
    assert!(seen.contains("op_key=\"service01-postgresql_monitor_10000\" node=\"node01\" exitstatus=\"not running\""));
    sure(&sim, "node01", "crm_resource", &["--cleanup", "--resource", "service01"]);
    assert!(!sure(&sim, "node01", "crm_mon", MON).stdout.contains("<failures>"));
    for name in NODES {
        let reason = "Can't start PostgreSQL.".to_owned();
        sim.world().node_mut(&node(name)).broken.insert("service01-postgresql".to_owned(), reason);
    }
    sure(&sim, "node01", "crm_resource", &["--restart", "--resource", "service01"]);
    sim.advance(Duration::from_secs(60));
    let real = Element::read(&sample("84-resource-cannot-start/crm_mon")).unwrap();
    let fake = Element::read(&sure(&sim, "node01", "crm_mon", MON).stdout).unwrap();
    let failures = |root: &Element| {
        let list = root.child("failures").unwrap().clone();
        let of = |failure: &Element| {
            ["op_key", "node", "exitstatus", "exitreason"].map(|n| failure.get(n).unwrap().to_owned())
        };
        list.children.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(failures(&fake), failures(&real));
    assert_eq!(places(&sim, "node01"), ["Started node02", "Started node02", "Stopped "]);
    for name in NODES {
        sim.world().node_mut(&node(name)).broken.clear();
    }
    sure(&sim, "node01", "crm_resource", &["--cleanup", "--resource", "service01"]);
    sim.advance(Duration::from_secs(30));
    assert!(places(&sim, "node01").iter().all(|place| place.starts_with("Started")), "{:?}", places(&sim, "node01"));
}

#[test]
fn standby_maintenance_and_freezing_are_obeyed() {
    let sim = started();
    let bare = "<node id=\"1\" uname=\"node01\"/>";
    let with = |name: &str, value: &str| {
        format!(
            "<node id=\"1\" uname=\"node01\"><instance_attributes id=\"nodes-1\"><nvpair id=\"nodes-1-{name}\" \
             name=\"{name}\" value=\"{value}\"/></instance_attributes></node>"
        )
    };
    change(&sim, "node01", bare, &with("standby", "on"));
    sim.advance(Duration::from_secs(20));
    agree(&sim, "node02", "crm_mon", MON, "80-standby/crm_mon");
    change(
        &sim,
        "node01",
        "value=\"2000\"/>",
        "value=\"2000\"/><nvpair id=\"m\" name=\"maintenance\" value=\"true\"/>",
    );
    change(&sim, "node01", "\"target-role\" value=\"Started\"", "\"target-role\" value=\"Stopped\"");
    sim.advance(Duration::from_secs(20));
    assert_eq!(held(&sim)[1].len(), 3, "frozen");
}

#[test]
fn stopping_pacemaker_hands_over_and_nobody_is_fenced() {
    let sim = started();
    sure(&sim, "node01", "systemctl", &["stop", "pacemaker"]);
    assert!(held(&sim)[0].is_empty());
    sim.advance(Duration::from_secs(15));
    assert_eq!(places(&sim, "node02"), on("node02"));
    sure(&sim, "node01", "systemctl", &["stop", "corosync"]);
    sim.advance(Duration::from_secs(30));
    assert!(sim.world().fenced.is_empty());
    let members = sure(&sim, "node02", "corosync-cmapctl", &[]).stdout;
    assert!(members.contains("runtime.members.1.status (str) = left"), "{members}");
    sure(&sim, "node01", "systemctl", &["start", "corosync", "pacemaker"]);
    sim.advance(Duration::from_secs(10));
    assert_eq!(places(&sim, "node01"), on("node02"));
    let seen = sure(&sim, "node01", "crm_mon", MON).stdout;
    assert!(!seen.contains("unclean=\"true\"") && !seen.contains("online=\"false\""), "{seen}");
}

#[test]
fn a_database_is_seen_through_the_mount_and_on_every_brick() {
    let sim = prepared();
    let line = sure(&sim, "node02", "look-database", &["/glvol00/brick/pgsql"]).stdout;
    assert!(line.starts_with("/glvol00/brick/pgsql\tpresent\t15\t75"), "{line}");
    assert_eq!(sure(&sim, "node01", "look-database", &["/glvol00/brick/pgsql"]).stdout, line);
    assert!(sure(&sim, "node01", "look-database", &["/glvol00/brick/other"]).stdout.contains("\tabsent\t-\t-\tno\n"));
}

#[test]
fn every_node_reads_its_own_file_on_a_reload() {
    let sim = empty();
    let token = |at: &str| sure(&sim, at, "corosync-cmapctl", &["-g", "runtime.config.totem.token"]).stdout;
    let write = |at: &str, from: &str, to: &str| {
        let mut world = sim.world();
        let file = world.node_mut(&node(at)).files.get_mut("/etc/corosync/corosync.conf").unwrap();
        file.text = file.text.replace(from, to);
    };
    write("node01", "token: 3000", "token: 4000");
    write("node01", "cluster_name: cluster01", "cluster_name: renamed");
    let told = sure(&sim, "node02", "corosync-cfgtool", &["-R"]).stdout;
    assert_eq!(told, sample("89-reloaded/corosync-cfgtool-R"));
    assert_eq!(token("node01"), sample("89-reloaded/corosync-cmapctl-token"));
    assert!(token("node02").ends_with("= 3000\n"));
    let name = sure(&sim, "node01", "corosync-cmapctl", &["-g", "totem.cluster_name"]).stdout;
    assert_eq!(name, "totem.cluster_name (str) = cluster01\n");
    write("node01", "token: 4000", "token: banana");
    assert_eq!(sim.by_hand(&node("node01"), "corosync-cfgtool", &["-R"]).status, 7);
}

#[test]
fn the_newer_cib_wins_when_nodes_meet_again() {
    let sim = started();
    sure(&sim, "node02", "systemctl", &["stop", "corosync"]);
    change(&sim, "node01", "value=\"2000\"/>", "value=\"2001\"/>");
    sure(&sim, "node02", "systemctl", &["start", "corosync", "pacemaker"]);
    sim.advance(Duration::from_secs(10));
    let both = NODES.map(|name| sure(&sim, name, "cibadmin", &["-Q"]).stdout);
    assert!(both.iter().all(|cib| cib.contains("value=\"2001\"/>")), "{both:?}");
    assert_eq!(epochs(&sim, "node01"), epochs(&sim, "node02"));
}

#[test]
fn members_that_call_their_cluster_by_two_names_hear_each_other() {
    let sim = empty();
    let path = "/etc/corosync/corosync.conf";
    let text = sim.world().nodes[&node("node01")].files[path].text.clone();
    sim.world().node_mut(&node("node01")).put(
        path,
        &text.replace("cluster_name: cluster01", "cluster_name: new"),
        "644",
    );
    sure(&sim, "node01", "systemctl", &["restart", "corosync", "pacemaker"]);
    sim.advance(Duration::from_secs(10));
    let members = sure(&sim, "node01", "corosync-cmapctl", &[]).stdout;
    assert!(members.contains("totem.cluster_name (str) = new\n"), "{members}");
    assert!(members.contains("runtime.members.2.status (str) = joined\n"), "{members}");
}
