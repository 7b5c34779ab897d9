//! Guessing is slowed down, counted for each pair of source and account and for each source. Who
//! guesses from elsewhere does not lock the owner of an account out.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::Timestamp;

/// Failures that cost nothing: people mistype.
const FREE: u32 = 5;
/// The same for a source over all accounts: many people may share one.
const FREE_OF_SOURCE: u32 = 50;
/// The longest wait between two attempts.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// After this without a failure everything is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Most counts that are kept. Who makes more of them pushes the oldest out.
const COUNTS_MAX: usize = 20_000;

/// Counts of failed attempts.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Count>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(IpAddr, String),
    Source(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last: Timestamp,
}

impl Throttle {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Whether an attempt from `source` on `account` may be made `now`.
    ///
    /// # Errors
    /// How long to wait first.
    pub(crate) fn admit(
        &self,
        source: IpAddr,
        account: &str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let counts = self.counts();
        let waits = keys(source, account).into_iter().filter_map(|(key, free)| {
            let count = counts.get(&key)?;
            let until = count.last.plus(wait(count.failures, free));
            (until > now).then(|| until.since(now))
        });
        waits.max().map_or(Ok(()), Err)
    }

    /// Counts a failed attempt.
    pub(crate) fn failed(&self, source: IpAddr, account: &str, now: Timestamp) {
        let mut counts = self.counts();
        if counts.len() >= COUNTS_MAX {
            counts.retain(|_, it| now.since(it.last) < FORGOTTEN_AFTER);
        }
        if counts.len() >= COUNTS_MAX {
            // Half of them at once: to look for the oldest each time would be work for guessers to make.
            let mut times: Vec<_> = counts.values().map(|it| it.last).collect();
            times.sort_unstable();
            let middle = times.get(COUNTS_MAX / 2).copied().unwrap_or(now);
            counts.retain(|_, it| it.last > middle);
        }
        for (key, _) in keys(source, account) {
            let count = counts.entry(key).or_insert(Count { failures: 0, last: now });
            if now.since(count.last) >= FORGOTTEN_AFTER {
                count.failures = 0;
            }
            *count = Count { failures: count.failures.saturating_add(1), last: now };
        }
    }

    /// Forgets the failures of a pair: its owner is there.
    pub(crate) fn succeeded(&self, source: IpAddr, account: &str) {
        // Not those of the source: whoever has one account must not get to guess others by it.
        self.counts().remove(&Key::Pair(network(source), account.to_owned()));
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(source: IpAddr, account: &str) -> [(Key, u32); 2] {
    let source = network(source);
    let account = account.chars().take(64).collect();
    [(Key::Pair(source, account), FREE), (Key::Source(source), FREE_OF_SOURCE)]
}

/// Whoever has one address of a /64 has all of it.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Twice as long after each failure that is not free.
fn wait(failures: u32, free: u32) -> Duration {
    match failures.checked_sub(free) {
        None | Some(0) => Duration::ZERO,
        Some(over) => Duration::from_secs(1_u64 << over.min(10)).min(WAIT_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slowed_down_and_the_owner_is_not_locked_out() {
        let throttle = Throttle::new();
        let (guesser, owner) = ("192.0.2.1".parse().unwrap(), "198.51.100.1".parse().unwrap());
        let now = Timestamp::from_seconds(1_000);
        for _ in 0..5 {
            assert_eq!(throttle.admit(guesser, "ann", now), Ok(()));
            throttle.failed(guesser, "ann", now);
        }
        throttle.failed(guesser, "ann", now);
        assert_eq!(throttle.admit(guesser, "ann", now), Err(Duration::from_secs(2)));
        assert_eq!(throttle.admit(owner, "ann", now), Ok(()));
        assert_eq!(throttle.admit(guesser, "ben", now), Ok(()));
        let later = now.plus(Duration::from_secs(2));
        assert_eq!(throttle.admit(guesser, "ann", later), Ok(()));
        for _ in 0..30 {
            throttle.failed(guesser, "ann", later);
        }
        assert_eq!(throttle.admit(guesser, "ann", later), Err(WAIT_MAX));
        throttle.succeeded(guesser, "ann");
        assert_eq!(throttle.admit(guesser, "ann", later), Ok(()));
    }

    #[test]
    fn a_source_that_guesses_over_many_accounts_is_slowed_down_for_all() {
        let throttle = Throttle::new();
        let now = Timestamp::from_seconds(1_000);
        let from = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        for number in 0..51 {
            throttle.failed(from(number), &format!("user-{number}"), now);
        }
        assert_eq!(throttle.admit(from(99), "ann", now), Err(Duration::from_secs(2)));
        assert_eq!(throttle.admit("2001:db8:0:2::1".parse().unwrap(), "ann", now), Ok(()));
    }
}
