//! What a simulated machine's logs keep: when it was on, what its Pacemaker said of members, fencing and operations, in
//! Pacemaker's words, and what its self-heal daemon has mended. `look-history` reads it.

use std::fmt::Write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::output::{Call, printed};
use super::world::World;
use crate::model::{NodeName, Output};

/// Who says who is a member, and how operations ended.
pub const CONTROLLER: &str = "pacemaker-controld";
/// Who says how fencing ended.
pub const FENCER: &str = "pacemaker-fenced";
/// What is mended within this time of the last entry is written into its line.
const PIECE_MS: u64 = 10_000;
/// How many lines of one sort are kept: a journal is of limited size, too.
const KEPT: usize = 500;

/// The logs of a machine, by the world's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// From when to when it was on, before now.
    pub boots: Vec<(u64, u64)>,
    /// When who said what.
    pub told: Vec<(u64, String, String)>,
    /// From when to when how many entries of which volume were mended.
    pub healed: Vec<(u64, u64, String, u64)>,
}

impl Node {
    /// The machine goes off.
    pub fn end_boot(&mut self, now: u64) {
        self.journal.boots.push((self.booted_ms, now));
    }
}

impl World {
    /// A daemon of a machine writes a line.
    pub fn log(&mut self, at: &NodeName, who: &str, text: String) {
        let now = self.clock_ms;
        if let Some(node) = self.nodes.get_mut(at) {
            node.journal.told.push((now, who.to_owned(), text));
            keep_last(&mut node.journal.told);
        }
    }

    /// A self-heal daemon writes down what it has mended.
    pub fn log_heal(&mut self, at: &NodeName, volume: &str, entries: u64) {
        let now = self.clock_ms;
        let Some(node) = self.nodes.get_mut(at) else { return };
        let healed = &mut node.journal.healed;
        match healed.last_mut() {
            Some((_, to, last, sum)) if last == volume && now < *to + PIECE_MS => (*to, *sum) = (now, *sum + entries),
            _ => healed.push((now, now, volume.to_owned(), entries)),
        }
        keep_last(healed);
    }
}

fn keep_last<T>(lines: &mut Vec<T>) {
    lines.drain(..lines.len().saturating_sub(KEPT));
}

/// `look-history`.
pub fn look_history(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    let node = &world.nodes[at];
    let ms = |ms: u64| world.since_1970(ms).saturating_add_signed(node.clock_offset_ms);
    let epoch = |at: u64| format!("{}.{:03}000", ms(at) / 1000, ms(at) % 1000);
    let moment = |at: u64| {
        let at = i64::try_from(ms(at)).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        at.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    };
    let mut text = format!("clock\t{}\n", epoch(world.clock_ms));
    for (first, last) in node.journal.boots.iter().chain([&(node.booted_ms, world.clock_ms)]) {
        let _ = writeln!(text, "boot\t{}\t{}", epoch(*first), epoch(*last));
    }
    for (at, who, line) in &node.journal.told {
        let _ = writeln!(text, "told\t{}\t{who}\t{line}", epoch(*at));
    }
    for (from, to, volume, entries) in &node.journal.healed {
        let _ = writeln!(text, "healed\t{volume}\t{}\t{}\t{entries}", moment(*from), moment(*to));
    }
    printed(text)
}
