//! So many calls in a calendar period.

use std::time::Duration;

use model::{Quota, Timestamp};

use crate::{bucket::Moment, calendar::Window};

/// How long a count outlives its period: a clock that is put back by less finds it again.
const GRACE: Duration = Duration::from_secs(3600);

/// A count of the calls in one period, which starts again with the next.
///
/// The time of day may jump. Put forward, it starts the next period. Put back into an earlier one, the
/// count goes on, or one quota could be used twice. If the clock has not come back into the period by
/// the time it would have ended, the count ends with it, or a clock that was once in the year 2099
/// would lock callers out until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuotaBucket {
    quota: Quota,
    window: Window,
    used: u32,
    /// When the window ends by the clock that does not jump.
    ends: Duration,
}

impl QuotaBucket {
    /// A count that stands at `used` in the present period.
    pub(crate) fn new(quota: Quota, used: u32, moment: Moment) -> Self {
        let window = Window::at(quota.period, moment.now);
        let left = window.end.since(moment.now);
        Self { quota, window, used, ends: moment.elapsed.saturating_add(left) }
    }

    /// Starts again where the period is over.
    pub(crate) fn roll(&mut self, moment: Moment) {
        let is_over = moment.now >= self.window.end;
        if is_over || (self.is_ahead(moment) && moment.elapsed >= self.ends) {
            *self = Self::new(self.quota, 0, moment);
        }
    }

    /// Follows another quota from here on. What was used stays used.
    pub(crate) fn adopt(&mut self, quota: Quota, moment: Moment) {
        if self.quota.period == quota.period {
            self.quota = quota;
        } else {
            *self = Self::new(quota, self.used, moment);
        }
    }

    /// How long until another call fits; none where it does now.
    pub(crate) fn wait(&self, moment: Moment) -> Option<Duration> {
        (self.used >= self.quota.count.get()).then(|| self.renews_in(moment))
    }

    /// Counts a call.
    pub(crate) fn debit(&mut self) {
        self.used = self.used.saturating_add(1);
    }

    /// How many calls were counted in this period.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// When the period is over.
    pub(crate) fn until(&self) -> Timestamp {
        self.window.end
    }

    /// How long until the count starts again.
    pub(crate) fn renews_in(&self, moment: Moment) -> Duration {
        let elapses_in = self.ends.saturating_sub(moment.elapsed);
        if moment.now.plus(elapses_in) < self.window.start {
            return elapses_in;
        }
        self.window.end.since(moment.now)
    }

    /// Whether a new count would say the same, and the clock is well past this one.
    pub(crate) fn is_spent(&self, moment: Moment) -> bool {
        let is_past = moment.now >= self.window.end.plus(GRACE) || self.is_ahead(moment);
        is_past && moment.elapsed >= self.ends.saturating_add(GRACE)
    }

    pub(crate) fn quota(&self) -> Quota {
        self.quota
    }

    pub(crate) fn length(&self) -> Duration {
        self.window.end.since(self.window.start)
    }

    /// Whether the clock was put back to before this period.
    fn is_ahead(&self, moment: Moment) -> bool {
        moment.now < self.window.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn moment(now: &str, elapsed: Duration) -> Moment {
        Moment { now: Timestamp::parse(now).unwrap(), elapsed }
    }

    /// A count of one a day, used up at `moment`.
    fn used_up(moment: Moment) -> QuotaBucket {
        QuotaBucket::new(Quota::parse("1/day").unwrap(), 1, moment)
    }

    fn fits(bucket: &mut QuotaBucket, moment: Moment) -> bool {
        bucket.roll(moment);
        bucket.wait(moment).is_none()
    }

    #[test]
    fn a_clock_that_swings_around_midnight_gives_away_nothing() {
        let mut bucket = used_up(moment("2026-12-31T23:59:59Z", Duration::ZERO));
        let second = Duration::from_secs(1);
        assert!(fits(&mut bucket, moment("2027-01-01", second)));
        bucket.debit();
        for swing in 1..100 {
            assert!(!fits(&mut bucket, moment("2026-12-31T23:59:59Z", second * swing)));
            assert!(!fits(&mut bucket, moment("2027-01-01", second * swing)));
        }
        assert!(fits(&mut bucket, moment("2027-01-02", 24 * HOUR)));
    }

    #[test]
    fn a_clock_that_was_far_ahead_locks_out_for_a_period_at_most() {
        let mut bucket = used_up(moment("2099-06-15T18:00:00Z", Duration::ZERO));
        let corrected = moment("2026-06-15T12:00:00Z", Duration::ZERO);
        assert!(!fits(&mut bucket, corrected));
        assert_eq!(bucket.wait(corrected), Some(6 * HOUR));
        assert!(!fits(&mut bucket, moment("2026-06-15T17:59:59Z", 6 * HOUR - HOUR / 3600)));
        assert!(fits(&mut bucket, moment("2026-06-15T18:00:00Z", 6 * HOUR)));
    }

    #[test]
    fn a_clock_that_was_a_little_ahead_makes_the_period_no_shorter() {
        // Put back over midnight by two hours: the day still ends when its midnight comes.
        let mut bucket = used_up(moment("2027-01-01T01:00:00Z", Duration::ZERO));
        let back = moment("2026-12-31T23:00:00Z", Duration::ZERO);
        assert!(!fits(&mut bucket, back));
        assert_eq!(bucket.wait(back), Some(25 * HOUR));
        assert!(!fits(&mut bucket, moment("2027-01-01T23:00:00Z", 24 * HOUR)));
        assert!(fits(&mut bucket, moment("2027-01-02", 25 * HOUR)));
    }

    #[test]
    fn a_count_is_forgotten_only_well_after_its_period() {
        let bucket = used_up(moment("2027-01-01", Duration::ZERO));
        for (now, elapsed, want) in [
            ("2027-01-01T12:00:00Z", 12 * HOUR, false),
            ("2027-01-02T00:30:00Z", 24 * HOUR + HOUR / 2, false),
            ("2027-01-02T01:00:00Z", 25 * HOUR, true),
            // Put forward: it may well be put back again.
            ("2031-01-01", HOUR, false),
            // Put back: until it would have ended.
            ("2026-01-01", HOUR, false),
            ("2026-01-01", 25 * HOUR, true),
        ] {
            assert_eq!(bucket.is_spent(moment(now, elapsed)), want, "{now} {elapsed:?}");
        }
    }
}
