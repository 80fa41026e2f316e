//! The agent of the heal gate, run by a real `sh` as two nodes that share the attributes of a cluster and nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use bricklayer::tools::scripts::HEALGATE;
use tempfile::TempDir;

use super::place::Place;

const SUCCESS: i32 = 0;
const UNIMPLEMENTED: i32 = 3;
const CONFIGURED: i32 = 6;
const STOPPED: i32 = 7;

/// Keeps each attribute in a file `NAME@NODE`, as `pacemaker-attrd` keeps it in its memory.
const ATTRIBUTES: &str = r#"
name= node= value= ask=
while [ $# -gt 0 ]; do
  case $1 in
    -n) name=$2; shift ;;
    -N) node=$2; shift ;;
    -U) value=$2; shift ;;
    -d) shift ;;
    -Q) ask=1 ;;
  esac
  shift
done
file=ATTRIBUTES/$name@$node
if [ -z "$ask" ]; then printf %s "$value" >"$file"; exit; fi
if [ -f "$file" ]; then echo "name=\"$name\" host=\"$node\" value=\"$(cat "$file")\""; else exit 105; fi
"#;

/// Two nodes, each with a brick.
struct Pair {
    shared: TempDir,
    nodes: [Place; 2],
    bricks: [Child; 2],
}

impl Drop for Pair {
    fn drop(&mut self) {
        for brick in &mut self.bricks {
            let _ = brick.kill();
            let _ = brick.wait();
        }
    }
}

impl Pair {
    fn new() -> Option<Self> {
        let shared = tempfile::tempdir().unwrap();
        let node = |name: &str| {
            let mut place = Place::over(&[("run", "/run")])?;
            let attributes = shared.path().to_str().unwrap();
            place.fake("attrd_updater", &ATTRIBUTES.replace("ATTRIBUTES", attributes));
            place.fake("crm_attribute", "");
            place.fake("crm_resource", "echo 'resource service01-mount is NOT running'");
            place.fake("ss", "");
            place.fake("crm_node", "echo 'node01 node02 '");
            let bricks = ["node01", "node02"].map(|name| format!("{name}:{attributes}/{name}"));
            place.environment = vec![
                ("OCF_RESKEY_CRM_meta_on_node", name.to_owned()),
                ("OCF_RESKEY_CRM_meta_interval", "5000".to_owned()),
                ("OCF_RESKEY_volume", "data00".to_owned()),
                ("OCF_RESKEY_sets", bricks.join(",")),
                ("OCF_RESKEY_hosts", "node01=node01m node02=node02m".to_owned()),
                ("OCF_RESKEY_mounts", "service01-mount=/gldata00".to_owned()),
            ];
            let index = shared.path().join(name).join(".glusterfs/indices/xattrop");
            fs::create_dir_all(&index).unwrap();
            fs::write(index.join("xattrop-base"), "").unwrap();
            Some(place)
        };
        let nodes = [node("node01")?, node("node02")?];
        let folder = shared.path().to_str().unwrap();
        let bricks = [served(&nodes[0], "node01", folder), served(&nodes[1], "node02", folder)];
        Some(Self { shared, nodes, bricks })
    }

    /// The same, with agents that run and have heard each other.
    fn started() -> Option<Self> {
        let pair = Self::new()?;
        for name in ["node01", "node02"] {
            assert_eq!(pair.acts(name, "start"), SUCCESS);
        }
        pair.rounds(2);
        Some(pair)
    }

    fn node(&self, name: &str) -> &Place {
        &self.nodes[usize::from(name == "node02")]
    }

    fn acts(&self, name: &str, action: &str) -> i32 {
        self.node(name).status(HEALGATE, &[action], "")
    }

    /// A round of each agent, after a time in which the next one says something new.
    fn rounds(&self, count: usize) {
        for _ in 0..count {
            for name in ["node01", "node02"] {
                sleep(Duration::from_millis(20));
                assert_eq!(self.acts(name, "monitor"), SUCCESS);
            }
        }
    }

