//! The calendar that quotas follow: hours, days, weeks and months in UTC.

use jiff::{civil::Date, tz::TimeZone};
use model::{Period, Timestamp};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// 1970-01-01 was a Thursday; weeks begin on the Monday before.
const MONDAY: i64 = -3 * DAY;

/// One period of the calendar: from its first microsecond to the first of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Window {
    /// The period that `now` lies in.
    pub(crate) fn at(period: Period, now: Timestamp) -> Self {
        match period {
            Period::Hour => Self::stretch(now, HOUR, 0),
            Period::Day => Self::stretch(now, DAY, 0),
            Period::Week => Self::stretch(now, WEEK, MONDAY),
            // Where the calendar ends, beyond the year 9999, months have 30 days.
            Period::Month => Self::month(now).unwrap_or_else(|| Self::stretch(now, 30 * DAY, 0)),
        }
    }

    /// Stretches of one length, of which one starts at `origin`. UTC days all have one length here:
    /// the system's clock does not count leap seconds.
    fn stretch(now: Timestamp, length: i64, origin: i64) -> Self {
        let into = now.as_micros().saturating_sub(origin).rem_euclid(length);
        let start = now.as_micros().saturating_sub(into);
        Self {
            start: Timestamp::from_micros(start),
            end: Timestamp::from_micros(start.saturating_add(length)),
        }
    }

    fn month(now: Timestamp) -> Option<Self> {
        let now = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?;
        let date = now.to_zoned(TimeZone::UTC).date();
        Some(Self {
            start: midnight(date.first_of_month())?,
            end: midnight(date.last_of_month().tomorrow().ok()?)?,
        })
    }
}

fn midnight(date: Date) -> Option<Timestamp> {
    let micros = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond();
    Some(Timestamp::from_micros(micros))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_window_is_the_calendar_s() {
        use Period::{Day, Hour, Month, Week};
        for (period, now, start, end) in [
            (Hour, "2026-12-31T23:59:59.999999Z", "2026-12-31T23:00:00Z", "2027-01-01"),
            (Hour, "1969-12-31T23:59:59Z", "1969-12-31T23:00:00Z", "1970-01-01"),
            (Day, "2026-12-31T23:59:59.999999Z", "2026-12-31", "2027-01-01"),
            (Day, "2027-01-01", "2027-01-01", "2027-01-02"),
            (Day, "2028-02-28T12:00:00Z", "2028-02-28", "2028-02-29"),
            (Week, "2027-01-03T23:59:59.999999Z", "2026-12-28", "2027-01-04"),
            (Week, "2027-01-04", "2027-01-04", "2027-01-11"),
            (Week, "1970-01-01", "1969-12-29", "1970-01-05"),
            (Month, "2026-12-31T23:59:59.999999Z", "2026-12-01", "2027-01-01"),
            (Month, "2027-01-01", "2027-01-01", "2027-02-01"),
            (Month, "2027-02-28T23:59:59.999999Z", "2027-02-01", "2027-03-01"),
            (Month, "2028-02-29", "2028-02-01", "2028-03-01"),
            (Month, "2100-02-28", "2100-02-01", "2100-03-01"),
            (Month, "1969-12-31T23:59:59Z", "1969-12-01", "1970-01-01"),
        ] {
            let time = |text| Timestamp::parse(text).unwrap();
            let want = Window { start: time(start), end: time(end) };
            assert_eq!(Window::at(period, time(now)), want, "{period:?} {now}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_its_window(
            micros in prop_oneof![any::<i64>(), -4_000_000_000_000_000..8_000_000_000_000_000_i64],
        ) {
            let now = Timestamp::from_micros(micros);
            for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
                let window = Window::at(period, now);
                let is_last = window.end.as_micros() == i64::MAX;
                prop_assert!(window.start <= now && (now < window.end || is_last), "{window:?}");
                // The whole window agrees on where it begins and ends, and the next one follows.
                if window.start.as_micros() > i64::MIN + WEEK && !is_last {
                    prop_assert_eq!(Window::at(period, window.start), window);
                    let last = Timestamp::from_micros(window.end.as_micros() - 1);
                    prop_assert_eq!(Window::at(period, last), window);
                }
            }
        }
    }
}
