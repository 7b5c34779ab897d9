//! Writes a mapping key by key, in a fixed order, without what goes without saying.

use std::time::Duration;

use model::Timestamp;
use serde_json::{Map, Value};

use crate::yaml;

/// A mapping that is being written.
#[derive(Debug, Default)]
pub(crate) struct Writer(Map<String, Value>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Puts a value where there is one.
    pub(crate) fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Puts a value where it does not go without saying.
    pub(crate) fn put_if(&mut self, is_unusual: bool, key: &str, value: impl Into<Value>) {
        if is_unusual {
            self.put(key, value);
        }
    }

    /// Puts a list where there is something in it.
    pub(crate) fn put_list<T: ToString>(&mut self, key: &str, items: &[T]) {
        if !items.is_empty() {
            self.put(key, list(items));
        }
    }

    pub(crate) fn value(self) -> Value {
        Value::Object(self.0)
    }

    pub(crate) fn text(self) -> String {
        yaml::write(&self.value())
    }
}

/// A list of texts.
pub(crate) fn list<T: ToString>(items: &[T]) -> Value {
    items.iter().map(|it| Value::String(it.to_string())).collect()
}

/// A time, as short as it can be said.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    match text.strip_suffix(".000000Z") {
        Some(seconds) => match seconds.strip_suffix("T00:00:00") {
            Some(date) => date.to_owned(),
            None => format!("{seconds}Z"),
        },
        None => text,
    }
}

/// A size in the biggest unit that says it whole.
pub(crate) fn size(bytes: usize) -> String {
    let units = [(1 << 20, "MiB"), (1 << 10, "KiB")];
    let whole = units.into_iter().find_map(|(unit, name)| {
        let count = bytes.checked_div(unit).filter(|it| *it > 0)?;
        (count.checked_mul(unit) == Some(bytes)).then(|| format!("{count}{name}"))
    });
    whole.unwrap_or_else(|| format!("{bytes}B"))
}

/// A duration in the biggest unit that says it whole.
pub(crate) fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let whole = units.into_iter().find_map(|(unit, name)| {
        let count = millis.checked_div(unit).filter(|it| *it > 0)?;
        (count.checked_mul(unit) == Some(millis)).then(|| format!("{count}{name}"))
    });
    whole.unwrap_or_else(|| format!("{millis}ms"))
}

#[cfg(test)]
mod tests {
    use model::quantity::parse_duration;

    use super::*;

    #[test]
    fn a_time_and_a_duration_are_short_and_read_back() {
        for text in [
            "2027-01-31",
            "2027-01-31T12:00:00Z",
            "2027-01-31T00:00:01Z",
            "2027-01-31T12:00:00.500000Z",
        ] {
            assert_eq!(time(Timestamp::parse(text).unwrap()), text);
        }
        for text in ["1ms", "1500ms", "5s", "90s", "2m", "12h", "90d"] {
            assert_eq!(duration(parse_duration(text).unwrap()), text);
        }
    }
}
