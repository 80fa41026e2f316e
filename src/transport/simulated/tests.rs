//! The fakes against what the real programs printed, and the faults against themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures::executor::block_on;

use super::{Ended, Fault, Schedule, Simulated, World};
use crate::model::{Command, Failure, Lease, NodeName, Output, Program, Script};
use crate::transport::Transport;

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

/// Nodes as those on which the samples were recorded, before anything is installed.
fn blank(names: &[&str]) -> World {
    let mut world = World::empty(names.iter().map(|name| {
        let number = &name[name.len() - 1..];
        let addresses = vec![(*name).to_owned(), format!("{name}m"), format!("192.168.8.1{number}")];
        (node(name), addresses)
    }));
    for name in names {
        let name = node(name);
        // The management name stands for the management address.
        let aliases = &mut world.node_mut(&name).aliases;
        let ip = aliases.pop().unwrap().ip;
        aliases[0].ip.clone_from(&ip);
        world.dns.insert(name.to_string(), ip);
        world.give_storage(&name, "/dev/vdb", "/glvol00");
    }
    world
}

fn installed(names: &[&str]) -> Simulated {
    let sim = Simulated::new(blank(names));
    for name in names {
        assert!(sim.by_hand(&node(name), "install-packages", &["debian", "glusterfs-server"]).success());
        if *name != "node09" {
            assert!(sim.by_hand(&node(name), "systemctl", &["start", "glusterd"]).success());
        }
    }
    sim.advance(Duration::from_secs(1));
    sim
}

/// One recorded call.
struct Sample {
    words: Vec<String>,
    output: Output,
}

fn sample(name: &str) -> Sample {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (head, rest) = text.split_once("\n# exit ").unwrap();
    let (status, rest) = rest.split_once("\n# stdout\n").unwrap();
    let (stdout, stderr) = if let Some(stderr) = rest.strip_prefix("# stderr\n") {
        ("", stderr)
    } else {
        rest.split_once("\n# stderr\n").unwrap()
    };
    let stdout = if stdout.is_empty() { String::new() } else { format!("{stdout}\n") };
    let words = words(head.strip_prefix("$ LC_ALL=C ").unwrap());
    Sample { words, output: Output { status: status.parse().unwrap(), stdout, stderr: stderr.to_owned() } }
}

/// The words of a command as the samples quote them.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.last_mut().unwrap().push_str(part);
        } else {
            let mut pieces = part.split(' ');
            words.last_mut().unwrap().push_str(pieces.next().unwrap());
            words.extend(pieces.map(str::to_owned));
        }
    }
    words
}

/// What differs from run to run, made equal: identities by order of appearance, ports, process ids.
fn normal(text: &str) -> String {
    let mut known = BTreeMap::new();
    let mut lines = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        for at in (0..line.len().saturating_sub(35)).rev() {
            let uuid = line.get(at..at + 36).filter(|word| is_uuid(word)).map(str::to_owned);
            if let Some(uuid) = uuid {
                let number = known.len();
                let name = format!("uuid-{}", known.entry(uuid).or_insert(number));
                line.replace_range(at..at + 36, &name);
            }
        }
        for tag in ["port", "tcp", "pid"] {
            let number = line.trim().strip_prefix(&format!("<{tag}>")).and_then(|rest| rest.split('<').next());
            if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
                line = format!("<{tag}>N</{tag}>");
            }
        }
        lines += line.trim_end();
        lines.push('\n');
    }
    lines
}

fn is_uuid(word: &str) -> bool {
    word.bytes().enumerate().all(|(at, b)| match at {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    })
}

/// Runs the commands of the samples in `state`, in order, and compares what they print.
fn agree(sim: &Simulated, state: &str, names: &[&str]) {
    for name in names {
        let Sample { words, output: real } = sample(&format!("{state}/{name}"));
        let at = if name.starts_with("node0") { node(&name[..6]) } else { node("node01") };
        let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let fake = sim.by_hand(&at, &words[0], &args);
        let shown =
            |output: &Output| format!("{}\n{}--\n{}", output.status, normal(&output.stdout), normal(&output.stderr));
        assert_eq!(shown(&fake), shown(&real), "{state}/{name}");
    }
}

/// Removes what refused creations left, as was done between the recordings.
fn remove_bricks(sim: &Simulated) {
    for node in sim.world().nodes.values_mut() {
        for path in ["/glvol00/brick", "/glvol00/brick2"] {
            node.filesystem_mut(path).unwrap().directories.remove(path);
        }
    }
}

