//! From how a tick ended to when the next one comes.

use std::time::Duration;

use crate::execute::backoff::Jitter;
use crate::model::{Plan, Report, Verdict, Work};

/// The pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause after failures.
const LONGEST: Duration = Duration::from_secs(300);

/// How a tick ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as written.
    AsWritten,
    /// What differs is not for this watch to mend: held items, or a dry run.
    Left,
    /// Something comes by itself and is worth looking at after this long; whether anything was done meanwhile.
    Coming(Duration, bool),
    /// Something did not work that may work later.
    Failed,
    /// It was ended before its time: there is a newer file, or the watch ends.
    Interrupted,
    /// There is nothing to keep: no usable file has been seen yet.
    Nothing,
}

impl Outcome {
    /// What a report says.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        match report.verdict {
            Verdict::AsWritten => Self::AsWritten,
            Verdict::Held => Self::Left,
            Verdict::Failed => Self::Failed,
            Verdict::Unsettled => match poll(&report.left) {
                Some(poll) => Self::Coming(poll, !report.done.is_empty()),
                None => Self::Failed,
            },
        }
    }

    /// What a look without work says.
    #[must_use]
    pub fn of_look(plan: &Plan) -> Self {
        if plan.is_empty() { Self::AsWritten } else { Self::Left }
    }
}

/// How long until a look is worth it, if waiting is all there is to do.
fn poll(plan: &Plan) -> Option<Duration> {
    if plan.ready().next().is_some() {
        return None;
    }
    let polls = plan.waiting().filter_map(|step| match &step.item.work {
        Work::Wait(wait) => Some(wait.poll),
        Work::Run(_) | Work::Held(_) => None,
    });
    polls.min()
}

/// The pace at which one cluster is looked at.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    jitter: Jitter,
    failures: u32,
    waits: u32,
}

impl Pace {
    /// Looks every `interval`; `seed` makes it differ from other clusters'.
    #[must_use]
    pub fn new(interval: Duration, seed: u64) -> Self {
        Self { interval, jitter: Jitter::new(seed), failures: 0, waits: 0 }
    }

    /// How long until the next tick after one that took so long.
    ///
    /// # Guarantees
    /// From the beginning of one tick to that of the next is never longer than the interval, except after failures
    /// and slow ticks; jitter only ever makes it shorter. At least half the interval is rest.
    pub fn after(&mut self, outcome: Outcome, took: Duration) -> Duration {
        let Self { failures, waits, interval, jitter } = self;
        match outcome {
            Outcome::AsWritten | Outcome::Left | Outcome::Nothing => {
                (*failures, *waits) = (0, 0);
                let every = interval.mul_f64(0.9) + jitter.spread(interval.mul_f64(0.1));
                every.saturating_sub(took).max(*interval / 2)
            }
            Outcome::Coming(poll, moved) => {
                // What takes long is looked at more rarely: the delay stays in proportion to the wait.
                (*failures, *waits) = (0, if moved { 0 } else { *waits });
                let pause = doubled(poll, *waits).min(*interval);
                *waits += 1;
                pause
            }
            Outcome::Failed => {
                *waits = 0;
                let pause = doubled(FIRST, *failures).min(LONGEST);
                *failures += 1;
                jitter.spread(pause)
            }
            Outcome::Interrupted => Duration::ZERO,
        }
    }

    /// Forgets failures: what failed is not what is written any more.
    pub fn fresh(&mut self) {
        (self.failures, self.waits) = (0, 0);
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const TOOK: Duration = Duration::ZERO;

    #[test]
    fn a_settled_cluster_is_looked_at_again_within_the_interval_and_not_with_all_others_at_once() {
        let mut pauses: Vec<Duration> =
            (0..20).map(|seed| Pace::new(INTERVAL, seed).after(Outcome::AsWritten, TOOK)).collect();
        assert!(pauses.iter().all(|pause| *pause <= INTERVAL && *pause >= INTERVAL.mul_f64(0.9)), "{pauses:?}");
        pauses.sort();
        pauses.dedup();
        assert!(pauses.len() > 15, "{pauses:?}");
    }

    #[test]
    fn the_interval_counts_from_one_beginning_to_the_next_and_half_of_it_is_rest() {
        let after = |took: u64| Pace::new(INTERVAL, 1).after(Outcome::AsWritten, Duration::from_secs(took));
        assert_eq!(after(0), after(4) + Duration::from_secs(4));
        assert_eq!(after(400), INTERVAL / 2);
    }

    #[test]
    fn failures_back_off_to_a_cap_until_success_or_a_new_file() {
        let mut pace = Pace::new(INTERVAL, 1);
        let mut longest = FIRST;
        for _ in 0..70 {
            let pause = pace.after(Outcome::Failed, TOOK);
            assert!(pause <= longest && pause >= longest / 2, "{pause:?} of {longest:?}");
            longest = (longest * 2).min(LONGEST);
        }
        pace.fresh();
        assert!(pace.after(Outcome::Failed, TOOK) <= FIRST);
        assert!(pace.after(Outcome::Failed, TOOK) >= FIRST);
        pace.after(Outcome::AsWritten, TOOK);
        assert!(pace.after(Outcome::Failed, TOOK) <= FIRST);
    }

    #[test]
    fn what_comes_by_itself_is_looked_at_at_its_poll_and_more_rarely_the_longer_it_takes() {
        let poll = Duration::from_secs(2);
        let mut pace = Pace::new(INTERVAL, 1);
        let pauses: Vec<u64> = (0..6).map(|_| pace.after(Outcome::Coming(poll, false), TOOK).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30]);
        assert_eq!(pace.after(Outcome::Coming(poll, true), TOOK), poll);
    }
}
