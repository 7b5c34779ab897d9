//! What a journal knows: the chain as it is framed, written and synced, and who waits for it.

mod batch;
mod closed;
mod ends;
mod errands;
mod failure;
mod phase;

use std::{io, sync::Arc, task::Waker, time::Duration};

use model::{Level, RequestId, Timestamp};

pub(super) use batch::Batch;
pub(super) use closed::{Attempt, Closed, Resumed};
use ends::{Ends, ends_max};
pub(super) use errands::Errands;
pub(super) use failure::Failures;
pub(super) use phase::Phase;

use super::Rules;
use crate::{Kind, Record, chain::Chain, frame, recover::Open, segment::Header};

/// A record that was given its place: in which attempt, and which number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    epoch: u64,
    pub(super) seq: u64,
    pub(super) level: Level,
}

/// What a journal knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) origin: Arc<str>,
    /// With the last record that was framed.
    pub(super) chain: Chain,
    /// With the last record that was written.
    pub(super) written: Chain,
    /// With the last record that is on the disk.
    pub(super) synced: Chain,
    /// The segment that the next record goes to.
    pub(super) segment: Place,
    /// The same, as far as it was written.
    pub(super) written_segment: Place,
    /// Why the next record begins a segment, if it must.
    pub(super) fresh: Option<Fresh>,
    /// Calls that were begun and have no outcome yet, by the number of their intent.
    pub(super) open: Open,
    /// Those whose outcome the disk may lack yet.
    ends: Ends,
    /// Calls whose outcome could not be written, or may be lost.
    pub(super) orphans: Vec<RequestId>,
    /// What waits to be written.
    pub(super) waiting: Batch,
    /// Raised when records are given up: their numbers are given again.
    epoch: u64,
    pub(super) failures: Failures,
    /// When the first record was written that the disk was not asked for yet.
    pub(super) unsynced_since: Option<Duration>,
    /// Up to which record somebody waits for the disk.
    pub(super) wanted: u64,
    /// Who waits for the disk without blocking a thread.
    pub(super) wakers: Vec<Waker>,
    pub(super) is_writing: bool,
    /// What else the disk is asked for, and whether it answers.
    pub(super) errands: Errands,
    /// How many threads sleep until something is through.
    pub(super) sleepers: usize,
    /// Set while the journal cannot be written.
    pub(super) closed: Option<Closed>,
    /// What the last record that says that the log goes on tells, until it is written.
    pub(super) resumed: Option<Resumed>,
    /// How many records the last checkpoint covers, and when it was signed.
    pub(super) signed: (u64, Duration),
    /// The last checkpoint as it was signed, until it is recorded.
    pub(super) checkpoint: Option<String>,
    /// Whether it was: then one record behind it tells of it alone.
    pub(super) is_said: bool,
    /// How many segments were given up since the start, because a sync of them failed.
    pub(super) poisoned: u64,
    /// Why the last checkpoint could not be kept.
    pub(super) unsigned: Option<Arc<io::Error>>,
    /// The record that says so; none where it is over.
    pub(super) unsigned_said: Option<u64>,
    pub(super) phase: Phase,
    /// How many records there were when it was last said that the log ends.
    pub(super) ended: u64,
}

/// A segment and how far it is filled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The number of its first record.
    pub(super) first: u64,
    pub(super) bytes: u64,
    /// How many of these are its header; none where another process wrote it.
    pub(super) header_bytes: u64,
    pub(super) begun: Timestamp,
}

/// Why a record begins a segment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fresh {
    /// There is none yet.
    First,
    /// A sync failed: what stands in the one before from this record on may be lost.
    Unsynced(u64),
}

/// How far a batch came that failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// So many of its parts were written whole.
    pub(super) parts: usize,
    /// Whether the segment of the next part was begun.
    pub(super) has_begun: bool,
    /// Whether it was the disk that did not take what was written.
    pub(super) is_unsynced: bool,
    pub(super) source: io::Error,
}