const EVERYTHING: [&str; 6] = [
    "peer-status",
    "pool-list",
    "volume-info",
    "volume-status-vol",
    "volume-heal-vol-info-summary",
    "volume-heal-vol-info",
];

#[test]
fn a_pool_and_a_volume_print_what_the_real_ones_printed() {
    let sim = installed(&["node01", "node02", "node09"]);
    agree(&sim, "11-alone", &["peer-status", "pool-list", "volume-info", "volume-status", "volume-status-vol"]);
    agree(&sim, "11-alone", &["volume-info-vol", "volume-heal-vol-info", "volume-get-vol-all", "volume-start-vol"]);
    agree(&sim, "11-alone", &["volume-stop-vol", "volume-delete-vol", "volume-set-vol-performance.io-thread-count-8"]);
    agree(&sim, "11-alone", &["volume-create", "volume-create-after-failed-create"]);
    remove_bricks(&sim);
    agree(&sim, "12-probe", &["peer-probe-unresolvable", "peer-probe-unreachable", "peer-probe-self"]);
    agree(&sim, "12-probe", &["peer-probe-node02", "pool-list-at-once", "node02.pool-list-at-once"]);
    agree(&sim, "13-probed", &["peer-status", "node02.peer-status", "peer-probe-again", "peer-probe-address"]);
    agree(&sim, "13-probed", &["peer-detach-stranger", "node02.peer-probe-back", "peer-status-after"]);
    agree(&sim, "13-probed", &["node02.peer-status-after", "node02.pool-list-after"]);
    agree(&sim, "14-probed-aliases", &["volume-create-unknown-alias"]);
    remove_bricks(&sim);
    agree(&sim, "14-probed-aliases", &["peer-probe-alias", "volume-create-half-known-alias"]);
    agree(&sim, "14-probed-aliases", &["node02.peer-probe-alias", "peer-status-after", "node02.peer-status-after"]);
    remove_bricks(&sim);
    agree(&sim, "20-create", &["volume-create-bad-replica"]);
    remove_bricks(&sim);
    agree(&sim, "20-create", &["volume-create-same-node", "volume-create-root-partition", "volume-create-mount-point"]);
    agree(&sim, "20-create", &["volume-create-no-parent", "volume-create-bad-name", "volume-create"]);
    agree(&sim, "20-create", &["volume-create-exists", "volume-create-brick-in-use", "volume-create-inside-brick"]);
    agree(&sim, "21-created", &EVERYTHING);
    agree(&sim, "21-created", &["volume-stop-vol", "node02.volume-info"]);
    agree(&sim, "22-started", &["volume-start-vol"]);
    agree(&sim, "22-started", &EVERYTHING);
    agree(&sim, "22-started", &["node02.volume-status-vol", "volume-start-again", "volume-delete-vol"]);
    agree(&sim, "22-started", &["volume-get-vol-all"]);
    options_agree(&sim);
    failures_agree(&sim);
}

fn options_agree(sim: &Simulated) {
    agree(sim, "30-options", &["volume-set-vol-network.ping-timeout-10", "volume-set-same-again"]);
    agree(sim, "30-options", &["volume-set-unknown", "volume-set-bad-number", "volume-set-bad-bool"]);
    agree(sim, "30-options", &["volume-set-out-of-range", "volume-set-user", "volume-set-several"]);
    agree(sim, "30-options", &["volume-set-several-one-bad", "volume-set-bool", "volume-set-size", "volume-set-group"]);
    agree(sim, "30-options", &["volume-info", "volume-set-user-none", "volume-set-user-empty", "volume-reset"]);
    agree(sim, "30-options", &["volume-reset-unset", "volume-reset-unknown", "volume-info-after"]);
    agree(sim, "30-options", &["group-db-workload", "group-virt", "volume-reset-all", "volume-info-after-reset-all"]);
    for busy in ["volume-set-busy", "volume-status-busy"] {
        sim.world().busy = true;
        agree(sim, "31-busy", &[busy]);
    }
}

