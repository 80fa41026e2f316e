//! Random clusters with a cluster manager: files, what they may have been before, and what happens to such a cluster
//! before bricklayer looks at it again.

use std::time::Duration;

use serde_json::{Value, json};

use super::seeds::Draws;
use super::spec_gen::checked;
use crate::kinds::Spec;
use crate::model::NodeName;
use crate::tools::corosync;
use crate::transport::simulated::{FenceMode, Simulated};

/// The one fence device.
const DEVICE: &str = "hypervisor";

/// What there is of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// Nothing yet: the mount is one of systemd's.
    Not,
    /// It is to rest.
    Stopped,
    /// As it was told.
    AsTold,
}

/// What a file says, as far as it may differ from one to the next.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a yes or no of the file, and any mix of them occurs")]
pub struct Form {
    nodes: usize,
    /// Whether bricklayer writes the nodes' names.
    names: bool,
    cluster: &'static str,
    token: &'static str,
    after_heal: bool,
    /// Whether there is a cluster manager at all.
    managed: bool,
    secret: bool,
    served: Served,
    /// Whether there is a domain, restricted and ordered.
    domain: Option<(bool, bool)>,
    memory: &'static str,
}

/// What somebody has changed in the file since it was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Nothing.
    None,
    /// There is a node more.
    Grown,
    /// The token's time.
    Timed,
    /// The cluster's name.
    Renamed,
    /// The cluster's name, and the token's time with it.
    RenamedAndTimed,
    /// When nodes join.
    Begun,
    /// There is a service.
    Served,
    /// There is a cluster manager.
    Managed,
    /// Whether the service runs.
    Told,
    /// The database's settings.
    Tuned,
    /// Whether the fence device has a secret.
    Kept,
    /// There is a domain, or none.
    Moved,
}

impl Edit {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::None,
        Self::Grown,
        Self::Timed,
        Self::Renamed,
        Self::RenamedAndTimed,
        Self::Begun,
        Self::Served,
        Self::Managed,
        Self::Told,
        Self::Tuned,
        Self::Kept,
        Self::Moved,
    ];
}

impl Form {
    /// Any that may have come of an edit.
    pub fn any(draws: &mut Draws, edit: Edit) -> Self {
        Self {
            nodes: if edit == Edit::Grown { 3 } else { 2 + draws.below(2) },
            names: draws.chance(25),
            cluster: "laws",
            token: *draws.pick(&["2s", "3s", "10s"]),
            after_heal: draws.chance(25),
            managed: true,
            secret: draws.chance(40),
            served: if draws.chance(15) { Served::Stopped } else { Served::AsTold },
            domain: (edit == Edit::Moved || draws.chance(50)).then(|| (draws.chance(50), draws.chance(50))),
            memory: *draws.pick(&["4MB", "8MB"]),
        }
    }

    /// What it was before an edit.
    pub fn before(&self, edit: Edit) -> Self {
        let mut was = self.clone();
        match edit {
            Edit::None => {}
            Edit::Grown => was.nodes = 2,
            Edit::Timed => was.token = "4s",
            Edit::Renamed => was.cluster = "former",
            Edit::RenamedAndTimed => (was.cluster, was.token) = ("former", "4s"),
            Edit::Begun => was.after_heal = !was.after_heal,
            Edit::Served => was.served = Served::Not,
            Edit::Managed => (was.managed, was.served) = (false, Served::Not),
            Edit::Told => was.served = if was.served == Served::Stopped { Served::AsTold } else { Served::Stopped },
            Edit::Tuned => was.memory = "16MB",
            Edit::Kept => was.secret = !was.secret,
            Edit::Moved => was.domain = None,
        }
        was
    }

