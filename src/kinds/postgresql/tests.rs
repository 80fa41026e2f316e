//! The databases of a file against nodes that answer by hand.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::model::{Answer, Cause, Command, Facts, Intent, Output, Threat, Work};
use crate::tools::sample;

const FILE: &str = "\
apiVersion: bricklayer/v1
cluster: cluster01
transport: simulated
nodes: {node01: {id: 1}, node02: {id: 2}}
volumes: {vol: {replica: 2, bricks: [node01:/glvol00/brick, node02:/glvol00/brick]}}
mounts: {gldata00: {volume: vol, path: /gldata00}}
fencing: {none: a test}
services:
  service01:
    resources:
      - mount: gldata00
      - postgresql: {dataDir: /gldata00/pgsql, access: [host all all 192.168.7.0/24 trust]}
";
const ABSENT: &str = "absent\t-\t-\tno";
const THERE: &str = "present\t15\t7711868116490944626\tno";

/// What two nodes answer.
struct Nodes {
    /// What lies where the database is to be, by node; nothing for a node that does not answer.
    bricks: BTreeMap<&'static str, Option<&'static str>>,
    /// The version of the server's package, by node.
    server: BTreeMap<&'static str, &'static str>,
    /// The systemd units that run.
    running: Vec<&'static str>,
    /// Files, by path.
    files: BTreeMap<String, String>,
    /// What `look-server` says of the server.
    serves: &'static str,
    /// Whether the volume has been made.
    volume: bool,
    /// The number that the cluster manager keeps; nothing for one that does not run.
    kept: Option<&'static str>,
}

impl Nodes {
    /// Nodes with packages and without a database.
    fn new() -> Self {
        Self {
            bricks: [("node01", Some(ABSENT)), ("node02", Some(ABSENT))].into(),
            server: [("node01", "15.18-0+deb12u1"), ("node02", "15.18-0+deb12u1")].into(),
            running: Vec::new(),
            files: BTreeMap::new(),
            serves: "server\toff\nreload\t-\nrestart\t-\n",
            volume: true,
            kept: None,
        }
    }

    fn with(mut self, node: &'static str, brick: Option<&'static str>) -> Self {
        self.bricks.insert(node, brick);
        self
    }

    fn answer(&self, node: &str, command: &Command) -> Output {
        let say = |status: i32, stdout: String, stderr: &str| Output { status, stdout, stderr: stderr.to_owned() };
        let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
        match (command.program.name(), &args[..]) {
            ("look-node", packages) => {
                let line = |package: &&str| {
                    let version = if *package == "postgresql-15" { self.server.get(node).copied() } else { None };
                    format!("package\t{package}\t{}\n", version.unwrap_or("-"))
                };
                let head = "os\tdebian 12\nfamily\tdebian\nhostname\tx\nclock\t1\nuptime\t1\nhold\tno\n".to_owned();
                say(0, packages.iter().map(line).fold(head, |text, line| text + &line), "")
            }
            ("look-database", paths) => match self.bricks[node] {
                Some(says) => {
                    say(0, paths.iter().fold(String::new(), |text, path| text + path + "\t" + says + "\n"), "")
                }
                None => say(1, String::new(), "find: Input/output error"),
            },
            ("look-server", _) => say(0, format!("user\t104:113\n{}", self.serves), ""),
            ("look-cib-folder", _) => say(0, "empty\n".to_owned(), ""),
            ("cat", [path]) => match self.files.get(*path) {
                Some(text) => say(0, text.clone(), ""),
                None => say(1, String::new(), "cat: x: No such file or directory"),
            },
            ("systemctl", _) => {
                let unit = |id: &&str| {
                    format!(
                        "Id={id}\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\
                         NeedDaemonReload=no\nActiveEnterTimestampMonotonic=1\n\n"
                    )
                };
                say(0, self.running.iter().map(unit).collect(), "")
            }
            ("gluster", args) if self.volume && args.contains(&"info") => sample::read("22-started/volume-info.txt"),
            ("gluster", args) if self.volume && args.contains(&"list") => sample::read("22-started/pool-list.txt"),
            ("cibadmin", _) if self.kept.is_some() => {
                let kept = self.kept.unwrap_or_default();
                let text = format!(
                    "<cib epoch=\"1\" admin_epoch=\"0\" have-quorum=\"1\"><configuration><resources>\
                     <group id=\"service01\"><meta_attributes id=\"m\"><nvpair id=\"n\" name=\"bricklayer-database\" \
                     value=\"{kept}\"/></meta_attributes></group></resources></configuration></cib>"
                );
                say(0, text, "")
            }
            ("crm_mon", _) if self.kept.is_some() => sample::read("76-service-started/crm_mon.txt"),
            ("cibadmin" | "crm_mon", _) => sample::read("71-configured-off/cibadmin-Q.txt"),
            (_, _) => say(1, String::new(), "nobody knows"),
        }
    }

