//! Of those who append at the same time one writes the lines of all, and the others wait until it is done.

use std::{
    io::{self, ErrorKind},
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
};

use model::Level;

use super::{
    Shared,
    state::{Attempt, Batch, Closed, Failed, State, Ticket},
};
use crate::Error;

impl Shared {
    /// Waits until the record is written, by this thread or by another.
    pub(super) fn settle(&self, ticket: Ticket) -> Result<(), Error> {
        let mut state = self.lock();
        loop {
            if let Some(outcome) = state.outcome(ticket, Level::Standard) {
                return outcome.map_err(|source| self.write_error(source));
            }
            state = if state.is_writing { self.sleep(state) } else { self.lead(state) };
        }
    }

    /// Waits until the record is as safe as its level asks. Blocks this thread.
    pub(super) fn settle_safely(&self, ticket: Ticket) -> Result<(), Error> {
        self.settle(ticket)?;
        let mut state = self.want(ticket);
        loop {
            if let Some(outcome) = state.outcome(ticket, ticket.level) {
                return outcome.map_err(|source| self.write_error(source));
            }
            state = self.sleep(state);
        }
    }

    /// Says that somebody waits for the disk to have the record, where its level asks for that.
    pub(super) fn want(&self, ticket: Ticket) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if ticket.level == Level::Strict && state.outcome(ticket, Level::Strict).is_none() {
            state.wanted = state.wanted.max(ticket.seq.saturating_add(1));
            if self.has_keeper && !state.is_ending() {
                self.work.notify_one();
            } else {
                state = self.sync(state);
            }
        }
        state
    }

    fn sleep<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.sleepers = state.sleepers.saturating_add(1);
        let mut state = self.through.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.sleepers = state.sleepers.saturating_sub(1);
        state
    }

    /// Writes everything that waits, for all who wait.
    fn lead<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let batch = state.take();
        drop(state);
        let result = self.write(&batch);
        let mut state = self.lock();
        match result {
            Ok(()) => {
                state.finish(batch);
                self.note_unsynced(&mut state);
            }
            Err(failed) => {
                self.fail(&mut state, batch, failed);
                state = self.reopen(state);
            }
        }
        // Without sleepers the bell would cost a system call for nobody.
        if state.sleepers > 0 {
            self.through.notify_all();
        }
        state
    }

    /// Has the disk asked for what was written. By how it is behind the write: the sync that was under way when
    /// that began may be done.
    fn note_unsynced(&self, state: &mut State) {
        if state.unsynced_since.is_some() {
            return;
        }
        state.unsynced_since = Some(self.clock.elapsed());
        if self.has_keeper {
            self.work.notify_one();
        }
    }

    /// Writes a batch, segment by segment.
    pub(super) fn write(&self, batch: &Batch) -> Result<(), Failed> {
        for (parts, part) in batch.parts().enumerate() {
            let failed = |has_begun, is_unsynced| {
                move |source| Failed { parts, has_begun, is_unsynced, source }
            };
            if let Some(first) = part.begins {
                let is_given_up = parts == 0 && batch.is_after_loss();
                self.leave(is_given_up).map_err(failed(false, true))?;
                let begun = self.medium.begin(first, self.rules.segment_bytes);
                begun.map_err(failed(false, false))?;
            }
            self.medium.write(&part.bytes).map_err(failed(part.begins.is_some(), false))?;
        }
        Ok(())
    }

    /// Has the disk hold the segment before another begins: behind that, a loss could not be told.
    fn leave(&self, is_given_up: bool) -> io::Result<()> {
        // One whose sync failed is not asked again: it would say that all is well.
        if is_given_up { Ok(()) } else { self.medium.sync() }
    }

    fn fail(&self, state: &mut State, mut batch: Batch, failed: Failed) {
        state.reach_partly(&mut batch, &failed);
        let is_full = is_full(&failed.source)
            && !(failed.has_begun || failed.is_unsynced)
            && state.fresh.is_some();
        self.close(state, Some(batch), failed.source, true);
        if let Some(closed) = state.closed.as_mut().filter(|_| is_full) {
            closed.attempt = Attempt::Full;
        }
    }

    /// Closes the journal: nothing is admitted until it can be written again.
    pub(super) fn close(
        &self,
        state: &mut State,
        batch: Option<Batch>,
        source: io::Error,
        is_torn: bool,
    ) {
        self.is_closed.store(true, Ordering::Release);
        let now = (self.clock.now(), self.clock.elapsed());
        let closed = Closed { is_torn, ..Closed::new(now, Arc::new(source)) };
        state.fail(batch, closed);
        self.ring(state);
        self.work.notify_one();
    }

    /// Wakes all who wait.
    pub(super) fn ring(&self, state: &mut State) {
        state.wakers.drain(..).for_each(|it| it.wake());
        self.through.notify_all();
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
