//! What the HA half of a lab is asked, on the nodes and from outside: with the programs of Pacemaker and of the
//! database, never with bricklayer alone.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::run::ran;
use super::{Lab, SCRIPT, tell};

/// How long a service may take to come up somewhere, fencing included.
const FAILS_OVER_WITHIN: Duration = Duration::from_secs(120);
/// How long fencing may take: an agent asks for long whether a node that it switched off comes on again.
const FENCED_WITHIN: Duration = Duration::from_secs(180);
/// How often it is looked.
const EVERY: Duration = Duration::from_millis(200);

impl Lab {
    /// Writes one of the repository's specs with this lab's keys for ssh, and the key of the fence device beside it.
    /// `edits` are made in its text.
    #[track_caller]
    pub fn spec_from(&self, file: &str, edits: &[(&str, &str)]) -> String {
        let path = format!("{}/specs/{file}", env!("CARGO_MANIFEST_DIR"));
        let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let way = self.way("known_hosts");
        for (from, to) in [("transport: {ssh: {user: root}}", format!("transport: {{ssh: {way}}}").as_str())]
            .into_iter()
            .chain(edits.iter().copied())
        {
            assert!(text.contains(from), "{file} has no `{from}`");
            text = text.replace(from, to);
        }
        std::fs::copy(self.ssh().join("fence_key"), self.path("fence_virsh_key")).expect("the lab made a fence key");
        self.write_spec(&text)
    }

    /// Puts the key of the fence device on a node, as who follows the article does by hand.
    #[track_caller]
    pub fn place_fence_key(&self, node: &str) {
        self.on(node, "install -d -m 700 /etc/cluster");
        let place = "umask 077; cat >/etc/cluster/fence_virsh_key";
        let mut lab = self.command(SCRIPT);
        let key = std::fs::File::open(self.ssh().join("fence_key")).expect("the lab made a fence key");
        ran(lab.args(["in", node, "sh", "-c", place]).stdin(key), &format!("lab in {node}: {place}")).exits(0);
    }

    /// Says how the hypervisor takes orders from now on: `works`, `only-off`, `refuses`, `hangs`.
    #[track_caller]
    pub fn hypervisor(&self, how: &str) {
        self.lab(&["hypervisor", how]).exits(0);
    }

    /// Where all of a service runs, as `node` sees it.
    pub fn owner(&self, node: &str, service: &str) -> Option<String> {
        let status = self.quietly(node, "crm_mon -1 --output-as=xml");
        let document = roxmltree::Document::parse(&status).ok()?;
        let group =
            document.descendants().find(|it| it.has_tag_name("group") && it.attribute("id") == Some(service))?;
        let mut owners = group.children().filter(|it| it.has_tag_name("resource")).map(|resource| {
            let runs = resource.attribute("role") == Some("Started") && resource.attribute("failed") == Some("false");
            let on = resource.children().find(|it| it.has_tag_name("node")).filter(|_| runs)?;
            // A node of which nobody knows is not a node on which it runs.
            (on.attribute("cached") == Some("true")).then(|| on.attribute("name").map(str::to_owned)).flatten()
        });
        let owner = owners.next()??;
        owners.all(|other| other.as_ref() == Some(&owner)).then_some(owner)
    }

    /// Waits until a service runs on a node, as that node sees it.
    #[track_caller]
    pub fn until_service_is_on(&self, node: &str, service: &str) {
        let start = Instant::now();
        while self.owner(node, service).as_deref() != Some(node) {
            assert!(start.elapsed() < FAILS_OVER_WITHIN, "{service} does not come up on {node}");
            sleep(EVERY);
        }
        tell(&format!("{service} runs on {node} after {:.1?}", start.elapsed()));
    }

    /// Waits until a node that was switched off answers again.
    #[track_caller]
    pub fn until_booted(&self, node: &str) {
        self.until(node, "systemctl is-system-running --wait >/dev/null; test -e /run/sshd");
    }

    /// Waits until `node` sees `other` fenced.
    #[track_caller]
    pub fn until_fenced(&self, node: &str, other: &str) {
        let event = format!("target=.{other}.*status=.success");
        let fenced = format!("crm_mon -1 --output-as=xml | grep fence_event | grep -q '{event}'");
        self.until_within(FENCED_WITHIN, node, &fenced);
    }

    /// Waits until `other` is surely off for `node`: no member, and not to be fenced any more.
    #[track_caller]
    pub fn until_lost(&self, node: &str, other: &str) {
        let off = format!("name=.{other}. .*online=.false.*pending=.false.*unclean=.false");
        self.until_within(FENCED_WITHIN, node, &format!("crm_mon -1 --output-as=xml | grep -q '{off}'"));
    }

    /// Asks the database for one answer, through its floating address, from the admin host.
    #[track_caller]
    pub fn psql(&self, address: &str, question: &str) -> String {
        let server = format!("host={address} user=postgres dbname=postgres connect_timeout=10");
        self.lab(&["admin", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", question, &server]).exits(0).stdout.clone()
    }

    /// The numbers of a table's column, of which there may be many, so that they are not told. A service that is just on
    /// its way home answers nothing, and that is not an empty table: it is asked again.
    #[track_caller]
    pub fn numbers(&self, address: &str, question: &str) -> BTreeSet<u64> {
        let server = format!("host={address} user=postgres dbname=postgres connect_timeout=10");
        let end = Instant::now() + FAILS_OVER_WITHIN;
        loop {
            let mut psql = self.command(SCRIPT);
            let asked =
                psql.args(["admin", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", question, &server]).output();
            let asked = asked.unwrap_or_else(|error| panic!("{error}"));
            if asked.status.success() {
                return String::from_utf8_lossy(&asked.stdout).lines().flat_map(str::parse).collect();
            }
            assert!(Instant::now() < end, "{question}: {}", String::from_utf8_lossy(&asked.stderr));
            sleep(EVERY);
        }
    }

    /// The names of the databases.
    #[track_caller]
    pub fn databases(&self, address: &str) -> Vec<String> {
        self.psql(address, "SELECT datname FROM pg_database ORDER BY 1").lines().map(str::to_owned).collect()
    }
}