    /// node01, which serves, is lost: node02 alone is left, and nothing of what node01 said.
    fn loses_the_owner(&self) {
        for file in ["healview-data00-node02@node01", "healgate-data00@node01"] {
            fs::remove_file(self.shared.path().join(file)).unwrap();
        }
        self.node("node02").fake("crm_node", "echo 'node02 '");
        self.node("node02").fake("crm_resource", "echo 'resource service01-mount is running on: node01 '");
    }

    /// What Pacemaker tells node02 of the instance on node01: before it stops, or after, and by what it stopped.
    fn is_told(&mut self, moment: &str, key: &str, patience: &str) {
        let told = [
            ("OCF_RESKEY_patience", patience),
            ("OCF_RESKEY_CRM_meta_notify_type", moment),
            ("OCF_RESKEY_CRM_meta_notify_operation", "stop"),
            ("OCF_RESKEY_CRM_meta_notify_key_operation", key),
            ("OCF_RESKEY_CRM_meta_notify_key_type", moment),
            ("OCF_RESKEY_CRM_meta_notify_stop_uname", "node01 "),
        ];
        let environment = self.nodes[1].environment.clone();
        self.nodes[1].environment.extend(told.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(self.acts("node02", "notify"), SUCCESS);
        self.nodes[1].environment = environment;
    }

    /// Has the volume mounted on a node, as far as /proc/mounts says.
    fn mount(&self, name: &str) {
        self.node(name).fake("grep", "case $* in *fuse.glusterfs*) exit 0 ;; esac; exec /bin/grep \"$@\"");
    }

    /// What `ss` says of the node's connections with a brick of the other one: whose each is, and its state.
    fn connect(&self, name: &str, connections: &[(u32, &str)]) {
        let ss = connections.iter().fold(String::new(), |ss, (pid, state)| {
            let owner = format!("0 0 192.168.9.11:49151 192.168.9.12:49152 users:((\"glusterfs\",pid={pid},fd=9))");
            let more = "send 1158400000bps lastsnd:900 rcv_space:14480";
            format!("{ss}{owner}\n\t cubic wscale:7,7 rto:204 {state} {more}\n")
        });
        self.node(name).fake("ss", &format!("cat <<'SS'\n{ss}SS"));
    }

    fn index(&self, name: &str) -> std::path::PathBuf {
        self.shared.path().join(name).join(".glusterfs/indices/xattrop")
    }

    /// Writes that reach the brick of `name` and not the other one.
    fn has_alone(&self, name: &str, entries: usize) {
        for entry in 0..entries {
            fs::write(self.index(name).join(format!("0000-{entry}")), "").unwrap();
        }
    }

    fn healed(&self, name: &str) {
        for entry in fs::read_dir(self.index(name)).unwrap().flatten() {
            if !entry.file_name().to_str().unwrap().starts_with("xattrop-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    fn attribute(&self, name: &str, node: &str) -> Option<String> {
        let file = |shared: &Path| shared.join(format!("{name}@{node}"));
        fs::read_to_string(file(self.shared.path())).ok()
    }

    fn gates(&self) -> [Option<String>; 2] {
        ["node01", "node02"].map(|node| self.attribute("healgate-data00", node))
    }
}

/// A program under another name. It is no copy: one that is still open for writing in a child of another test cannot run.
fn called(place: &Place, name: &str, program: &str) -> String {
    let path = place.path(&format!("bin/{name}"));
    symlink(program, &path).unwrap();
    path
}

/// Has a brick's process run: one that sleeps, and is called as glusterd's are.
fn served(place: &Place, name: &str, folder: &str) -> Child {
    let program = called(place, "glusterfsd", "/bin/sleep");
    let pids = place.path("run/gluster/vols/data00");
    fs::create_dir_all(&pids).unwrap();
    let child = Command::new(program).arg("600").spawn().unwrap();
    fs::write(format!("{pids}/{name}m{}-{name}.pid", folder.replace('/', "-")), child.id().to_string()).unwrap();
    child
}

/// A client that has the volume mounted: a process that is called as one.
struct Mounter(Child);

impl Mounter {
    fn new(place: &Place) -> Self {
        let mut command = Command::new(called(place, "glusterfs", "/bin/sh"));
        Self(command.args(["-c", "read line", "/gldata00"]).stdin(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for Mounter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn some(gates: [&str; 2]) -> [Option<String>; 2] {
    gates.map(|gate| Some(gate.to_owned()))
}

#[test]
fn the_agent_is_one_that_pacemaker_can_use() {
    let mut place = Place::plain();
    let said = place.says(HEALGATE, &["meta-data"]);
    let metadata = roxmltree::Document::parse_with_options(
        &said,
        roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() },
    )
    .unwrap();
    let named = |tag: &'static str| {
        let all = metadata.descendants().filter(move |node| node.has_tag_name(tag));
        all.filter_map(|node| node.attribute("name")).collect::<Vec<_>>()
    };
    assert_eq!(named("action"), ["start", "stop", "monitor", "notify", "validate-all", "meta-data"]);
    assert_eq!(named("parameter"), ["volume", "sets", "hosts", "mounts", "quorum", "patience"]);
    assert_eq!(place.status(HEALGATE, &["promote"], ""), UNIMPLEMENTED);
    assert_eq!(place.status(HEALGATE, &["validate-all"], ""), CONFIGURED);
    let right = [("OCF_RESKEY_volume", "v"), ("OCF_RESKEY_sets", "n:/b"), ("OCF_RESKEY_hosts", "n=h")];
    place.environment = right.map(|(name, value)| (name, value.to_owned())).into();
    assert_eq!(place.status(HEALGATE, &["validate-all"], ""), SUCCESS);
    for (name, value) in [("OCF_RESKEY_quorum", "two"), ("OCF_RESKEY_patience", "6.4")] {
        place.environment.push((name, value.to_owned()));
        assert_eq!(place.status(HEALGATE, &["validate-all"], ""), CONFIGURED);
        place.environment.pop();
    }
}

#[test]
fn it_runs_from_its_start_to_its_stop_and_leaves_the_gate_as_it_is() {
    let Some(pair) = Pair::new() else { return };
    assert_eq!(pair.acts("node01", "monitor"), STOPPED);
    for name in ["node01", "node02"] {
        for _ in 0..2 {
            assert_eq!(pair.acts(name, "start"), SUCCESS);
        }
    }
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["1", "1"]));
    for _ in 0..2 {
        assert_eq!(pair.acts("node01", "stop"), SUCCESS);
    }
    assert_eq!(pair.acts("node01", "monitor"), STOPPED);
    assert_eq!(pair.gates(), some(["1", "1"]));
}

#[test]
fn a_gate_opens_only_once_the_sibling_has_said_lately_that_it_blames_nobody() {
    let Some(pair) = Pair::new() else { return };
    // Said by an agent that may have stopped long ago.
    fs::write(pair.shared.path().join("healview-data00-node01@node02"), "0@1.00").unwrap();
    assert_eq!(pair.acts("node01", "start"), SUCCESS);
    assert_eq!(pair.gates(), [Some("0".to_owned()), None]);
    assert_eq!(pair.acts("node02", "start"), SUCCESS);
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["1", "1"]));
}

#[test]
fn who_misses_something_is_shut_by_who_has_it_until_it_is_healed() {
    let Some(pair) = Pair::started() else { return };
    pair.has_alone("node02", 3);
    // Even if the agent of node01 does not run.
    assert_eq!(pair.acts("node02", "monitor"), SUCCESS);
    assert_eq!(pair.gates(), some(["0", "1"]));
    assert!(pair.attribute("healview-data00-node01", "node02").unwrap().starts_with("3@"));
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["0", "1"]));
    pair.healed("node02");
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["1", "1"]));

    // Two that blame each other have no complete copy between them.
    pair.has_alone("node01", 1);
    pair.has_alone("node02", 1);
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["0", "0"]));
}

