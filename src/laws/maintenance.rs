//! The law of maintenance: a node is drained only while all others can go on without it, whatever is asked of it is
//! brought to its end by asking again, and while it is drained nobody but `node resume` touches it. A node is replaced only
//! while all that it had is elsewhere, and its bricks are whole when that ends.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use super::drive::{self, WorldClock, timeless};
use super::{node, world_gen};
use crate::kinds::Spec;
use crate::model::{Allow, Effect, Facts, Intent, Plan, Verdict, Wish, Work};
use crate::observe::observe;
use crate::tools::guard;
use crate::transport::simulated::{Fault, Schedule, Simulated, Traced, World};

/// Three nodes of which two have the data, and of which any two are a quorum.
const FILE: &str = "\
apiVersion: bricklayer/v1
cluster: laws
transport: simulated
nodes: {node01: {id: 1}, node02: {id: 2}, node03: {id: 3}}
corosync: {token: 3s}
volumes:
  data: {replica: 2, bricks: [node01:/bricks/data/brick, node02:/bricks/data/brick]}
  lone: {bricks: [node03:/bricks/lone/brick]}
mounts:
  data: {volume: data, path: /data}
fenceDevices:
  hypervisor:
    agent: fence_virsh
    options: {ip: 192.168.8.1, username: root}
    plugs: {node01: vm1, node02: vm2, node03: vm3}
failoverDomains:
  copies: {restricted: true, ordered: true, nodes: {node01: 1, node02: 2}}
services:
  db:
    failoverDomain: copies
    resources: [{ip: {address: 192.168.7.99/24}}, {mount: data}]
";
const BRICK: &str = "/bricks/data/brick";
const ELSEWHERE: &str = "/bricks/data/new";

fn spec() -> &'static Spec {
    static SPEC: OnceLock<Spec> = OnceLock::new();
    SPEC.get_or_init(|| read(FILE))
}

fn read(file: &str) -> Spec {
    crate::spec::from_bytes("laws.yaml", file.into()).spec.expect("a file")
}

/// The cluster once it is as written and its service runs on the first node.
fn made() -> World {
    static WORLD: OnceLock<World> = OnceLock::new();
    let make = || {
        let sim = Simulated::new(world_gen::blank([spec()]));
        assert_eq!(run(&sim, None), Some(Verdict::AsWritten), "it is made");
        sim.world().clone()
    };
    WORLD.get_or_init(make).clone()
}

/// Applies, or grants a wish; nothing if the operator dies of it.
fn run(sim: &Simulated, wish: Option<Wish>) -> Option<Verdict> {
    run_for(spec(), sim, wish)
}

fn run_for(spec: &Spec, sim: &Simulated, wish: Option<Wish>) -> Option<Verdict> {
    drive::run(sim, spec, wish).map(|report| report.verdict)
}

fn plan(sim: &Simulated, wish: Option<Wish>) -> Plan {
    let intent = Intent { allow: Allow::all(), wish, ..Intent::default() };
    timeless(observe(spec(), &intent, sim, &WorldClock(sim), &mut Facts::default()))
}

/// Why a node would not be drained after this has happened; nothing if it would be.
fn refused(name: &str, happens: impl FnOnce(&Simulated)) -> Option<String> {
    let sim = Simulated::new(made());
    happens(&sim);
    let plan = plan(&sim, Some(Wish::Drain(node(name))));
    let held = plan.held().find_map(|step| match &step.item.work {
        Work::Held(held) => Some(held.because.clone()),
        _ => None,
    });
    if held.is_some() {
        assert_eq!(plan.ready().count(), 0, "nothing is run: {:#?}", plan.steps);
    }
    held
}

/// A brick was away while files were written, and is back without them.
fn misses_files(sim: &Simulated) {
    let mut world = sim.world();
    let process = world.nodes[&node("node01")].directory(BRICK).and_then(|brick| brick.process);
    world.kill_brick(&node("node01"), BRICK);
    world.write_files("data", 6).expect("one of two is enough");
    world.left_behind.insert("data".to_owned(), 7);
    let brick = world.nodes.get_mut(&node("node01")).and_then(|node| node.directory_mut(BRICK));
    brick.expect("a brick").process = process;
}

