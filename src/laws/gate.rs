//! The law of the heal gate: whatever happens to machines and cables while no bricklayer runs, a service starts on no
//! copy that misses what was written, never on two nodes, and runs again once all is well.
//!
//! A client writes all the time through whoever serves, and waits for a brick that is silent as long as the
//! ping-timeout says. That the law can see is shown by the same bad luck without a gate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use super::drive::{Errand, Meddling, Watched, apply, timeless};
use super::seeds::{Draws, hold_for};
use super::world_gen;
use crate::kinds::{Spec, timing};
use crate::model::{Allow, NodeName, Verdict, VolumeName};
use crate::transport::simulated::{FenceMode, Simulated, World};

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

const NODES: [&str; 2] = ["node01", "node02"];
const BRICK: &str = "/bricks/data/brick";
/// The networks of a node's addresses, in their order.
const STORAGE: usize = 1;
const CLUSTER: usize = 2;
/// How much happens in one run.
const EVENTS: usize = 25;
/// How long everything may take to come right again: a boot, a heal, a way home.
const RECOVERY: usize = 240;

/// A file, and its cluster once it is as written and its service runs.
struct Ground {
    spec: Spec,
    world: World,
}

fn ground(text: String) -> Ground {
    let spec = crate::spec::from_bytes("laws.yaml", text.into_bytes()).spec.expect("a file");
    let sim = Simulated::new(world_gen::blank([&spec])).follow_time().taking_time();
    let watched = Watched::new(&sim, &spec).meddling(Meddling::None);
    let allow = Allow::all();
    let errand = Errand { spec: &spec, allow: &allow, owner: "first", limit: Duration::from_secs(600), wish: None };
    let report = timeless(apply(&watched, &errand, |_| ())).expect("nothing goes wrong");
    assert_eq!(report.verdict, Verdict::AsWritten, "{report:?}");
    let world = sim.world().clone();
    Ground { spec, world }
}

fn gated() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| ground(FILE.to_owned()))
}

fn ungated() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    // Without a gate, a file that has a service go home is refused.
    let file = || FILE.replacen(WITHOUT_GATE.0, WITHOUT_GATE.1, 1).replace(", failback: true", "");
    GROUND.get_or_init(|| ground(file()))
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("a name")
}

fn other(name: &str) -> &'static str {
    if name == NODES[0] { NODES[1] } else { NODES[0] }
}

/// One run of bad luck.
struct Run {
    sim: Simulated,
    ping: u64,
    /// Since when each pair of client and brick is out of touch.
    apart: BTreeMap<(&'static str, &'static str), u64>,
    owners: BTreeSet<&'static str>,
    story: Vec<String>,
}

impl Run {
    fn new(ground: &Ground) -> Self {
        let volume = &ground.spec.volumes[&VolumeName::new("data").expect("a name")];
        let ping = timing::ping_timeout(&ground.spec, volume, &timing::FenceTimes::new()).as_secs();
        let (sim, owners) = (Simulated::new(ground.world.clone()), BTreeSet::new());
        Self { sim, ping, apart: BTreeMap::new(), owners, story: Vec::new() }
    }

