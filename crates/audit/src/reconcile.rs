//! Does a sink hold what the log holds? By number and hash, and by what each line says.

mod export;

use std::{io, ops::Range, path::Path};

use serde_json::Value;

use self::export::Export;
use crate::{Held, WalkError, walk};

/// Most findings of a kind that are listed; all are counted.
const LISTED_MAX: usize = 1000;

/// What differs between a log and what a sink holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// How many records were looked for.
    pub records: u64,
    /// How many of them the sink does not hold.
    pub missing: u64,
    /// Those, as ranges.
    pub gaps: Vec<Range<u64>>,
    /// How many lines of the export are there again.
    pub repeated: u64,
    /// The records that they are of.
    pub duplicates: Vec<u64>,
    /// How many records differ from those of the log.
    pub differing: u64,
    /// Those, and how they differ.
    pub altered: Vec<(u64, String)>,
    /// How many lines of the export are of no record of the log.
    pub foreign: u64,
    /// The numbers that they say.
    pub unknown: Vec<u64>,
    /// How many lines of the export are no record.
    pub unreadable: u64,
    /// Where those stand in the export, of which the first line is 1.
    pub bad_lines: Vec<u64>,
}

impl Reconciled {
    /// Whether the sink holds each record once, as it is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let Self { missing, repeated, differing, foreign, unreadable, .. } = self;
        [missing, repeated, differing, foreign, unreadable].iter().all(|it| **it == 0)
    }
}

/// Why they could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Incomparable {
    /// The export cannot be read.
    #[error("the export cannot be read: {0}")]
    Export(io::Error),
    /// The log cannot be followed.
    #[error(transparent)]
    Log(#[from] WalkError),
}

/// Compares the log in `folder` with the file `export`: an event on each line, in any order and format.
///
/// Number and hash are looked at, and the name of the log where the format has it: what is of another
/// log is of no record of this one. Where a line of the log is there with its `crc`, all of it is, and
/// each member must be that of the log. What only the export has is passed over, for a receiver adds
/// its own. Looked for are the records of `span` that are in the log.
///
/// # Errors
/// [`Incomparable`]
pub fn reconcile(
    folder: &Path,
    export: &Path,
    span: Range<u64>,
) -> Result<Reconciled, Incomparable> {
    let mut export = Export::index(export).map_err(Incomparable::Export)?;
    let (unreadable, bad_lines) = (export.unreadable, std::mem::take(&mut export.bad_lines));
    let mut found = Reconciled { unreadable, bad_lines, ..Reconciled::default() };
    walk(folder, &span, |record| {
        let held = export.take(record.seq, record.log).map_err(Incomparable::Export)?;
        found.records = found.records.saturating_add(1);
        found.compare(record.seq, record.line, &held);
        Ok::<_, Incomparable>(())
    })?;
    found.foreign(export.rest(&span));
    Ok(found)
}

impl Reconciled {
    fn compare(&mut self, seq: u64, line: &[u8], held: &[Held]) {
        if held.is_empty() {
            self.missing = self.missing.saturating_add(1);
            match self.gaps.last_mut().filter(|it| it.end == seq) {
                Some(gap) => gap.end = seq.saturating_add(1),
                None => list(&mut self.gaps, seq..seq.saturating_add(1)),
            }
        }
        let again = u64::try_from(held.len()).unwrap_or(u64::MAX).saturating_sub(1);
        if again > 0 {
            self.repeated = self.repeated.saturating_add(again);
            list(&mut self.duplicates, seq);
        }
        let ours: Value = serde_json::from_slice(line).unwrap_or_default();
        if let Some(how) = held.iter().find_map(|it| difference(&ours, it)) {
            self.differing = self.differing.saturating_add(1);
            list(&mut self.altered, (seq, how));
        }
    }

    fn foreign(&mut self, rest: impl Iterator<Item = u64>) {
        for seq in rest {
            self.foreign = self.foreign.saturating_add(1);
            list(&mut self.unknown, seq);
        }
    }
}

fn list<T>(found: &mut Vec<T>, one: T) {
    if found.len() < LISTED_MAX {
        found.push(one);
    }
}

/// How what is held differs from our record.
fn difference(ours: &Value, held: &Held) -> Option<String> {
    if held.hash.as_deref() != ours.get("hash").and_then(Value::as_str) {
        return Some("its hash is another".to_owned());
    }
    let line = held.line.as_ref().filter(|it| it.get("crc").is_some())?;
    let members = ours.as_object()?;
    let (name, _) = members.iter().find(|(name, value)| line.get(name) != Some(value))?;
    Some(format!("its member \"{name}\" is another"))
}
