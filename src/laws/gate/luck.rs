//! What happens to machines, cables and daemons in a run of bad luck, and to bricklayer at its work.

use std::sync::Mutex;
use std::time::Duration;

use super::ground::{BRICK, CLUSTER, FENCE, NODES, STORAGE, VOLUME, other};
use super::run::{Fences, Run};
use crate::laws::drive::{Errand, Watched, apply, timeless};
use crate::laws::node;
use crate::laws::seeds::Draws;
use crate::model::Allow;
use crate::transport::simulated::{Fault, FenceMode, Schedule, Simulated, World};

/// How long agents need to see that a link is silent, at most: what is silence, a round, and what lies between looks.
const SEEN_MS: u64 = 9000;

/// Something happens.
pub fn event(run: &mut Run<'_>, draws: &mut Draws) -> Result<(), String> {
    let at = run.sim.clock().as_secs();
    let half_cut = is_half_cut(&run.sim.world());
    let what = match draws.below(34) {
        0..=8 => power(&run.sim, draws),
        9..=18 => network(&mut run.sim.world(), draws, half_cut),
        19..=24 => daemons(&mut run.sim.world(), draws, half_cut),
        25 | 26 => stall(run, draws),
        27..=32 => fencing(run, draws),
        _ => {
            run.story.push(format!("{at} s: bricklayer is at work"));
            work(run, draws)?
        }
    };
    run.story.push(format!("{at} s: {what}"));
    Ok(())
}

/// Whether only the storage link is cut, and that so lately that the agents may not have seen it. Then the gate cannot
/// tell that a node will have written alone whose Corosync or cluster link fails now: it counts from when the cluster
/// loses a node, and clients from when the storage link falls silent. That is beyond what it promises, and not among
/// this bad luck.
fn is_half_cut(world: &World) -> bool {
    let [one, two] = NODES.map(node);
    let cut = |network| world.cut_on(&one, &two, Some(network));
    cut(STORAGE).is_some_and(|cut| world.clock_ms < cut.since_ms + SEEN_MS) && cut(CLUSTER).is_none()
}

fn moment(draws: &mut Draws) -> u64 {
    1000 * (1 + draws.below(60)) as u64
}

fn power(sim: &Simulated, draws: &mut Draws) -> String {
    let moment = moment(draws);
    let back_ms = draws.chance(50).then_some(moment);
    match draws.below(9) {
        0..=3 => {
            let name = *draws.pick(&NODES);
            sim.world().cut_power(&node(name), back_ms);
            format!("the power of {name} is cut for {back_ms:?} ms")
        }
        4 => {
            for name in NODES {
                sim.world().cut_power(&node(name), back_ms);
            }
            format!("the power of both is cut for {back_ms:?} ms")
        }
        _ => {
            for name in NODES {
                sim.world().boot(&node(name));
                start(sim, name);
            }
            "what is off is switched on, and what has died is started".to_owned()
        }
    }
}

fn network(world: &mut World, draws: &mut Draws, half_cut: bool) -> String {
    let for_ms = Some(moment(draws));
    let from = *draws.pick(&NODES);
    let (one, two) = (node(from), node(other(from)));
    let what = match draws.below(6) {
        2.. if half_cut => "nothing".to_owned(),
        0 | 1 => {
            world.cut_network(&one, &two, STORAGE, for_ms);
            "the storage link is cut".to_owned()
        }
        2 => {
            world.cut_network(&one, &two, CLUSTER, for_ms);
            "the cluster link is cut".to_owned()
        }
        3 => {
            world.cut_link(&one, &two, for_ms);
            "all links are cut".to_owned()
        }
        4 => {
            world.cut_network(&one, &two, STORAGE, for_ms);
            world.kill_corosync(&one);
            format!("corosync of {one} dies, and the storage link is cut")
        }
        _ => {
            world.cut_one_way(&one, &two, for_ms);
            format!("nothing of {one} reaches {two}")
        }
    };
    format!("{what} for {for_ms:?} ms")
}

fn daemons(world: &mut World, draws: &mut Draws, half_cut: bool) -> String {
    let name = *draws.pick(&NODES);
    let killed = match draws.below(3) {
        2 if half_cut => "nothing",
        0 => {
            world.kill_brick(&node(name), BRICK);
            "the brick"
        }
        1 => {
            world.kill_glusterd(&node(name));
            "glusterd with its brick"
        }
        _ => {
            world.kill_corosync(&node(name));
            "corosync"
        }
    };
    format!("{killed} of {name} is killed")
}

/// Nothing heals for a while.
fn stall(run: &mut Run<'_>, draws: &mut Draws) -> String {
    let for_ms = moment(draws);
    let mut world = run.sim.world();
    world.left_behind.insert(VOLUME.to_owned(), u64::MAX);
    run.stalled_ms = Some(world.clock_ms + for_ms);
    format!("nothing heals for {for_ms} ms")
}

fn fencing(run: &mut Run<'_>, draws: &mut Draws) -> String {
    use FenceMode::{Fails, Hangs, Lies, OnlyOff, Works};
    let mode = match run.fences {
        Fences::Honest => *draws.pick(&[Works, Works, OnlyOff, Fails, Hangs]),
        Fences::Lying => *draws.pick(&[Works, OnlyOff, Fails, Lies, Lies, Lies]),
    };
    run.sim.world().fence_modes.insert(FENCE.to_owned(), mode);
    format!("fencing {mode:?} from now on")
}

/// Bricklayer is to make all as written, a second for each batch of its commands, and dies at one of them, unless it is
/// done before.
fn work(run: &mut Run<'_>, draws: &mut Draws) -> Result<String, String> {
    let dies_at = draws.below(400) as u64;
    let death = if draws.chance(50) { Fault::CrashBefore } else { Fault::CrashAfter };
    let operator = run.sim.second(Schedule::none().and(dies_at, death));
    let (spec, allow) = (&run.ground.spec, Allow::default());
    let errand = Errand { spec, allow: &allow, owner: "first", limit: Duration::from_secs(60), wish: None };
    let (run, broken) = (Mutex::new(run), Mutex::new(Ok(())));
    let meanwhile = || {
        let passed = run.lock().expect("nobody panics with it").second();
        let mut broken = broken.lock().expect("nobody panics with it");
        *broken = broken.clone().and(passed);
    };
    let watched = Watched::new(&operator, spec).meanwhile(&meanwhile);
    let report = timeless(apply(&watched, &errand, |_| ()));
    // What comes of a lie is not bricklayer's.
    let honest = run.lock().expect("nobody panics with it").fences == Fences::Honest;
    let crimes = if honest { watched.seen().crimes.clone() } else { Vec::new() };
    broken.lock().expect("nobody panics with it").clone()?;
    match crimes.first() {
        Some(crime) => Err(format!("bricklayer does what it must not: {crime}")),
        None => {
            Ok(report.map_or("bricklayer dies".to_owned(), |report| format!("bricklayer ends: {:?}", report.verdict)))
        }
    }
}

/// All is mended, as far as machines, cables and daemons go.
pub fn mend(run: &mut Run<'_>) {
    run.sim.happen(|world| {
        world.fence_modes.clear();
        world.left_behind.clear();
        world.restore();
    });
    for name in NODES {
        run.sim.world().serve(&node(name));
        start(&run.sim, name);
    }
}

/// A person starts what has died and is not started again by itself. What cannot be started yet stays failed, which is
/// what is to be seen.
fn start(sim: &Simulated, name: &str) {
    let manages = sim.world().manages(&node(name));
    if !manages {
        let _ = sim.by_hand(&node(name), "systemctl", &["restart", "pacemaker.service"]);
    }
}