    /// The bricks that a client on a node is connected to.
    fn reached(world: &World, client: &str) -> Vec<&'static str> {
        let client = node(client);
        let up = |name: &&&str| {
            let uuid = &world.nodes[&node(name)].glusterd.uuid;
            world.brick_answers(&client, uuid, BRICK)
        };
        NODES.iter().filter(up).copied().collect()
    }

    fn is_blamed(world: &World, name: &str) -> bool {
        let judge = world.nodes[&node(other(name))].directory(BRICK);
        judge.is_some_and(|judge| judge.blames.contains_key(&format!("{name}:{BRICK}")))
    }

    /// A second: the client writes, the world goes on, and what has come of it is looked at.
    fn second(&mut self) -> Result<(), String> {
        self.write();
        self.sim.advance(Duration::from_secs(1));
        let world = self.sim.world();
        let serves = |name: &&&str| {
            let node = &world.nodes[&node(name)];
            node.mounts.contains_key("/data") && node.held.contains_key("db-postgresql")
        };
        let owners: BTreeSet<&'static str> = NODES.iter().filter(serves).copied().collect();
        if owners.len() > 1 {
            return Err("it runs on both nodes".to_owned());
        }
        for name in owners.difference(&self.owners) {
            let reached = Self::reached(&world, name);
            if !reached.is_empty() && reached.iter().all(|brick| Self::is_blamed(&world, brick)) {
                return Err(format!("it starts on {name} from a copy that misses what was written: {reached:?}"));
            }
        }
        drop(world);
        if owners != self.owners {
            self.story.push(format!("    it runs on {owners:?}"));
            self.owners = owners;
        }
        Ok(())
    }

    /// A row, if the client gets through: it waits for a silent brick until the ping-timeout is over.
    fn write(&mut self) {
        let mut world = self.sim.world();
        let now = world.clock_ms / 1000;
        let Some(client) = self.owners.first().copied() else { return };
        let reached = Self::reached(&world, client);
        for brick in NODES {
            if reached.contains(&brick) {
                self.apart.remove(&(client, brick));
            } else {
                self.apart.entry((client, brick)).or_insert(now);
            }
        }
        let waits = self.apart.iter().any(|((who, _), since)| *who == client && now - since <= self.ping);
        if waits || reached.is_empty() {
            return;
        }
        for brick in &reached {
            let Some(directory) = world.node_mut(&node(brick)).directory_mut(BRICK) else { continue };
            directory.files += 1;
            if !reached.contains(&other(brick)) {
                *directory.blames.entry(format!("{}:{BRICK}", other(brick))).or_insert(1) += 1;
            }
        }
    }

    /// Something happens.
    fn event(&mut self, draws: &mut Draws) {
        let name = *draws.pick(&NODES);
        let [one, two] = NODES.map(node);
        let for_ms = Some(1000 * (1 + draws.below(60)) as u64);
        let mut world = self.sim.world();
        let what = match draws.below(9) {
            0 | 1 => {
                world.cut_power(&node(name), draws.chance(50).then_some(()).and(for_ms));
                format!("the power of {name} is cut")
            }
            2 | 3 => {
                for name in NODES {
                    world.boot(&node(name));
                }
                "what is off is switched on".to_owned()
            }
            4 => {
                world.cut_network(&one, &two, STORAGE, for_ms);
                format!("the storage link is cut for {for_ms:?} ms")
            }
            5 => {
                world.cut_network(&one, &two, CLUSTER, for_ms);
                format!("the cluster link is cut for {for_ms:?} ms")
            }
            6 => {
                world.cut_link(&one, &two, for_ms);
                format!("all links are cut for {for_ms:?} ms")
            }
            7 => {
                world.kill_brick(&node(name), BRICK);
                format!("the brick of {name} is killed")
            }
            _ => {
                use FenceMode::{Fails, Hangs, OnlyOff, Works};
                let mode = *draws.pick(&[Works, Works, OnlyOff, Fails, Hangs]);
                world.fence_modes.insert("hypervisor".to_owned(), mode);
                format!("fencing {mode:?} from now on")
            }
        };
        self.story.push(format!("{} s: {what}", world.clock_ms / 1000));
    }

    fn bad_luck(&mut self, seed: u64) -> Result<(), String> {
        let mut draws = Draws::new(seed);
        for _ in 0..EVENTS {
            self.event(&mut draws);
            for _ in 0..=draws.below(25) {
                self.second()?;
            }
        }
        self.recovers()
    }

    /// Everything is mended, and the service runs again: nobody has to decide anything, unless each copy has something
    /// that the other misses.
    fn recovers(&mut self) -> Result<(), String> {
        {
            let mut world = self.sim.world();
            world.fence_modes.clear();
            world.restore();
            for name in NODES {
                world.serve(&node(name));
            }
        }
        self.story.push("all is mended".to_owned());
        for second in 0..RECOVERY {
            self.second()?;
            // What could not be started when its data was out of reach is tried again only if a person says so.
            if second % 60 == 59 {
                let forget = ["--cleanup", "--resource", "db"];
                let _ = self.sim.by_hand(&node(NODES[0]), "crm_resource", &forget);
            }
            let world = self.sim.world();
            let blamed = NODES.map(|name| Self::is_blamed(&world, name));
            if blamed == [true; 2] || (blamed == [false; 2] && self.owners.contains(NODES[0])) {
                return Ok(());
            }
        }
        Err(format!("it ends on {:?}, and its home is node01", self.owners))
    }

    fn told(&self, why: &str) -> String {
        format!("{why}\n{}", self.story.join("\n"))
    }
}

fn runs(ground: &Ground, seed: u64) -> Result<(), String> {
    let mut run = Run::new(ground);
    run.bad_luck(seed).map_err(|why| run.told(&why))
}

#[test]
fn a_service_behind_its_gate_starts_on_no_stale_copy_whatever_happens_and_comes_home() {
    hold_for(150, "a_service_behind_its_gate", |seed| runs(gated(), seed));
}

#[test]
fn without_its_gate_the_same_bad_luck_starts_it_on_a_stale_copy() {
    let mut told = (0..150).filter_map(|seed| runs(ungated(), seed).err());
    assert!(told.any(|why| why.contains("a copy that misses")), "the law sees nothing");
}