fn failures_agree(sim: &Simulated) {
    sim.world().kill_brick(&node("node02"), "/glvol00/brick");
    agree(sim, "40-brick-killed", &EVERYTHING);
    sim.world().write_files("vol", 20).unwrap();
    agree(sim, "41-written-while-brick-down", &["volume-heal-vol-info-summary", "volume-status-vol"]);
    agree(sim, "42-healing", &["volume-start-force", "volume-heal"]);
    sim.advance(Duration::from_secs(2));
    agree(sim, "42-healing", &EVERYTHING);
    sim.by_hand(&node("node02"), "systemctl", &["stop", "glusterd"]);
    agree(sim, "43-peer-glusterd-stopped", &["peer-status", "pool-list", "volume-info", "volume-status-vol"]);
    agree(sim, "43-peer-glusterd-stopped", &["volume-heal-vol-info-summary", "volume-heal-vol-info"]);
    agree(sim, "43-peer-glusterd-stopped", &["volume-create", "peer-probe-node02", "peer-detach"]);
}

#[test]
fn a_missing_glusterd_and_a_missing_package_are_told_apart() {
    let sim = installed(&["node01"]);
    sim.by_hand(&node("node01"), "systemctl", &["stop", "glusterd"]);
    agree(&sim, "10-glusterd-not-running", &["peer-status", "volume-info", "volume-create", "volume-heal-vol-info"]);
    let bare = Simulated::new(blank(&["node01"]));
    assert_eq!(bare.by_hand(&node("node01"), "gluster", &["peer", "status"]).status, 127);
    assert_eq!(bare.by_hand(&node("node01"), "no-such-program", &[]).status, 127);
}

#[test]
fn systemctl_and_findmnt_print_what_the_real_ones_printed() {
    let sim = installed(&["node01"]);
    sim.by_hand(&node("node01"), "systemctl", &["stop", "glusterd"]);
    agree(&sim, "01-system", &["findmnt-none"]);
    agree(&sim, "02-units", &["systemctl-show-glusterd.service", "systemctl-is-enabled-glusterd.service"]);
    agree(&sim, "02-units", &["systemctl-show-glvol00.mount", "systemctl-is-enabled-glvol00.mount"]);
    agree(&sim, "02-units", &["systemctl-show-nosuch.service", "systemctl-is-enabled-nosuch.service"]);
    agree(&sim, "02-units", &["systemctl-show-ssh.service", "systemctl-start-nosuch"]);
    let write = |server: &str| {
        let text = format!(
            "[Mount]\nWhat={server}:/vol\nWhere=/mnt/bad\nType=glusterfs\n[Install]\nWantedBy=multi-user.target\n"
        );
        sim.world().node_mut(&node("node01")).put("/etc/systemd/system/mnt-bad.mount", &text, "644");
    };
    write("nosuch-server");
    agree(&sim, "02-units", &["systemctl-show-stale-mnt-bad.mount", "systemctl-start-failing-mount"]);
    agree(&sim, "02-units", &["systemctl-show-failed-mnt-bad.mount"]);
    write("another-server");
    agree(&sim, "02-units", &["systemctl-show-changed-mnt-bad.mount", "systemctl-enable-mnt-bad.mount"]);
    agree(&sim, "02-units", &["systemctl-disable-mnt-bad.mount"]);
}

fn tool(name: &'static str, args: &[&str]) -> Command {
    Command::changes(Program::Tool(name), args.iter().copied())
}

fn script(name: &'static str, args: &[&str]) -> Command {
    Command::changes(Program::Script(Script { name, text: "" }), args.iter().copied())
}

fn run(sim: &Simulated, at: &str, command: Command) -> Result<Output, Failure> {
    block_on(sim.run(&node(at), &[command], None)).remove(0)
}

/// Two blank nodes become a mounted volume, step by step; a step that meets a fault is left at that.
fn deploy(sim: &Simulated) {
    for at in ["node01", "node02"] {
        _ = run(sim, at, script("install-packages", &["debian", "glusterfs-server"]));
        _ = run(sim, at, tool("systemctl", &["enable", "--now", "glusterd"]));
    }
    let gluster = |args: &[&str]| {
        let args: Vec<&str> = ["--mode=script", "--xml"].iter().chain(args).copied().collect();
        _ = run(sim, "node01", tool("gluster", &args));
    };
    sim.advance(Duration::from_secs(1));
    gluster(&["peer", "probe", "node02"]);
    sim.advance(Duration::from_secs(1));
    gluster(&["volume", "create", "vol", "replica", "2", "node01:/glvol00/brick", "node02:/glvol00/brick"]);
    gluster(&["volume", "set", "vol", "network.ping-timeout", "20"]);
    gluster(&["volume", "start", "vol"]);
    let unit = "[Mount]\nWhat=node01:/vol\nWhere=/srv/vol\nType=glusterfs\n\n[Install]\nWantedBy=remote-fs.target\n";
    for at in ["node01", "node02"] {
        let write = script("write-file", &["/etc/systemd/system/srv-vol.mount", "644"]).with_input(unit);
        _ = run(sim, at, write);
        _ = run(sim, at, tool("systemctl", &["enable", "--now", "srv-vol.mount"]));
    }
}