    /// The file.
    pub fn spec(&self) -> Spec {
        let node = |n: usize| {
            let name = json!({ "name": format!("node{n:02}m"), "ip": format!("192.168.9.{}", 10 + n) });
            let addresses = if self.names { json!({ "storage": name }) } else { json!({}) };
            (format!("node{n:02}"), json!({ "id": n, "addresses": addresses }))
        };
        let nodes: serde_json::Map<_, _> = (1..=self.nodes).map(node).collect();
        let bricks: Vec<String> = nodes.keys().map(|name| format!("{name}:/bricks/data/brick")).collect();
        let mut file = json!({
            "apiVersion": "bricklayer/v1",
            "cluster": self.cluster,
            "transport": "simulated",
            "hosts": if self.names { "managed" } else { "unmanaged" },
            "nodes": nodes,
            "volumes": { "data": { "replica": self.nodes, "bricks": bricks } },
            "mounts": { "data": { "volume": "data", "path": "/data" } },
        });
        if self.managed {
            let start = if self.after_heal { "afterHeal" } else { "onBoot" };
            file["corosync"] = json!({ "token": self.token, "start": start });
            file["fenceDevices"] = json!({ DEVICE: self.device() });
        }
        if self.served != Served::Not {
            self.serve(&mut file);
        }
        checked(serde_json::from_value(file).expect("a file"))
    }

    fn device(&self) -> Value {
        let plugs: serde_json::Map<_, _> =
            (1..=self.nodes).map(|n| (format!("node{n:02}"), json!(format!("vm{n}")))).collect();
        let secrets = if self.secret { json!({ "password": { "env": "LAWS" } }) } else { json!({}) };
        let options = json!({ "ip": "192.168.8.1", "username": "root" });
        json!({ "agent": "fence_virsh", "options": options, "plugs": plugs, "secrets": secrets })
    }

    fn serve(&self, file: &mut Value) {
        let settings = json!({ "work_mem": self.memory });
        file["services"] = json!({ "db": { "resources": [
            { "ip": { "address": "192.168.7.99/24" } },
            { "mount": "data" },
            { "postgresql": { "dataDir": "/data/pgsql", "settings": settings } },
        ] } });
        if self.served == Served::Stopped {
            file["services"]["db"]["state"] = json!("stopped");
        }
        if let Some((restricted, ordered)) = self.domain {
            let nodes = json!({ "node01": 1, "node02": 2 });
            file["failoverDomains"] =
                json!({ "home": { "restricted": restricted, "ordered": ordered, "nodes": nodes } });
            file["services"]["db"]["failoverDomain"] = json!("home");
        }
    }
}

/// What happens to a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing.
    Nothing,
    /// A node is off, and has been fenced.
    Lost,
    /// A node is off, and the others are about to have it fenced.
    Losing,
    /// A node was off, and is back or about to be.
    Returned,
    /// A node is off, and the others were started anew without it.
    LeftAlone,
    /// Somebody has told the cluster to hold still.
    Maintained,
    /// Somebody has stopped the cluster manager on a node.
    Stopped,
    /// The same on all nodes.
    AllStopped,
    /// Somebody has stopped Pacemaker alone.
    PacemakerStops,
    /// Somebody has stopped the cluster manager on a node and removed a package of it.
    PackageGone,
    /// The fence device has failed everywhere, and its cause is mended.
    DeviceFailed,
    /// The service has broken down, or cannot start.
    ServiceFailed,
    /// A file of bricklayer's is gone, or another.
    FileGone,
    /// Somebody has edited `corosync.conf`.
    ConfEdited,
    /// systemd is to start the database at boot.
    DatabaseAtBoot,
    /// A brick was away while somebody wrote.
    BrickStale,
    /// Anybody can write to the mount point.
    Unsealed,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Nothing,
        Self::Lost,
        Self::Losing,
        Self::Returned,
        Self::LeftAlone,
        Self::Maintained,
        Self::Stopped,
        Self::AllStopped,
        Self::PacemakerStops,
        Self::PackageGone,
        Self::DeviceFailed,
        Self::ServiceFailed,
        Self::FileGone,
        Self::ConfEdited,
        Self::DatabaseAtBoot,
        Self::BrickStale,
        Self::Unsealed,
    ];
}