impl State {
    pub(super) fn new(origin: Arc<str>, chain: Chain, segment: Place) -> Self {
        Self {
            origin,
            written: chain.clone(),
            synced: chain.clone(),
            signed: (0, Duration::ZERO),
            chain,
            segment,
            written_segment: segment,
            fresh: None,
            open: Open::default(),
            ends: Ends::default(),
            orphans: Vec::new(),
            waiting: Batch::default(),
            epoch: 0,
            failures: Failures::default(),
            unsynced_since: None,
            wanted: 0,
            wakers: Vec::new(),
            is_writing: false,
            errands: Errands::default(),
            sleepers: 0,
            closed: None,
            resumed: None,
            checkpoint: None,
            is_said: false,
            poisoned: 0,
            unsigned: None,
            unsigned_said: None,
            phase: Phase::Runs,
            ended: 0,
        }
    }

    /// Gives a record its place in the chain, with these `members`.
    pub(super) fn frame(&mut self, record: &Record<'_>, members: &[u8], rules: &Rules) -> Ticket {
        if self.is_over(members.len(), record.time, rules) {
            self.begin_segment(record.time);
        }
        let seq = self.put(members);
        if let Some(id) = record.id {
            self.follow(record.kind, (id, seq), ends_max(rules.segment_bytes));
        }
        Ticket { epoch: self.epoch, seq, level: rules.levels.of(record) }
    }

    /// Whether the next record does not belong into the segment any more.
    fn is_over(&self, bytes: usize, at: Timestamp, rules: &Rules) -> bool {
        let bytes = bytes.saturating_add(frame::FRAME_BYTES_MAX);
        let bytes = self.segment.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        // However much a header carries along, as much fits behind it: each record would bring another one.
        let most = rules.segment_bytes.max(self.segment.header_bytes.saturating_mul(2));
        self.fresh.is_some() || bytes > most || at.since(self.segment.begun) > rules.segment_age
    }

    fn begin_segment(&mut self, at: Timestamp) {
        let mut header = Header::new(&self.origin, &self.chain);
        let mut open: Vec<_> = self.open.iter().map(|(id, seq)| (*seq, id.to_string())).collect();
        open.sort();
        header.open = open;
        let fresh = self.fresh.take();
        header.unsynced_from = match fresh {
            Some(Fresh::Unsynced(from)) => Some(from),
            Some(Fresh::First) | None => None,
        };
        self.waiting.begin_segment((self.chain.clone(), self.segment));
        self.waiting.fresh = self.waiting.fresh.or(fresh);
        self.segment = Place { first: self.chain.next(), bytes: 0, header_bytes: 0, begun: at };
        self.put(&header.members(at));
        self.segment.header_bytes = self.segment.bytes;
    }

    /// Frames members that stay in the segment whatever its size.
    pub(super) fn put(&mut self, members: &[u8]) -> u64 {
        let seq = self.chain.next();
        let part = &mut self.waiting.current;
        let before = part.bytes.len();
        frame::write(&mut part.bytes, &mut self.chain, members);
        let bytes = part.bytes.len().saturating_sub(before);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.segment.bytes = self.segment.bytes.saturating_add(bytes);
        part.records = part.records.saturating_add(1);
        seq
    }

    /// Keeps in mind which calls have no outcome yet.
    fn follow(&mut self, kind: Kind, (id, seq): (RequestId, u64), ends_max: usize) {
        match kind {
            Kind::Intent => {
                self.open.insert(id, seq);
                self.waiting.current.undo.push((id, None));
            }
            Kind::Authorization | Kind::Call => {
                if let Some(intent) = self.open.remove(&id) {
                    self.waiting.current.undo.push((id, Some(intent)));
                    self.ends.add(seq, (id, intent), ends_max);
                }
            }
            Kind::Bodies
            | Kind::Cut
            | Kind::Event
            | Kind::List
            | Kind::Log
            | Kind::Malformed
            | Kind::Session => {}
        }
    }

    /// Takes all that waits, to write it.
    pub(super) fn take(&mut self) -> Batch {
        self.is_writing = true;
        let spare = self.waiting.spare();
        let mut batch = std::mem::replace(&mut self.waiting, spare);
        batch.current.end = Some((self.chain.clone(), self.segment));
        batch
    }

