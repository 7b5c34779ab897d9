//! How much of a log is kept: by the age of its segments and by their size.

use std::{io, ops::Range, time::Duration};

use model::Timestamp;

use super::Journal;
use crate::segment;

/// How much of a log is kept; all of it where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Segments go that were closed longer ago.
    pub age: Option<Duration>,
    /// The oldest go while all together take more.
    pub bytes: Option<u64>,
}

impl Keep {
    /// Whether everything is kept, for ever.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.age.is_none() && self.bytes.is_none()
    }
}

/// A segment that is not written to any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Its records.
    pub records: Range<u64>,
    /// How large it is.
    pub bytes: u64,
    /// When it was begun, and when the one behind it was.
    pub time: (Timestamp, Timestamp),
}

impl Journal {
    /// The segments that are not written to any more, the oldest first; none where the log is in memory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn closed(&self) -> io::Result<Vec<Closed>> {
        let Some(folder) = self.folder() else { return Ok(Vec::new()) };
        let mut segments = Vec::new();
        for segment in segment::list(folder)? {
            // One that has no first line is about to get it, or the disk lost all of it.
            segments.extend(segment.begun()?.map(|begun| (segment, begun)));
        }
        let mut closed = Vec::new();
        for ((segment, begun), (next, ended)) in segments.iter().zip(segments.iter().skip(1)) {
            let (begun, ended) = (*begun, *ended);
            let (records, bytes) = (segment.first..next.first, segment.path.metadata()?.len());
            closed.push(Closed { records, bytes, time: (begun, ended) });
        }
        Ok(closed)
    }

    /// The record before which no more is to be kept; none where all is. Nothing is old because a clock
    /// jumped.
    ///
    /// # Errors
    /// What the disk says.
    pub fn outgrown(&self, keep: &Keep) -> io::Result<Option<u64>> {
        let Keep { age, bytes } = *keep;
        let (Some(folder), false) = (self.folder(), keep.is_all()) else { return Ok(None) };
        let mut total = 0_u64;
        for segment in segment::list(folder)? {
            total = total.saturating_add(segment.path.metadata()?.len());
        }
        let (now, mut until) = (self.shared.now_at_least(), None);
        let mut ended = Timestamp::from_seconds(0);
        for closed in self.closed()? {
            // None ended before the one in front of it, whatever the clock said then.
            ended = ended.max(closed.time.1);
            let is_old = age.is_some_and(|it| now.since(ended) > it);
            if !is_old && bytes.is_none_or(|it| total <= it) {
                break;
            }
            total = total.saturating_sub(closed.bytes);
            until = Some(closed.records.end);
        }
        Ok(until)
    }
}
