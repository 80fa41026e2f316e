//! The laws of the heal gate: whatever happens to machines, cables, daemons and bricklayer itself, a service starts on
//! no copy that misses what was written, never on two nodes, is not ended while it has one that misses nothing, is taken
//! over soon by a node whose copy is known to miss nothing if the other was fenced in time, and runs again once all is
//! well.
//!
//! A client writes all the time through whoever serves, and waits for a brick that is silent as long as the
//! ping-timeout says. That the law can see is shown by the same bad luck without a gate, and with gates that each lack
//! one of their rules.

mod client;
mod ground;
mod luck;
mod run;
mod takeover;

use ground::Ground;
use run::{Fences, Run};

use super::seeds::hold_for;
use crate::transport::simulated::GateRule;

fn runs(ground: &Ground, without: Option<GateRule>, fences: Fences, seed: u64) -> Result<(), String> {
    let mut world = ground.world.clone();
    world.gate_without = without;
    let mut run = Run::new(ground, world, fences);
    run.bad_luck(seed).map_err(|why| run.told(&why))
}

/// What becomes of rows, or of a service that runs, where a gate does not keep them.
const HARM: [&str; 2] = ["a copy that misses", "its gate ends it"];
/// What becomes of a service behind a gate that stays shut.
const OUTAGE: [&str; 1] = ["nobody serves"];

/// Whether one of the first seeds breaks such a promise.
fn is_found_out(ground: &Ground, without: Option<GateRule>, promises: &[&str]) -> bool {
    let mut told = (0..2000).filter_map(|seed| runs(ground, without, Fences::Honest, seed).err());
    told.any(|why| promises.iter().any(|promise| why.contains(promise)))
}

#[test]
fn a_service_behind_its_gate_starts_on_no_stale_copy_whatever_happens_and_comes_home() {
    hold_for(2000, "gate::a_service_behind_its_gate", |seed| runs(Ground::gated(), None, Fences::Honest, seed));
}

/// A device that says that it has fenced a node, and has not, is beyond what any gate can mend: the other node starts
/// while the first one still runs, and each goes on with its own copy. What still holds: nothing is started from a copy
/// that a node in sight blames, one of the two ends once they see each other, and unless each copy has something that
/// the other misses, all is as before.
#[test]
fn where_a_fence_device_lies_no_copy_is_served_that_a_node_in_sight_blames() {
    hold_for(200, "gate::where_a_fence_device_lies", |seed| runs(Ground::gated(), None, Fences::Lying, seed));
}

#[test]
fn without_its_gate_the_same_bad_luck_starts_it_on_a_stale_copy() {
    assert!(is_found_out(Ground::ungated(), None, &HARM), "the law sees nothing");
}

#[test]
fn a_gate_that_lacks_any_of_its_rules_is_found_out() {
    let is_missed = |rule: &GateRule| {
        let promises = if *rule == GateRule::Reopening { &OUTAGE[..] } else { &HARM };
        is_found_out(Ground::gated(), Some(*rule), promises)
    };
    let unmissed: Vec<_> = GateRule::ALL.into_iter().filter(|rule| !is_missed(rule)).collect();
    assert!(unmissed.is_empty(), "nobody misses {unmissed:?}");
}
