//! Since when, and why, the journal cannot be written, and when that is tried again.

use std::{io, sync::Arc, time::Duration};

use model::Timestamp;

/// Since when, and why, the journal cannot be written.
#[derive(Debug)]
pub(in crate::journal) struct Closed {
    pub(in crate::journal) since: Timestamp,
    /// When it was last tried.
    pub(in crate::journal) tried: Duration,
    pub(in crate::journal) attempt: Attempt,
    pub(in crate::journal) source: Arc<io::Error>,
    /// How many records were turned away.
    pub(in crate::journal) lost: u64,
    /// How many of them the log is about to tell of, and when that was put down.
    pub(in crate::journal) told: (u64, Timestamp),
    /// Whether the segment holds more than was written well.
    pub(in crate::journal) is_torn: bool,
    /// Whether nothing failed: the disk hangs or did, and what was entered keeps its place.
    pub(in crate::journal) is_hang: bool,
}

/// How it stands with the next try to write again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Attempt {
    /// Nobody has come since the last one.
    Unasked,
    /// Somebody has come who needs it.
    Asked,
    /// Before any, it is to be said that there is no room.
    Full,
    /// It is under way: one tries, and nobody else.
    UnderWay,
}

impl Closed {
    /// Closed `now`, at a time and at what a clock that only counts on says, by what failed.
    pub(in crate::journal) fn new(now: (Timestamp, Duration), source: Arc<io::Error>) -> Self {
        let (since, tried) = now;
        Self {
            since,
            tried,
            attempt: Attempt::Unasked,
            source,
            lost: 0,
            told: (0, since),
            is_torn: false,
            is_hang: false,
        }
    }

    /// Asks for a try. Whether whoever tries is to be told so.
    pub(in crate::journal) fn ask(&mut self) -> bool {
        let is_news = self.attempt == Attempt::Unasked;
        if is_news {
            self.attempt = Attempt::Asked;
        }
        is_news
    }

    /// Nothing more is said in the segment.
    pub(super) fn leave(&mut self) {
        if self.attempt == Attempt::Full {
            self.attempt = Attempt::Unasked;
        }
    }
}
