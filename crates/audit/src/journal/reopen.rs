//! A journal that was closed is tried again, with records that say what is missing.

use std::{io, sync::Arc, sync::atomic::Ordering, time::Duration};

use uuid::Uuid;

use super::{
    Shared,
    state::{State, Ticket},
};
use crate::{
    Error, EventId,
    record::{Kind, Outcome, Record, Start, members},
};

/// A journal that failed is tried again no sooner than after this.
const RETRY_AFTER: Duration = Duration::from_millis(100);

impl Shared {
    /// Tries a closed journal again, at most every 100 ms.
    ///
    /// The lock is held meanwhile: while the journal is closed there is nothing else to do.
    pub(super) fn reopen(&self, state: &mut State) -> Result<(), Error> {
        let Some(closed) = &mut state.closed else { return Ok(()) };
        let elapsed = self.clock.elapsed();
        // A disk that hangs is not asked: whoever did would hang as well. Behind a hang nothing is tried.
        let is_too_soon = !closed.is_hang && elapsed < closed.tried.saturating_add(RETRY_AFTER);
        if state.errands.is_hung || is_too_soon {
            return Err(self.closed_error(&closed.source));
        }
        closed.tried = elapsed;
        let again = match closed.is_hang {
            // Whoever writes next writes that, and all that waits since then.
            true => self.say_resumed(state),
            false => self.try_again(state),
        };
        match again {
            Ok(()) => {
                state.closed = None;
                self.is_closed.store(false, Ordering::Release);
                Ok(())
            }
            Err(source) => {
                let source = Arc::new(source);
                if let Some(closed) = &mut state.closed {
                    closed.source = Arc::clone(&source);
                }
                Err(self.closed_error(&source))
            }
        }
    }

    fn try_again(&self, state: &mut State) -> io::Result<()> {
        self.cut(state)?;
        // Before it is said that the log goes on: without it, it does not.
        self.medium.set_reserve()?;
        self.say_resumed(state)?;
        self.write_now(state)
    }

    /// Frames what is to be told of the time that it was closed.
    fn say_resumed(&self, state: &mut State) -> io::Result<()> {
        let note = state.closed.as_ref().map(|it| {
            let why = if it.is_hang { ", as the disk hung" } else { "" };
            format!("{} records could not be written since {}{why}", it.lost, it.since)
        });
        self.say(state, EventId::AuditResumed, note.as_deref().unwrap_or_default())?;
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

    /// Ends calls whose outcome nobody will record any more. What the authorization server began ends as
    /// a call, too: of what is open, the log carries no more along than number and id.
    pub(super) fn say_unknown(
        &self,
        state: &mut State,
        calls: &[model::RequestId],
    ) -> io::Result<()> {
        let note = "it was begun, and what came of it could not be recorded";
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

    /// Has all that was framed on the disk before anything else happens.
    pub(super) fn write_now(&self, state: &mut State) -> io::Result<()> {
        let mut batch = state.take();
        if let Err(failed) = self.write(&batch) {
            state.reach_partly(&mut batch, &failed);
            state.give_back(batch);
            return Err(failed.source);
        }
        state.finish(batch);
        if let Err(error) = self.medium.sync() {
            state.poison();
            return Err(error);
        }
        state.synced = state.written.clone();
        state.unsynced_since = None;
        Ok(())
    }
}