#[test]
fn two_blank_nodes_become_a_mounted_volume() {
    let sim = Simulated::new(blank(&["node01", "node02"]));
    deploy(&sim);
    assert!(sim.trace().iter().all(|traced| traced.outcome == Ended::Exit(0)), "{:#?}", sim.trace());
    for at in ["node01", "node02"] {
        let mounts = sim.by_hand(&node(at), "findmnt", &["--json", "--types", "fuse.glusterfs"]);
        assert!(mounts.stdout.contains("\"target\": \"/srv/vol\""), "{}", mounts.stdout);
        let look = sim.by_hand(&node(at), "look-bricks", &["/glvol00/brick"]).stdout;
        let fields: Vec<&str> = look.trim_end().split('\t').collect();
        assert_eq!([fields[1], fields[2], fields[3], fields[5], fields[9]], ["dir", "/glvol00", "own", "0", "no"]);
    }
}

#[test]
fn equal_seeds_give_equal_traces_and_other_seeds_other_ones() {
    let trace = |seed| {
        let sim = Simulated::new(blank(&["node01", "node02"])).suffering(Schedule::seeded(seed, 400));
        for _ in 0..4 {
            deploy(&sim);
            sim.restart();
        }
        let world = sim.world().clone();
        (sim.trace(), world)
    };
    let (first, world) = trace(7);
    assert!(first.iter().any(|traced| !matches!(traced.outcome, Ended::Exit(_))), "no fault in a whole run");
    assert_eq!((first.clone(), world), trace(7));
    assert_ne!(first, trace(8).0);
}

#[test]
fn after_the_last_fault_all_ends_well() {
    for seed in 0..200 {
        let schedule = Schedule::seeded(seed, 300).until(40);
        let sim = Simulated::new(blank(&["node01", "node02"])).suffering(schedule);
        for _ in 0..6 {
            deploy(&sim);
            sim.restart();
        }
        // What nobody would do blindly, done by hand here: a create that was half done is freed and done again.
        sim.advance(Duration::from_secs(300));
        if sim.world().volume("vol").is_none() {
            remove_bricks(&sim);
            deploy(&sim);
        }
        sim.by_hand(&node("node01"), "gluster", &["volume", "start", "vol", "force"]);
        let status = sim.by_hand(&node("node01"), "gluster", &["volume", "status", "vol"]).stdout;
        assert_eq!(status.matches("<status>1</status>").count(), 4, "seed {seed}: {status}");
    }
}

#[test]
fn a_fault_chosen_by_hand_hits_one_command() {
    let enable = || tool("systemctl", &["enable", "ssh"]).within(Duration::from_secs(20));
    let outcome = |fault| {
        let mut world = blank(&["node01"]);
        world.node_mut(&node("node01")).units.get_mut("ssh.service").unwrap().wanted_by = None;
        let sim = Simulated::new(world).suffering(Schedule::none().and(1, fault));
        assert!(run(&sim, "node01", tool("systemctl", &["is-enabled", "ssh"])).is_ok());
        let outcome = run(&sim, "node01", enable());
        let done = sim.by_hand(&node("node01"), "systemctl", &["is-enabled", "ssh"]).success();
        (outcome.map(|output| output.status), done, sim.crashed())
    };
    let late = || Err(Failure::TimedOut(Duration::from_secs(20)));
    assert_eq!(outcome(Fault::TimeoutBefore), (late(), false, false));
    assert_eq!(outcome(Fault::TimeoutAfter), (late(), true, false));
    assert!(matches!(outcome(Fault::Lost), (Err(Failure::Lost(_)), true, false)));
    assert!(matches!(outcome(Fault::CrashBefore), (Err(Failure::Lost(_)), false, true)));
    assert!(matches!(outcome(Fault::CrashAfter), (Err(Failure::Lost(_)), true, true)));
    let away = Fault::Unreachable { node: node("node01"), commands: 1 };
    assert!(matches!(outcome(away), (Err(Failure::Unreachable(_)), false, false)));
    let cut = Fault::PowerCut { node: node("node01"), for_ms: 1000 };
    assert!(matches!(outcome(cut), (Err(Failure::Unreachable(_)), _, false)));
}

