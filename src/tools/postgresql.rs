//! `PostgreSQL`: where distributions have it, the text of its settings, and what is told of databases and servers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::node::{Family, Node};
use super::{field, rows, scripts, succeeded};
use crate::model::{AbsPath, Command, Output, Program, Query, ReadError, VolumeName};

/// The system's user whom databases belong to.
pub const USER: &str = "postgres";
/// Where servers have their sockets: for the agent, and for whoever logs in on the node itself.
pub const SOCKETS: &str = "/var/run/postgresql";
/// Where Debian's packages read whether they are to make and start a database of their own.
pub const CREATECLUSTER: &str = "/etc/postgresql-common/createcluster.conf";
/// The key in it.
const MAIN_CLUSTER: &str = "create_main_cluster";
/// The package of Red Hat's family.
pub const SERVER_PACKAGE: &str = "postgresql-server";
/// Where `pg_ctl` for a database on a volume lies (`scripts/pg-ctl.sh`).
pub const CONTROL_FILE: &str = "/usr/local/lib/bricklayer/pg_ctl";
/// How long the making of a database may take: a thousand files, each of them made and synced on every brick.
const MAKE_DEADLINE: Duration = Duration::from_secs(600);

/// The packages of Debian's family, by version.
const PACKAGES: &[(u32, &str)] = &[
    (10, "postgresql-10"),
    (11, "postgresql-11"),
    (12, "postgresql-12"),
    (13, "postgresql-13"),
    (14, "postgresql-14"),
    (15, "postgresql-15"),
    (16, "postgresql-16"),
    (17, "postgresql-17"),
    (18, "postgresql-18"),
];
/// The version that a distribution of Debian's family has.
const DISTRIBUTIONS: &[(&str, u32)] =
    &[("debian 11", 13), ("debian 12", 15), ("debian 13", 17), ("ubuntu 22.04", 14), ("ubuntu 24.04", 16)];
/// What the order of texts, and with it every index over them, depends on. A node has some of these.
pub const ORDERING_PACKAGES: &[&str] =
    &["glibc", "libc6", "libicu", "libicu67", "libicu70", "libicu72", "libicu74", "libicu76"];

/// Where a node has its programs, and in which package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The package of the server.
    pub package: &'static str,
    /// The folder of `initdb`, `pg_ctl` and `psql`.
    pub bin: String,
    /// The major version, if it is known: in Red Hat's family it is what the package turns out to be.
    pub version: Option<u32>,
    /// Where the server may write what it says.
    pub log_folder: &'static str,
}

impl Programs {
    /// Those of `node`, for the version that is `written`; nothing where it is not known what there is.
    #[must_use]
    pub fn of(node: &Node, written: Option<u32>) -> Option<Self> {
        match node.family {
            Family::Debian => {
                let usual = || DISTRIBUTIONS.iter().find(|(os, _)| *os == node.os).map(|(_, version)| *version);
                let version = written.or_else(usual)?;
                let bin = format!("/usr/lib/postgresql/{version}/bin");
                Some(Self {
                    package: package(version)?,
                    bin,
                    version: Some(version),
                    log_folder: "/var/log/postgresql",
                })
            }
            Family::RedHat => Some(Self {
                package: SERVER_PACKAGE,
                bin: "/usr/bin".to_owned(),
                version: node.packages.get(SERVER_PACKAGE).and_then(|version| major(version)),
                log_folder: "/var/lib/pgsql",
            }),
            Family::Other => None,
        }
    }
}

/// The package of `version` in Debian's family.
fn package(version: u32) -> Option<&'static str> {
    PACKAGES.iter().find(|(number, _)| *number == version).map(|(_, package)| *package)
}

/// The packages that nodes may need for the version that is `written`, whatever they run.
pub fn packages(written: Option<u32>) -> impl Iterator<Item = &'static str> {
    let usual = DISTRIBUTIONS.iter().map(|(_, version)| *version).filter(move |_| written.is_none());
    written.into_iter().chain(usual).filter_map(package).chain([SERVER_PACKAGE])
}