#[test]
fn a_node_is_drained_only_while_all_others_can_go_on_without_it() {
    type Event = fn(&Simulated);
    let nothing: Event = |_| ();
    let cut: [Event; 2] =
        [|sim| sim.world().cut_power(&node("node01"), None), |sim| sim.world().cut_power(&node("node02"), None)];
    let left: Event = |sim| {
        sim.by_hand(&node("node03"), "systemctl", &["stop", "corosync"]);
        sim.advance(Duration::from_secs(30));
    };
    let unserved: Event = |sim| sim.world().kill_brick(&node("node01"), BRICK);
    let cases: [(&str, Event, &str); 7] = [
        ("node03", nothing, "volume lone cannot be used without node03"),
        ("node02", unserved, "of volume data is not served"),
        ("node02", misses_files, "entries to heal"),
        ("node02", left, "would have no quorum"),
        ("node02", cut[0], "no coordinator"),
        ("node02", cut[1], "node02 does not answer"),
        ("node01", cut[1], "node02"),
    ];
    for (name, happens, because) in cases {
        let told = refused(name, happens).unwrap_or_else(|| panic!("{name} is drained although: {because}"));
        assert!(told.contains(because), "{because}: {told}");
    }
    assert_eq!(refused("node01", nothing), None);
    assert_eq!(refused("node02", nothing), None);
}

/// What runs on a node.
fn serves(sim: &Simulated, name: &str) -> BTreeMap<&'static str, bool> {
    let world = sim.world();
    let node = &world.nodes[&node(name)];
    BTreeMap::from([
        ("bricks", node.processes().next().is_some()),
        ("glusterd", node.serves()),
        ("corosync", node.corosync.is_some()),
        ("resources", !node.held.is_empty()),
    ])
}

/// The places among the commands of an undisturbed run at which something was changed.
fn changes(world: &World, wish: &Wish) -> Vec<u64> {
    let sim = Simulated::new(world.clone());
    assert_eq!(run(&sim, Some(wish.clone())), Some(Verdict::AsWritten));
    let changes = |(number, one): (u64, Traced)| (one.command.effect == Effect::Changes).then_some(number);
    (0..).zip(sim.trace()).filter_map(changes).collect()
}

/// The world after a wish was granted whose operator died after one of its commands, and asked again.
fn asked_again(world: &World, wish: &Wish, command: u64) -> Simulated {
    let sim = Simulated::new(world.clone()).suffering(Schedule::none().and(command, Fault::CrashAfter));
    assert_eq!(run(&sim, Some(wish.clone())), None);
    sim.restart();
    assert_eq!(run(&sim, Some(wish.clone())), Some(Verdict::AsWritten), "after command {command}");
    assert!(sim.world().fenced.is_empty());
    sim
}

#[test]
fn a_drain_that_is_broken_off_anywhere_goes_on_when_it_is_asked_for_again_and_nobody_fights_it() {
    let wish = Wish::Drain(node("node01"));
    for command in changes(&made(), &wish) {
        let sim = asked_again(&made(), &wish, command);
        for _ in 0..2 {
            assert!(serves(&sim, "node01").values().all(|runs| !runs), "{command}: {:?}", serves(&sim, "node01"));
            run(&sim, None);
        }
        assert!(!sim.world().nodes[&node("node02")].held.is_empty(), "the service runs");
    }
}

#[test]
fn a_node_that_is_resumed_is_whole_and_serves_again_whatever_breaks_it_off() {
    let sim = Simulated::new(made());
    assert_eq!(run(&sim, Some(Wish::Drain(node("node02")))), Some(Verdict::AsWritten));
    sim.world().write_files("data", 20).expect("one of two is enough");
    let (drained, wish) = (sim.world().clone(), Wish::Resume(node("node02")));
    for command in changes(&drained, &wish) {
        let sim = asked_again(&drained, &wish, command);
        assert!(serves(&sim, "node02").values().all(|runs| *runs), "{command}: {:?}", serves(&sim, "node02"));
        let plan = plan(&sim, None);
        assert!(plan.is_empty(), "{command}: {:#?}", plan.steps);
    }
}

