//! Bad luck that can be repeated: what a test does at random follows from one number, which it tells.

use super::tell;

/// From `BRICKLAYER_LAB_SEED`, to repeat a run; else different in every run.
pub fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    let given = std::env::var("BRICKLAYER_LAB_SEED").ok();
    let seed =
        given.map_or_else(|| RandomState::new().hash_one(0) >> 16, |seed| seed.parse().expect("a seed is a number"));
    tell(&format!("BRICKLAYER_LAB_SEED={seed}"));
    seed
}

/// A step of splitmix64: neighbours become strangers.
pub fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
