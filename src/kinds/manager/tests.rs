//! In how many changes the configuration of a file comes, against a cluster manager that answers by hand.

use jiff::Timestamp;

use super::*;
use crate::kinds::postgresql;
use crate::model::{Answer, Command, Facts, Intent, Output, Stdin, Work};
use crate::tools::sample;

const ABSENT: &str = "absent\t-\t-\tno";
const THERE: &str = "present\t15\t7711868116490944626\tno";
const FOREIGN: &str = "foreign\t-\t-\tno";

/// What two nodes answer.
struct Nodes {
    /// What lies where the database is to be.
    bricks: &'static str,
    /// The configuration in force; nothing while Pacemaker runs nowhere.
    configuration: Option<String>,
}

impl Nodes {
    fn answer(&self, command: &Command) -> Output {
        let say = |status: i32, stdout: String, stderr: &str| Output { status, stdout, stderr: stderr.to_owned() };
        let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
        match (command.program.name(), &self.configuration) {
            ("look-node", _) => {
                let head = "os\tdebian 12\nfamily\tdebian\nhostname\tx\nclock\t1\nuptime\t1\nhold\tno\n".to_owned();
                let line = |package: &&str| format!("package\t{package}\t-\n");
                say(0, args.iter().map(line).fold(head, |text, line| text + &line), "")
            }
            ("look-database", _) => {
                let line = |path: &&str| format!("{path}\t{}\n", self.bricks);
                say(0, args.iter().map(line).fold(String::new(), |text, line| text + &line), "")
            }
            ("cat", _) => say(1, String::new(), "cat: x: No such file or directory"),
            ("cibadmin", Some(configuration)) => {
                let cib = "<cib epoch=\"7\" admin_epoch=\"0\" have-quorum=\"1\">".to_owned();
                say(0, cib + configuration + "</cib>", "")
            }
            ("crm_mon", Some(_)) => sample::read("74-empty/crm_mon.txt"),
            ("cibadmin" | "crm_mon", None) => sample::read("71-configured-off/cibadmin-Q.txt"),
            ("try-cib", _) => say(0, "0\t7\t0\t0\n--\n<pacemaker-result/>\n".to_owned(), ""),
            _ => say(1, String::new(), "nobody knows"),
        }
    }

    /// Asks until nothing is left to ask. Gives what was found, and how many configurations were tried.
    fn assess(&self) -> (Assessment, usize) {
        let text = include_bytes!("../../../specs/postgres-ha-tuned.yaml").to_vec();
        let spec = crate::spec::from_bytes("postgres-ha-tuned.yaml", text).spec.unwrap();
        let (mut facts, intent, mut tried) = (Facts::default(), Intent::default(), 0);
        loop {
            let cx = Cx::new(&spec, &facts, &intent);
            let mut found = Assessment::default();
            Manager.assess(&cx, &mut found);
            let questions = cx.into_questions();
            if questions.is_empty() {
                return (found, tried);
            }
            for (node, commands) in questions {
                for command in commands {
                    tried += usize::from(command.program.name() == "try-cib");
                    let outcome = Ok(self.answer(&command));
                    facts.record(&node, command, Answer { outcome, at: Timestamp::UNIX_EPOCH });
                }
            }
        }
    }

    /// The changes of the configuration, in their order.
    fn changes(&self) -> Vec<Item> {
        let (found, tried) = self.assess();
        assert_eq!(tried, usize::from(self.configuration.is_some()), "only what is next is worth a trial");
        found.items.into_iter().filter(|item| item.subject.kind == "cib").collect()
    }
}

/// What a change puts into force, and with which epoch.
fn pushed(item: &Item) -> (&str, &str) {
    let Work::Run(run) = &item.work else { panic!("{item:?}") };
    let Stdin::Text(text) = &run.command.stdin else { panic!("{item:?}") };
    (text, &run.command.args[1])
}

fn ids(changes: &[Item]) -> Vec<&str> {
    changes.iter().map(|item| item.id.0.as_str()).collect()
}