/// The same file with the data of the second node elsewhere.
fn moved() -> Spec {
    read(&FILE.replace(&format!("node02:{BRICK}"), &format!("node02:{ELSEWHERE}")))
}

/// The world once the second node is a new machine, with a file system where its bricks lay.
fn lost(mut world: World, spec: &Spec) -> Simulated {
    world.reinstall(&node("node02"));
    let bricks =
        spec.volumes.values().flat_map(|volume| &volume.bricks).filter(|brick| brick.node.as_str() == "node02");
    for (number, brick) in bricks.enumerate() {
        let above = brick.path.parent().expect("a brick lies in a file system");
        world.give_storage(&node("node02"), &format!("/dev/mapper/{number}"), above.as_str());
    }
    let sim = Simulated::new(world);
    sim.advance(Duration::from_secs(60));
    sim
}

#[test]
fn a_replacement_ends_only_when_the_new_bricks_hold_all_files_in_every_shape() {
    let nodes = "nodes: {node01: {}, node02: {}, node03: {}}\n";
    let bricks = |path: &str| format!("[node01:/b/vol/1, node02:{path}, node03:/b/vol/1]");
    for (shape, of) in [("replica: 3, arbiter: 1", 300), ("replica: 3", 300), ("disperse: 3, redundancy: 1", 300)] {
        for path in ["/b/vol/1", "/b/vol/2"] {
            let file = |path: &str| {
                let head = "apiVersion: bricklayer/v1\ncluster: laws\ntransport: simulated\n";
                read(&format!("{head}{nodes}volumes: {{vol: {{{shape}, bricks: {}}}}}\n", bricks(path)))
            };
            let (before, after) = (file("/b/vol/1"), file(path));
            let sim = Simulated::new(world_gen::blank([&before]));
            assert_eq!(run_for(&before, &sim, None), Some(Verdict::AsWritten));
            sim.world().write_files("vol", of).expect("all is there");
            let sim = lost(sim.world().clone(), &before);
            let replace = Some(Wish::Replace(node("node02")));
            assert_eq!(run_for(&after, &sim, replace), Some(Verdict::AsWritten), "{shape}, {path}");
            let held = sim.world().nodes[&node("node02")].directory(path).map(|brick| brick.files);
            assert_eq!(held, Some(of), "{shape}, {path}");
            assert_eq!(run_for(&after, &sim, None), Some(Verdict::AsWritten), "{shape}, {path}");
        }
    }
}

#[test]
fn a_replacement_that_is_broken_off_anywhere_goes_on_when_it_is_asked_for_again() {
    let spec = moved();
    let sim = Simulated::new(made());
    sim.world().write_files("data", 40).expect("all is there");
    let world = lost(sim.world().clone(), self::spec()).world().clone();
    let wish = || Some(Wish::Replace(node("node02")));
    let undisturbed = Simulated::new(world.clone());
    assert_eq!(run_for(&spec, &undisturbed, wish()), Some(Verdict::AsWritten));
    let changes = (0..).zip(undisturbed.trace()).filter(|(_, one)| one.command.effect == Effect::Changes);
    let changes: Vec<u64> = changes.map(|(number, _)| number).collect();
    assert!(changes.len() > 10, "{changes:?}");
    for command in changes {
        let sim = Simulated::new(world.clone()).suffering(Schedule::none().and(command, Fault::CrashAfter));
        assert_eq!(run_for(&spec, &sim, wish()), None);
        sim.restart();
        assert_eq!(run_for(&spec, &sim, wish()), Some(Verdict::AsWritten), "after command {command}");
        let brick = sim.world().nodes[&node("node02")].directory(ELSEWHERE).cloned().expect("it is there");
        assert!(brick.files == 40 && brick.process.is_some(), "{command}: {brick:?}");
        assert!(knows(&sim, ELSEWHERE) && !knows(&sim, BRICK), "{command}");
        assert_eq!(run_for(&spec, &sim, None), Some(Verdict::AsWritten), "after command {command}");
    }
}