#[test]
fn silence_neither_opens_a_gate_nor_shuts_one_and_who_serves_is_not_shut() {
    let Some(pair) = Pair::started() else { return };
    // node02 is gone with all that it said.
    for file in ["healview-data00-node01@node02", "healgate-data00@node02"] {
        fs::remove_file(pair.shared.path().join(file)).unwrap();
    }
    for _ in 0..3 {
        assert_eq!(pair.acts("node01", "monitor"), SUCCESS);
    }
    assert_eq!(pair.gates(), [Some("1".to_owned()), None]);

    // Its copy is complete on node02 only, and it serves all the same: through that one.
    pair.has_alone("node02", 2);
    pair.node("node02").fake("crm_resource", "echo 'resource service01-mount is running on: node01 '");
    assert_eq!(pair.acts("node02", "monitor"), SUCCESS);
    assert_eq!(pair.gates()[0].as_deref(), Some("1"));
    // That nobody can tell is no reason either.
    pair.node("node02").fake("crm_resource", "exit 102");
    assert_eq!(pair.acts("node02", "monitor"), SUCCESS);
    assert_eq!(pair.gates()[0].as_deref(), Some("1"));
}

#[test]
fn a_copy_that_serves_stays_right_for_a_sibling_that_is_torn_from_it_and_not_for_one_that_was_its_source() {
    for torn in [true, false] {
        let Some(pair) = Pair::started() else { return };
        // As if /proc/mounts had it.
        pair.mount("node02");
        pair.rounds(1);
        if torn {
            // It wrote while node01 was away, and so did node01.
            pair.has_alone("node02", 2);
            pair.rounds(2);
            pair.has_alone("node01", 1);
        } else {
            // Its own brick was away, and then its source is lost.
            pair.has_alone("node01", 1);
            pair.rounds(2);
            pair.has_alone("node02", 2);
        }
        pair.rounds(3);
        assert_eq!(pair.gates()[1].as_deref(), Some(if torn { "1" } else { "0" }));
    }
}

