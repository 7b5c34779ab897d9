//! So many calls in any stretch of time: the generic cell rate algorithm, in whole numbers.

use std::time::Duration;

use model::Rate;

/// A bucket that calls fill and time empties.
///
/// Amounts are in units of a nanosecond divided by the rate's count. A call then costs exactly as many
/// units as the rate's period has nanoseconds, and a rate such as 3/s has no rounding to give away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateBucket {
    rate: Rate,
    /// When the bucket is empty again if nobody calls: the theoretical arrival time.
    empty_at: u128,
}

impl RateBucket {
    /// A bucket in which `used` calls are, or as many as fit.
    pub(crate) fn new(rate: Rate, used: u32, elapsed: Duration) -> Self {
        let level = u128::from(used.min(rate.burst.get())).saturating_mul(cost(rate));
        Self { rate, empty_at: units(rate, elapsed).saturating_add(level) }
    }

    /// Follows another rate from here on. The same calls stay in it, as far as they fit.
    pub(crate) fn adopt(&mut self, rate: Rate, elapsed: Duration) {
        if self.rate == rate {
            return;
        }
        let level = self
            .level(elapsed)
            .checked_mul(cost(rate))
            .map_or(u128::MAX, |it| it.div_ceil(cost(self.rate)))
            .min(capacity(rate));
        *self = Self { rate, empty_at: units(rate, elapsed).saturating_add(level) };
    }

    /// How long until another call fits; none where it does now.
    pub(crate) fn wait(&self, elapsed: Duration) -> Option<Duration> {
        let after = self.level(elapsed).saturating_add(cost(self.rate));
        let over = after.saturating_sub(capacity(self.rate));
        // Most calls fit, and to divide numbers of this size takes longer than all else here.
        if over == 0 {
            return None;
        }
        let nanos = over.div_ceil(u128::from(self.rate.count.get()));
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    /// Puts a call in.
    pub(crate) fn debit(&mut self, elapsed: Duration) {
        let from = self.empty_at.max(units(self.rate, elapsed));
        self.empty_at = from.saturating_add(cost(self.rate));
    }

    /// How many calls are in it, one that has partly run out included.
    pub(crate) fn used(&self, elapsed: Duration) -> u32 {
        u32::try_from(self.level(elapsed).div_ceil(cost(self.rate))).unwrap_or(u32::MAX)
    }

    /// How long until it is empty.
    pub(crate) fn empties_in(&self, elapsed: Duration) -> Duration {
        let nanos = self.level(elapsed).div_ceil(u128::from(self.rate.count.get()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    fn level(&self, elapsed: Duration) -> u128 {
        self.empty_at.saturating_sub(units(self.rate, elapsed))
    }
}

fn units(rate: Rate, elapsed: Duration) -> u128 {
    elapsed.as_nanos().saturating_mul(u128::from(rate.count.get()))
}

/// What a call costs. Never nothing: a rate over no time at all would be no limit.
fn cost(rate: Rate) -> u128 {
    rate.per.as_nanos().max(1)
}

fn capacity(rate: Rate) -> u128 {
    cost(rate).saturating_mul(u128::from(rate.burst.get()))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests")]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn rate(count: u32, per: Duration, burst: u32) -> Rate {
        let [count, burst] = [count, burst].map(|it| NonZeroU32::new(it).unwrap());
        Rate { count, per, burst }
    }

    #[test]
    fn three_a_second_are_three_in_every_second_for_ever() {
        let mut bucket = RateBucket::new(rate(3, Duration::from_secs(1), 3), 0, Duration::ZERO);
        let mut now = Duration::ZERO;
        for _ in 0..3 * 10_000 {
            now += bucket.wait(now).unwrap_or_default();
            bucket.debit(now);
        }
        // Three at once, and every second three more: rounding would have moved the last.
        assert_eq!(now, Duration::from_secs(9_999));
    }

    #[test]
    fn a_call_that_is_a_part_of_a_nanosecond_early_waits_for_the_rest() {
        let mut bucket = RateBucket::new(rate(3, Duration::from_secs(1), 1), 0, Duration::ZERO);
        bucket.debit(Duration::ZERO);
        let third = Duration::from_nanos(333_333_333);
        let nanosecond = Duration::from_nanos(1);
        assert_eq!(bucket.wait(third), Some(nanosecond));
        assert_eq!(bucket.wait(third + nanosecond), None);
    }

    #[test]
    fn another_rate_keeps_the_calls_that_are_in() {
        let second = Duration::from_secs(1);
        let mut bucket = RateBucket::new(rate(10, second, 10), 4, Duration::ZERO);
        bucket.adopt(rate(60, 60 * second, 100), Duration::ZERO);
        assert_eq!(bucket.used(Duration::ZERO), 4);
        bucket.adopt(rate(1, second, 3), Duration::ZERO);
        assert_eq!(bucket.used(Duration::ZERO), 3);
        assert_eq!(bucket.wait(Duration::ZERO), Some(second));
    }

    #[test]
    fn the_ends_of_every_number_hold() {
        let most = u32::MAX;
        for rate in [
            rate(1, Duration::ZERO, 1),
            rate(most, Duration::from_nanos(1), most),
            rate(1, Duration::MAX, most),
            rate(most, Duration::MAX, 1),
        ] {
            let mut bucket = RateBucket::new(rate, 0, Duration::MAX);
            assert_eq!(bucket.wait(Duration::MAX), None);
            bucket.debit(Duration::MAX);
            assert!(bucket.wait(Duration::MAX).is_some() || rate.burst.get() > 1);
            bucket.adopt(Rate::parse("1/s").unwrap(), Duration::MAX);
            assert!(bucket.used(Duration::MAX) <= 1);
        }
    }

    proptest! {
        /// The definition of a rate: whatever stretch of time one looks at, from call to call.
        #[test]
        fn no_stretch_of_time_holds_more_than_the_rate_and_the_burst(
            count in 1..20_u32,
            per_ms in 1..3000_u64,
            burst in 1..10_u32,
            steps in prop::collection::vec(0..400_000_000_u64, 1..120),
        ) {
            let rate = rate(count, Duration::from_millis(per_ms), burst);
            let mut bucket = RateBucket::new(rate, 0, Duration::ZERO);
            let (mut now, mut admitted) = (Duration::ZERO, Vec::new());
            for step in steps {
                now += Duration::from_nanos(step);
                if bucket.wait(now).is_none() {
                    bucket.debit(now);
                    admitted.push(now);
                }
            }
            for (first, from) in admitted.iter().enumerate() {
                for (last, to) in admitted.iter().enumerate().skip(first) {
                    // calls ≤ burst + count × stretch / per
                    let calls = u128::try_from(last - first + 1).unwrap();
                    let over = calls.saturating_sub(u128::from(burst));
                    let stretch = (*to - *from).as_nanos();
                    prop_assert!(over * rate.per.as_nanos() <= u128::from(count) * stretch);
                }
            }
        }

        #[test]
        fn what_a_caller_is_told_to_wait_is_exact(
            count in 1..2000_u32,
            per_ms in 1..100_000_u64,
            burst in 1..50_u32,
            more in 0..1_000_000_000_u64,
        ) {
            let rate = rate(count, Duration::from_millis(per_ms), burst);
            let start = Duration::from_nanos(more);
            let bucket = RateBucket::new(rate, burst, start);
            let wait = bucket.wait(start).unwrap();
            prop_assert_eq!(bucket.wait(start + wait), None);
            let nanosecond = Duration::from_nanos(1);
            prop_assert_eq!(bucket.wait(start + wait - nanosecond), Some(nanosecond));
        }
    }
}