/// Whether the gates and all who stand before glusterd know the data of the second node as lying at `path`.
fn knows(sim: &Simulated, path: &str) -> bool {
    let sets = format!("\"node01:{BRICK},node02:{path}\"");
    let told = |at: &str| sim.by_hand(&node(at), "cibadmin", &["--query"]).stdout.contains(&sets);
    let (first, second) = (format!("data {BRICK} node02 {path}\n"), format!("data {path} node01 {BRICK}\n"));
    let guards = |at: &str, words: &str| {
        sim.world().nodes[&node(at)].files.get(guard::UNIT_FILE).is_some_and(|file| file.text.ends_with(words))
    };
    told("node01") && guards("node01", &first) && guards("node02", &second)
}

#[test]
fn nobody_judges_by_a_brick_that_is_only_written() {
    type Event = fn(&Simulated);
    let events: [Event; 3] = [
        |_| (),
        |sim| sim.world().cut_power(&node("node02"), None),
        |sim| sim.world().kill_brick(&node("node02"), BRICK),
    ];
    for happens in events {
        let sim = Simulated::new(made());
        happens(&sim);
        sim.advance(Duration::from_secs(30));
        assert!(knows(&sim, BRICK));
        assert_eq!(run_for(&moved(), &sim, None), Some(Verdict::Held));
        assert!(knows(&sim, BRICK));
        assert!(sim.world().nodes[&node("node02")].directory(ELSEWHERE).is_none(), "nothing is made");
    }
}

#[test]
fn what_the_old_brick_alone_has_is_not_given_up_and_no_directory_is_filled_that_holds_anything() {
    let refused = |happens: fn(&Simulated)| {
        let sim = Simulated::new(made());
        happens(&sim);
        let intent = Intent { allow: Allow::all(), wish: Some(Wish::Replace(node("node02"))), ..Intent::default() };
        let plan = timeless(observe(&moved(), &intent, &sim, &WorldClock(&sim), &mut Facts::default()));
        assert_eq!(plan.ready().count(), 0, "nothing is run: {:#?}", plan.steps);
        let mut held = plan.held().filter_map(|step| match &step.item.work {
            Work::Held(held) => Some(held.because.clone()),
            _ => None,
        });
        held.next().unwrap_or_else(|| panic!("it is not held: {:#?}", plan.steps))
    };
    let told = refused(misses_files);
    assert!(told.contains("entries that other copies of volume data lack"), "{told}");
    let told = refused(|sim| sim.world().kill_brick(&node("node01"), BRICK));
    assert!(told.contains("brick node01:/bricks/data/brick of volume data is not served"), "{told}");
    let told = refused(|sim| {
        let mut world = sim.world();
        let node = world.nodes.get_mut(&node("node02")).expect("a node");
        node.make_directories(&format!("{ELSEWHERE}/below"));
    });
    assert!(told.contains("/bricks/data/new on node02 is not empty"), "{told}");
}

#[test]
fn without_a_cluster_manager_the_mark_alone_says_that_a_node_is_drained() {
    let (data, rest) = FILE.split_once("fenceDevices:").expect("it fences");
    assert!(!rest.is_empty());
    let spec = read(
        &data.replace("corosync: {token: 3s}\n", "").replace("  lone: {bricks: [node03:/bricks/lone/brick]}\n", ""),
    );
    let sim = Simulated::new(world_gen::blank([&spec]));
    let done = |wish| assert_eq!(run_for(&spec, &sim, wish), Some(Verdict::AsWritten));
    done(None);
    done(Some(Wish::Drain(node("node02"))));
    assert!(!serves(&sim, "node02")["glusterd"] && !serves(&sim, "node02")["bricks"]);
    assert_eq!(run_for(&spec, &sim, None), Some(Verdict::Held));
    assert!(!serves(&sim, "node02")["glusterd"], "nobody fights it");
    sim.world().write_files("data", 20).expect("one of two is enough");
    done(Some(Wish::Resume(node("node02"))));
    done(None);
}
