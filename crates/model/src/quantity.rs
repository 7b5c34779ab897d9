//! Quantities with their units, as people write them: `10/s`, `5/day`, `30s`, `4MiB`.

use std::{fmt, num::NonZeroU32, time::Duration};

/// So many in any stretch of time, with so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Duration,
    /// How many may come at once.
    pub burst: NonZeroU32,
}

/// So many in a calendar period, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub count: NonZeroU32,
    /// In which period.
    pub period: Period,
}

/// A stretch of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// From minute 0.
    Hour,
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

impl Period {
    /// The word for it in state, records and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl Rate {
    /// Reads `10/s`, `100/m` or `1000/h`. The burst is the count until another is set.
    ///
    /// # Errors
    /// A sentence that says what a rate looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (count, per) = count_and_unit(text)
            .and_then(|(count, unit)| {
                let seconds = match unit {
                    "s" | "second" => 1,
                    "m" | "min" | "minute" => 60,
                    "h" | "hour" => 3600,
                    _ => return None,
                };
                Some((count, Duration::from_secs(seconds)))
            })
            .ok_or_else(|| format!("\"{text}\" is not a rate: write 10/s, 100/m or 1000/h"))?;
        Ok(Self { count, per, burst: count })
    }
}

impl Quota {
    /// Reads `1000/hour`, `5/day`, `100/week` or `10000/month`.
    ///
    /// # Errors
    /// A sentence that says what a quota looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (count, period) = count_and_unit(text)
            .and_then(|(count, unit)| {
                let period = match unit {
                    "hour" => Period::Hour,
                    "day" => Period::Day,
                    "week" => Period::Week,
                    "month" => Period::Month,
                    _ => return None,
                };
                Some((count, period))
            })
            .ok_or_else(|| {
                format!(
                    "\"{text}\" is not a quota: write 1000/hour, 5/day, 100/week or 10000/month"
                )
            })?;
        Ok(Self { count, period })
    }
}

fn count_and_unit(text: &str) -> Option<(NonZeroU32, &str)> {
    let (count, unit) = text.split_once('/')?;
    Some((count.trim().parse().ok()?, unit.trim()))
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per.as_secs() {
            1 => write!(f, "{}/s", self.count),
            60 => write!(f, "{}/m", self.count),
            3600 => write!(f, "{}/h", self.count),
            seconds => write!(f, "{}/{seconds}s", self.count),
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period.as_str())
    }
}

/// Reads a duration: `250ms`, `30s`, `5m`, `12h`, `90d`.
///
/// # Errors
/// A sentence that says what a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is not a duration: write 250ms, 30s, 5m, 12h or 90d");
    let (count, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    count.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

/// Reads a size: `512`, `64KiB`, `4MiB`, `1GiB`, in bytes.
///
/// # Errors
/// A sentence that says what a size looks like.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let wrong = || format!("\"{text}\" is not a size: write 512, 64KiB, 4MiB or 1GiB");
    let (count, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    count.checked_mul(factor).and_then(|it| usize::try_from(it).ok()).ok_or_else(wrong)
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_and_a_quota_read_what_they_write() {
        for text in ["10/s", "100/m", "1000/h"] {
            assert_eq!(Rate::parse(text).unwrap().to_string(), text);
        }
        for text in ["1000/hour", "5/day", "100/week", "10000/month"] {
            assert_eq!(Quota::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "10", "0/s", "-1/s", "10/day", "4294967296/s", "10/s/s"] {
            assert!(Rate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_and_sizes_need_their_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse_bytes("4MiB"), Ok(4 << 20));
        for bad in ["", "5", "5y", "s", "99999999999999999999d", "18446744073709551615d"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        for bad in ["", "4MB", "x", "18446744073709551615GiB"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }
}