    /// The batch is written.
    pub(super) fn finish(&mut self, mut batch: Batch) {
        self.is_writing = false;
        self.reach(batch.current.end.take());
        self.waiting.recycle(batch.current);
    }

    fn reach(&mut self, end: Option<(Chain, Place)>) {
        if let Some(end) = end {
            (self.written, self.written_segment) = end;
        }
    }

    /// What is written of a batch that failed: whole parts of it, and perhaps the bare beginning of
    /// the segment that the next part is for. The rest stays in the batch.
    pub(super) fn reach_partly(&mut self, batch: &mut Batch, failed: &Failed) {
        let done = failed.parts.checked_sub(1).and_then(|index| batch.parts().nth(index));
        self.reach(done.and_then(|it| it.end.clone()));
        let begins = batch.parts().nth(failed.parts).is_some_and(|it| it.begins.is_some());
        if failed.has_begun {
            self.written_segment = Place { bytes: 0, ..self.written_segment };
        }
        if begins {
            // A failed sync is told in the header that comes in the end.
            let told = batch.fresh.filter(|_| failed.parts == 0);
            self.fresh = Some(told.unwrap_or(Fresh::First));
        }
        if failed.is_unsynced {
            self.poison();
        }
        batch.forget(failed.parts);
    }

    /// The next record follows the last one that was written.
    fn take_back(&mut self) {
        (self.chain, self.segment) = (self.written.clone(), self.written_segment);
        self.ends.give_up(self.written.next());
    }

    fn undo(&mut self, calls: Vec<(RequestId, Option<u64>)>) {
        for (id, intent) in calls.into_iter().rev() {
            match intent {
                Some(intent) => {
                    self.open.insert(id, intent);
                    self.orphans.push(id);
                }
                None => {
                    self.open.remove(&id);
                }
            }
        }
    }

    /// Gives up a batch of the journal's own while it is closed: it is made anew for the next try.
    pub(super) fn give_back(&mut self, batch: Batch) {
        self.is_writing = false;
        self.undo(batch.undone().1);
        self.take_back();
        // It is counted until it is told.
        self.resumed = None;
        if let Some(closed) = &mut self.closed {
            closed.is_torn = true;
        }
    }

    /// What became of a record, as far as `level` asks; `None` where that is not known yet.
    pub(super) fn outcome(
        &self,
        ticket: Ticket,
        level: Level,
    ) -> Option<Result<(), Arc<io::Error>>> {
        let by_level = |written, synced| match level {
            Level::Standard => written,
            Level::Strict => synced,
        };
        if ticket.epoch == self.epoch {
            if ticket.seq < by_level(self.written.next(), self.synced.next()) {
                return Some(Ok(()));
            }
            let hangs = self.closed.as_ref().filter(|_| self.errands.is_hung);
            return hangs.map(|it| Err(Arc::clone(&it.source)));
        }
        let (written, synced, source) = self.failures.of(ticket.epoch);
        let is_through = ticket.seq < by_level(written, synced);
        Some(if is_through { Ok(()) } else { Err(source) })
    }

    /// How many records on the disk are to be signed for. The one that tells of the last checkpoint is no
    /// reason for another one, or that would never end; at the end it is signed for as well.
    pub(super) fn unsigned_records(&self) -> u64 {
        let unsigned = self.synced.next().saturating_sub(self.signed.0);
        unsigned.saturating_sub(u64::from(self.is_said && !self.is_ending()))
    }

    /// Whether the disk lacks something that was written.
    pub(super) fn is_dirty(&self) -> bool {
        !self.has_failed() && self.synced.next() < self.written.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_checkpoint_alone_is_signed_for_at_the_end_only() {
        let begun = Timestamp::from_seconds(0);
        let place = Place { first: 0, bytes: 0, header_bytes: 0, begun };
        let mut state = State::new("test".into(), Chain::begin("test"), place);
        state.synced.extend(b"of the checkpoint");
        assert_eq!(state.unsigned_records(), 1);
        state.is_said = true;
        assert_eq!(state.unsigned_records(), 0);
        state.synced.extend(b"of a call");
        assert_eq!(state.unsigned_records(), 1);
        state.phase = Phase::Ends;
        assert_eq!(state.unsigned_records(), 2);
    }
}