#[test]
fn a_copy_is_shut_as_soon_as_the_client_beside_the_other_one_gets_no_answer_and_before_it_goes_on_alone() {
    const ANSWERS: &str = "rtt:0.1/0.1 lastack:20";
    const SILENT: &str = "backoff:2 rtt:0.1/0.1 lastack:2000 unacked:1";
    let Some(mut pair) = Pair::started() else { return };
    let client = Mounter::new(pair.node("node01"));
    let (mounter, other) = (client.0.id(), std::process::id());
    let gates_after = |pair: &Pair, connections: &[(u32, &str)]| {
        pair.connect("node01", connections);
        pair.rounds(2);
        pair.gates()
    };
    assert_eq!(gates_after(&pair, &[(mounter, SILENT)]), some(["1", "1"]), "nothing is mounted");
    pair.mount("node01");
    let may_answer = [
        "rtt:0.1/0.1 lastack:99000 unacked:1",
        "backoff:1 lastack:99000 unacked:1",
        "backoff:5 lastack:1999 unacked:1",
        "backoff:5 lastack:99000",
    ];
    for state in may_answer {
        assert_eq!(gates_after(&pair, &[(other, SILENT), (mounter, state)]), some(["1", "1"]), "{state}");
    }
    // What it has sent is not acknowledged, or it has no connection any more: it goes on alone with the next write.
    for connections in [&[(mounter, SILENT)][..], &[(other, ANSWERS)], &[]] {
        assert_eq!(gates_after(&pair, connections), some(["1", "0"]));
        assert!(pair.attribute("healview-data00-node02", "node01").unwrap().starts_with("-@"));
        assert_eq!(gates_after(&pair, &[(mounter, ANSWERS)]), some(["1", "1"]), "nothing is missing");
    }
    // Nobody can tell.
    pair.node("node01").fake("ss", "exit 1");
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["1", "1"]));
    assert!(pair.attribute("healview-data00-node02", "node01").unwrap().starts_with("-@"));
    // With its own brick gone it can write nothing alone: the other copy may go on where it cannot.
    pair.bricks[0].kill().unwrap();
    pair.bricks[0].wait().unwrap();
    assert_eq!(gates_after(&pair, &[(mounter, SILENT)]), some(["0", "1"]));
}

