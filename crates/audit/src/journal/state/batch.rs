//! Lines on their way to the disk, segment by segment.

use std::io;

use model::RequestId;

use super::{Failed, Fresh, Place};
use crate::chain::Chain;

/// A buffer that grew beyond this in a rush is given back afterwards.
const SPARE_BYTES_MAX: usize = 256 * 1024;

/// Lines on their way.
#[derive(Debug, Default)]
pub(in crate::journal) struct Batch {
    /// What goes to segments before the one that the rest goes to.
    parts: Vec<Part>,
    /// Where the next line goes.
    pub(super) current: Part,
    /// Why its first segment begins, if it had to.
    pub(super) fresh: Option<Fresh>,
    /// An empty buffer, kept for later.
    spare: Vec<u8>,
}

/// Lines for one segment.
#[derive(Debug, Default)]
pub(in crate::journal) struct Part {
    /// The first record of the segment that begins with it, if one does.
    pub(in crate::journal) begins: Option<u64>,
    pub(in crate::journal) bytes: Vec<u8>,
    /// How many records these are.
    pub(super) records: u64,
    /// Calls that these records begin (none) or end (the number of their intent).
    pub(super) undo: Vec<(RequestId, Option<u64>)>,
    /// Where the chain and the segment are behind it.
    pub(super) end: Option<(Chain, Place)>,
}

impl Batch {
    /// What is added from now on goes to a segment of its own.
    pub(super) fn begin_segment(&mut self, end: (Chain, Place)) {
        let bytes = std::mem::take(&mut self.spare);
        let next = Part { begins: Some(end.0.next()), bytes, ..Part::default() };
        let mut part = std::mem::replace(&mut self.current, next);
        part.end = Some(end);
        if !part.bytes.is_empty() {
            self.parts.push(part);
        }
    }

    /// An empty batch that keeps the spare buffer.
    pub(super) fn spare(&mut self) -> Self {
        let current = Part { bytes: std::mem::take(&mut self.spare), ..Part::default() };
        Self { current, ..Self::default() }
    }

    /// Keeps a buffer that was written for the next batch.
    pub(super) fn recycle(&mut self, part: Part) {
        let mut bytes = part.bytes;
        if bytes.capacity() <= SPARE_BYTES_MAX {
            bytes.clear();
            self.spare = bytes;
        }
    }

    /// Whether it begins a segment since the one before may have lost something.
    pub(in crate::journal) fn is_after_loss(&self) -> bool {
        matches!(self.fresh, Some(Fresh::Unsynced(_)))
    }

    /// Forgets its first `parts`, which were written.
    pub(super) fn forget(&mut self, parts: usize) {
        if parts > self.parts.len() {
            self.current = Part::default();
        }
        self.parts.drain(..parts.min(self.parts.len()));
    }

    /// How many records it holds, and the calls that these begin or end, in their order.
    pub(super) fn undone(self) -> (u64, Vec<(RequestId, Option<u64>)>) {
        let parts = self.parts.into_iter().chain([self.current]);
        parts.fold((0, Vec::new()), |(records, mut undo), part| {
            undo.extend(part.undo);
            (part.records.saturating_add(records), undo)
        })
    }

    /// How far it came where it is written, and the disk did not take it. A segment that it begins last counts as
    /// empty and is begun anew: nobody was told that anything is there.
    pub(in crate::journal) fn unsynced(&self, source: io::Error) -> Failed {
        let has_begun = self.parts().last().is_some_and(|it| it.begins.is_some());
        let parts = self.parts().count().saturating_sub(usize::from(has_begun));
        Failed { parts, has_begun, is_unsynced: true, source }
    }

    /// Its lines, segment by segment.
    pub(in crate::journal) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().chain([&self.current]).filter(|it| !it.bytes.is_empty())
    }
}