/// The number that a version such as `13.14-1.el9` begins with, an epoch left out.
fn major(version: &str) -> Option<u32> {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What lies where a database is or is to be, on one brick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is there.
    pub holds: Holds,
    /// Its major version, as its own files say.
    pub version: Option<String>,
    /// The number that it was given when it was made.
    pub identifier: Option<String>,
    /// Whether one that is not done lies beside it.
    pub unfinished: bool,
    /// Whether one is being made on this node right now.
    pub busy: bool,
}

/// What is in the directory of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A database.
    Database,
    /// Nothing.
    Nothing,
    /// Something else.
    Other,
}

/// Asks what lies at each of `paths`, on the bricks themselves.
pub fn databases(paths: impl IntoIterator<Item = String>) -> Query<BTreeMap<String, Place>> {
    Query { command: Command::reads(Program::Script(scripts::LOOK_DATABASE), paths), read: read_databases }
}

fn read_databases(output: &Output) -> Result<BTreeMap<String, Place>, ReadError> {
    succeeded(output, "sh")?;
    let place = |[path, state, version, identifier, unfinished]: [&str; 5]| {
        let holds = match state {
            "present" => Holds::Database,
            "absent" => Holds::Nothing,
            "foreign" => Holds::Other,
            other => return Err(ReadError::Garbled(format!("`{other}` for {path}"))),
        };
        let (version, identifier) = (field(version)?, field(identifier)?);
        let (unfinished, busy) = (unfinished != "no", unfinished == "busy");
        Ok((path.to_owned(), Place { holds, version, identifier, unfinished, busy }))
    };
    rows(&output.stdout)?.into_iter().map(place).collect()
}

/// Makes a database in the directory `below` the root of a volume.
#[must_use]
pub fn make(volume: &VolumeName, below: &str, programs: &Programs) -> Command {
    let args = [volume.as_str(), below, &programs.bin, USER];
    Command::changes(Program::Script(scripts::MAKE_DATABASE), args).within(MAKE_DEADLINE)
}

/// A server, as its node tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The numbers of the system's user, `UID:GID`; none if there is no such user yet.
    pub user: Option<String>,
    /// Who listens on the port.
    pub runs: Runs,
    /// Whether it has read its files since they were written; none if nobody can tell.
    pub has_read: Option<bool>,
    /// The settings that wait for a restart.
    pub waiting: Vec<String>,
}

/// Who listens on a port of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// The server of this data directory.
    Ours,
    /// A server of another one.
    Other,
    /// Nobody.
    Nobody,
}

/// Asks a node for the server of `data` on `port`, and whether it has read `files`.
#[must_use]
pub fn server(programs: &Programs, port: u16, data: &AbsPath, files: &[String]) -> Query<Server> {
    let head = [USER, &programs.bin, &port.to_string(), data.as_str()].map(str::to_owned);
    let args = head.into_iter().chain(files.iter().cloned());
    Query { command: Command::reads(Program::Script(scripts::LOOK_SERVER), args), read: read_server }
}

fn read_server(output: &Output) -> Result<Server, ReadError> {
    succeeded(output, "sh")?;
    let said: BTreeMap<&str, &str> = output.stdout.lines().filter_map(|line| line.split_once('\t')).collect();
    let get = |key: &str| said.get(key).copied().ok_or_else(|| ReadError::Garbled(format!("no `{key}`")));
    let runs = match get("server")? {
        "ours" => Runs::Ours,
        "other" => Runs::Other,
        "off" => Runs::Nobody,
        other => return Err(ReadError::Garbled(format!("`{other}` for a server"))),
    };
    let has_read = match get("reload")? {
        "no" => Some(true),
        "needed" => Some(false),
        _ => None,
    };
    let waiting = field::<String>(get("restart")?)?.unwrap_or_default();
    let waiting = waiting.split_whitespace().map(str::to_owned).collect();
    Ok(Server { user: field(get("user")?)?, runs, has_read, waiting })
}

/// Has the server of `data` read its files again.
#[must_use]
pub fn reload(programs: &Programs, data: &AbsPath) -> Command {
    let program = format!("{}/pg_ctl", programs.bin);
    Command::changes(Program::Tool("runuser"), ["-u", USER, "--", &program, "reload", "-D", data.as_str()])
}

