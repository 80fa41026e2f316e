//! Where the laws of the heal gate play: two nodes, one volume of two copies, and a database that has a home.

use std::sync::OnceLock;

use crate::kinds::{Spec, Volume, timing};
use crate::laws::{drive, world_gen};
use crate::model::{Verdict, VolumeName};
use crate::transport::simulated::{Simulated, World};

const FILE: &str = "\
apiVersion: bricklayer/v1
cluster: laws
transport: simulated
nodes:
  node01: {id: 1, addresses: {cluster: node01h, storage: node01m}}
  node02: {id: 2, addresses: {cluster: node02h, storage: node02m}}
corosync: {token: 3s}
volumes:
  data: {replica: 2, bricks: [node01:/bricks/data/brick, node02:/bricks/data/brick]}
mounts:
  data: {volume: data, path: /data}
fenceDevices:
  hypervisor:
    agent: fence_virsh
    options: {ip: 192.168.8.1, username: root}
    plugs: {node01: vm1, node02: vm2}
failoverDomains:
  home: {ordered: true, failback: true, nodes: {node01: 1, node02: 2}}
services:
  db:
    failoverDomain: home
    resources: [{ip: {address: 192.168.7.99/24}}, {mount: data}, {postgresql: {dataDir: /data/pgsql}}]
";
const WITHOUT_GATE: (&str, &str) =
    ("    resources:", "    healGate: off\n    acceptDataLoss: the law must be able to see it\n    resources:");

/// The nodes; the first is the service's home.
pub const NODES: [&str; 2] = ["node01", "node02"];
/// The volume.
pub const VOLUME: &str = "data";
/// The attribute in which its gate speaks.
pub const GATE: &str = "healgate-data";
/// Its brick on each node.
pub const BRICK: &str = "/bricks/data/brick";
/// Where it is mounted.
pub const MOUNT: &str = "/data";
/// The fence device of both.
pub const FENCE: &str = "hypervisor";
/// The networks of a node's addresses, in their order.
pub const STORAGE: usize = 1;
pub const CLUSTER: usize = 2;

/// A file, and its cluster once it is as written and its service runs.
pub struct Ground {
    pub spec: Spec,
    pub world: World,
}

impl Ground {
    /// The service behind its gate.
    pub fn gated() -> &'static Self {
        static GROUND: OnceLock<Ground> = OnceLock::new();
        GROUND.get_or_init(|| Self::of(FILE.to_owned()))
    }

    /// The service without one. A file that has such a service go home is refused.
    pub fn ungated() -> &'static Self {
        static GROUND: OnceLock<Ground> = OnceLock::new();
        let file = || FILE.replacen(WITHOUT_GATE.0, WITHOUT_GATE.1, 1).replace(", failback: true", "");
        GROUND.get_or_init(|| Self::of(file()))
    }

    fn of(text: String) -> Self {
        let spec = crate::spec::from_bytes("laws.yaml", text.into_bytes()).spec.expect("a file");
        let sim = Simulated::new(world_gen::blank([&spec])).follow_time().taking_time();
        let report = drive::run(&sim, &spec, None).expect("nothing goes wrong");
        assert_eq!(report.verdict, Verdict::AsWritten, "{report:?}");
        let world = sim.world().clone();
        Self { spec, world }
    }

    /// How long a client waits for a brick that is silent, in seconds.
    pub fn ping(&self) -> u64 {
        timing::ping_timeout(&self.spec, self.volume(), &timing::FenceTimes::new()).as_secs()
    }

    /// For how long after it is to be fenced the client of a lost node certainly waits, in milliseconds.
    pub fn patience_ms(&self) -> u64 {
        let patience = timing::patience(&self.spec, self.volume(), &timing::FenceTimes::new()).expect("it is fenced");
        u64::try_from(patience.as_millis()).expect("it is short")
    }

    fn volume(&self) -> &Volume {
        &self.spec.volumes[&VolumeName::new(VOLUME).expect("a name")]
    }
}

/// The other node.
pub fn other(name: &str) -> &'static str {
    if name == NODES[0] { NODES[1] } else { NODES[0] }
}
