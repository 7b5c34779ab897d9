//! What was recorded, read back whole: for what is small, such as a guided run.

use std::{
    io::{self, Read as _},
    path::Path,
};

use serde_json::Value;

use crate::{frame, packed::Source, segment};

/// Every record in `folder` but intents and those of the log about itself, without its frame.
///
/// Nothing is checked: [`crate::verify()`] does that.
///
/// # Errors
/// What the disk says.
pub fn records(folder: &Path) -> io::Result<Vec<Value>> {
    let mut records = Vec::new();
    for segment in segment::list(folder)? {
        let mut text = Vec::new();
        Source::open(&segment.path)?.read_to_end(&mut text)?;
        records.extend(in_text(&text, |it| it != "intent" && it != "log"));
    }
    Ok(records)
}

/// The records of the wanted kinds in a text, without their frames.
pub(crate) fn in_text(text: &[u8], is_wanted: fn(&str) -> bool) -> Vec<Value> {
    let frames = text.split(|it| *it == b'\n').filter_map(frame::read);
    let records = frames.filter_map(|it| serde_json::from_slice(&frame::json(it.body)).ok());
    let without_number = |mut record: Value| {
        record.as_object_mut().map(|it| it.shift_remove("seq"));
        record
    };
    let records = records.map(without_number);
    records.filter(|it| is_wanted(it["kind"].as_str().unwrap_or_default())).collect()
}