#[test]
fn a_dead_operator_changes_nothing_and_its_death_is_heard() {
    let sim = Simulated::new(blank(&["node01"])).suffering(Schedule::none().and(0, Fault::CrashBefore));
    _ = run(&sim, "node01", tool("systemctl", &["disable", "ssh"]));
    let before = sim.world().clone();
    assert!(matches!(run(&sim, "node01", tool("systemctl", &["disable", "ssh"])), Err(Failure::Lost(_))));
    assert_eq!(*sim.world(), before);
    block_on(sim.death());
    sim.restart();
    assert!(run(&sim, "node01", tool("systemctl", &["disable", "ssh"])).unwrap().success());
}

#[test]
fn a_change_runs_only_under_the_lease_and_two_operators_see_one_world() {
    let first = Simulated::new(blank(&["node01"]));
    let second = first.second(Schedule::none());
    let lease = |owner: &str| Lease { owner: owner.to_owned(), ttl: Duration::from_secs(60) };
    let change = |sim: &Simulated, owner: &str| {
        block_on(sim.run(&node("node01"), &[tool("systemctl", &["enable", "ssh"])], Some(&lease(owner)))).remove(0)
    };
    assert_eq!(change(&first, "a"), Err(Failure::Leased("nobody".to_owned())));
    assert!(run(&first, "node01", script("lease", &["take", "a", "60"])).unwrap().success());
    assert!(change(&first, "a").is_ok());
    assert_eq!(change(&second, "b"), Err(Failure::Leased("a".to_owned())));
    assert_eq!(run(&second, "node01", script("lease", &["take", "b", "60"])).unwrap().stderr, "a\n");
    second.advance(Duration::from_secs(61));
    assert_eq!(run(&second, "node01", script("lease", &["take", "b", "60"])).unwrap().status, 0);
    assert_eq!(change(&first, "a"), Err(Failure::Leased("b".to_owned())));
}

#[test]
fn the_world_outlives_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let kept = || Simulated::kept_in(path.clone(), || blank(&["node01", "node02"])).unwrap();
    let sim = kept();
    deploy(&sim);
    let left = sim.world().clone();
    assert_eq!(*kept().world(), left);
    std::fs::write(&path, "{").unwrap();
    assert!(Simulated::kept_in(path.clone(), World::default).is_err());
}

#[test]
fn a_silent_member_hangs_a_transaction_and_holds_the_lock() {
    let sim = installed(&["node01", "node02"]);
    sim.by_hand(&node("node01"), "gluster", &["peer", "probe", "node02"]);
    sim.advance(Duration::from_secs(1));
    sim.by_hand(&node("node01"), "gluster", &["volume", "create", "vol", "node01:/glvol00/brick"]);
    sim.by_hand(&node("node01"), "gluster", &["volume", "start", "vol"]);
    sim.world().cut_power(&node("node02"), None);
    let status = || tool("gluster", &["--xml", "volume", "status", "vol"]);
    let late = Err(Failure::TimedOut(Duration::from_secs(20)));
    assert_eq!(run(&sim, "node01", status().within(Duration::from_secs(20))), late);
    assert!(run(&sim, "node01", status()).unwrap().stdout.contains("Another transaction is in progress for vol."));
    sim.advance(Duration::from_secs(600));
    assert!(run(&sim, "node01", status()).unwrap().stdout.contains("<opRet>0</opRet>"));
}

