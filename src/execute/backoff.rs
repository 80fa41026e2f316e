//! How often and how soon something is tried again.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(30);

/// Random numbers for jitter: splitmix64, seeded from outside so that a run can be repeated.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// Jitter from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to, not including, 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        // 32 bits are plenty for a pause.
        f64::from(u32::try_from(z >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
    }

    /// The pause before the try after `tries` tries: doubled each time, capped, and between half of that and all.
    pub fn pause(&mut self, tries: u32) -> Duration {
        self.spread(FIRST.saturating_mul(1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX)).min(LONGEST))
    }

    /// Between half of `pause` and all of it, so that many who fail together do not come back together.
    pub fn spread(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + self.fraction() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_cap_and_never_vanish() {
        let mut jitter = Jitter::new(1);
        for tries in 1..80 {
            let pause = jitter.pause(tries);
            assert!(pause >= FIRST / 2 && pause <= LONGEST, "{tries}: {pause:?}");
        }
        assert!(jitter.pause(1) <= FIRST && jitter.pause(60) >= LONGEST / 2);
    }
}
