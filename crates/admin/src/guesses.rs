//! Wrong keys are counted, for each profile that hands them in: a door is no place to try keys out.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{ProfileId, Timestamp};

use crate::failure::Failure;

/// How many wrong keys at once.
const BURST: u32 = 20;
/// How often one more.
const EVERY: Duration = Duration::from_secs(10);

/// What wrong keys have used up. Of one process: replicas do not tell each other. Only profiles that
/// may call are in it, so it cannot outgrow what is declared by much.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<HashMap<ProfileId, Timestamp>>);

impl Guesses {
    /// Pays for one try, before it is looked at.
    ///
    /// # Errors
    /// `Slowed` where nothing is left.
    pub(crate) fn pay(&self, profile: &ProfileId, now: Timestamp) -> Result<(), Failure> {
        let mut used = self.used();
        used.retain(|_, whole_again| *whole_again > now);
        let whole = EVERY.saturating_mul(BURST);
        // Never later than from nothing left, wherever the clock jumps.
        let until = used.get(profile).copied().unwrap_or(now).min(now.plus(whole));
        let until = until.plus(EVERY);
        let over = until.since(now.plus(whole));
        if !over.is_zero() {
            return Err(Failure::Slowed {
                seconds: over.as_secs().saturating_add(1),
                detail: "too many keys that are none of this door's".to_owned(),
            });
        }
        used.insert(profile.clone(), until);
        Ok(())
    }

    /// It was a key of this door: it costs nothing.
    pub(crate) fn give_back(&self, profile: &ProfileId, now: Timestamp) {
        let mut used = self.used();
        if let Some(until) = used.get_mut(profile) {
            *until = until.minus(EVERY).max(now);
        }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<ProfileId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(guesses: &Guesses, profile: &str, now: i64) -> Option<u64> {
        let profile = ProfileId::parse(profile).unwrap();
        match guesses.pay(&profile, Timestamp::from_seconds(now)) {
            Err(Failure::Slowed { seconds, .. }) => Some(seconds),
            _ => None,
        }
    }

    #[test]
    fn after_twenty_wrong_ones_there_is_one_every_ten_seconds_for_that_profile() {
        let guesses = Guesses::default();
        for _ in 0..20 {
            assert_eq!(seconds(&guesses, "a/b", 0), None);
        }
        assert_eq!(seconds(&guesses, "a/b", 0), Some(11));
        assert_eq!(seconds(&guesses, "a/c", 0), None);
        assert_eq!(seconds(&guesses, "a/b", 9), Some(2));
        assert_eq!(seconds(&guesses, "a/b", 10), None);
        assert_eq!(seconds(&guesses, "a/b", 10), Some(11));
        // A clock that is set back locks nobody out.
        assert!(seconds(&guesses, "a/b", -100_000).unwrap() <= 11);
    }

    #[test]
    fn right_ones_cost_nothing() {
        let guesses = Guesses::default();
        let profile = ProfileId::parse("a/b").unwrap();
        for _ in 0..100 {
            assert_eq!(seconds(&guesses, "a/b", 0), None);
            guesses.give_back(&profile, Timestamp::from_seconds(0));
        }
    }
}
