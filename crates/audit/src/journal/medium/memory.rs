//! Segments in memory that can be read, and broken on purpose: for tests.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::{journal::Room, read::in_text, segment::Segment};

/// What a disk takes or loses as a whole.
#[cfg(test)]
const PAGE_BYTES: usize = 4096;

/// The lines of a log in memory. Clones see the same lines.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
#[cfg_attr(
    test,
    expect(clippy::struct_excessive_bools, reason = "each is something that tests have go wrong")
)]
pub(crate) struct Content {
    segments: Vec<Lines>,
    /// How much still fits, where that is bounded.
    pub(crate) room: Option<usize>,
    /// How often it was written to.
    pub(crate) writes: usize,
    /// How many more syncs succeed, where that is bounded.
    syncs_left: Option<usize>,
    /// Whether a sync of the last segment failed.
    is_lost: bool,
    /// How often a segment was synced after it had failed to be.
    #[cfg(test)]
    pub(crate) resyncs: usize,
    /// Whether a sync hangs.
    #[cfg(test)]
    pub(crate) hangs: bool,
    /// Whether a write hangs, and what takes it back.
    #[cfg(test)]
    pub(crate) holds_writes: bool,
    /// Whether no room can be set aside.
    #[cfg(test)]
    pub(crate) refuses_reserve: bool,
    /// Whether the place where checkpoints are kept hangs.
    #[cfg(test)]
    pub(crate) holds_checkpoints: bool,
    /// How many segments there may be, where that is bounded.
    segments_max: Option<usize>,
    /// How much is said to be free.
    room_left: Option<Room>,
}

/// A segment: the number of its first record, its bytes, and how many of them would outlive a loss of power.
#[derive(Debug, Default)]
struct Lines {
    first: u64,
    bytes: Vec<u8>,
    synced: usize,
}

impl Memory {
    /// All that was written, as text.
    #[must_use]
    pub fn text(&self) -> String {
        let content = self.content();
        let bytes: Vec<_> = content.segments.iter().flat_map(|it| it.bytes.clone()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Every record but intents and those of the log about itself, without its frame.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        self.of_kinds(|it| it != "intent" && it != "log")
    }

    /// The records of calls that were about to be carried out, without their frames.
    #[must_use]
    pub fn intents(&self) -> Vec<Value> {
        self.of_kinds(|it| it == "intent")
    }

    fn of_kinds(&self, is_wanted: fn(&str) -> bool) -> Vec<Value> {
        in_text(self.text().as_bytes(), is_wanted)
    }

    /// Lets only so many more bytes through, as a disk that fills up does.
    pub fn fill_after(&self, bytes: usize) {
        self.content().room = Some(bytes);
    }

    /// Lets no sync through, as a disk does that loses what it was given.
    pub fn fail_syncs(&self) {
        self.content().syncs_left = Some(0);
    }

    /// Lets so many syncs through, and no more.
    #[cfg(test)]
    pub(crate) fn fail_syncs_after(&self, syncs: usize) {
        self.content().syncs_left = Some(syncs);
    }

    /// Lets so many segments begin, as a disk does that has room for no other.
    #[cfg(test)]
    pub(crate) fn refuse_segments_after(&self, segments: usize) {
        self.content().segments_max = Some(segments);
    }

    /// Says that so much is free from now on.
    #[cfg(test)]
    pub(crate) fn leave(&self, free_percent: u64) {
        self.content().room_left = Some(Room { free_bytes: 1000, free_percent });
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        let mut content = self.content();
        (content.room, content.syncs_left, content.segments_max) = (None, None, None);
    }

    /// Forgets what was not synced, as a disk does when the power goes: of what is in doubt in a segment, as
    /// many bytes stay as `keep` says of their number, and of the pages of these none that it `loses`.
    #[cfg(test)]
    pub(crate) fn lose_power(
        &self,
        mut keep: impl FnMut(usize) -> usize,
        mut loses: impl FnMut() -> bool,
    ) {
        for Lines { bytes, synced, .. } in &mut self.content().segments {
            let doubtful = bytes.len().saturating_sub(*synced);
            bytes.truncate(synced.saturating_add(keep(doubtful)));
            let mut safe = *synced;
            let pages = bytes.chunks_mut(PAGE_BYTES).map(|page| {
                let (_, doubtful) = page.split_at_mut(safe.min(page.len()));
                safe = safe.saturating_sub(PAGE_BYTES);
                doubtful
            });
            let lost = pages.filter(|it| !it.is_empty() && loses());
            lost.for_each(|it| it.fill(0));
        }
    }

    /// Writes the segments to `folder`, as a log on a disk has them.
    ///
    /// # Errors
    /// What the disk says.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let content = self.content();
        let mut segments = content.segments.iter();
        segments.try_for_each(|it| fs::write(Segment::new(folder, it.first).path, &it.bytes))
    }

    pub(super) fn begin(&self, first: u64) -> io::Result<()> {
        let mut content = self.content();
        let segments = content.segments.len();
        if content.room == Some(0) || content.segments_max.is_some_and(|it| it <= segments) {
            return Err(ErrorKind::StorageFull.into());
        }
        content.segments.retain(|it| !it.bytes.is_empty());
        content.segments.push(Lines { first, ..Lines::default() });
        content.is_lost = false;
        Ok(())
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        self.hang(|it| it.holds_writes);
        let mut content = self.content();
        content.writes = content.writes.saturating_add(1);
        let room = content.room.unwrap_or(usize::MAX);
        let taken = bytes.get(..room).unwrap_or(bytes);
        content.room = content.room.map(|it| it.saturating_sub(taken.len()));
        match content.segments.last_mut() {
            Some(segment) => {
                segment.bytes.extend_from_slice(taken);
                if taken.len() == bytes.len() { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
            }
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn cut(&self, bytes: u64) -> io::Result<()> {
        #[cfg(test)]
        self.hang(|it| it.holds_writes);
        let mut content = self.content();
        if let Some(segment) = content.segments.last_mut() {
            segment.bytes.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
            segment.synced = segment.synced.min(segment.bytes.len());
        }
        Ok(())
    }

    pub(super) fn set_reserve(&self) -> io::Result<()> {
        #[cfg(test)]
        if self.content().refuses_reserve {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    /// Keeps no checkpoint, and hangs where it is to.
    pub(super) fn keep(&self) -> io::Result<()> {
        #[cfg(test)]
        self.hang(|it| it.holds_checkpoints);
        Ok(())
    }

    pub(in crate::journal) fn room(&self) -> Option<Room> {
        self.content().room_left
    }

    #[cfg(test)]
    fn hang(&self, is_held: fn(&Content) -> bool) {
        // Not for ever: a test that fails must not hang as well.
        for _ in 0..10_000 {
            if !is_held(&self.content()) {
                return;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.hang(|it| it.hangs);
        let mut content = self.content();
        #[cfg(test)]
        if content.is_lost {
            content.resyncs = content.resyncs.saturating_add(1);
        }
        if content.is_lost || content.syncs_left == Some(0) {
            content.is_lost = true;
            return Err(io::Error::other("lost"));
        }
        content.syncs_left = content.syncs_left.map(|it| it.saturating_sub(1));
        if let Some(segment) = content.segments.last_mut() {
            segment.synced = segment.bytes.len();
        }
        Ok(())
    }

    /// The content. Nothing is written while somebody holds it.
    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