/// Writes a file that root and the databases' user may read.
#[must_use]
pub fn write(path: &str, text: &str) -> Command {
    Command::changes(Program::Script(scripts::WRITE_CONFIG), [path, "0640", USER]).with_input(text)
}

/// The text of [`CONTROL_FILE`].
#[must_use]
pub fn control() -> &'static str {
    scripts::PG_CTL.text
}

/// Whether packages make no database of their own, by the text of [`CREATECLUSTER`].
#[must_use]
pub fn makes_none_of_its_own(text: &str) -> bool {
    let value = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let value = value.split('#').next().unwrap_or_default().trim().trim_matches('\'');
        (key.trim() == MAIN_CLUSTER).then(|| ["false", "off", "no", "0"].contains(&value))
    };
    text.lines().filter_map(value).next_back() == Some(true)
}

/// Has packages make no database of their own.
#[must_use]
pub fn make_none_of_its_own() -> Command {
    Command::changes(Program::Script(scripts::SET_KEY), [CREATECLUSTER, MAIN_CLUSTER, "false"])
}

/// What the server of a service reads: its settings over those that lie in its data directory.
pub struct Settings<'a> {
    /// Whose they are, for people.
    pub owner: &'a str,
    /// The data directory.
    pub data: &'a AbsPath,
    /// Where it listens.
    pub listen: &'a str,
    /// On which port.
    pub port: u16,
    /// Where the file lies that says who may log in.
    pub access_file: &'a str,
    /// What else is written.
    pub others: &'a BTreeMap<String, String>,
}

impl Settings<'_> {
    /// The text of `postgresql.conf`. Of two lines for one setting the last counts.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{} {}\n", super::MARK, self.owner);
        let mut line = |key: &str, between: &str, value: &str| {
            let _ = writeln!(text, "{key}{between}{}", quoted(value));
        };
        line("include_if_exists", " ", &format!("{}/postgresql.conf", self.data));
        for (key, value) in self.others {
            line(key, " = ", value);
        }
        line("listen_addresses", " = ", self.listen);
        line("port", " = ", &self.port.to_string());
        line("hba_file", " = ", self.access_file);
        line("unix_socket_directories", " = ", SOCKETS);
        text
    }
}

/// A value as postgresql.conf takes it (`GUC_scanstr`): in quotes, with both signs that mean something in them doubled.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', "''").replace('\n', r"\n"))
}

