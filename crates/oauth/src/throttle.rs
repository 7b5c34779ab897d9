//! Guessing is slowed down: what can be guessed, or is work to check, is paid for before it is checked,
//! and a good attempt gets its price back. What nobody finds by guessing is checked first, and only a
//! wrong one pays: the right one gets in whatever others do. Budgets are for each source, for each
//! account or client, and for each two of them; a browser that is known has one of its own. What anybody
//! can have done is paid for too, and for good.

mod effort;
mod guess;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::Timestamp;
use store::Digest;

use self::guess::Bucket;
pub(crate) use self::{effort::Effort, guess::Guess};
use crate::error::Denied;

/// Most budgets that are remembered.
const REMEMBERED_MAX: usize = 20_000;

/// What guesses have used up. Of one process: replicas do not tell each other.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    /// When the budget is whole again, where it is not.
    used: HashMap<Digest, Timestamp>,
}

/// An attempt that is paid for. Dropped, it stays paid: so do those that nobody waits for.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt<'t> {
    throttle: &'t Throttle,
    buckets: Vec<Bucket>,
}

impl Throttle {
    /// Pays for an attempt at `guess`.
    ///
    /// # Errors
    /// `temporarily_unavailable`, or `invalid_client` to clients, with status 429 and how long to wait.
    pub(crate) fn attempt(&self, guess: Guess<'_>, now: Timestamp) -> Result<Attempt<'_>, Denied> {
        let buckets = guess.buckets();
        let paid = self.ledger().pay(&buckets, now);
        paid.map_err(|(of, wait)| guess.slowed(of, wait))?;
        Ok(Attempt { throttle: self, buckets })
    }

    /// Pays for what anybody can have done. Nothing gives it back.
    ///
    /// # Errors
    /// With status 429 and how long to wait: `temporarily_unavailable`, but for what has a word of its own.
    pub(crate) fn spend(&self, effort: Effort<'_>, now: Timestamp) -> Result<(), Denied> {
        let paid = self.ledger().pay(&effort.buckets(), now);
        paid.map_err(|(of, wait)| effort.slowed(of, wait))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// It was right, or could not be checked: it costs nothing.
    pub(crate) fn give_back(self, now: Timestamp) {
        self.throttle.ledger().give_back(&self.buckets, now);
    }
}

impl Ledger {
    /// Debits all of these budgets, or none: then which has nothing left, and for how long.
    fn pay(&mut self, buckets: &[Bucket], now: Timestamp) -> Result<(), (&'static str, Duration)> {
        let used = |it: &Bucket| self.whole_again(it, now).plus(it.budget.every);
        let over = |it: &Bucket| used(it).since(now.plus(it.budget.whole()));
        let empty = buckets.iter().filter(|it| !over(it).is_zero()).max_by_key(|it| over(it));
        if let Some(bucket) = empty {
            return Err((bucket.of, over(bucket)));
        }
        let payments: Vec<_> = buckets.iter().map(|it| (it.key, used(it))).collect();
        make_room(&mut self.used, now);
        self.used.extend(payments);
        Ok(())
    }

    /// When a budget is whole again. Never later than from nothing left, wherever the clock jumps.
    fn whole_again(&self, bucket: &Bucket, now: Timestamp) -> Timestamp {
        let until = self.used.get(&bucket.key).copied().unwrap_or(now);
        until.clamp(now, now.plus(bucket.budget.whole()))
    }

    fn give_back(&mut self, buckets: &[Bucket], now: Timestamp) {
        for Bucket { key, budget, of: _ } in buckets {
            let Some(until) = self.used.get_mut(key) else { continue };
            let every = i64::try_from(budget.every.as_micros()).unwrap_or(i64::MAX);
            *until = Timestamp::from_micros(until.as_micros().saturating_sub(every));
            if *until <= now {
                self.used.remove(key);
            }
        }
    }
}

/// Forgets what has run out, else the half that would run out first: who makes many entries pushes out
/// those of one attempt, and not those that are used up.
fn make_room(entries: &mut HashMap<Digest, Timestamp>, now: Timestamp) {
    // Each attempt has three at most.
    if entries.len() < REMEMBERED_MAX.saturating_sub(3) {
        return;
    }
    entries.retain(|_, until| *until > now);
    if entries.len() >= REMEMBERED_MAX / 2 {
        let mut times: Vec<_> = entries.values().copied().collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or(now);
        entries.retain(|_, until| *until > middle);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::error::Code;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn password(last: u8, account: &str) -> Guess<'_> {
        Guess::Password { source: IpAddr::from([192, 0, 2, last]), account, browser: None }
    }

    fn known<'a>(account: &'a str, browser: &'a str) -> Guess<'a> {
        let source = IpAddr::from([192, 0, 2, 1]);
        Guess::Password { source, account, browser: Some(browser) }
    }

    fn is_slowed(throttle: &Throttle, guess: Guess<'_>, now: Timestamp) -> Option<u64> {
        throttle.attempt(guess, now).err().and_then(|it| it.retry_after)
    }

    #[test]
    fn one_source_is_slowed_down_on_one_account_and_no_other_is() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            assert_eq!(is_slowed(&throttle, password(1, "ann"), at(0)), None);
        }
        assert_eq!(is_slowed(&throttle, password(1, "ann"), at(0)), Some(61));
        assert_eq!(is_slowed(&throttle, password(2, "ann"), at(0)), None);
        assert_eq!(is_slowed(&throttle, password(1, "ben"), at(0)), None);
        assert_eq!(is_slowed(&throttle, password(1, "ann"), at(59)), Some(2));
        assert_eq!(is_slowed(&throttle, password(1, "ann"), at(60)), None);
    }

