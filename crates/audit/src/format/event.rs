//! A line of the log as it was read, with every value within its bound.

use serde_json::{Map, Value};

use super::{FormatError, Source};
use crate::text;

/// Longest text of a member in an event. The longest of the log is half of it.
const TEXT_BYTES_MAX: usize = 4096;
/// Longest JSON of a member that is no text: arguments, or the calls that a header names.
const VALUE_BYTES_MAX: usize = 16 << 10;

/// A record as it was read.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) source: Source<'a>,
    /// The members, those of the frame among them, and `prev` where it is known.
    members: Map<String, Value>,
    /// When it happened, in microseconds since 1970.
    pub(super) time_us: i64,
    /// The line itself.
    pub(super) line: &'a [u8],
    /// Whether something is missing, here or in the line already.
    pub(super) is_truncated: bool,
}

impl<'a> Event<'a> {
    pub(super) fn read(line: &'a [u8], source: &Source<'a>) -> Result<Self, FormatError> {
        let read: Result<Map<String, Value>, _> = serde_json::from_slice(line);
        let mut members = read.map_err(|source| FormatError::Json { source })?;
        // Whitespace of JSON may be a line break; the log has none, so this is no line of it.
        if line.iter().any(|it| *it < 0x20) {
            return Err(FormatError::Member { member: "line" });
        }
        if let Some(prev) = source.prev {
            members.entry("prev").or_insert_with(|| prev.to_string().into());
        }
        let of = |member| FormatError::Member { member };
        let text = |name: &'static str| {
            members.get(name).and_then(Value::as_str).ok_or(FormatError::Member { member: name })
        };
        let time_us = micros(text("time")?).ok_or_else(|| of("time"))?;
        members.get("seq").and_then(Value::as_u64).ok_or_else(|| of("seq"))?;
        text("kind")?;
        let is_hash = |it: &str| it.len() == 64 && it.bytes().all(|it| it.is_ascii_hexdigit());
        Some(text("hash")?).filter(|it| is_hash(it)).ok_or_else(|| of("hash"))?;
        let mut is_truncated = false;
        for value in members.values_mut() {
            is_truncated |= bound(value);
        }
        Ok(Self { source: *source, members, time_us, line, is_truncated })
    }

    /// The text of a member; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    /// What happened, as one word: the event, or the kind where this says it all. No record is without.
    pub(super) fn code(&self) -> &str {
        Some(self.text("event")).filter(|it| !it.is_empty()).unwrap_or_else(|| self.text("kind"))
    }

    /// What was done, as one word: the operation, the event, the message, or the method.
    pub(super) fn action(&self) -> &str {
        let names = ["operation", "event", "rpc", "method", "kind"];
        names.into_iter().map(|it| self.text(it)).find(|it| !it.is_empty()).unwrap_or_default()
    }
}

/// Cuts a value that is too long, and whether it is, or was before.
fn bound(value: &mut Value) -> bool {
    if let Value::String(text) = value {
        let was_cut = text.ends_with(" bytes in all]") && text.contains("[cut, ");
        let is_long = text.len() > TEXT_BYTES_MAX;
        if is_long {
            *text = text::cut(text, TEXT_BYTES_MAX).into_owned();
        }
        return was_cut || is_long;
    }
    if !value.is_array() && !value.is_object() {
        return false;
    }
    let json = value.to_string();
    let is_long = json.len() > VALUE_BYTES_MAX;
    if is_long {
        *value = text::cut(&json, TEXT_BYTES_MAX).into_owned().into();
    }
    is_long || json.contains(" bytes in all]")
}

/// A time as the log writes it: `2026-11-23T00:00:00.123456Z`, in UTC.
fn micros(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.')?;
    let mut clock = clock.splitn(3, ':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let is_time = fraction.len() == 6 && hour < 24 && minute < 60 && second < 61;
    if !is_time || !(1..=12).contains(&month) || !(1..=31).contains(&day) || year > 9999 {
        return None;
    }
    let seconds = days(year, month, day)?
        .checked_mul(24)?
        .checked_add(hour)?
        .checked_mul(60)?
        .checked_add(minute)?
        .checked_mul(60)?
        .checked_add(second)?;
    seconds.checked_mul(1_000_000)?.checked_add(number(fraction)?)
}

fn number(digits: &str) -> Option<i64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Days since 1970, in the calendar that begins its year in March: leap days come last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let from_march = month.checked_add(9)?.checked_rem(12)?;
    let day_of_year =
        from_march.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day)?;
    let leaps = year.div_euclid(4).checked_sub(year.div_euclid(100))?;
    let leaps = leaps.checked_add(year.div_euclid(400))?;
    year.checked_mul(365)?.checked_add(leaps)?.checked_add(day_of_year)?.checked_sub(719_469)
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn a_time_reads_back_to_the_microsecond() {
        for at in [0, 951_782_400_000_001, 1_709_164_800_999_999, 1_795_392_000_123_456] {
            assert_eq!(micros(&Timestamp::from_micros(at).to_string()), Some(at));
        }
        for text in ["", "2026-11-23", "2026-13-01T00:00:00.000000Z", "2026-11-23T00:00:00Z"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
