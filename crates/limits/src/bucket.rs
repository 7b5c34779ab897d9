//! What one limit has counted for one of its subjects.

use std::time::Duration;

use model::{Clock, Measure, Timestamp};

use crate::{quota::QuotaBucket, rate::RateBucket};

/// Both times, read once for a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The time of day, for quotas. May jump.
    pub(crate) now: Timestamp,
    /// The time that does not jump, for rates.
    pub(crate) elapsed: Duration,
}

impl Moment {
    pub(crate) fn read(clock: &Clock) -> Self {
        Self { now: clock.now(), elapsed: clock.elapsed() }
    }
}

/// What one limit has counted for one of its subjects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bucket {
    /// Calls in a calendar period.
    Quota(QuotaBucket),
    /// Calls in any stretch of time.
    Rate(RateBucket),
}

impl Bucket {
    /// A bucket in which nothing is.
    pub(crate) fn new(measure: Measure, moment: Moment) -> Self {
        Self::with_used(measure, 0, moment)
    }

    /// A bucket in which so many calls are counted at this moment.
    pub(crate) fn with_used(measure: Measure, used: u32, moment: Moment) -> Self {
        match measure {
            Measure::Quota(quota) => Self::Quota(QuotaBucket::new(quota, used, moment)),
            Measure::Rate(rate) => Self::Rate(RateBucket::new(rate, used, moment.elapsed)),
        }
    }

    /// Brings it to this moment and to this measure, before anything else is asked of it.
    ///
    /// The measure is the plan's, which may have changed since. What was used stays used.
    pub(crate) fn settle(&mut self, measure: Measure, moment: Moment) {
        if let Self::Quota(bucket) = self {
            bucket.roll(moment);
        }
        match (&mut *self, measure) {
            (Self::Quota(bucket), Measure::Quota(quota)) => bucket.adopt(quota, moment),
            (Self::Rate(bucket), Measure::Rate(rate)) => bucket.adopt(rate, moment.elapsed),
            (Self::Quota(_), Measure::Rate(_)) | (Self::Rate(_), Measure::Quota(_)) => {
                *self = Self::with_used(measure, self.used(moment), moment);
            }
        }
    }

    /// How long until another call fits; none where it does now.
    pub(crate) fn wait(&self, moment: Moment) -> Option<Duration> {
        match self {
            Self::Quota(bucket) => bucket.wait(moment),
            Self::Rate(bucket) => bucket.wait(moment.elapsed),
        }
    }

    /// Counts a call.
    pub(crate) fn debit(&mut self, moment: Moment) {
        match self {
            Self::Quota(bucket) => bucket.debit(),
            Self::Rate(bucket) => bucket.debit(moment.elapsed),
        }
    }

    /// How many calls are counted at present.
    pub(crate) fn used(&self, moment: Moment) -> u32 {
        match self {
            Self::Quota(bucket) => bucket.used(),
            Self::Rate(bucket) => bucket.used(moment.elapsed),
        }
    }

    /// How many calls fit at once at present.
    pub(crate) fn left(&self, moment: Moment) -> u32 {
        self.size().saturating_sub(self.used(moment))
    }

    /// How long until nothing is counted any more, if nobody calls.
    pub(crate) fn renews_in(&self, moment: Moment) -> Duration {
        match self {
            Self::Quota(bucket) => bucket.renews_in(moment),
            Self::Rate(bucket) => bucket.empties_in(moment.elapsed),
        }
    }

    /// How many calls fit at once.
    pub(crate) fn size(&self) -> u32 {
        match self {
            Self::Quota(bucket) => bucket.quota().count.get(),
            Self::Rate(bucket) => bucket.rate().burst.get(),
        }
    }

    /// How many calls fit into which stretch of time, as it is told to callers.
    pub(crate) fn count_and_window(&self) -> (u32, Duration) {
        match self {
            Self::Quota(bucket) => (bucket.quota().count.get(), bucket.length()),
            Self::Rate(bucket) => (bucket.rate().count.get(), bucket.rate().per),
        }
    }

    /// Whether a new bucket would say the same.
    pub(crate) fn is_spent(&self, moment: Moment) -> bool {
        match self {
            Self::Quota(bucket) => bucket.is_spent(moment),
            Self::Rate(bucket) => bucket.used(moment.elapsed) == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Quota, Rate};

    use super::*;

    fn measure(text: &str) -> Measure {
        Rate::parse(text)
            .map_or_else(|_| Measure::Quota(Quota::parse(text).unwrap()), Measure::Rate)
    }

    #[test]
    fn another_measure_keeps_what_was_used() {
        let now = Timestamp::parse("2027-01-31T12:00:00Z").unwrap();
        let moment = Moment { now, elapsed: Duration::from_secs(5) };
        for (before, used, after, want) in [
            ("5/day", 5, "10/day", 5),
            ("5/day", 5, "3/day", 5),
            ("5/day", 4, "5/month", 4),
            ("5/day", 4, "10/s", 4),
            ("50/day", 50, "10/s", 10),
            ("10/s", 4, "5/day", 4),
            ("10/s", 4, "100/h", 4),
        ] {
            let mut bucket = Bucket::new(measure(before), moment);
            for _ in 0..used {
                assert_eq!(bucket.wait(moment), None, "{before}");
                bucket.debit(moment);
            }
            bucket.settle(measure(after), moment);
            assert_eq!(bucket.used(moment), want, "{before} to {after}");
            bucket.settle(measure(after), moment);
            assert_eq!(bucket.used(moment), want, "{before} to {after}, again");
        }
    }

    #[test]
    fn another_measure_brings_nothing_back_from_a_period_that_is_over() {
        let at =
            |text| Moment { now: Timestamp::parse(text).unwrap(), elapsed: Duration::from_secs(5) };
        let mut bucket = Bucket::new(measure("5/day"), at("2027-01-31"));
        bucket.debit(at("2027-01-31"));
        bucket.settle(measure("5/month"), at("2027-02-01"));
        assert_eq!(bucket.used(at("2027-02-01")), 0);
    }
}
