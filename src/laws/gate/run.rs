//! One run of bad luck, second by second, with what must hold in each.

use std::collections::{BTreeMap, BTreeSet};

use super::client::{Client, is_blamed, reached};
use super::ground::{GATE, Ground, MOUNT, NODES, VOLUME, other};
use super::luck;
use super::takeover::Takeover;
use crate::laws::node;
use crate::laws::seeds::Draws;
use crate::transport::simulated::{Cib, Simulated, World};

/// How often something happens in one run.
const BLOWS: usize = 14;
/// How much happens at once, at most: misfortunes seldom come singly.
const AT_ONCE: usize = 3;
/// How long everything may take to come right again: a boot, a heal, a way home.
const RECOVERY: u64 = 240;
/// How long it may take until a gate that shuts has ended what was under way, in seconds.
const SHUTTING: u64 = 30;

/// How long a start takes, in seconds: what it loses meanwhile, it loses as a service that runs.
const STARTING: u64 = 10;

/// How long a copy must have missed nothing in sight of the other node for everybody to know, in seconds.
const CALM: u64 = 30;

/// What is promised of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fences {
    /// Who is said to be fenced is off: all of it.
    Honest,
    /// A device may say that it has fenced and has not.
    Lying,
}

/// One run of bad luck.
pub struct Run<'a> {
    pub sim: Simulated,
    pub ground: &'a Ground,
    pub fences: Fences,
    /// Until when nothing heals, in milliseconds of the world.
    pub stalled_ms: Option<u64>,
    pub story: Vec<String>,
    ping: u64,
    client: Client,
    owners: BTreeSet<&'static str>,
    /// Since when each copy is blamed by one that its node sees, in seconds.
    told: BTreeMap<&'static str, u64>,
    /// When each node last reached a copy that misses nothing, in seconds.
    whole: BTreeMap<&'static str, u64>,
    sound: Sound,
    takeover: Takeover,
    /// Whether no copy has every row: if the last complete one goes away before the other has healed, clients write to
    /// that until the gate has ended them.
    lost: bool,
    /// Since when a gate has to end them, in seconds: who sees nobody is told nothing.
    shuts: Option<u64>,
}

/// Which copies miss nothing.
#[derive(Default)]
struct Sound {
    /// Since when the copy of each node has been served and complete, in sight of the other node, in seconds.
    since: BTreeMap<&'static str, u64>,
    /// The nodes whose copy has been that for so long that they know, and is still.
    known: BTreeSet<&'static str>,
}

impl Sound {
    fn note(&mut self, world: &World, name: &'static str, complete: bool) {
        let now = world.clock_ms / 1000;
        if !complete || (!sees_other(world, name) && !self.known.contains(name)) {
            self.since.remove(name);
            self.known.remove(name);
        } else if now > *self.since.entry(name).or_insert(now) + CALM {
            self.known.insert(name);
        }
    }
}

impl<'a> Run<'a> {
    pub fn new(ground: &'a Ground, world: World, fences: Fences) -> Self {
        Self {
            sim: Simulated::new(world),
            ground,
            fences,
            stalled_ms: None,
            story: Vec::new(),
            ping: ground.ping(),
            client: Client::default(),
            owners: BTreeSet::new(),
            told: BTreeMap::new(),
            whole: BTreeMap::new(),
            sound: Sound::default(),
            takeover: Takeover::new(ground.patience_ms()),
            lost: false,
            shuts: None,
        }
    }

    /// Bad luck, then all is mended.
    pub fn bad_luck(&mut self, seed: u64) -> Result<(), String> {
        let mut draws = Draws::new(seed);
        for _ in 0..BLOWS {
            for _ in 0..=draws.below(AT_ONCE) {
                luck::event(self, &mut draws)?;
            }
            for _ in 0..=draws.below(40) {
                self.second()?;
                if self.is_over() {
                    return Ok(());
                }
            }
        }
        luck::mend(self);
        self.recovers()
    }

    /// A second: the clients write, the world goes on, and what has come of it is looked at.
    pub fn second(&mut self) -> Result<(), String> {
        let mut world = self.sim.world();
        let serving = owners(&world);
        self.client.write(&mut world, &serving, self.ping);
        if self.stalled_ms.is_some_and(|until| until <= world.clock_ms) {
            world.left_behind.remove(VOLUME);
            self.stalled_ms = None;
        }
        world.advance(1000);
        self.client.notice_heals(&world);
        self.told = told(&world, &self.told);
        let now = world.clock_ms / 1000;
        self.lost |= self.client.has_lost();
        let owners = owners(&world);
        let told = |name: &&str| has_joined(&world, name) && sees_other(&world, name);
        self.shuts = (self.lost && owners.iter().any(told)).then(|| self.shuts.unwrap_or(now));
        for name in NODES {
            if reached(&world, name).iter().any(|brick| !self.is_stale(&world, brick)) {
                self.whole.insert(name, now);
            }
            let complete = reached(&world, name).contains(&name) && !self.is_stale(&world, name);
            self.sound.note(&world, name, complete);
        }
        self.takeover.note(&world, &owners, &self.sound.known);
        self.keeps_its_promises(&world, &owners)?;
        drop(world);
        self.tell(owners);
        Ok(())
    }

