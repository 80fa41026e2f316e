//! What goes wrong, and when: chosen by hand or drawn from a seed, and the same again each time.
//!
//! Faults are counted in commands of one operator, not in time, so that a run can be replayed and so that a test
//! can put one fault between any two commands. After [`Schedule::until`] nothing goes wrong any more and the world
//! is put right, so that a test may demand that all ends well.

use std::collections::BTreeMap;

use crate::model::NodeName;

/// One thing that goes wrong with a command, or around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operator cannot reach the node for this and the next commands.
    Unreachable {
        /// The node.
        node: NodeName,
        /// How many commands long, counted over all nodes.
        commands: u64,
    },
    /// The deadline passes before the command has done anything.
    TimeoutBefore,
    /// The deadline passes although the command has done all it should.
    TimeoutAfter,
    /// The connection breaks after the command has done all it should.
    Lost,
    /// The output is not what the program prints.
    Garbage,
    /// The second half of the output is missing.
    Truncated,
    /// Glusterd is busy with somebody else's transaction.
    Busy,
    /// The operator dies before the command is run.
    CrashBefore,
    /// The operator dies after the command was run and before it hears of it.
    CrashAfter,
    /// A node loses its power and comes back.
    PowerCut {
        /// The node.
        node: NodeName,
        /// For how long.
        for_ms: u64,
    },
    /// A link carries nothing for a while.
    LinkCut {
        /// One end.
        a: NodeName,
        /// The other.
        b: NodeName,
        /// For how long.
        for_ms: u64,
    },
    /// Glusterd is killed, and its bricks with it.
    KillGlusterd {
        /// Where.
        node: NodeName,
    },
    /// The processes of all bricks of a node are killed.
    KillBricks {
        /// Where.
        node: NodeName,
    },
    /// Corosync is killed.
    KillCorosync {
        /// Where.
        node: NodeName,
    },
    /// One network between two nodes carries nothing for a while.
    NetworkCut {
        /// One end.
        a: NodeName,
        /// The other.
        b: NodeName,
        /// Which: the place of its address among a node's.
        network: usize,
        /// For how long.
        for_ms: u64,
    },
    /// A clock goes wrong.
    ClockSkew {
        /// Whose.
        node: NodeName,
        /// By how much it is ahead.
        ms: i64,
    },
}

/// When what goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Where the random ones come from, and how many of a thousand commands meet one.
    seeded: Option<(u64, u64)>,
    /// Those chosen by hand, by the number of the command.
    chosen: BTreeMap<u64, Vec<Fault>>,
    /// From this command on nothing goes wrong.
    until: Option<u64>,
}

impl Schedule {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Of a thousand commands, `per_mille` meet a fault drawn from `seed`.
    #[must_use]
    pub fn seeded(seed: u64, per_mille: u64) -> Self {
        Self { seeded: Some((seed, per_mille)), ..Self::default() }
    }

    /// This fault as well, at the command of that number; the first command is number 0.
    #[must_use]
    pub fn and(mut self, command: u64, fault: Fault) -> Self {
        self.chosen.entry(command).or_default().push(fault);
        self
    }

    /// From the command of that number on, nothing goes wrong and the world is put right.
    #[must_use]
    pub fn until(self, command: u64) -> Self {
        Self { until: Some(command), ..self }
    }

    /// Whether nothing goes wrong any more at that command.
    pub(super) fn is_over(&self, command: u64) -> bool {
        self.until.is_some_and(|until| command >= until)
    }

    /// What goes wrong at that command, run on `node` of `nodes`.
    pub(super) fn at(&self, command: u64, node: &NodeName, nodes: &[NodeName]) -> Vec<Fault> {
        if self.is_over(command) {
            return Vec::new();
        }
        let mut faults = self.chosen.get(&command).cloned().unwrap_or_default();
        if let Some((seed, per_mille)) = self.seeded {
            // Each command has its own draws, so that one fault more does not shift all that follow.
            let mut draws = Draws(mix(seed ^ mix(command)));
            if draws.below(1000) < per_mille {
                faults.extend(drawn(&mut draws, node, nodes));
            }
        }
        faults
    }
}

fn drawn(draws: &mut Draws, node: &NodeName, nodes: &[NodeName]) -> Option<Fault> {
    let other = nodes.get(draws.below_len(nodes.len()))?.clone();
    let second = nodes.get(draws.below_len(nodes.len()))?.clone();
    let node = node.clone();
    let for_ms = 1000 + draws.below(60_000);
    Some(match draws.below(16) {
        0 | 1 => Fault::Unreachable { node, commands: 1 + draws.below(12) },
        2 => Fault::TimeoutBefore,
        3 | 4 => Fault::TimeoutAfter,
        5 | 6 => Fault::Lost,
        7 => Fault::Garbage,
        8 => Fault::Truncated,
        9 => Fault::Busy,
        10 => Fault::CrashBefore,
        11 => Fault::CrashAfter,
        12 => Fault::PowerCut { node: other, for_ms },
        13 if other != second => Fault::LinkCut { a: other, b: second, for_ms },
        13 | 14 => Fault::KillBricks { node: other },
        _ if for_ms.is_multiple_of(2) => Fault::KillGlusterd { node: other },
        _ if for_ms % 4 == 1 => Fault::KillCorosync { node: other },
        _ => Fault::ClockSkew { node: other, ms: 90_000 },
    })
}

/// splitmix64: a number that looks like no other, from any number.
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = mix(self.0);
        self.0 % limit
    }

    fn below_len(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len.max(1) as u64)).unwrap_or(0)
    }
}