    #[test]
    fn an_account_that_many_sources_guess_at_is_open_to_its_own_browsers() {
        let throttle = Throttle::default();
        let admitted =
            (0..200).filter(|it| is_slowed(&throttle, password(*it, "ann"), at(0)).is_none());
        assert_eq!(admitted.count(), 20);
        assert_eq!(is_slowed(&throttle, known("ann", "b1"), at(0)), None);
        // A trickle for the others.
        assert_eq!(is_slowed(&throttle, password(201, "ann"), at(120)), None);
        assert!(is_slowed(&throttle, password(202, "ann"), at(120)).is_some());
        assert_eq!(is_slowed(&throttle, password(202, "ben"), at(120)), None);
    }

    #[test]
    fn a_source_is_all_of_its_network() {
        let throttle = Throttle::default();
        let from = |text: &str, account: &str| {
            let source = text.parse().unwrap();
            is_slowed(&throttle, Guess::Password { source, account, browser: None }, at(0))
        };
        for number in 0..50 {
            let (source, account) = (format!("2001:db8:0:1::{number:x}"), format!("u{number}"));
            assert_eq!(from(&source, &account), None);
        }
        assert!(from("2001:db8:0:1:ffff::1", "ann").is_some());
        assert_eq!(from("2001:db8:0:2::1", "ann"), None);
    }

    #[test]
    fn who_signs_for_a_client_is_slowed_down_by_nobody_elsewhere() {
        let throttle = Throttle::default();
        let from = |last, client| {
            let source = IpAddr::from([198, 51, 100, last]);
            Guess::Assertion { source, client }
        };
        for last in 2..250 {
            for _ in 0..20 {
                assert_eq!(is_slowed(&throttle, from(last, "batch/main"), at(0)), None);
            }
        }
        let denied = throttle.attempt(from(2, "batch/main"), at(0)).unwrap_err();
        assert_eq!((denied.code, denied.status().as_u16()), (Code::InvalidClient, 429));
        assert_eq!(is_slowed(&throttle, from(2, "batch/other"), at(0)), None);
        assert_eq!(is_slowed(&throttle, from(1, "batch/main"), at(0)), None);
    }

    #[test]
    fn wrong_secrets_are_counted_by_source_and_by_client() {
        let throttle = Throttle::default();
        let wrong = |last, client: &str| {
            let source = IpAddr::from([198, 51, 100, last]);
            is_slowed(&throttle, Guess::WrongSecret { source, client }, at(0))
        };
        let of_client = (2..250).filter(|it| wrong(*it, "batch/main").is_none());
        assert_eq!(of_client.count(), 100);
        let of_source = (0..60).filter(|it| wrong(1, &format!("batch/{it}")).is_none());
        assert_eq!(of_source.count(), 50);
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_up_stays() {
        let throttle = Throttle::default();
        while is_slowed(&throttle, password(1, "ann"), at(0)).is_none() {}
        for number in 0..30_000_u32 {
            let [_, b, c, d] = number.to_be_bytes();
            let guess = Guess::Password {
                source: IpAddr::from([10, b, c, d]),
                account: &number.to_string(),
                browser: None,
            };
            drop(throttle.attempt(guess, at(0)));
            assert!(throttle.ledger().used.len() <= REMEMBERED_MAX);
        }
        assert!(is_slowed(&throttle, password(1, "ann"), at(0)).is_some());
    }

    proptest! {
        /// Whoever guesses, however they spread it over sources and time and whatever the clock does,
        /// gets no more than the budget; the owner's browser gets through; nobody waits without end.
        #[test]
        fn no_more_is_guessed_than_the_budget_and_the_owner_gets_through(
            steps in prop::collection::vec((any::<u8>(), 0_i64..90, any::<bool>()), 1..300),
        ) {
            let throttle = Throttle::default();
            let (mut now, mut admitted) = (0_i64, 0_i64);
            for (source, seconds, is_owner) in steps {
                now = now.saturating_add(seconds);
                if is_owner {
                    let attempt = throttle.attempt(known("ann", "b1"), at(now));
                    prop_assert!(attempt.is_ok());
                    attempt.unwrap().give_back(at(now));
                    continue;
                }
                match throttle.attempt(password(source, "ann"), at(now)) {
                    Ok(_) => admitted = admitted.saturating_add(1),
                    Err(denied) => prop_assert!(denied.retry_after.unwrap() <= 121),
                }
                prop_assert!(admitted <= now.div_euclid(120).saturating_add(20));
            }
            now = now.saturating_sub(3_600);
            let wait = is_slowed(&throttle, password(1, "ann"), at(now));
            prop_assert!(wait.unwrap_or(0) <= 121);
        }

        /// Good attempts cost nothing, in whatever order they end.
        #[test]
        fn who_is_right_is_never_slowed_down(count in 1_usize..200) {
            let throttle = Throttle::default();
            for _ in 0..count {
                throttle.attempt(password(1, "ann"), at(0)).unwrap().give_back(at(0));
            }
            prop_assert!(throttle.ledger().used.is_empty());
        }
    }
}