    /// Asks until nothing is left to ask.
    fn assess(&self) -> Assessed {
        let spec = crate::spec::from_bytes("c.yaml", FILE.into()).spec.unwrap();
        let (mut facts, intent) = (Facts::default(), Intent::default());
        loop {
            let cx = Cx::new(&spec, &facts, &intent);
            let mut found = Assessment::default();
            Databases.assess(&cx, &mut found);
            let identifier = identifier(&cx, &ServiceName::new("service01").unwrap());
            let questions = cx.into_questions();
            if questions.is_empty() {
                return Assessed { found, identifier };
            }
            for (node, commands) in questions {
                for command in commands {
                    let outcome = Ok(self.answer(node.as_str(), &command));
                    facts.record(&node, command, Answer { outcome, at: Timestamp::UNIX_EPOCH });
                }
            }
        }
    }
}

struct Assessed {
    found: Assessment,
    identifier: Option<String>,
}

impl Assessed {
    fn is_made(&self) -> bool {
        self.found.met.contains(&made(&ServiceName::new("service01").unwrap()))
    }

    fn item(&self, id: &str) -> Option<&Item> {
        self.found.items.iter().find(|item| item.id.0 == id)
    }

    /// Why the database is held, if it is.
    fn held(&self) -> Option<String> {
        match &self.item("database/service01/look")?.work {
            Work::Held(held) => Some(held.because.clone()),
            Work::Run(_) | Work::Wait(_) => None,
        }
    }

    fn makes(&self) -> bool {
        self.item("database/service01/make").is_some_and(|item| matches!(item.work, Work::Run(_)))
    }
}

#[test]
fn a_database_is_made_on_a_volume_that_is_whole_and_by_a_node_with_a_brick() {
    let seen = Nodes::new().assess();
    assert_eq!((seen.is_made(), seen.held()), (false, None));
    let item = seen.item("database/service01/make").unwrap();
    let Work::Run(run) = &item.work else { panic!("{item:?}") };
    assert_eq!(run.command.to_string(), "make-database vol pgsql /usr/lib/postgresql/15/bin postgres");
    assert_eq!(run.place.first().unwrap().as_str(), "node01");
    assert_eq!(item.threatens, [Threat::Once("vol".to_owned().try_into().unwrap())]);
    let needs: Vec<String> = item.needs.iter().map(ToString::to_string).collect();
    for need in [
        "package postgresql-15 on node01 is installed",
        "brick /glvol00/brick on node01 is served",
        "brick /glvol00/brick on node02 is served",
    ] {
        assert!(needs.contains(&need.to_owned()), "{need} is none of {needs:?}");
    }
    assert!(!item.assumed);
    let before = Nodes { volume: false, ..Nodes::new() }.assess();
    assert!(before.item("database/service01/make").unwrap().assumed);
}

#[test]
fn a_database_on_any_brick_is_there_and_none_is_made() {
    for node in ["node01", "node02"] {
        let seen = Nodes::new().with(node, Some(THERE)).assess();
        assert!(seen.is_made() && !seen.makes(), "{node}");
        assert_eq!(seen.identifier.as_deref(), Some("7711868116490944626"));
    }
    let one_unseen = Nodes::new().with("node01", None).with("node02", Some(THERE)).assess();
    assert!(one_unseen.is_made());
}

#[test]
fn nothing_is_made_while_a_brick_cannot_be_seen_or_has_something_else() {
    let unseen = Nodes::new().with("node02", None).assess();
    assert!(!unseen.is_made() && !unseen.makes());
    assert!(unseen.found.unknown.contains_key(&made(&ServiceName::new("service01").unwrap())));
    let other = Nodes::new().with("node02", Some("foreign\t-\t-\tno")).assess();
    assert!(!other.makes());
    assert!(other.held().unwrap().contains("something else than a database"));
    let busy = Nodes::new().with("node01", Some("absent\t-\t-\tbusy")).assess();
    assert!(!busy.makes());
    assert!(matches!(busy.item("database/service01/make").unwrap().work, Work::Wait(_)));
    let left = Nodes::new().with("node01", Some("absent\t-\t-\tyes")).assess();
    assert!(left.makes());
}

