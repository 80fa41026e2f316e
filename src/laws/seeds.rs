//! Seeds: every random choice of a law comes from one number, and a law that breaks says which.
//!
//! `BRICKLAYER_SEED=n` repeats one seed, `BRICKLAYER_SEEDS=n` runs the first n on all processors.

use std::collections::BTreeSet;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// The random choices of one seed: splitmix64.
#[derive(Clone)]
pub struct Draws(u64);

impl Draws {
    /// The choices of `seed`.
    pub fn new(seed: u64) -> Self {
        // Neighbours in the list of seeds are to be strangers in everything else.
        let mut draws = Self(seed ^ 0x6c61_7773);
        draws.next();
        draws
    }

    /// A number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, or 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    /// Yes, in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Some of `choices`, each with the same chance.
    pub fn some<T: Clone>(&mut self, percent: usize, choices: &[T]) -> Vec<T> {
        choices.iter().filter(|_| self.chance(percent)).cloned().collect()
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, not a number")))
}

/// How many seeds are wanted, and on how many processors: what is usual on one, because other tests run beside.
fn wanted(usual: u64) -> (u64, usize) {
    let all = || thread::available_parallelism().map_or(1, usize::from);
    number("BRICKLAYER_SEEDS").map_or((usual, 1), |count| (count, all()))
}

/// The usual number of cases for a law that needs all of them at once, or as many as the environment says.
pub fn count(usual: u64) -> u64 {
    wanted(usual).0
}

/// Does the work for each number below `count`.
pub fn each(count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    let all = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            work(number);
        }
    };
    thread::scope(|scope| (0..wanted(count).1).for_each(|_| drop(scope.spawn(all))));
}

/// Runs `law` for its usual number of seeds, or for those that the environment names, and says how to repeat the
/// first that breaks it.
pub fn hold_for(usual: u64, name: &str, law: fn(u64) -> Result<(), String>) {
    let (first, count) = match number("BRICKLAYER_SEED") {
        Some(seed) => (seed, 1),
        None => (0, count(usual)),
    };
    let broken = Mutex::new(BTreeSet::new());
    each(count, |number| {
        if broken.lock().is_ok_and(|broken| !broken.is_empty()) {
            return;
        }
        let seed = first + number;
        let said = catch_unwind(AssertUnwindSafe(|| law(seed))).unwrap_or_else(|_| Err("it panicked".to_owned()));
        if let Err(why) = said {
            broken.lock().expect("no thread panics with it").insert((seed, why));
        }
    });
    if let Some((seed, why)) = broken.into_inner().expect("no thread panics with it").first() {
        panic!("seed {seed}: {why}\nto repeat it: BRICKLAYER_SEED={seed} cargo test --lib laws::{name}");
    }
}
