//! Time, as an argument: the system's in production, a fake one in tests.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds since the epoch, as tokens carry them.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This point, `by` later; the last representable one where that is past it.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This point, `by` earlier; the first representable one where that is before it.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero where it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads a date (`2027-01-31`, its first moment in UTC) or an RFC 3339 time.
    ///
    /// # Errors
    /// A sentence that says what a time looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let date = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
        let instant = match date {
            Some(date) => date.to_zoned(jiff::tz::TimeZone::UTC).map(|it| it.timestamp()).ok(),
            None => text.parse::<jiff::Timestamp>().ok(),
        };
        instant.map(|it| Self(it.as_microsecond())).ok_or_else(|| {
            format!("\"{text}\" is not a time: write 2027-01-31 or 2027-01-31T12:00:00Z")
        })
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(instant) = jiff::Timestamp::from_microsecond(self.0) else {
            return write!(f, "{}us", self.0);
        };
        let time = jiff::tz::Offset::UTC.to_datetime(instant);
        // By hand for the years that records are of: one is written for every call.
        if !(0..=9999).contains(&time.year()) {
            return write!(f, "{instant:.6}");
        }
        let (year, micros) = (i32::from(time.year()), time.subsec_nanosecond() / 1000);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (place, number) in [
            (0_usize, year / 100),
            (2, year % 100),
            (5, time.month().into()),
            (8, time.day().into()),
            (11, time.hour().into()),
            (14, time.minute().into()),
            (17, time.second().into()),
            (20, micros / 10_000),
            (22, micros / 100 % 100),
            (24, micros % 100),
        ] {
            if let Some(to) = text.get_mut(place..).and_then(<[u8]>::first_chunk_mut::<2>) {
                *to = two_digits(number);
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// The digits of a number from 0 to 99.
fn two_digits(number: i32) -> [u8; 2] {
    [number / 10, number % 10].map(|it| u8::try_from(it).unwrap_or(0).saturating_add(b'0'))
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a fake clock shows, in microseconds.
#[derive(Debug)]
struct Hands {
    now: AtomicI64,
    elapsed: AtomicI64,
}

/// Where the time comes from. Cheap to clone; clones tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    Fake(Arc<Hands>),
    System { started: Instant },
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// A clock that moves only by [`Clock::advance`] and [`Clock::jump`].
    #[must_use]
    pub fn fake(start: Timestamp) -> Self {
        let hands = Hands { now: AtomicI64::new(start.0), elapsed: AtomicI64::new(start.0) };
        Self(Source::Fake(Arc::new(hands)))
    }

    /// Moves a fake clock on. The system's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Fake(hands) = &self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            hands.now.fetch_add(by, Ordering::SeqCst);
            hands.elapsed.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// Sets a fake clock's time of day, forwards or back, while its elapsed time stands still.
    pub fn jump(&self, to: Timestamp) {
        if let Source::Fake(hands) = &self.0 {
            hands.now.store(to.0, Ordering::SeqCst);
        }
    }

    /// The time of day, for records, expiries and calendar quotas. May jump.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Fake(hands) => Timestamp(hands.now.load(Ordering::SeqCst)),
            Source::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
        }
    }

    /// Time since some fixed start, for durations and rates. Never jumps back.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::Fake(hands) => {
                let micros = hands.elapsed.load(Ordering::SeqCst);
                Duration::from_micros(u64::try_from(micros).unwrap_or(0))
            }
            Source::System { started } => Instant::now().saturating_duration_since(*started),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_timestamp_reads_what_it_writes() {
        let time = Timestamp::from_micros(1_795_392_000_123_456);
        assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        assert_eq!(
            Timestamp::parse("2026-11-23").unwrap().to_string(),
            "2026-11-23T00:00:00.000000Z"
        );
        for micros in
            [0, 1, -1, 951_782_400_000_000, 4_102_444_799_999_999, -62_135_596_800_000_000]
        {
            let want = jiff::Timestamp::from_microsecond(micros).unwrap();
            assert_eq!(Timestamp::from_micros(micros).to_string(), format!("{want:.6}"));
        }
        assert!(Timestamp::parse("tomorrow").unwrap_err().contains("2027-01-31"));
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_the_library_writes_it(
            micros in -62_135_596_800_000_000..253_000_000_000_000_000_i64
        ) {
            let want = jiff::Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(Timestamp::from_micros(micros).to_string(), format!("{want:.6}"));
        }
    }

    #[test]
    fn a_fake_clock_moves_only_when_told() {
        let clock = Clock::fake(Timestamp::from_seconds(100));
        let (before, elapsed) = (clock.now(), clock.elapsed());
        let same = clock.clone();
        same.advance(Duration::from_millis(1500));
        assert_eq!(same.now(), clock.now());
        assert_eq!(clock.now().since(before), Duration::from_millis(1500));
        assert_eq!(clock.elapsed() - elapsed, Duration::from_millis(1500));
        clock.jump(before);
        assert_eq!(same.now(), before);
        assert_eq!(clock.elapsed() - elapsed, Duration::from_millis(1500));
    }
}
