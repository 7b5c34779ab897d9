//! How often a profile may do what costs much, or what is guessing: so many at once, then one at a time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{ProfileId, Timestamp};

use crate::failure::Failure;

/// What profiles have used up. Of one process: replicas do not tell each other. Only profiles that may
/// call are in it, so it cannot outgrow what is declared by much.
#[derive(Debug)]
pub(crate) struct Budget {
    /// How many at once.
    burst: u32,
    /// How often one more.
    every: Duration,
    /// What there was too much of, as who is slowed down is told.
    of: &'static str,
    used: Mutex<HashMap<ProfileId, Timestamp>>,
}

impl Budget {
    /// Of keys that are handed in as found and are none: a door is no place to try keys out.
    pub(crate) fn of_wrong_keys() -> Self {
        let of = "too many keys that are none of this door's";
        Self { burst: 20, every: Duration::from_secs(10), of, used: Mutex::default() }
    }

    /// Of changes that clients make to their own credentials: each is a revision.
    pub(crate) fn of_own_changes() -> Self {
        let of = "too many changes of this profile's credentials";
        Self { burst: 10, every: Duration::from_secs(360), of, used: Mutex::default() }
    }

    /// Pays for one try, before it is looked at.
    ///
    /// # Errors
    /// `Slowed` where nothing is left.
    pub(crate) fn pay(&self, profile: &ProfileId, now: Timestamp) -> Result<(), Failure> {
        let mut used = self.used();
        used.retain(|_, whole_again| *whole_again > now);
        let whole = self.every.saturating_mul(self.burst);
        // Never later than from nothing left, wherever the clock jumps.
        let until = used.get(profile).copied().unwrap_or(now).min(now.plus(whole));
        let until = until.plus(self.every);
        let over = until.since(now.plus(whole));
        if !over.is_zero() {
            return Err(Failure::Slowed {
                seconds: over.as_secs().saturating_add(1),
                detail: self.of.to_owned(),
            });
        }
        used.insert(profile.clone(), until);
        Ok(())
    }

    /// It was no guess: it costs nothing.
    pub(crate) fn give_back(&self, profile: &ProfileId, now: Timestamp) {
        let mut used = self.used();
        if let Some(until) = used.get_mut(profile) {
            *until = until.minus(self.every).max(now);
        }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<ProfileId, Timestamp>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(budget: &Budget, profile: &str, now: i64) -> Option<u64> {
        let profile = ProfileId::parse(profile).unwrap();
        match budget.pay(&profile, Timestamp::from_seconds(now)) {
            Err(Failure::Slowed { seconds, .. }) => Some(seconds),
            _ => None,
        }
    }

    #[test]
    fn what_is_used_up_comes_back_one_at_a_time_for_that_profile() {
        let budget = Budget::of_wrong_keys();
        for _ in 0..20 {
            assert_eq!(seconds(&budget, "a/b", 0), None);
        }
        assert_eq!(seconds(&budget, "a/b", 0), Some(11));
        assert_eq!(seconds(&budget, "a/c", 0), None);
        assert_eq!(seconds(&budget, "a/b", 9), Some(2));
        assert_eq!(seconds(&budget, "a/b", 10), None);
        assert_eq!(seconds(&budget, "a/b", 10), Some(11));
        // A clock that is set back locks nobody out.
        assert!(seconds(&budget, "a/b", -100_000).unwrap() <= 11);
    }

    #[test]
    fn right_ones_cost_nothing() {
        let budget = Budget::of_wrong_keys();
        let profile = ProfileId::parse("a/b").unwrap();
        for _ in 0..100 {
            assert_eq!(seconds(&budget, "a/b", 0), None);
            budget.give_back(&profile, Timestamp::from_seconds(0));
        }
    }
}
