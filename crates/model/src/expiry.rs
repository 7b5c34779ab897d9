//! When a new credential ends, as people write it: so long from now, or at a time.

use std::time::Duration;

use crate::{Timestamp, quantity::parse_duration};

/// When a new credential ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// So long from now.
    After(Duration),
    /// At this time.
    At(Timestamp),
}

impl Expiry {
    /// How one is written.
    pub const HELP: &'static str = "write 90d, 12h or 2027-01-31";

    /// Where nobody says when.
    pub const USUAL: &'static str = "90d";

    /// Reads `90d`, `12h`, `2027-01-31` or an RFC 3339 time.
    ///
    /// # Errors
    /// A sentence that says what is wrong; [`Expiry::HELP`] says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let after = parse_duration(text).map(Self::After);
        let either = after.or_else(|_| Timestamp::parse(text).map(Self::At));
        either.map_err(|_| format!("\"{text}\" is no expiry"))
    }

    /// The time that is meant at `now`.
    ///
    /// # Errors
    /// A sentence, where that time has gone by.
    pub fn end(self, now: Timestamp) -> Result<Timestamp, String> {
        let end = match self {
            Self::After(duration) => now.plus(duration),
            Self::At(time) => time,
        };
        if end <= now {
            return Err(format!(
                "{end} is not in the future: a credential must end later than now"
            ));
        }
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_in_the_future() {
        let now = Timestamp::parse("2026-11-25T12:00:00Z").unwrap();
        for (text, want) in [
            ("90d", Ok("2027-02-23T12:00:00.000000Z")),
            ("12h", Ok("2026-11-26T00:00:00.000000Z")),
            ("2027-01-31", Ok("2027-01-31T00:00:00.000000Z")),
            ("2026-11-25T12:00:01Z", Ok("2026-11-25T12:00:01.000000Z")),
            ("2026-11-25T12:00:00Z", Err("not in the future")),
            ("0s", Err("not in the future")),
            ("2020-01-01", Err("not in the future")),
            ("soon", Err("\"soon\" is no expiry")),
            ("", Err("no expiry")),
        ] {
            let found = Expiry::parse(text).and_then(|it| it.end(now)).map(|it| it.to_string());
            match want {
                Ok(want) => assert_eq!(found.as_deref(), Ok(want), "{text}"),
                Err(want) => assert!(found.as_ref().unwrap_err().contains(want), "{found:?}"),
            }
        }
    }
}