#[test]
fn a_new_brick_of_a_set_is_never_taken_for_healed() {
    let sim = installed(&["node01", "node02", "node03"]);
    for host in ["node02", "node03"] {
        sim.by_hand(&node("node01"), "gluster", &["peer", "probe", host]);
    }
    sim.advance(Duration::from_secs(1));
    let create = ["volume", "create", "vol", "replica", "2", "node01:/glvol00/brick", "node02:/glvol00/brick"];
    sim.by_hand(&node("node01"), "gluster", &create);
    sim.by_hand(&node("node01"), "gluster", &["volume", "start", "vol"]);
    sim.world().write_files("vol", 500).unwrap();
    let add = ["volume", "add-brick", "vol", "replica", "3", "arbiter", "1", "node03:/glvol00/brick"];
    assert!(sim.by_hand(&node("node01"), "gluster", &add).stdout.contains("Add Brick successful"));
    let pending = || {
        let look = sim.by_hand(&node("node01"), "look-bricks", &["/glvol00/brick"]).stdout;
        look.split('\t').nth(5).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(pending(), 1);
    sim.advance(Duration::from_millis(600));
    assert!(pending() > 400);
    while pending() > 0 {
        assert!(sim.world().nodes[&node("node03")].directory("/glvol00/brick").unwrap().files < 500);
        sim.advance(Duration::from_secs(1));
    }
    assert_eq!(sim.world().nodes[&node("node03")].directory("/glvol00/brick").unwrap().files, 500);
}

#[test]
fn a_node_that_was_away_reads_what_changed_without_it() {
    let sim = Simulated::new(blank(&["node01", "node02"]));
    deploy(&sim);
    sim.world().cut_power(&node("node02"), Some(60_000));
    sim.advance(Duration::from_secs(30));
    let set = tool("gluster", &["--xml", "volume", "set", "vol", "network.ping-timeout", "33"]);
    assert!(run(&sim, "node01", set).unwrap().stdout.contains("Set volume successful"));
    sim.world().write_files("vol", 200).unwrap();
    assert!(run(&sim, "node02", tool("cat", &["/etc/hosts"])).is_err());
    sim.advance(Duration::from_secs(31));
    let pending = |at: &str| {
        let look = sim.by_hand(&node(at), "look-bricks", &["/glvol00/brick"]).stdout;
        look.split('\t').nth(5).unwrap().to_owned()
    };
    assert_ne!(pending("node01"), "0");
    assert_eq!(pending("node02"), "0");
    sim.advance(Duration::from_secs(5));
    assert_eq!(pending("node01"), "0");
    let info = sim.by_hand(&node("node02"), "gluster", &["volume", "info", "vol"]).stdout;
    assert!(info.contains("<value>33</value>"), "{info}");
}

#[test]
fn the_empty_brick_of_a_new_machine_is_filled_once_its_glusterd_has_found_it() {
    let sim = installed(&["node01", "node02"]);
    let says = |at: &str, args: &[&str]| {
        sim.by_hand(&node(at), "gluster", &[&["--mode=script", "--xml"], args].concat()).stdout
    };
    says("node01", &["peer", "probe", "node02m"]);
    sim.advance(Duration::from_secs(1));
    says("node01", &["volume", "create", "data00", "replica", "2", "node01m:/glvol00/brick", "node02m:/glvol00/brick"]);
    says("node01", &["volume", "start", "data00"]);
    sim.world().write_files("data00", 100).unwrap();
    let uuid = |at: &str| sim.world().nodes[&node(at)].glusterd.uuid.clone();
    let (lost, own) = (uuid("node02"), uuid("node01"));
    {
        let mut world = sim.world();
        world.reinstall(&node("node02"));
        world.give_storage(&node("node02"), "/dev/vdb", "/glvol00");
    }
    let on_new =
        |program: &str, args: &[&str]| assert!(sim.by_hand(&node("node02"), program, args).success(), "{program}");
    on_new("install-packages", &["debian", "glusterfs-server"]);
    on_new("systemctl", &["start", "glusterd"]);
    sim.advance(Duration::from_secs(1));
    assert!(says("node01", &["pool", "list"]).contains("<connected>0</connected>"));
    assert!(says("node01", &["peer", "probe", "node02m"]).contains("Host node02m port 24007 already in peer list"));
    on_new("adopt-peer", &[&lost, &format!("{own}=node01m")]);
    on_new("make-brick", &["/glvol00/brick", "/glvol00"]);
    sim.advance(Duration::from_secs(2));
    let reset = || {
        let brick = "node02m:/glvol00/brick";
        says("node01", &["volume", "reset-brick", "data00", brick, brick, "commit", "force"])
    };
    assert!(reset().contains("Pre Validation failed on node02m. When destination brick is new, please use"));
    on_new("systemctl", &["restart", "glusterd"]);
    sim.advance(Duration::from_secs(1));
    assert!(reset().contains("reset-brick commit force operation successful"));
    assert!(reset().contains("Source brick must be stopped."));
    sim.advance(Duration::from_secs(10));
    assert_eq!(sim.world().nodes[&node("node02")].directory("/glvol00/brick").unwrap().files, 100);
}
