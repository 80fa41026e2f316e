//! Who is due when: one wake a key, earliest wins, nobody twice at once, and not too many side by side.
//!
//! Wakes carry no meaning: whatever woke a key, all of it is looked at again. So any number of them that come
//! before it is due are one, and one that comes while it is at work is kept until that has ended.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

/// The wakes of many keys.
#[derive(Debug)]
pub struct Scheduler<K> {
    due: BTreeMap<K, Instant>,
    working: BTreeSet<K>,
    most: usize,
}

impl<K: Ord + Clone> Scheduler<K> {
    /// Nobody is due; at most `most` keys will work side by side.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { due: BTreeMap::new(), working: BTreeSet::new(), most }
    }

    /// Makes `key` due at `at`, unless it is due earlier.
    pub fn wake(&mut self, key: &K, at: Instant) {
        let due = self.due.entry(key.clone()).or_insert(at);
        *due = at.min(*due);
    }

    /// The key that has been due for longest at `now` and may work: it does from now on.
    pub fn start(&mut self, now: Instant) -> Option<K> {
        let (at, key) = self.first()?;
        if at > now {
            return None;
        }
        let key = key.clone();
        self.due.remove(&key);
        self.working.insert(key.clone());
        Some(key)
    }

    /// `key` works no more.
    pub fn ended(&mut self, key: &K) {
        self.working.remove(key);
    }

    /// Whether `key` is at work.
    #[must_use]
    pub fn works(&self, key: &K) -> bool {
        self.working.contains(key)
    }

    /// `key` is not due any more. Whether it works, [`ended`](Self::ended) tells.
    pub fn forget(&mut self, key: &K) {
        self.due.remove(key);
    }

    /// When there will be somebody to start, unless a wake or an end comes first.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.first().map(|(at, _)| at)
    }

    fn first(&self) -> Option<(Instant, &K)> {
        if self.working.len() >= self.most {
            return None;
        }
        let idle = self.due.iter().filter(|(key, _)| !self.working.contains(*key));
        idle.map(|(key, at)| (*at, key)).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn started(scheduler: &mut Scheduler<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| scheduler.start(Instant::now())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_starts_before_it_is_due() {
        let mut scheduler = Scheduler::new(8);
        scheduler.wake(&"a", Instant::now() + SECOND);
        assert!(started(&mut scheduler).is_empty());
        assert_eq!(scheduler.next(), Some(Instant::now() + SECOND));
        advance(SECOND).await;
        assert_eq!(started(&mut scheduler), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_wakes_the_earliest_wins_and_the_others_are_the_same_wake() {
        let mut scheduler = Scheduler::new(8);
        for seconds in [5, 1, 3] {
            scheduler.wake(&"a", Instant::now() + SECOND * seconds);
        }
        advance(SECOND).await;
        assert_eq!(started(&mut scheduler), ["a"]);
        scheduler.ended(&"a");
        advance(SECOND * 9).await;
        assert!(started(&mut scheduler).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_at_work_is_not_started_again_but_a_wake_meanwhile_is_kept() {
        let mut scheduler = Scheduler::new(8);
        scheduler.wake(&"a", Instant::now());
        assert_eq!(started(&mut scheduler), ["a"]);
        scheduler.wake(&"a", Instant::now());
        assert!(started(&mut scheduler).is_empty() && scheduler.next().is_none());
        scheduler.ended(&"a");
        assert_eq!(started(&mut scheduler), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_bound_work_side_by_side_and_who_waits_longest_is_next() {
        let mut scheduler = Scheduler::new(2);
        for (index, key) in ["d", "c", "b", "a"].into_iter().enumerate() {
            scheduler.wake(&key, Instant::now() + Duration::from_millis(u64::try_from(index).unwrap()));
        }
        advance(SECOND).await;
        assert_eq!(started(&mut scheduler), ["d", "c"]);
        assert_eq!(scheduler.next(), None);
        scheduler.ended(&"c");
        assert_eq!(started(&mut scheduler), ["b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_forgotten_is_not_started() {
        let mut scheduler = Scheduler::new(2);
        scheduler.wake(&"a", Instant::now());
        scheduler.forget(&"a");
        assert!(started(&mut scheduler).is_empty());
    }
}
