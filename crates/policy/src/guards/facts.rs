//! What guards see of a call, besides caller, operation and arguments.

use std::net::IpAddr;

use model::{Surface, Timestamp};

/// What guards see of a call, besides caller, operation and arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// How it arrived.
    pub surface: Surface,
    /// Where it came from.
    pub ip: IpAddr,
    /// When it arrived.
    pub at: Timestamp,
}

const WEEKDAYS: [&str; 7] =
    ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];

impl Facts {
    /// The hour in UTC, 0 to 23.
    pub(super) fn hour(&self) -> i64 {
        self.at.as_seconds().div_euclid(3600).rem_euclid(24)
    }

    /// The weekday in UTC: `monday`.
    pub(super) fn weekday(&self) -> &'static str {
        // The first day of the epoch was a Thursday.
        let day = usize::try_from(self.at.as_seconds().div_euclid(86_400).rem_euclid(7));
        day.ok().and_then(|it| WEEKDAYS.get(it)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_and_the_weekday_are_those_of_utc() {
        let facts = |text| {
            let at = Timestamp::parse(text).unwrap();
            let facts = Facts { surface: Surface::Rest, ip: [127, 0, 0, 1].into(), at };
            (facts.hour(), facts.weekday())
        };
        assert_eq!(facts("1970-01-01T00:00:00Z"), (0, "thursday"));
        assert_eq!(facts("2026-11-25T23:59:59Z"), (23, "wednesday"));
        assert_eq!(facts("2026-11-26T01:00:00+02:00"), (23, "wednesday"));
        assert_eq!(facts("1969-12-31T12:00:00Z"), (12, "wednesday"));
    }
}
