//! The records that the guided run left: read from the log as a stranger would, and compared.

use std::path::Path;

use anyhow::Context as _;
use model::Surface;
use serde::Deserialize;

use super::print::Step;

/// What the demo shows of a record. The log holds more.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) time: String,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) surface: String,
    #[serde(default)]
    pub(super) client: String,
    #[serde(default)]
    pub(super) operation: String,
    #[serde(default)]
    pub(super) decision: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) rule: String,
    #[serde(default)]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) total_us: u64,
}

/// What a record must say.
pub(super) struct Expected {
    pub(super) surface: Surface,
    pub(super) operation: &'static str,
    pub(super) decision: &'static str,
}

impl Record {
    /// Whether it names the rule that allowed, or the reason why not.
    fn says_why(&self) -> bool {
        match self.decision.as_str() {
            "allow" => self.reason.is_empty() && !self.rule.is_empty(),
            _ => !self.reason.is_empty(),
        }
    }

    /// Whether the same decision about the same operation has one reason and one rule, on both surfaces.
    fn says_the_same(&self, as_others: &[Self]) -> bool {
        let is_of_it =
            |it: &&Self| (&it.operation, &it.decision) == (&self.operation, &self.decision);
        let mut others = as_others.iter().filter(is_of_it);
        others.all(|it| (&it.reason, &it.rule) == (&self.reason, &self.rule))
    }
}

/// The records of calls in the log in `folder`, in their order.
///
/// # Errors
/// Where it cannot be read, or holds something that is no record.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Record>> {
    let shown = folder.display();
    let records = audit::records(folder).with_context(|| format!("cannot read {shown}"))?;
    let records = records.into_iter().map(serde_json::from_value::<Record>);
    let mut records = records
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{shown} holds a line that is no record"))?;
    records.retain(|it| it.kind == "call");
    Ok(records)
}

/// Whether `found` is what was expected, no more and no less.
pub(super) fn compare(found: &[Record], expected: &[Expected]) -> Step {
    let is_same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            found.surface == expected.surface.as_str()
                && found.operation == expected.operation
                && found.decision == expected.decision
                && found.client == "shop-agent"
        })
        && found.iter().all(|it| it.says_why() && it.says_the_same(found));
    let title = format!("{} calls, {} records", expected.len(), found.len());
    let note = if is_same { "each says who, what, how decided" } else { "they do not match" };
    Step { title, went_well: is_same, calls: Vec::new(), note: note.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The records of two calls, one on each surface, of which one is other by `change`.
    fn compared(decision: &'static str, change: fn(&mut Record)) -> Step {
        let record = |surface: Surface| -> Record {
            let mut record = json!({
                "time": "", "kind": "call", "surface": surface.as_str(), "client": "shop-agent",
                "operation": "orders.get_order", "decision": decision, "rule": "role reader",
            });
            if decision != "allow" {
                record["reason"] = json!("forbidden");
            }
            serde_json::from_value(record).unwrap()
        };
        let both = [Surface::Rest, Surface::Mcp];
        let mut found = both.map(record);
        change(&mut found[1]);
        compare(&found, &both.map(|it| expected(it, decision)))
    }

    fn expected(surface: Surface, decision: &'static str) -> Expected {
        Expected { surface, operation: "orders.get_order", decision }
    }

    #[test]
    fn records_of_one_decision_match() {
        for decision in ["allow", "deny", "limit"] {
            let step = compared(decision, |_| {});
            assert!(step.went_well && step.note.starts_with("each says"), "{decision}");
        }
    }

    #[test]
    fn records_that_differ_from_the_calls_or_from_each_other_do_not_match() {
        let changes: [fn(&mut Record); 7] = [
            |it| it.surface = "rest".to_owned(),
            |it| it.client = "shop-app".to_owned(),
            |it| it.operation = "orders.slow".to_owned(),
            |it| it.decision = "error".to_owned(),
            |it| it.reason = "stopped".to_owned(),
            |it| it.rule = "role editor".to_owned(),
            |it| it.rule.clear(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            for decision in ["allow", "deny"] {
                let step = compared(decision, change);
                assert!(!step.went_well, "{number}, {decision}");
                assert_eq!(step.note, "they do not match");
            }
        }
        assert!(!compared("deny", |it| it.reason.clear()).went_well, "no reason");
        assert!(!compare(&[], &[expected(Surface::Rest, "allow")]).went_well, "no record");
    }
}
