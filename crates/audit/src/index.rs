//! What finds records without reading all of the log: an index beside the segments, made from them.
//!
//! Each segment has a file in the folder `index`, a list of parts: for some thousand lines where each
//! ends, when it was, and in which of them the value of a member stands. It is never the last word. A
//! record that it leads to is read and compared, and where a part is missing or odd all of its lines
//! are. So it can be taken away at any time, and is made again.

mod block;
mod body;
mod draft;
mod field;
mod header;
mod members;
mod parts;
mod posting;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::Timestamp;

pub(crate) use self::{block::Block, body::Body, members::Members, parts::Unit};
pub use field::Field;

use self::parts::Parts;
use crate::{
    packed::Places,
    segment::{self, Segment},
};

/// The folder of the index, beside the segments.
const FOLDER: &str = "index";
/// The least that a thread of Linux can ask for.
const NICEST: i32 = 19;

/// An index of the log in a folder. One process at a time has it.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: BTreeMap<u64, Arc<Slot>>,
    /// Segments that get no more lines and whose lines all have their part.
    done: BTreeSet<u64>,
    /// The oldest segment when it was last looked for files of those that are gone.
    oldest: Option<u64>,
}

/// The parts of one segment, read when they are needed.
#[derive(Debug, Default)]
struct Slot(Mutex<Option<Parts>>);

/// A segment as far as it is looked at.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) segment: Segment,
    /// The number behind the last line that is looked at.
    pub(crate) limit: u64,
    /// Whether another segment was begun behind it.
    pub(crate) is_closed: bool,
}

impl Index {
    /// The index of the log in `folder`. Nothing is read yet.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), state: Mutex::default() }
    }

    /// Adds one part for lines that have none, the newest segment first, and gives whether there was
    /// anything to add. Lines from number `reached` on are left alone: they may yet be taken back.
    ///
    /// # Errors
    /// What the disk says of the log. That the index cannot be written is no error: it is less useful.
    pub fn advance(&self, reached: u64) -> io::Result<bool> {
        let spans = self.spans(reached)?;
        self.forget_others(&spans);
        for span in spans.iter().rev() {
            let first = span.segment.first;
            if self.lock().done.contains(&first) {
                continue;
            }
            // Less than any part, so that one is made.
            let mut room = 1;
            let with = |parts: &mut Parts, file: &Places| parts.extend(file, span, &mut room);
            let is_whole = self.with(span, with)?;
            if room == 0 {
                return Ok(true);
            }
            if is_whole == Some(true) && span.is_final(reached) {
                self.lock().done.insert(first);
            }
        }
        Ok(false)
    }

    /// Reads anew what could not be written before, to try it again.
    pub fn retry(&self) {
        let slots: Vec<_> =
            self.lock().slots.iter().map(|(first, slot)| (*first, Arc::clone(slot))).collect();
        for (first, slot) in slots {
            let mut parts = slot.lock();
            if parts.as_ref().is_some_and(Parts::is_lacking) {
                *parts = None;
                drop(parts);
                self.lock().done.remove(&first);
            }
        }
    }

    /// The segments that hold records below `reached`, in their order.
    pub(crate) fn spans(&self, reached: u64) -> io::Result<Vec<Span>> {
        let mut segments = Vec::new();
        for segment in segment::list(&self.folder)? {
            // One that was begun and has no record may be taken back, and then the one before goes on.
            if fs::metadata(&segment.path).is_ok_and(|it| it.len() > 0) {
                segments.push(segment);
            }
        }
        let nexts: Vec<_> =
            segments.iter().skip(1).map(|it| Some(it.first)).chain([None]).collect();
        let spans = segments.into_iter().zip(nexts).map(|(segment, next)| Span {
            segment,
            limit: next.unwrap_or(u64::MAX).min(reached),
            is_closed: next.is_some(),
        });
        Ok(spans.filter(|it| it.segment.first < it.limit).collect())
    }

    /// The lines of a segment and where they are, after parts were made for those that have none, as
    /// far as `room` bytes go. None where more room is needed, or the segment is gone.
    pub(crate) fn units(&self, span: &Span, room: &mut u64) -> io::Result<Option<Looked>> {
        let with = |parts: &mut Parts, file: &Places| {
            let is_whole = parts.extend(file, span, room)?;
            is_whole.then(|| parts.units(file, span)).transpose()
        };
        match self.with(span, with)? {
            Some(Some(units)) => Ok(Some(Looked::Whole(units))),
            Some(None) => Ok(Some(Looked::Partly)),
            None => Ok(None),
        }
    }

    /// The tables of a part are not as they were written: all of its segment are made anew.
    pub(crate) fn discard(&self, span: &Span) {
        let slot = self.slot(span.segment.first);
        self.lock().done.remove(&span.segment.first);
        let mut parts = slot.lock();
        // Who reads it meanwhile finds another file or none, and looks at all lines.
        parts::remove(&self.path(span.segment.first));
        *parts = None;
    }

    /// Does something with the parts of a segment and its file. None where the segment is gone.
    fn with<T>(
        &self,
        span: &Span,
        work: impl FnOnce(&mut Parts, &Places) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let file = match Places::open(&span.segment.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let first = span.segment.first;
        let slot = self.slot(first);
        let mut parts = slot.lock();
        let parts = parts.get_or_insert_with(|| Parts::load(&self.path(first), first, &file));
        work(parts, &file).map(Some)
    }

    /// Takes away what there is of segments that are gone.
    fn forget_others(&self, spans: &[Span]) {
        let oldest = spans.first().map(|it| it.segment.first);
        let mut state = self.lock();
        if state.oldest == oldest {
            return;
        }
        state.oldest = oldest;
        let is_there = |first: u64| spans.iter().any(|it| it.segment.first == first);
        state.slots.retain(|first, _| is_there(*first));
        state.done.retain(|first| is_there(*first));
        drop(state);
        // What cannot be read or removed is only in the way of nobody.
        for entry in fs::read_dir(self.folder.join(FOLDER)).into_iter().flatten().flatten() {
            let path = entry.path();
            if !spans.iter().any(|it| self.path(it.segment.first) == path) {
                parts::remove(&path);
            }
        }
    }

    fn slot(&self, first: u64) -> Arc<Slot> {
        Arc::clone(self.lock().slots.entry(first).or_default())
    }

    fn path(&self, first: u64) -> PathBuf {
        let segment = Segment::new(&self.folder.join(FOLDER), first);
        segment.path.with_extension("idx")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Span {
    /// Whether no more lines come to it.
    fn is_final(&self, reached: u64) -> bool {
        self.is_closed && self.limit < reached
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Parts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has this thread give way to all others, for as long as it lives: a part takes tens of milliseconds,
/// which calls on the same core would wait for.
pub fn give_way() {
    // Where that is not allowed, all is as well, but slower for who calls meanwhile.
    rustix::process::setpriority_process(None, NICEST).ok();
}

/// What is known of a segment.
#[derive(Debug)]
pub(crate) enum Looked {
    /// Its lines have no parts yet, and making them takes longer.
    Partly,
    /// All its lines.
    Whole(Vec<Unit>),
}

/// The second of a time, as the index has it; the first or the last one where it is beyond.
pub(crate) fn second(time: Timestamp) -> u32 {
    u32::try_from(time.as_seconds().max(0)).unwrap_or(u32::MAX)
}
