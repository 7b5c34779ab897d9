//! Refusals, counted: who was refused what, why, how often, and when first and last.

use std::collections::BTreeMap;

use serde_json::Value;

use super::table::text;

/// By client, operation, decision and reason.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<[String; 4], Counted>);

#[derive(Debug, Default)]
struct Counted {
    count: u64,
    first: String,
    last: String,
}

impl Refusals {
    pub(super) fn add(&mut self, record: &Value) {
        let client = match text(record, "client") {
            unknown if unknown.is_empty() => "(nobody known)".to_owned(),
            client => client,
        };
        let operation = match text(record, "operation") {
            none if none.is_empty() => text(record, "path"),
            operation => operation,
        };
        let key = [client, operation, text(record, "decision"), text(record, "reason")];
        let (counted, time) = (self.0.entry(key).or_default(), text(record, "time"));
        counted.count = counted.count.saturating_add(1);
        if counted.first.is_empty() || time < counted.first {
            counted.first.clone_from(&time);
        }
        if time > counted.last {
            counted.last = time;
        }
    }

    /// How many there were.
    pub(super) fn total(&self) -> u64 {
        self.0.values().map(|it| it.count).sum()
    }

    pub(super) fn rows(self) -> Vec<Vec<String>> {
        let row = |(key, counted): ([String; 4], Counted)| {
            let Counted { count, first, last } = counted;
            key.into_iter().chain([count.to_string(), first, last]).collect()
        };
        self.0.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_are_counted_by_who_what_and_why() {
        let mut refusals = Refusals::default();
        let record = |client: Option<&str>, time: &str| json!({"client": client, "operation": "orders.put", "decision": "deny", "reason": "forbidden", "time": time});
        for (client, time) in
            [(Some("shop"), "2"), (Some("shop"), "1"), (Some("shop"), "3"), (None, "4")]
        {
            refusals.add(&record(client, time));
        }
        refusals.add(
            &json!({"path": "/x", "decision": "deny", "reason": "unauthenticated", "time": "5"}),
        );
        assert_eq!(refusals.total(), 5);
        let rows: Vec<_> = refusals.rows().iter().map(|it| it.join(" ")).collect();
        assert_eq!(
            rows,
            [
                "(nobody known) /x deny unauthenticated 1 5 5",
                "(nobody known) orders.put deny forbidden 1 4 4",
                "shop orders.put deny forbidden 3 1 3",
            ]
        );
    }
}
