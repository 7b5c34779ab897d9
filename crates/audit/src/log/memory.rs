//! A log in memory that can be read, and broken on purpose: for tests.

use std::{
    io::{self, ErrorKind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

/// The lines of a log in memory. Clones see the same lines.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
pub(super) struct Content {
    bytes: Vec<u8>,
    /// How much still fits, where that is bounded.
    pub(super) room: Option<usize>,
    /// How often it was written to.
    pub(super) writes: usize,
}

impl Memory {
    /// All that was written, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content().bytes).into_owned()
    }

    /// Every line that is a record, read.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        self.text().lines().filter_map(|it| serde_json::from_str(it).ok()).collect()
    }

    /// Lets only so many more bytes through, as a disk that fills up does.
    pub fn fill_after(&self, bytes: usize) {
        self.content().room = Some(bytes);
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        self.content().room = None;
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut content = self.content();
        content.writes = content.writes.saturating_add(1);
        let room = content.room.unwrap_or(usize::MAX);
        if room == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        let taken = bytes.get(..room).unwrap_or(bytes);
        content.bytes.extend_from_slice(taken);
        content.room = content.room.map(|it| it.saturating_sub(taken.len()));
        Ok(taken.len())
    }

    /// The content. Nothing is written while somebody holds it.
    pub(super) fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
