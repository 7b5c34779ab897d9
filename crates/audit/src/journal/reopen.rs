//! A journal that was closed is tried again, with records that say what is missing.
//!
//! One tries, and holds no lock while it waits for the disk: all others are refused at once meanwhile. It is the
//! thread that syncs, where there is one.

use std::{
    io,
    sync::{Arc, MutexGuard, atomic::Ordering},
    time::Duration,
};

use uuid::Uuid;

use super::{
    Shared,
    medium::Medium,
    state::{Attempt, Resumed, State, Ticket},
};
use crate::{
    Error, EventId,
    record::{Kind, Outcome, Record, Start, members},
};

impl Shared {
    /// Refuses where it is closed.
    pub(super) fn admit(&self, state: &State) -> Result<(), Error> {
        state.closed.as_ref().map_or(Ok(()), |it| Err(self.closed_error(&it.source)))
    }

    /// Has a closed journal go on where it can, and asks for a try where something failed.
    ///
    /// Waits for the disk only where there is no thread that does so, or that has ended.
    pub(super) fn reopen<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let is_kept = self.has_keeper && !state.is_ending();
        let Some(closed) = &mut state.closed else { return state };
        if closed.is_hang {
            // A disk that hangs is not asked: whoever did would hang as well. Behind a hang nothing is tried:
            // whoever writes next writes what is told of it, and all that waits since then.
            if !state.errands.is_hung {
                let said = self.say_resumed(&mut state);
                let said = said.and_then(|()| self.say_orphans(&mut state));
                said.and_then(|()| self.go_on(&mut state)).ok();
            }
            return state;
        }
        let is_news = closed.ask();
        if is_kept {
            if is_news {
                self.work.notify_one();
            }
            return state;
        }
        match self.next_try(&state) {
            Some(after) if after.is_zero() => self.try_again(state),
            Some(_) | None => state,
        }
    }

    /// How long it is until a journal that failed is to be tried again; none where nothing failed, or somebody
    /// tries.
    pub(super) fn next_try(&self, state: &State) -> Option<Duration> {
        let closed = state.closed.as_ref().filter(|it| !it.is_hang)?;
        let pause = closed.pause()?;
        Some(closed.tried.saturating_add(pause).saturating_sub(self.clock.elapsed()))
    }

    /// Says that there is no room, where that is to be said, or else tries to write again.
    pub(super) fn try_again<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        let Some(closed) = &mut state.closed else { return state };
        let is_full = closed.attempt == Attempt::Full;
        (closed.attempt, closed.tried) = (Attempt::UnderWay, self.clock.elapsed());
        drop(state);
        // All that is said of no room is as well as can be: that the journal is closed is told in any case.
        let tried = if is_full {
            self.say_full().ok();
            None
        } else {
            Some(self.resume())
        };
        let mut state = self.lock();
        let gone_on = tried.map(|it| it.and_then(|()| self.go_on(&mut state)));
        if let Some(closed) = &mut state.closed {
            closed.attempt = Attempt::Unasked;
            if let Some(Err(source)) = gone_on {
                closed.source = Arc::new(source);
                closed.failed = closed.failed.saturating_add(1);
            }
        }
        state
    }

    /// Has the disk hold that the log goes on.
    fn resume(&self) -> io::Result<()> {
        self.cut()?;
        // Before it is said that the log goes on: without it, it does not.
        self.errand(Medium::set_reserve)?;
        self.say_resumed(&mut self.lock())?;
        self.write_now()?;
        let mut state = self.lock();
        if let Some(closed) = &mut state.closed {
            closed.forget_told();
        }
        if state.orphans.is_empty() {
            return Ok(());
        }
        // Behind a sync that went well: with each that fails, all of them would be told once more. Until then the
        // header names them.
        self.say_orphans(&mut state)?;
        drop(state);
        self.write_now()
    }

    /// Says in the old segment that there is no room for a new one, on the room kept for that.
    fn say_full(&self) -> io::Result<()> {
        self.cut()?;
        self.errand(Medium::use_reserve)?;
        let note = "there is no room for another segment: calls are refused until there is";
        let full = self.about(EventId::AuditFull, note, Outcome::Failed);
        let members = members(&full).map_err(io::Error::other)?;
        self.lock().put(&members);
        self.write_now()
    }

    /// Takes away what a failed write left behind.
    fn cut(&self) -> io::Result<()> {
        let state = self.lock();
        let bytes = state.written_segment.bytes;
        let is_torn = state.closed.as_ref().is_some_and(|it| it.is_torn);
        drop(state);
        if is_torn {
            self.errand(|medium| medium.cut(bytes))?;
            if let Some(closed) = &mut self.lock().closed {
                closed.is_torn = false;
            }
        }
        Ok(())
    }

    /// Asks the disk for something. It is seen how long that takes.
    fn errand<T>(&self, what: impl FnOnce(&Medium) -> T) -> T {
        self.lock().errands.begin();
        let answer = what(&self.medium);
        self.lock().errands.end();
        answer
    }

    /// Ends the time that it was closed. Who was turned away while that was told to the disk is told of behind it,
    /// by whoever writes next.
    fn go_on(&self, state: &mut State) -> io::Result<()> {
        let Some(closed) = &mut state.closed else { return Ok(()) };
        closed.forget_told();
        if closed.lost > 0 || !state.orphans.is_empty() {
            self.say_resumed(state)?;
            self.say_orphans(state)?;
        }
        state.closed = None;
        self.is_closed.store(false, Ordering::Release);
        Ok(())
    }

    /// Frames what is to be told of the time that it was closed.
    fn say_resumed(&self, state: &mut State) -> io::Result<()> {
        let now = self.clock.now();
        let Some(closed) = &mut state.closed else { return Ok(()) };
        closed.told = (closed.lost, now);
        let (lost, since) = (closed.lost, closed.since);
        let why = if closed.is_hang { ", as the disk hung" } else { "" };
        let note = format!("{lost} records could not be written since {since}{why}");
        let seq = self.say(state, EventId::AuditResumed, &note)?.seq;
        // One that waits to be written as well may be lost with this.
        let (since, lost) = state
            .take_untold()
            .map_or((since, lost), |it| (it.since, it.lost.saturating_add(lost)));
        state.resumed = Some(Resumed { seq, since, lost });
        Ok(())
    }

    /// Ends the calls whose outcome could not be written, or may be lost.
    fn say_orphans(&self, state: &mut State) -> io::Result<()> {
        let orphans = std::mem::take(&mut state.orphans);
        self.say_unknown(state, &orphans)
    }

    /// Frames the record that a process begins with: those behind it are of this process.
    pub(super) fn say_start(
        &self,
        state: &mut State,
        event: EventId,
        note: &str,
    ) -> io::Result<()> {
        let (node, boot) = (Arc::clone(&state.origin), Uuid::new_v4().simple().to_string());
        let record = self.about(event, note, Outcome::Answered);
        let start = Some(Start { node: &node, boot: &boot });
        self.frame(state, &Record { start, ..record })?;
        Ok(())
    }

    /// Frames a record of the log about itself.
    pub(super) fn say(&self, state: &mut State, event: EventId, note: &str) -> io::Result<Ticket> {
        self.frame(state, &self.about(event, note, Outcome::Answered))
    }

    /// A record of the log about itself.
    pub(super) fn about<'a>(
        &self,
        event: EventId,
        note: &'a str,
        outcome: Outcome<'a>,
    ) -> Record<'a> {
        Record {
            event: Some(event),
            note: Some(note),
            ..Record::new(self.clock.now(), Kind::Log, outcome)
        }
    }

    /// Ends calls whose outcome nobody will record any more, or whose outcome may be lost. What the authorization
    /// server began ends as a call, too: of what is open, the log carries no more along than number and id.
    pub(super) fn say_unknown(
        &self,
        state: &mut State,
        calls: &[model::RequestId],
    ) -> io::Result<()> {
        let note = "it was begun, and what came of it could not be recorded, or that may be lost";
        for id in calls {
            // One that is named twice is ended by then.
            if !state.open.contains_key(id) {
                continue;
            }
            self.frame(
                state,
                &Record {
                    id: Some(*id),
                    note: Some(note),
                    ..Record::new(self.clock.now(), Kind::Call, Outcome::Unknown)
                },
            )?;
        }
        Ok(())
    }

    pub(super) fn frame(&self, state: &mut State, record: &Record<'_>) -> io::Result<Ticket> {
        let members = members(record).map_err(io::Error::other)?;
        Ok(state.frame(record, &members, &self.rules))
    }

    /// Has all that was framed on the disk before anything else happens. Nobody else frames or writes meanwhile.
    pub(super) fn write_now(&self) -> io::Result<()> {
        let mut batch = self.lock().take();
        let written = self.write(&batch);
        let synced = written
            .and_then(|()| self.errand(Medium::sync).map_err(|source| batch.unsynced(source)));
        let mut state = self.lock();
        if let Err(failed) = synced {
            state.reach_partly(&mut batch, &failed);
            state.give_back(batch);
            return Err(failed.source);
        }
        state.finish(batch);
        let written = state.written.clone();
        state.hold(written);
        state.unsynced_since = None;
        Ok(())
    }
}