#[test]
fn what_lasts_does_not_outlast_a_mount_that_went_while_nobody_looked() {
    let Some(mut pair) = Pair::started() else { return };
    pair.mount("node01");
    pair.rounds(1);
    let calls = |pair: &Pair, words: &str| pair.node("node01").read("calls").matches(words).count();
    assert_eq!(calls(&pair, "crm_attribute -N node01 -n healgate-data00 -l forever -v 1\n"), 1);
    let dropped = |pair: &Pair| calls(pair, "crm_attribute -N node01 -n healgate-data00 -l forever -D\n");
    let before = dropped(&pair);
    let probes = |pair: &mut Pair| {
        let interval = pair.nodes[0].environment.iter_mut().find(|(name, _)| *name == "OCF_RESKEY_CRM_meta_interval");
        interval.unwrap().1 = "0".to_owned();
        assert_eq!(pair.acts("node01", "monitor"), SUCCESS);
    };
    probes(&mut pair);
    assert_eq!(dropped(&pair), before, "it is mounted");
    pair.node("node01").fake("grep", "exec /bin/grep \"$@\"");
    probes(&mut pair);
    assert_eq!(dropped(&pair), before + 1);
}

#[test]
fn a_host_that_is_an_address_of_ipv6_is_asked_for_as_ss_takes_it() {
    let Some(mut pair) = Pair::new() else { return };
    let hosts = pair.nodes[0].environment.iter_mut().find(|(name, _)| *name == "OCF_RESKEY_hosts").unwrap();
    hosts.1 = "node01=fd00::11 node02=fd00::12".to_owned();
    pair.mount("node01");
    assert_eq!(pair.acts("node01", "start"), SUCCESS);
    assert!(pair.node("node01").read("calls").contains("dst [fd00::12] dport"));
}

#[test]
fn a_node_whose_brick_is_not_served_or_cannot_be_read_has_no_copy() {
    let Some(mut pair) = Pair::started() else { return };
    pair.bricks[1].kill().unwrap();
    pair.bricks[1].wait().unwrap();
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["1", "0"]));
    fs::remove_dir_all(pair.index("node01")).unwrap();
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["0", "0"]));
    assert!(pair.attribute("healview-data00-node02", "node01").unwrap().starts_with("-@"));
}

#[test]
fn the_only_copy_there_is_may_be_served_although_nobody_speaks_of_it() {
    let Some(mut pair) = Pair::new() else { return };
    let alone = format!("node01:{}/node01", pair.shared.path().display());
    let sets = pair.nodes[0].environment.iter_mut().find(|(name, _)| *name == "OCF_RESKEY_sets").unwrap();
    sets.1 = alone;
    assert_eq!(pair.acts("node01", "start"), SUCCESS);
    assert_eq!(pair.attribute("healgate-data00", "node01").as_deref(), Some("1"));
    pair.bricks[0].kill().unwrap();
    pair.bricks[0].wait().unwrap();
    assert_eq!(pair.acts("node01", "monitor"), SUCCESS);
    assert_eq!(pair.attribute("healgate-data00", "node01").as_deref(), Some("0"));
}