    /// Whether what has just come about is what is promised.
    fn keeps_its_promises(&self, world: &World, owners: &BTreeSet<&'static str>) -> Result<(), String> {
        let now = world.clock_ms / 1000;
        if self.fences == Fences::Honest {
            if owners.len() > 1 {
                return Err("it runs on both nodes".to_owned());
            }
            if self.shuts.is_some_and(|since| now > since + SHUTTING) {
                return Err("it goes on with a copy that misses what was written".to_owned());
            }
            if let Some(name) = self.takeover.is_overdue(now) {
                return Err(format!("nobody serves, though the copy of {name} misses nothing"));
            }
        }
        if let Some(name) = self.owners.difference(owners).find(|name| self.is_ended_by_its_gate(world, name)) {
            return Err(format!("its gate ends it on {name}, whose copy misses nothing"));
        }
        for name in owners.difference(&self.owners) {
            let reached = reached(world, name);
            let under_way = self.whole.get(name).is_some_and(|then| now <= then + STARTING);
            if !reached.is_empty() && !under_way && reached.iter().all(|brick| self.is_stale(world, brick)) {
                return Err(format!("it starts on {name} from a copy that misses what was written: {reached:?}"));
            }
        }
        Ok(())
    }

    fn is_ended_by_its_gate(&self, world: &World, name: &str) -> bool {
        self.fences == Fences::Honest
            && self.sound.known.contains(name)
            && has_joined(world, name)
            && !is_open(world, name)
    }

    /// Whether nothing is left but what a person decides: each copy has something that the other misses.
    fn is_over(&self) -> bool {
        self.lost && self.owners.is_empty()
    }

    /// Whether nobody should start from a copy: it misses a row; or, where fences lie and there may be two histories,
    /// it is known to have missed one for long enough.
    fn is_stale(&self, world: &World, brick: &str) -> bool {
        match self.fences {
            Fences::Honest => self.client.misses(brick),
            Fences::Lying => self.told.get(brick).is_some_and(|since| world.clock_ms / 1000 > since + SHUTTING),
        }
    }

    fn tell(&mut self, owners: BTreeSet<&'static str>) {
        if owners != self.owners {
            self.story.push(format!("    it runs on {owners:?}"));
            self.owners = owners;
        }
    }

    /// All is mended, and the service runs again: nobody has to decide anything, unless each copy has something that the
    /// other misses.
    fn recovers(&mut self) -> Result<(), String> {
        self.story.push("all is mended".to_owned());
        for second in 1..=RECOVERY {
            self.second()?;
            // What could not be started when its data was out of reach is tried again only if a person says so.
            if second % 60 == 0 {
                let _ = self.sim.by_hand(&node(NODES[0]), "crm_resource", &["--cleanup", "--resource", "db"]);
            }
            let blamed = NODES.map(|name| is_blamed(&self.sim.world(), name));
            if self.is_over() {
                return Ok(());
            }
            let home = self.owners.iter().eq([&NODES[0]]);
            if (blamed == [true; 2] && self.owners.len() < 2) || (blamed == [false; 2] && home) {
                return Ok(());
            }
        }
        Err(format!("it ends on {:?}, and its home is node01", self.owners))
    }

    /// Why a law is broken, with what happened before.
    pub fn told(&self, why: &str) -> String {
        format!("{why}\n{}", self.story.join("\n"))
    }
}

/// Where the service runs: its volume is mounted and its database is up.
fn owners(world: &World) -> BTreeSet<&'static str> {
    let serves = |name: &&&str| {
        let node = &world.nodes[&node(name)];
        node.mounts.contains_key(MOUNT) && node.held.contains_key("db-postgresql")
    };
    NODES.iter().filter(serves).copied().collect()
}

/// Since when each copy is blamed by one that its node sees.
fn told(world: &World, before: &BTreeMap<&'static str, u64>) -> BTreeMap<&'static str, u64> {
    let now = world.clock_ms / 1000;
    let hears = |name: &&&str| sees_other(world, name) && is_blamed(world, name);
    NODES.iter().filter(hears).map(|name| (*name, before.get(name).copied().unwrap_or(now))).collect()
}

/// Whether the cluster manager of a node sees that of the other.
pub(super) fn sees_other(world: &World, name: &str) -> bool {
    world.peers(&node(name)).contains(&node(other(name)))
}

/// What the cluster manager of a node knows.
pub(super) fn cib_of<'a>(world: &'a World, name: &str) -> Option<&'a Cib> {
    world.dc_of(&node(name)).and_then(|dc| world.nodes[&dc].pacemaker.cib.as_ref())
}

/// Whether the gate of a node is open, as its own cluster manager knows it.
fn is_open(world: &World, name: &str) -> bool {
    let state = cib_of(world, name).and_then(|cib| cib.status.get(&node(name)));
    state.and_then(|state| state.attributes.get(GATE)).is_some_and(|value| value == "1")
}

/// Whether a node takes part in its cluster.
pub(super) fn has_joined(world: &World, name: &str) -> bool {
    let daemon = &world.nodes[&node(name)].pacemaker.daemon;
    world.has_votes(&node(name)) && daemon.as_ref().is_some_and(|daemon| daemon.joined_ms.is_some())
}