/// The text of `pg_hba.conf`: the system's users by their name, as the agent logs in, and behind them what is written.
#[must_use]
pub fn access(owner: &str, lines: &[String]) -> String {
    let mut text = format!("{} {owner}\nlocal all all peer\n", super::MARK);
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(os: &str, family: Family, packages: &[(&str, &str)]) -> Node {
        Node {
            os: os.to_owned(),
            family,
            hostname: "node01".to_owned(),
            clock: 0.0,
            uptime: 0.0,
            hold: false,
            packages: packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect(),
        }
    }

    fn said(stdout: &str) -> Output {
        Output { stdout: stdout.to_owned(), ..Output::default() }
    }

    #[test]
    fn programs_are_where_the_distribution_has_them_and_nowhere_if_it_is_unknown() {
        let debian = Programs::of(&node("debian 12", Family::Debian, &[]), None).unwrap();
        assert_eq!((debian.package, debian.bin.as_str()), ("postgresql-15", "/usr/lib/postgresql/15/bin"));
        let written = Programs::of(&node("debian 99", Family::Debian, &[]), Some(16)).unwrap();
        assert_eq!((written.package, written.version), ("postgresql-16", Some(16)));
        assert_eq!(Programs::of(&node("debian 99", Family::Debian, &[]), None), None);
        assert_eq!(Programs::of(&node("arch -", Family::Other, &[]), Some(16)), None);
        let before = Programs::of(&node("rocky 9.4", Family::RedHat, &[]), None).unwrap();
        assert_eq!((before.package, before.bin.as_str(), before.version), (SERVER_PACKAGE, "/usr/bin", None));
        let packages = [(SERVER_PACKAGE, "13.14-1.el9_3")];
        assert_eq!(Programs::of(&node("rocky 9.4", Family::RedHat, &packages), None).unwrap().version, Some(13));
        assert_eq!(major("1:16.2-1"), Some(16));
    }

    #[test]
    fn only_the_packages_of_a_written_version_are_asked_for() {
        assert_eq!(packages(Some(16)).collect::<Vec<_>>(), ["postgresql-16", SERVER_PACKAGE]);
        assert!(packages(None).any(|package| package == "postgresql-15"));
    }

    #[test]
    fn a_look_at_bricks_tells_databases_from_nothing_and_from_something_else() {
        let text = "/b1/pgsql\tpresent\t15\t7711868116490944626\tno\n/b2/pgsql\tpresent\t-\t-\tno\n\
                    /b3/pgsql\tabsent\t-\t-\tyes\n/b4/pgsql\tforeign\t-\t-\tbusy\n";
        let places = read_databases(&said(text)).unwrap();
        let database = Place {
            holds: Holds::Database,
            version: Some("15".to_owned()),
            identifier: Some("7711868116490944626".to_owned()),
            unfinished: false,
            busy: false,
        };
        assert_eq!(places["/b1/pgsql"], database);
        assert_eq!(places["/b2/pgsql"].identifier, None);
        assert_eq!((places["/b3/pgsql"].holds, places["/b3/pgsql"].unfinished), (Holds::Nothing, true));
        assert_eq!((places["/b4/pgsql"].holds, places["/b4/pgsql"].busy), (Holds::Other, true));
        assert!(read_databases(&said("/b1\tmaybe\t-\t-\tno\n")).is_err());
        assert!(read_databases(&Output { status: 1, ..said("/b1\tabsent\t-\t-\tno\n") }).is_err());
    }

    #[test]
    fn a_server_tells_whether_it_has_read_its_files_and_what_waits_for_a_restart() {
        let text = "user\t104:113\nserver\tours\nreload\tneeded\nrestart\tport shared_buffers\n";
        let server = read_server(&said(text)).unwrap();
        assert_eq!((server.runs, server.has_read), (Runs::Ours, Some(false)));
        assert_eq!(server.waiting, ["port", "shared_buffers"]);
        let off = read_server(&said("user\t-\nserver\toff\nreload\t-\nrestart\t-\n")).unwrap();
        assert_eq!(off, Server { user: None, runs: Runs::Nobody, has_read: None, waiting: Vec::new() });
    }

    #[test]
    fn what_is_ours_stands_behind_every_other_setting_and_values_are_quoted() {
        let others = [("log_line_prefix", r"it's \ %m"), ("port", "1")];
        let others = others.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let settings = Settings {
            owner: "service s1 of cluster c1",
            data: &AbsPath::new("/gl/pgsql").unwrap(),
            listen: "*",
            port: 5432,
            access_file: "/etc/x/pg_hba.conf",
            others: &others,
        };
        let expected = r"# bricklayer: service s1 of cluster c1
include_if_exists '/gl/pgsql/postgresql.conf'
log_line_prefix = 'it''s \\ %m'
port = '1'
listen_addresses = '*'
port = '5432'
hba_file = '/etc/x/pg_hba.conf'
unix_socket_directories = '/var/run/postgresql'
";
        assert_eq!(settings.text(), expected);
        let lines = ["host all all 192.168.7.0/24 trust".to_owned()];
        let expected = "# bricklayer: o\nlocal all all peer\nhost all all 192.168.7.0/24 trust\n";
        assert_eq!(access("o", &lines), expected);
    }

    #[test]
    fn the_last_line_says_whether_a_package_makes_a_database() {
        assert!(makes_none_of_its_own("create_main_cluster = false\n"));
        assert!(makes_none_of_its_own("create_main_cluster = true\n create_main_cluster='off' # ours\n"));
        assert!(!makes_none_of_its_own("#create_main_cluster = false\n"));
        assert!(!makes_none_of_its_own("create_main_cluster = false\ncreate_main_cluster = true\n"));
        assert!(!makes_none_of_its_own(""));
    }
}
