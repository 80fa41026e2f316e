//! What is planned for a cluster in each of its states, from answers made by hand.

mod device;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::view::View;
use crate::kinds::{Cx, Spec};
use crate::model::{
    Allow, Answer, Cause, Command, Facts, Failure, Intent, NodeName, Outcome, Output, Plan, Risk, State, Step, Work,
};
use crate::tools::{corosync, join};

const FILE: &str = "\
apiVersion: bricklayer/v1
cluster: c1
transport: simulated
nodes:
  node01: {id: 1, addresses: {cluster: node01h, storage: node01m}}
  node02: {id: 2, addresses: {cluster: node02h, storage: node02m}}
corosync: {token: 20s}
fencing: {none: \"a test\"}
";

/// What a node is made to answer.
#[derive(Clone, Default)]
#[allow(clippy::struct_excessive_bools)] // any mix of them occurs
struct Fake {
    is_silent: bool,
    files: BTreeMap<String, String>,
    key: Option<&'static str>,
    /// The file that Corosync runs with, and whom it sees.
    runs: Option<(String, Vec<u32>)>,
    waits_for_all: bool,
    has_cib: bool,
    at_boot: Vec<&'static str>,
    joins: bool,
    /// How corosync-qdevice stands with its host, with what it runs with in front, and whether it has the vote.
    device: Option<(&'static str, bool)>,
    /// The cluster that its certificate is of.
    certificate: Option<&'static str>,
    uptime: u32,
}

/// A file and nodes.
struct Scene {
    spec: Spec,
    nodes: BTreeMap<&'static str, Fake>,
}

fn spec(file: &str) -> Spec {
    let loaded = crate::spec::from_bytes("c1.yaml", file.into());
    loaded.spec.unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

/// The text of `corosync.conf` for a file.
fn conf(file: &str) -> String {
    let (spec, facts, intent) = (spec(file), Facts::default(), Intent::default());
    View::of(&Cx::new(&spec, &facts, &intent)).unwrap().text
}

impl Scene {
    /// Nodes with packages and nothing else.
    fn empty(file: &str) -> Self {
        let nodes = ["node01", "node02", "node03"].into_iter().map(|name| (name, Fake::default()));
        let spec = spec(file);
        let nodes = nodes.filter(|(name, _)| spec.nodes.keys().any(|node| node.as_str() == *name)).collect();
        Self { spec, nodes }
    }

    /// Two members that run as `file` says.
    fn running(file: &str) -> Self {
        let mut scene = Self::empty(file);
        for node in scene.nodes.values_mut() {
            node.files.insert(corosync::CONF.to_owned(), conf(file));
            node.key = Some("0123456789abcdef");
            node.runs = Some((conf(file), vec![1, 2]));
            node.has_cib = true;
            node.at_boot = vec!["corosync.service", "pacemaker.service"];
        }
        scene
    }

    fn with(mut self, name: &'static str, change: impl Fn(&mut Fake)) -> Self {
        change(self.nodes.get_mut(name).unwrap());
        self
    }

    fn with_all(mut self, change: impl Fn(&mut Fake)) -> Self {
        self.nodes.values_mut().for_each(change);
        self
    }

    /// The same nodes with another file.
    fn under(mut self, file: &str) -> Self {
        self.spec = spec(file);
        self
    }

    fn plan(&self) -> Told {
        self.plan_with(&Intent::default())
    }

    fn plan_with(&self, intent: &Intent) -> Told {
        let mut facts = Facts::default();
        loop {
            let (plan, questions) = crate::planner::draft(&self.spec, &facts, intent);
            let mut news = false;
            for (node, command) in questions.iter().flat_map(|(node, all)| all.iter().map(move |one| (node, one))) {
                if let Some(outcome) = self.nodes[node.as_str()].says(command) {
                    facts.record(node, command.clone(), Answer { outcome, at: Timestamp::UNIX_EPOCH });
                    news = true;
                }
            }
            if !news {
                return Told(plan);
            }
        }
    }
}

impl Fake {
    fn says(&self, command: &Command) -> Option<Outcome> {
        if self.is_silent {
            return Some(Err(Failure::Unreachable("no route to host".to_owned())));
        }
        let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
        let says = |stdout: String| Output { stdout, ..Output::default() };
        let fails = |status, stderr: &str| Output { status, stderr: stderr.to_owned(), ..Output::default() };
        Some(Ok(match (command.program.name(), &args[..]) {
            ("look-node", packages) => {
                let up = self.uptime;
                let head =
                    format!("os\tdebian 12\nfamily\tdebian\nhostname\tn\nclock\t0.0\nuptime\t{up}.0\nhold\tno\n");
                let line = |package: &&str| format!("package\t{package}\t1\n");
                says(head + &packages.iter().map(line).collect::<String>())
            }
            ("systemctl", ["show", _, units @ ..]) => says(units.iter().map(|unit| self.unit(unit)).collect()),
            ("cat", [path]) => match self.files.get(*path) {
                Some(text) => says(text.clone()),
                None => fails(1, "cat: No such file or directory"),
            },
            ("look-authkey", []) => {
                says(self.key.map_or_else(|| "-\t-\t-\n".to_owned(), |digest| format!("{digest}\t400\troot:root\n")))
            }
            ("look-cib-folder", []) => says(if self.has_cib { "used\n" } else { "empty\n" }.to_owned()),
            ("corosync-cmapctl", []) => match &self.runs {
                Some((text, members)) => says(self.cmap(text, members)),
                None => fails(1, "Failed to initialize the cmap API. Error CS_ERR_LIBRARY\n"),
            },
            ("corosync-qdevice-tool", ["-sv"]) => match self.device {
                Some((state, votes)) => {
                    let polls = if votes { "Yes (cast vote)" } else { "Yes" };
                    says(format!("{state}\nPoll timer running:\t{polls}\n"))
                }
                None => fails(3, "corosync-qdevice-tool: Can't connect to QDevice socket (is QDevice running?)\n"),
            },
            ("certutil", _) => match self.certificate {
                Some(of) => says(format!("Subject: \"CN={of}\"\nSSL Flags:\n    User\n")),
                None => fails(255, "certutil: Could not find cert: Cluster Cert\n"),
            },
            _ => return None,
        }))
    }

    fn unit(&self, name: &str) -> String {
        let active = match name {
            "corosync.service" | "pacemaker.service" => self.runs.is_some(),
            join::UNIT => self.joins,
            super::QDEVICE => self.device.is_some(),
            _ => false,
        };
        let (active, at_boot) = (if active { "active" } else { "inactive" }, self.at_boot.contains(&name));
        let at_boot = if at_boot { "enabled" } else { "disabled" };
        format!(
            "Id={name}\nLoadState=loaded\nActiveState={active}\nUnitFileState={at_boot}\nNeedDaemonReload=no\n\
             ActiveEnterTimestampMonotonic=0\n\n"
        )
    }

    fn cmap(&self, text: &str, members: &[u32]) -> String {
        let keys = corosync::keys(text).into_iter().map(|(key, value)| format!("{key} (str) = {value}\n"));
        let members = members.iter().map(|id| format!("runtime.members.{id}.status (str) = joined\n"));
        let waits = u8::from(self.waits_for_all);
        let waits = format!("runtime.votequorum.wait_for_all_status (u8) = {waits}\n");
        keys.chain(members).chain([waits]).collect()
    }
}

/// A plan, and questions about it.
struct Told(Plan);

impl Told {
    /// The steps of this kind that would be run, in order; `*` behind one that waits for another.
    fn runs(&self) -> Vec<String> {
        let star = |step: &Step| if matches!(step.state, State::Ready) { "" } else { "*" };
        let open = |step: &&Step| matches!(step.state, State::Ready | State::After(_));
        let ours = self.0.steps.iter().filter(|step| matches!(step.item.work, Work::Run(_)) && is_ours(step));
        ours.filter(open).map(|step| format!("{}{}", step.item.id, star(step))).collect()
    }

    fn step(&self, id: &str) -> &Step {
        self.0.steps.iter().find(|step| step.item.id.0 == id).unwrap_or_else(|| panic!("no {id}: {:?}", self.ids()))
    }

    fn ids(&self) -> Vec<&str> {
        self.0.steps.iter().map(|step| step.item.id.0.as_str()).collect()
    }

    fn has(&self, id: &str) -> bool {
        self.ids().contains(&id)
    }

    fn command(&self, id: &str) -> String {
        match &self.step(id).item.work {
            Work::Run(run) => run.command.to_string(),
            other => panic!("{id}: {other:?}"),
        }
    }

    /// Why a step is held.
    fn held(&self, id: &str) -> (Cause, &str) {
        match &self.step(id).item.work {
            Work::Held(held) => (held.cause, &held.because),
            other => panic!("{id}: {other:?}"),
        }
    }

    /// Each difference of a step in a line.
    fn why(&self, id: &str) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let why = &self.step(id).item.why;
        why.iter().map(|one| format!("{}: {} → {}", one.field, text(&one.from), text(&one.to))).collect()
    }

    /// What a step stands behind that is held.
    fn blocked_on(&self, id: &str) -> Vec<&str> {
        match &self.step(id).state {
            State::Blocked(on) => on.iter().map(|id| id.0.as_str()).collect(),
            other => panic!("{id}: {other:?}"),
        }
    }
}

fn is_ours(step: &Step) -> bool {
    let subject = &step.item.subject;
    ["file", "secret", "member", "corosync", "quorum-device"].contains(&subject.kind)
        || (subject.kind == "cib" && subject.node.is_some())
}

fn allowed() -> Intent {
    Intent { allow: Allow([Risk::Safe, Risk::Disruptive].into()), ..Intent::default() }
}

const CONF_1: &str = "file//etc/corosync/corosync.conf/node01/write";
const CONF_2: &str = "file//etc/corosync/corosync.conf/node02/write";
const RELOAD: &str = "corosync/c1/reload";

#[test]
fn the_storage_network_is_the_second_link_where_every_node_has_both() {
    let keys = corosync::keys(&conf(FILE));
    assert_eq!(keys["nodelist.node.node02.ring0_addr"], "node02h");
    assert_eq!(keys["nodelist.node.node02.ring1_addr"], "node02m");
    let one = corosync::keys(&conf(&FILE.replace("cluster: node01h, ", "")));
    assert_eq!(one["nodelist.node.node01.ring0_addr"], "node01m");
    assert!(!one.keys().any(|key| key.ends_with("ring1_addr")));
}

#[test]
fn empty_nodes_get_one_file_one_key_and_start_in_one_round() {
    let told = Scene::empty(FILE).plan();
    let expected = [
        CONF_1,
        CONF_2,
        "secret//etc/corosync/authkey/node01/make",
        "cib/c1/node01/seed",
        "cib/c1/node02/seed",
        "secret//etc/corosync/authkey/node02/copy*",
        "member/c1/node01/start*",
        "member/c1/node02/start*",
    ];
    let mut runs = told.runs();
    let mut expected = expected.map(str::to_owned).to_vec();
    runs.sort();
    expected.sort();
    assert_eq!(runs, expected);
    for node in ["node01", "node02"] {
        let State::After(after) = &told.step(&format!("member/c1/{node}/start")).state else { panic!() };
        assert_eq!(after.len(), 6, "all files, keys and seeds of both: {after:?}");
    }
    assert_eq!(told.command("member/c1/node02/start"), "systemctl enable --now corosync.service pacemaker.service");
    assert!(told.step("member/c1/node01/join").item.assumed);
}

#[test]
fn members_as_written_have_nothing_to_do() {
    assert_eq!(Scene::running(FILE).plan().runs(), [""; 0]);
}

#[test]
fn a_change_is_written_everywhere_and_then_read_once() {
    let old = FILE.replace("20s", "3s");
    let told = Scene::running(&old).under(FILE).plan();
    assert_eq!(told.runs(), [CONF_1, CONF_2, &format!("{RELOAD}*")]);
    assert_eq!(told.why(CONF_1), ["totem.consensus: 600 → 2000", "totem.token: 3000 → 20000"]);
    let written = |node: &mut Fake| drop(node.files.insert(corosync::CONF.to_owned(), conf(FILE)));
    let told = Scene::running(&old).under(FILE).with_all(written).plan();
    assert_eq!(told.runs(), [RELOAD]);
    assert_eq!(told.why(RELOAD), ["totem.consensus: 600 → 2000", "totem.token: 3000 → 20000"]);
    let half = |node: &mut Fake| node.runs = Some((conf(FILE), vec![1, 2]));
    let told = Scene::running(&old).under(FILE).with_all(written).with("node01", half).plan();
    assert_eq!(told.runs(), [RELOAD], "what one member runs with is not what all run with");
}

#[test]
fn nothing_is_reloaded_while_the_file_of_a_member_cannot_be_seen() {
    let old = FILE.replace("20s", "3s");
    let scene = Scene::running(&old).under(FILE).with("node02", |node| node.is_silent = true);
    assert_eq!(scene.plan().blocked_on(RELOAD), ["node/node02/look"]);
    let gone = scene.with("node01", |node| node.runs = Some((conf(&FILE.replace("20s", "3s")), vec![1])));
    assert_eq!(gone.plan().runs(), [CONF_1, &format!("{RELOAD}*")], "a node that is no member reads no file");
}

#[test]
fn what_a_reload_leaves_out_takes_a_restart_of_one_after_the_other() {
    let old = FILE.replace("cluster: c1\n", "cluster: c0\n");
    let written = |node: &mut Fake| drop(node.files.insert(corosync::CONF.to_owned(), conf(FILE)));
    let scene = Scene::running(&old).under(FILE).with_all(written);
    let (first, second) = ("member/c1/node01/restart", "member/c1/node02/restart");
    assert_eq!(scene.plan().held(first).0, Cause::NotAllowed);
    let told = scene.plan_with(&allowed());
    assert_eq!(told.runs(), [first.to_owned(), format!("{second}*")]);
    assert_eq!(told.why(first), ["totem.cluster_name: c0 → c1"]);
    assert_eq!(told.command(first), "systemctl restart corosync.service pacemaker.service");
    assert!(!told.has(RELOAD));
    let alone = |node: &mut Fake| node.runs = Some((conf(&FILE.replace("cluster: c1\n", "cluster: c0\n")), vec![1]));
    let told = scene.with("node01", alone).with("node02", |node| node.runs = None).plan_with(&allowed());
    assert_eq!(told.held(first).0, Cause::Unsafe);
}

#[test]
fn two_node_is_not_dropped_while_a_member_is_missing_and_the_missing_one_may_come_back() {
    let more = format!("{FILE}quorumDevice: {{host: qd1, algorithm: ffsplit}}\n");
    let told = Scene::running(FILE).under(&more).plan_with(&allowed());
    assert!(told.runs().contains(&format!("{RELOAD}*")), "{:?}", told.runs());
    let alone = |node: &mut Fake| node.runs = Some((conf(FILE), vec![1]));
    let scene = Scene::running(FILE).under(&more).with("node01", alone).with("node02", |node| node.runs = None);
    let told = scene.plan_with(&allowed());
    let (cause, because) = told.held(CONF_1);
    assert_eq!(cause, Cause::Unsafe);
    assert!(because.contains("node02 is not a member"), "{because}");
    assert!(told.runs().contains(&"member/c1/node02/start".to_owned()), "{:?}", told.runs());
}

#[test]
fn a_file_of_somebody_else_is_left_alone_and_an_example_is_not() {
    let foreign =
        |text: &'static str| move |node: &mut Fake| drop(node.files.insert(corosync::CONF.to_owned(), text.to_owned()));
    let told = Scene::empty(FILE).with("node02", foreign("totem {\n\tcluster_name: prod\n}\n")).plan();
    assert_eq!(told.held(CONF_2).0, Cause::Refused);
    assert!(told.blocked_on("member/c1/node01/start").contains(&CONF_2));
    let example = "totem {\n\tcluster_name: debian\n}\nnodelist {\n\tnode {\n\t\tring0_addr: 127.0.0.1\n\t}\n}\n";
    let told = Scene::empty(FILE).with("node02", foreign(example)).plan();
    assert_eq!(told.why(CONF_2), ["/etc/corosync/corosync.conf: the package's example → as written"]);
}

#[test]
fn a_key_is_made_only_if_it_is_known_that_there_is_none() {
    let told = Scene::empty(FILE).with("node02", |node| node.is_silent = true).plan();
    assert_eq!(told.held("secret//etc/corosync/authkey/node01/make").0, Cause::Unknown);
    let told = Scene::empty(FILE).with("node02", |node| node.key = Some("aaaaaaaaaaaaaaaa")).plan();
    let copy = "secret//etc/corosync/authkey/node01/copy";
    assert_eq!(told.command(copy), "write-secret /etc/corosync/authkey 0400 base64");
    assert_eq!(told.why(copy), ["/etc/corosync/authkey: - → as on node02"]);
    let both = Scene::running(FILE).with("node02", |node| node.key = Some("bbbbbbbbbbbbbbbb")).plan();
    assert_eq!(both.held("secret//etc/corosync/authkey/node02/copy").0, Cause::Refused);
    let lost = Scene::running(FILE).with_all(|node| node.key = None).plan();
    assert!(lost.held("secret//etc/corosync/authkey/node01/make").1.contains("a cluster runs on node01"));
}

#[test]
fn a_new_node_beside_one_that_has_run_gets_no_first_cib() {
    let told = Scene::empty(FILE).with("node01", |node| node.has_cib = true).plan();
    assert!(!told.has("cib/c1/node02/seed"));
}

#[test]
fn a_member_is_one_that_all_see_and_that_sees_all() {
    let blind = |node: &mut Fake| node.runs = Some((conf(FILE), vec![2]));
    let told = Scene::running(FILE).with("node02", blind).plan();
    assert!(told.step("member/c1/node01/join").item.summary.contains("it and node02 to see each other"));
    assert!(told.has("member/c1/node02/join"));
    let alone = |node: &mut Fake| {
        node.runs = Some((conf(FILE), vec![1]));
        node.waits_for_all = true;
    };
    let told = Scene::running(FILE).with("node01", alone).with("node02", |node| node.is_silent = true).plan();
    assert!(told.step("member/c1/node01/join").item.summary.contains("node02 to join for the first time"));
    let after = |node: &mut Fake| node.runs = Some((conf(FILE), vec![1]));
    let told = Scene::running(FILE).with("node01", after).with("node02", |node| node.is_silent = true).plan();
    assert!(!told.has("member/c1/node01/join"), "it goes on without the other: two_node");
}

#[test]
fn nobody_waits_for_a_member_that_does_not_answer() {
    let alone = |node: &mut Fake| {
        node.runs = Some((conf(FILE), vec![1]));
        node.waits_for_all = true;
    };
    let told = Scene::running(FILE).with("node01", alone).with("node02", |node| node.is_silent = true).plan();
    assert_eq!(told.blocked_on("member/c1/node01/join"), ["node/node02/look"]);
}

#[test]
fn members_that_are_not_started_at_boot_are_so_from_now_on() {
    let told = Scene::running(FILE).with("node02", |node| node.at_boot.clear()).plan();
    assert_eq!(told.runs(), ["member/c1/node02/enable"]);
    assert_eq!(told.command("member/c1/node02/enable"), "systemctl enable corosync.service pacemaker.service");
}

#[test]
fn a_node_that_joins_after_its_heal_is_left_to_do_so() {
    let file = FILE.replace("token: 20s", "token: 20s, start: afterHeal");
    let told = Scene::running(FILE).under(&file).plan();
    for verb in ["disable", "enable*"] {
        assert!(told.runs().contains(&format!("member/c1/node02/{verb}")), "{:?}", told.runs());
    }
    let ready = |node: &mut Fake| {
        let (spec, facts, intent) = (spec(&file), Facts::default(), Intent::default());
        let cx = Cx::new(&spec, &facts, &intent);
        let unit = super::after_heal::unit(&View::of(&cx).unwrap(), &NodeName::new("node01").unwrap());
        node.files.insert(join::UNIT_FILE.to_owned(), unit);
        node.files.insert(join::SCRIPT_FILE.to_owned(), join::script().to_owned());
        node.at_boot = vec![join::UNIT];
    };
    let scene = Scene::running(FILE).under(&file).with_all(ready);
    assert_eq!(scene.plan().runs(), [""; 0]);
    let alone = |node: &mut Fake| node.runs = Some((conf(FILE), vec![1]));
    let back = scene.with("node01", alone).with("node02", |node| node.runs = None);
    assert_eq!(back.plan().command("member/c1/node02/start"), "systemctl enable --now bricklayer-join.service");
    let back = back.with("node02", |node| node.joins = true);
    assert_eq!(back.plan().runs(), [""; 0]);
    assert!(back.plan().has("member/c1/node02/join"));
    let nobody = back.with_all(|node| (node.runs, node.joins) = (None, false));
    assert_eq!(nobody.plan().command("member/c1/node02/start"), "systemctl start corosync.service pacemaker.service");
}

#[test]
fn a_third_node_joins_after_the_others_know_of_it() {
    let three =
        FILE.replace("corosync:", "  node03: {id: 3, addresses: {cluster: node03h, storage: node03m}}\ncorosync:");
    let mut scene = Scene::running(FILE);
    scene.nodes.insert("node03", Fake::default());
    let told = scene.under(&three).plan_with(&allowed());
    let State::After(after) = &told.step("member/c1/node03/start").state else { panic!("{:?}", told.runs()) };
    assert!(after.iter().any(|id| id.0 == RELOAD), "{after:?}");
    assert!(told.why(RELOAD).contains(&"quorum.two_node: 1 → -".to_owned()), "{:?}", told.why(RELOAD));
    let back = Scene::running(&three).with_all(|node| {
        let three = conf(
            &FILE.replace("corosync:", "  node03: {id: 3, addresses: {cluster: node03h, storage: node03m}}\ncorosync:"),
        );
        node.runs = Some((three, vec![1, 2, 3]));
    });
    let told = back.under(FILE).plan();
    assert!(told.held(CONF_1).1.contains("the node with the id 3 is a member"), "{:?}", told.held(CONF_1));
}