/// Lets something happen to a cluster that follows `spec`, and perhaps something more before it.
pub fn wear(draws: &mut Draws, sim: &Simulated, spec: &Spec, event: Event) {
    let nodes: Vec<NodeName> = spec.nodes.keys().cloned().collect();
    let mut wear = Wear { draws, sim, spec, nodes };
    if wear.draws.chance(30) {
        // Not another token: how long a loss takes to be noticed is known of the file's.
        let before = *wear.draws.pick(&[Event::BrickStale, Event::DatabaseAtBoot, Event::Unsealed]);
        wear.suffer(before);
    }
    wear.suffer(event);
    // What is about to happen is not waited for.
    if event != Event::Losing {
        let passed = *wear.draws.pick(&[0, 1, 30]);
        sim.advance(Duration::from_secs(passed));
    }
}

/// A cluster to which things happen.
struct Wear<'a> {
    draws: &'a mut Draws,
    sim: &'a Simulated,
    spec: &'a Spec,
    nodes: Vec<NodeName>,
}

impl Wear<'_> {
    fn suffer(&mut self, event: Event) {
        let node = self.draws.pick(&self.nodes).clone();
        match event {
            Event::Nothing => {}
            Event::Lost => self.lose(&node, Duration::from_secs(60)),
            Event::Losing => self.lose(&node, Duration::from_secs(1)),
            Event::Returned => self.lose_and_return(&node),
            Event::LeftAlone => self.leave_alone(&node),
            Event::Maintained => self.maintain(),
            Event::Stopped => self.stop(&[node], &["pacemaker", "corosync"]),
            Event::AllStopped => self.stop(&self.nodes.clone(), &["pacemaker", "corosync"]),
            Event::PacemakerStops => self.stop(&[node], &["pacemaker"]),
            Event::PackageGone => self.remove_package(&node),
            Event::DeviceFailed => self.fail_device(),
            Event::ServiceFailed => self.fail_service(&node),
            Event::FileGone => self.take_file(&node),
            Event::ConfEdited => self.edit_conf(&node),
            Event::DatabaseAtBoot => _ = self.sim.by_hand(&node, "systemctl", &["enable", "postgresql"]),
            Event::BrickStale => self.stale_brick(&node),
            Event::Unsealed => _ = self.sim.world().node_mut(&node).sealed.remove("/data"),
        }
    }

    /// A node has lost its power so long after the others have noticed. It stays off.
    fn lose(&self, node: &NodeName, passed: Duration) {
        self.sim.world().fence_modes.insert(DEVICE.to_owned(), FenceMode::OnlyOff);
        self.sim.world().cut_power(node, None);
        self.sim.advance(self.spec.detection() + passed);
    }

    /// The others wait to see it once, and are no quorum before.
    fn leave_alone(&self, node: &NodeName) {
        self.lose(node, Duration::from_secs(60));
        let others = || self.nodes.iter().filter(|other| *other != node);
        for verb in ["stop", "start"] {
            others().for_each(|other| drop(self.sim.by_hand(other, "systemctl", &[verb, "pacemaker", "corosync"])));
        }
    }

    /// Somebody has removed Pacemaker, which was stopped for it.
    fn remove_package(&mut self, node: &NodeName) {
        self.stop(std::slice::from_ref(node), &["pacemaker", "corosync"]);
        let mut world = self.sim.world();
        let node = world.node_mut(node);
        node.packages.remove("pacemaker");
        node.units.remove("pacemaker.service");
    }

    /// A node has been fenced and is back, or about to be a member again.
    fn lose_and_return(&mut self, node: &NodeName) {
        self.sim.world().cut_power(node, Some(40_000));
        let passed = 45 + self.draws.below(40) as u64;
        self.sim.advance(Duration::from_secs(passed));
    }

    /// Somebody has told the cluster to hold still.
    fn maintain(&self) {
        let set = "<cluster_property_set id=\"cib-bootstrap-options\">";
        let pair = "<nvpair id=\"by-hand\" name=\"maintenance-mode\" value=\"true\"/>";
        for node in &self.nodes {
            let cib = self.sim.by_hand(node, "cibadmin", &["-Q"]).stdout;
            let value = |name: &str| Some(cib.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.to_owned());
            let begin = cib.find("<configuration>");
            let end = cib.find("</configuration>").map(|at| at + "</configuration>".len());
            let (Some(begin), Some(end), Some(admin_epoch), Some(epoch)) =
                (begin, end, value("admin_epoch"), value("epoch"))
            else {
                continue;
            };
            let text = cib[begin..end].replacen(set, &format!("{set}{pair}"), 1);
            if self.sim.by_hand_with(node, "push-cib", &[&admin_epoch, &epoch], &text).success() {
                return;
            }
        }
    }

    /// Somebody has stopped units there, and perhaps for longer.
    fn stop(&mut self, nodes: &[NodeName], units: &[&str]) {
        let verb: &[&str] = if self.draws.chance(30) { &["disable", "--now"] } else { &["stop"] };
        for node in nodes {
            self.sim.by_hand(node, "systemctl", &[verb, units].concat());
        }
    }

    /// The fence device has failed everywhere, and its cause is mended by now. One that stays broken is tried again
    /// by each run.
    fn fail_device(&mut self) {
        self.break_everywhere(DEVICE);
        self.restart(DEVICE);
        self.mend();
    }

    /// The service has broken down, or cannot start on some nodes or on all.
    fn fail_service(&mut self, node: &NodeName) {
        match self.draws.below(3) {
            0 => self.sim.world().kill_resource(node, "db-postgresql"),
            1 => {
                self.break_everywhere("db-postgresql");
                self.restart("db");
            }
            _ => {
                let why = "Can't start PostgreSQL.".to_owned();
                self.sim.world().node_mut(node).broken.insert("db-postgresql".to_owned(), why);
                self.restart("db");
            }
        }
    }

    fn break_everywhere(&self, resource: &str) {
        for node in &self.nodes {
            let why = "it is broken".to_owned();
            self.sim.world().node_mut(node).broken.insert(resource.to_owned(), why);
        }
    }

    /// Has a resource started anew; perhaps it is mended afterwards.
    fn restart(&mut self, resource: &str) {
        for node in &self.nodes {
            if self.sim.by_hand(node, "crm_resource", &["--restart", "--resource", resource]).success() {
                break;
            }
        }
        self.sim.advance(Duration::from_secs(60));
        if self.draws.chance(60) {
            self.mend();
        }
    }

    fn mend(&self) {
        for node in &self.nodes {
            self.sim.world().node_mut(node).broken.clear();
        }
    }

    /// A file of bricklayer's is gone, or not as it was, on a node whose cluster manager may rest.
    fn take_file(&mut self, node: &NodeName) {
        if self.draws.chance(60) {
            self.stop(std::slice::from_ref(node), &["pacemaker", "corosync"]);
        }
        let files: Vec<String> = self.sim.world().nodes[node].files.keys().cloned().collect();
        let ours = |path: &&String| {
            ["/etc/corosync/", "/etc/bricklayer/", "/etc/systemd/system/bricklayer"]
                .iter()
                .any(|at| path.starts_with(at))
        };
        let ours: Vec<&String> = files.iter().filter(ours).collect();
        let Some(path) = (!ours.is_empty()).then(|| (*self.draws.pick(&ours)).clone()) else { return };
        let mut world = self.sim.world();
        let files = &mut world.node_mut(node).files;
        let another = if path == corosync::KEY { None } else { files.get_mut(&path).filter(|_| self.draws.chance(40)) };
        match another {
            Some(file) => file.text += "# by hand\n",
            None => _ = files.remove(&path),
        }
    }

    /// Somebody has written another token into the file, on one node or on all, and has it read or not.
    fn edit_conf(&mut self, node: &NodeName) {
        let all = self.draws.chance(50);
        for name in self.nodes.iter().filter(|name| all || *name == node) {
            let mut world = self.sim.world();
            if let Some(file) = world.node_mut(name).files.get_mut(corosync::CONF) {
                file.text = file.text.replace("token: ", "token: 1");
            }
        }
        if self.draws.chance(50) {
            self.sim.by_hand(node, "corosync-cfgtool", &["-R"]);
        }
    }

    /// A brick was away while somebody wrote.
    fn stale_brick(&mut self, node: &NodeName) {
        let mut world = self.sim.world();
        world.kill_brick(node, "/bricks/data/brick");
        _ = world.write_files("data", 2000);
    }
}
