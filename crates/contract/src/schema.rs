//! Schemas of a document to schemas of tools: no references, no dialect, bounded in depth and size.
//!
//! What comes out is a relaxation of what goes in: a tool's schema tells a model what to write, and
//! the upstream checks it. It never refuses what the document allows.

mod keyword;
mod node;
mod writer;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) use keyword::{cut, is_small};
pub(crate) use node::Node;
pub(crate) use writer::Writer;

use crate::{Error, reference::References};

/// Largest schema of arguments, as JSON.
const INPUT_BYTES_MAX: usize = 48 * 1024;
/// Largest schema of an answer, as JSON. Smaller: models read it, and need it less.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;
/// Largest sum of all schemas of a document, as JSON.
const SUM_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Most schema objects that are looked at for a document, those looked at again counted again.
const WORK_MAX: usize = 8_000_000;

/// How much is shown: deep and with texts first, less where that is too large.
const DETAILS: [Detail; 8] = [
    Detail { depth_max: 10, has_text: true },
    Detail { depth_max: 7, has_text: true },
    Detail { depth_max: 5, has_text: true },
    Detail { depth_max: 4, has_text: true },
    Detail { depth_max: 3, has_text: true },
    Detail { depth_max: 2, has_text: true },
    Detail { depth_max: 1, has_text: true },
    Detail { depth_max: 1, has_text: false },
];

/// How much of a schema is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    /// How many levels of schemas within schemas.
    pub(crate) depth_max: usize,
    /// Whether with descriptions, examples and defaults.
    pub(crate) has_text: bool,
}

/// Whether a caller writes what a schema describes, or reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A caller writes it. What is read-only is left out.
    Input,
    /// A caller reads it. What is write-only is left out, and nothing is demanded: a client that
    /// checks answers must not refuse what an upstream sent in spite of its document.
    Output,
}

/// Why a schema was not written to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// It is too large; less detail may help.
    Bytes,
    /// The whole document takes too long.
    Work,
}

/// Writes the schemas of one document, within the document's bounds.
#[derive(Debug)]
pub(crate) struct Schemas<'a> {
    references: References<'a>,
    work_left: usize,
    bytes_left: usize,
    /// References that lead nowhere, with the reason, until somebody takes them.
    notes: BTreeSet<String>,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(references: References<'a>) -> Self {
        Self { references, work_left: WORK_MAX, bytes_left: SUM_BYTES_MAX, notes: BTreeSet::new() }
    }

    /// Looks at a schema without writing it.
    pub(crate) fn node(&mut self, values: &[&'a Value]) -> Node<'a> {
        // A look is bounded by itself; what is spent beyond the sum, the next writer reports.
        self.writer(Side::Input, Detail { depth_max: 1, has_text: false }, usize::MAX).node(values)
    }

    /// Writes one object schema: `write` is asked again, with less detail, until it fits.
    pub(crate) fn write(
        &mut self,
        side: Side,
        mut write: impl FnMut(&mut Writer<'_, 'a>) -> Result<Map<String, Value>, Full>,
    ) -> Result<Value, Error> {
        let bytes_max = match side {
            Side::Input => INPUT_BYTES_MAX,
            Side::Output => OUTPUT_BYTES_MAX,
        };
        for (index, detail) in DETAILS.iter().enumerate() {
            let is_last = index.saturating_add(1) == DETAILS.len();
            // The last has no bound of its own: the number of arguments is its bound.
            let bytes_max = if is_last { usize::MAX } else { bytes_max };
            let mut writer = self.writer(side, *detail, bytes_max);
            let written = write(&mut writer);
            let bytes = bytes_max.saturating_sub(writer.bytes_left());
            match written {
                Ok(schema) => {
                    self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Error::TooLarge)?;
                    return Ok(Value::Object(schema));
                }
                Err(Full::Bytes) => {}
                Err(Full::Work) => return Err(Error::TooLarge),
            }
        }
        Err(Error::TooLarge)
    }

    /// What could not be resolved since this was last asked.
    pub(crate) fn take_notes(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.notes)
    }

    fn writer(&mut self, side: Side, detail: Detail, bytes_max: usize) -> Writer<'_, 'a> {
        Writer::new(
            self.references,
            (side, detail),
            bytes_max,
            &mut self.work_left,
            &mut self.notes,
        )
    }
}