#[test]
fn the_connections_with_a_node_that_was_fenced_are_cut_and_its_copy_is_served_elsewhere() {
    let Some(mut pair) = Pair::started() else { return };
    pair.loses_the_owner();
    pair.is_told("pre", "stop", "60000");
    assert_eq!(pair.gates(), [None, Some("0".to_owned())], "it may go on writing until it is fenced");
    assert!(!pair.node("node02").read("calls").contains("ss -tK"));
    pair.is_told("post", "stonith", "60000");
    assert_eq!(pair.gates(), [None, Some("1".to_owned())]);
    assert!(pair.node("node02").read("calls").contains("ss -tK dst node01m\n"));
}

#[test]
fn a_service_that_starts_right_after_its_node_was_fenced_is_not_ended_for_a_round_that_fell_in_between() {
    let Some(mut pair) = Pair::started() else { return };
    pair.loses_the_owner();
    pair.is_told("pre", "stop", "60000");
    assert_eq!(pair.acts("node02", "monitor"), SUCCESS);
    pair.is_told("post", "stonith", "60000");
    pair.mount("node02");
    for _ in 0..3 {
        assert_eq!(pair.acts("node02", "monitor"), SUCCESS);
        assert_eq!(pair.gates(), [None, Some("1".to_owned())]);
    }
}

#[test]
fn a_node_that_was_fenced_too_late_keeps_the_gates_of_the_others_shut_until_it_is_heard_again() {
    let Some(mut pair) = Pair::started() else { return };
    pair.loses_the_owner();
    pair.is_told("pre", "stop", "50");
    sleep(Duration::from_millis(60));
    // The cluster tells of it again when it has to think again.
    pair.is_told("pre", "stop", "50");
    pair.is_told("post", "stonith", "50");
    for _ in 0..2 {
        assert_eq!(pair.acts("node02", "monitor"), SUCCESS);
        assert_eq!(pair.gates(), [None, Some("0".to_owned())]);
    }
    // Back, and it has written alone.
    pair.has_alone("node01", 2);
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["1", "0"]));
    pair.healed("node01");
    pair.rounds(2);
    assert_eq!(pair.gates(), some(["1", "1"]));
}

#[test]
fn only_a_lost_node_that_may_serve_puts_a_copy_in_doubt() {
    let Some(mut pair) = Pair::started() else { return };
    // It stops as an agent does, and is no less a member for it.
    pair.node("node02").fake("crm_resource", "echo 'resource service01-mount is running on: node01 '");
    pair.is_told("pre", "stop", "0");
    pair.is_told("post", "stop", "0");
    assert_eq!(pair.gates(), some(["1", "1"]));
    assert!(!pair.node("node02").read("calls").contains("ss -tK"));

    pair.loses_the_owner();
    pair.node("node02").fake("crm_resource", "echo 'resource service01-mount is NOT running'");
    pair.is_told("pre", "stop", "0");
    pair.is_told("post", "stonith", "0");
    assert_eq!(pair.gates(), [None, Some("1".to_owned())]);
    assert!(pair.node("node02").read("calls").contains("ss -tK dst node01m\n"));
}

#[test]
fn a_service_beside_its_own_stale_copy_ends_when_the_complete_one_is_lost() {
    let Some(pair) = Pair::started() else { return };
    pair.mount("node02");
    pair.has_alone("node01", 1);
    let client = Mounter::new(pair.node("node02"));
    pair.connect("node02", &[(client.0.id(), "rtt:0.1/0.1 lastack:20")]);
    pair.rounds(3);
    assert_eq!(pair.gates()[1].as_deref(), Some("1"), "it reaches the complete copy");
    fs::remove_file(pair.shared.path().join("healview-data00-node02@node01")).unwrap();
    pair.node("node02").fake("ss", "");
    for _ in 0..2 {
        assert_eq!(pair.acts("node02", "monitor"), SUCCESS);
    }
    assert_eq!(pair.gates()[1].as_deref(), Some("0"));
}