fn service() -> ServiceName {
    ServiceName::new("service01").unwrap()
}

/// Whether a change waits for anything of the database of the service.
fn waits_for_it(item: &Item) -> bool {
    let of_it = |need: &Milestone| {
        *need == postgresql::made(&service()) || need.subject.name.starts_with("/etc/bricklayer/postgresql")
    };
    item.needs.iter().any(of_it)
}

const FIRST: &str = "cib/cluster01-tuned/first/configure";
const LAST: &str = "cib/cluster01-tuned/configure";
const EMPTY: &str = "<configuration><crm_config/><nodes/><resources/><constraints/></configuration>";
const GROUP: &str = "<group id=\"service01\"";

#[test]
fn what_needs_no_database_does_not_wait_for_one() {
    for configuration in [None, Some(EMPTY.to_owned())] {
        let runs = configuration.is_some();
        let changes = Nodes { bricks: ABSENT, configuration }.changes();
        assert_eq!(ids(&changes), [FIRST, LAST]);
        let [first, then] = &changes[..] else { unreachable!() };
        assert!(!waits_for_it(first) && waits_for_it(then));
        assert!(first.gives.is_empty() && then.gives.iter().any(|given| given.state == "as written"));
        let (before, after) = (pushed(first).0, pushed(then).0);
        for early in ["id=\"kvmhost01\"", "id=\"healgate-data00-all\"", "stonith-enabled"] {
            assert!(before.contains(early) && after.contains(early), "{early}: {before}");
        }
        assert!(!before.contains(GROUP) && after.contains(GROUP));
        assert_eq!((first.assumed, then.assumed), (!runs, true));
    }
}

#[test]
fn once_the_database_is_made_there_is_one_change_whatever_is_in_force() {
    let first = Nodes { bricks: ABSENT, configuration: Some(EMPTY.to_owned()) }.changes().remove(0);
    let prepared = pushed(&first).0;
    for configuration in [EMPTY, prepared] {
        let changes = Nodes { bricks: THERE, configuration: Some(configuration.to_owned()) }.changes();
        assert_eq!(ids(&changes), [LAST]);
        assert!(!changes[0].assumed && waits_for_it(&changes[0]));
        let (after, epoch) = pushed(&changes[0]);
        assert!(after.contains(GROUP) && after.contains("7711868116490944626"));
        assert_eq!(epoch, "7");
        let new = |what: &str| changes[0].why.iter().any(|difference| difference.field == what);
        assert!(new("service01") && new("kvmhost01") == (configuration == EMPTY));
    }
    // What is there stays in every change, also if its database cannot be seen.
    let whole = Nodes { bricks: THERE, configuration: Some(prepared.to_owned()) }.changes().remove(0);
    let lost = Nodes { bricks: ABSENT, configuration: Some(pushed(&whole).0.replace("kvmhost01", "kvmhost02")) };
    let changes = lost.changes();
    assert_eq!(ids(&changes), [LAST]);
    assert!(pushed(&changes[0]).0.contains(GROUP) && waits_for_it(&changes[0]));
}

#[test]
fn a_database_that_cannot_be_made_holds_its_service_and_nothing_else() {
    let held = |configuration: &str| Nodes { bricks: FOREIGN, configuration: Some(configuration.to_owned()) };
    let changes = held(EMPTY).changes();
    assert_eq!(ids(&changes), [FIRST, LAST]);
    let [first, then] = &changes[..] else { unreachable!() };
    assert!(!waits_for_it(first) && !first.assumed && waits_for_it(then));
    let prepared = held(pushed(first).0);
    let changes = prepared.changes();
    assert_eq!(ids(&changes), [LAST]);
    assert!(waits_for_it(&changes[0]));
    let (found, _) = prepared.assess();
    assert!(!found.met.iter().any(|met| met.state == "as written"));
    let waits = found.items.iter().find(|item| item.subject.kind == "service").unwrap();
    assert!(waits.needs.iter().any(|need| need.state == "as written"));
}