#[test]
fn a_lost_database_is_never_made_anew() {
    let lost = Nodes { kept: Some("7711868116490944626"), ..Nodes::new() }.assess();
    assert!(!lost.makes() && !lost.is_made());
    assert!(lost.held().unwrap().starts_with("this volume lost its database"));
    // What is kept is not overwritten by what is there.
    let other = Nodes { kept: Some("42"), ..Nodes::new() }.with("node01", Some(THERE)).assess();
    assert!(!other.is_made());
    assert_eq!(
        other.held().unwrap(),
        "/gldata00/pgsql has database 7711868116490944626, and service service01 had database 42"
    );
    assert_eq!(other.identifier.as_deref(), Some("42"));
    let same = Nodes { kept: Some("7711868116490944626"), ..Nodes::new() }.with("node01", Some(THERE)).assess();
    assert!(same.is_made());
}

#[test]
fn two_databases_another_version_and_unlike_nodes_are_not_served() {
    let two = Nodes::new().with("node01", Some(THERE)).with("node02", Some("present\t15\t7\tno")).assess();
    assert!(two.held().unwrap().contains("different databases") && !two.is_made());
    let old = Nodes::new().with("node01", Some("present\t13\t7\tno")).assess();
    assert!(old.held().unwrap().contains("PostgreSQL 13, and its nodes have 15"));
    let mut unlike = Nodes::new().with("node01", Some(THERE));
    unlike.server.insert("node02", "15.6-0+deb12u1");
    let unlike = unlike.assess();
    assert!(!unlike.is_made());
    assert_eq!(unlike.held().unwrap(), "postgresql-15 differs: 15.18-0+deb12u1 on node01; 15.6-0+deb12u1 on node02");
}

#[test]
fn the_files_of_a_server_are_the_same_on_every_node_and_read_again_where_it_runs() {
    let fresh = Nodes::new().assess();
    let texts: BTreeMap<String, String> = fresh
        .found
        .items
        .iter()
        .filter_map(|item| match &item.work {
            Work::Run(run) if run.command.program.name() == "write-config" => match &run.command.stdin {
                crate::model::Stdin::Text(text) => Some((run.command.args[0].clone(), text.clone())),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let paths: Vec<&str> = texts.keys().map(String::as_str).collect();
    let folder = "/etc/bricklayer/postgresql/service01";
    assert_eq!(paths, [format!("{folder}/pg_hba.conf"), format!("{folder}/postgresql.conf")]);
    assert!(fresh.item("database/service01/node01/reload").is_none());

    let ours = "server\tours\nreload\tneeded\nrestart\tport\n";
    let stale = Nodes { files: texts.clone(), serves: ours, ..Nodes::new() }.with("node01", Some(THERE)).assess();
    let Work::Run(run) = &stale.item("database/service01/node01/reload").unwrap().work else { panic!() };
    let reload = "runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl reload -D /gldata00/pgsql";
    assert_eq!(run.command.to_string(), reload);
    assert!(stale.found.findings.0.iter().any(|finding| finding.code == "restart-pending"));
    let ours = "server\tours\nreload\tno\nrestart\t-\n";
    let read = Nodes { files: texts, serves: ours, ..Nodes::new() }.with("node01", Some(THERE)).assess();
    assert!(read.item("database/service01/node01/reload").is_none());
}

#[test]
fn nothing_but_the_cluster_manager_starts_a_server() {
    let enabled = Nodes { running: vec!["postgresql.service"], ..Nodes::new() }.assess();
    let Work::Run(run) = &enabled.item("unit/postgresql.service/node01/disable").unwrap().work else { panic!() };
    assert_eq!(run.command.to_string(), "systemctl disable --now postgresql.service");
    let foreign = Nodes { running: vec!["postgresql.service", "postgresql@15-main.service"], ..Nodes::new() }.assess();
    let Work::Held(held) = &foreign.item("unit/postgresql.service/node01/disable").unwrap().work else { panic!() };
    assert_eq!(held.cause, Cause::Refused);
    assert!(held.because.starts_with("postgresql@15-main.service on node01 is active"));
    let nothing = Nodes::new().assess();
    assert!(nothing.found.met.contains(&packages::off(&NodeName::new("node01").unwrap())));
}
