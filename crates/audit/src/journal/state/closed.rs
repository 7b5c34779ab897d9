//! Since when, and why, the journal cannot be written, and when that is tried again.

use std::{io, sync::Arc, time::Duration};

use model::Timestamp;

use super::{Batch, State};
use crate::{Kind, Record};

/// A journal that failed is tried again no sooner than after the first of these, where somebody asks for it, and after
/// twice as long with each try that fails, up to the other: calls go through within a second of the disk being mended.
const ASKED: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];
/// The same where nobody asks. A call that comes hours later is not to be refused for a disk that is well since then,
/// unless for less than a minute.
const UNASKED: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// Since when, and why, the journal cannot be written.
#[derive(Debug)]
pub(in crate::journal) struct Closed {
    pub(in crate::journal) since: Timestamp,
    /// When it was last tried.
    pub(in crate::journal) tried: Duration,
    pub(in crate::journal) attempt: Attempt,
    /// How many tries failed.
    pub(in crate::journal) failed: u32,
    pub(in crate::journal) source: Arc<io::Error>,
    /// How many records were turned away.
    pub(in crate::journal) lost: u64,
    /// How many of them the log is about to tell of, and when that was put down.
    pub(in crate::journal) told: (u64, Timestamp),
    /// Whether somebody was told that it is.
    pub(in crate::journal) is_said: bool,
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
    /// Who ends the log asks, and does so once.
    Last,
    /// It is under way: one tries, and nobody else.
    UnderWay,
}

/// What a record tells that says that the log goes on.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Resumed {
    /// Its number.
    pub(in crate::journal) seq: u64,
    pub(in crate::journal) since: Timestamp,
    /// How many records could not be written since then.
    pub(in crate::journal) lost: u64,
}

impl Closed {
    /// Closed `now`, at a time and at what a clock that only counts on says, by what failed.
    pub(in crate::journal) fn new(now: (Timestamp, Duration), source: Arc<io::Error>) -> Self {
        let (since, tried) = now;
        Self {
            since,
            tried,
            attempt: Attempt::Unasked,
            failed: 0,
            source,
            lost: 0,
            told: (0, since),
            is_said: false,
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

    /// Asks for a try that waits for no pause.
    pub(in crate::journal) fn ask_last(&mut self) {
        if matches!(self.attempt, Attempt::Asked | Attempt::Unasked) {
            self.attempt = Attempt::Last;
        }
    }

    /// How long after the last try the next one comes; none while one is under way.
    pub(in crate::journal) fn pause(&self) -> Option<Duration> {
        let [first, most] = match self.attempt {
            Attempt::UnderWay => return None,
            Attempt::Full | Attempt::Last => return Some(Duration::ZERO),
            Attempt::Asked => ASKED,
            Attempt::Unasked => UNASKED,
        };
        Some(first.saturating_mul(2_u32.saturating_pow(self.failed)).min(most))
    }

    /// What was to be told is told: only what came behind that is left.
    pub(in crate::journal) fn forget_told(&mut self) {
        let (told, at) = self.told;
        self.lost = self.lost.saturating_sub(told);
        (self.told, self.since) = ((0, at), at);
    }

    /// Nothing more is said in the segment.
    pub(super) fn leave(&mut self) {
        if self.attempt == Attempt::Full {
            self.attempt = Attempt::Unasked;
        }
    }
}

impl State {
    /// Gives up the batch and all that waits, and closes the journal.
    pub(in crate::journal) fn fail(&mut self, batch: Option<Batch>, closed: Closed) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut lost = 0_u64;
        self.fresh = self.fresh.or(waiting.fresh);
        for batch in [Some(waiting), batch].into_iter().flatten() {
            let (records, undo) = batch.undone();
            lost = lost.saturating_add(records);
            self.undo(undo);
        }
        self.is_writing = false;
        let through = (self.written.next(), self.synced.next());
        self.failures.add(self.epoch, through, Arc::clone(&closed.source));
        self.epoch = self.epoch.saturating_add(1);
        // What is not told of a time before counts along, and what a hang turned away before it failed.
        let untold = self.take_untold().map(|it| (it.since, it.lost));
        let hung = self.closed.take().map(|it| (it.since, it.lost));
        let since = untold.or(hung).map_or(closed.since, |it| it.0);
        let before = [untold, hung].into_iter().flatten().map(|it| it.1);
        let lost = before.fold(closed.lost.saturating_add(lost), u64::saturating_add);
        self.closed = Some(Closed { since, lost, ..closed });
        self.take_back();
    }

    /// Counts a record that comes while the journal is closed.
    pub(in crate::journal) fn turn_away(&mut self, record: &Record<'_>) {
        let is_outcome = matches!(record.kind, Kind::Authorization | Kind::Call);
        let outcome = record.id.filter(|_| is_outcome);
        self.orphans.extend(outcome.filter(|it| self.open.contains_key(it)));
        if let Some(closed) = &mut self.closed {
            closed.lost = closed.lost.saturating_add(1);
        }
    }

    /// What the log was to tell of a time before, where that is not written.
    pub(in crate::journal) fn take_untold(&mut self) -> Option<Resumed> {
        let written = self.written.next();
        self.resumed.take().filter(|it| it.seq >= written)
    }

    /// Whether it is closed since something failed.
    pub(in crate::journal) fn has_failed(&self) -> bool {
        self.closed.as_ref().is_some_and(|it| !it.is_hang)
    }
}
