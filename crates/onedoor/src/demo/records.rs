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
        });
    let title = format!("{} calls, {} records", expected.len(), found.len());
    let note = if is_same { "each says who, what, how decided" } else { "they do not match" };
    Step { title, went_well: is_same, calls: Vec::new(), note: note.to_owned() }
}
