//! The thread beside a journal: it brings to the disk what was written, and signs how far that came.

use std::{
    io,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Shared,
    state::{State, Ticket},
    time::Moment,
};
use crate::{Checkpoint, Error, EventId, Outcome};

/// Where nobody waits for the disk, it gets what was written after this.
const SYNC_AFTER: Duration = Duration::from_millis(25);
/// So many records are signed for at the latest.
const SIGN_RECORDS: u64 = 1000;
/// Records are signed for after this at the latest.
const SIGN_AFTER: Duration = Duration::from_secs(10);
/// How often it is looked whether that much time went by, and how it is around the log.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// What is known of what goes on around a log.
struct Lookout {
    /// When it was last looked.
    looked: Duration,
    /// The time of day as it went until then.
    moment: Moment,
    /// How many steps of a disk that fills up were told.
    steps: usize,
}

/// Syncs and signs until the journal ends.
pub(super) fn keep(shared: &Shared) {
    let clock = &shared.clock;
    let mut lookout = Lookout { looked: clock.elapsed(), moment: Moment::of(clock), steps: 0 };
    let mut state = shared.lock();
    loop {
        if !state.is_ending && clock.elapsed().saturating_sub(lookout.looked) >= LOOK_AFTER {
            state.errands.begin();
            drop(state);
            lookout.looked = clock.elapsed();
            shared.look_at_clock(&mut lookout.moment);
            shared.look_at_room(&mut lookout.steps);
            state = shared.lock();
            state.errands.end();
        }
        if state.is_dirty() {
            if state.wanted <= state.synced.next() && !state.is_ending {
                // Nobody waits: what comes meanwhile goes along.
                state = wait(shared, state, SYNC_AFTER);
            }
            state = shared.sync(state);
        } else if shared.is_to_be_signed(&state) {
            state = shared.sign(state);
            state = shared.say_signed(state);
        } else if state.is_ending {
            return;
        } else {
            state = wait(shared, state, LOOK_AFTER);
        }
    }
}

fn wait<'a>(
    shared: &Shared,
    state: MutexGuard<'a, State>,
    time: Duration,
) -> MutexGuard<'a, State> {
    let waited = shared.work.wait_timeout(state, time);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

impl Shared {
    /// Records what this thread found; whether it could. Waits for no disk, since others wait for this thread
    /// to do so.
    pub(super) fn tell(&self, event: EventId, note: &str) -> bool {
        let mut state = self.lock();
        if state.closed.is_some() {
            return false;
        }
        let said = self.say(&mut state, event, note);
        drop(state);
        said.is_ok_and(|it| self.settle(it).is_ok())
    }

    /// Brings to the disk what is written, and wakes who waits for that.
    ///
    /// A disk that fails to may have lost it, and would not say so again. So the segment is given up:
    /// who waits is refused, and the next record begins another.
    pub(super) fn sync<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let chain = state.written.clone();
        state.errands.begin();
        drop(state);
        let result = self.medium.sync();
        let mut state = self.lock();
        state.errands.end();
        match result {
            // A journal that failed meanwhile has been told what is on the disk.
            Ok(()) if state.synced.next() < chain.next() && !state.has_failed() => {
                state.synced = chain;
            }
            Ok(()) => {}
            Err(error) => state = self.fail_to_sync(state, error),
        }
        state.wakers.drain(..).for_each(|it| it.wake());
        if state.sleepers > 0 {
            self.through.notify_all();
        }
        state
    }

    fn fail_to_sync<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        error: io::Error,
    ) -> MutexGuard<'a, State> {
        // Who writes just now would not know that the ground was taken away.
        while state.is_writing {
            let waited = self.work.wait_timeout(state, Duration::from_millis(1));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // Also where it is closed already: what was lost is told in the header that comes next.
        state.poison();
        if !state.has_failed() {
            self.close(&mut state, None, error, false);
        }
        state
    }

    fn is_to_be_signed(&self, state: &State) -> bool {
        let unsigned = state.unsigned_records();
        let waited = self.clock.elapsed().saturating_sub(state.signed.1);
        // A checkpoint that could not be kept is tried again when its time has come again.
        let is_due = waited >= SIGN_AFTER || (state.unsigned.is_none() && state.is_ending);
        self.key.is_some()
            && unsigned > 0
            && (is_due || (unsigned >= SIGN_RECORDS && state.unsigned.is_none()))
    }

    /// Signs what is on the disk.
    pub(super) fn sign<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let Some(key) = &self.key else { return state };
        let edge = state.synced.edge().clone();
        state.signed.1 = self.clock.elapsed();
        state.errands.begin();
        drop(state);
        let checkpoint = Checkpoint { size: edge.size(), root: edge.root() };
        // Held until the checkpoint is kept: no other key follows meanwhile.
        let key = key.lock().unwrap_or_else(PoisonError::into_inner);
        let note = checkpoint.sign(&key);
        let kept = self.medium.keep(&note);
        drop(key);
        let mut state = self.lock();
        state.errands.end();
        match kept {
            Ok(()) => {
                (state.signed.0, state.unsigned) = (edge.size(), None);
                (state.checkpoint, state.is_said) = (Some(note), false);
            }
            Err(error) => {
                state.unsigned = Some(Arc::new(error));
                state.checkpoint = None;
            }
        }
        state
    }

    /// Records the last checkpoint, so that it goes wherever records go, and where it could not be kept
    /// that. Not once it was said that the log ends: that stays the last word. Waits for no disk, as above.
    pub(super) fn say_signed<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        let is_over = state.is_ending || state.ended > 0 || state.closed.is_some();
        let said_before = state.unsigned_said;
        let kept = if is_over { None } else { self.say_kept(&mut state) };
        let note = state.checkpoint.take().filter(|_| !is_over);
        let said = note.and_then(|it| self.say(&mut state, EventId::AuditCheckpoint, &it).ok());
        drop(state);
        let is_lost = kept.is_some_and(|it| self.settle(it).is_err());
        let is_said = said.is_some_and(|it| self.settle(it).is_ok());
        let mut state = self.lock();
        if is_lost {
            // It is said behind the next one.
            state.unsigned_said = said_before;
        }
        state.is_said = is_said;
        state
    }

    /// Frames a record of it where checkpoints cannot be kept any more, and where they can be again: who
    /// keeps them from a place outside is to leave a trace.
    fn say_kept(&self, state: &mut State) -> Option<Ticket> {
        let why = state.unsigned.as_ref().map(|it| format!("no checkpoint can be kept: {it}"));
        if why.is_some() == state.unsigned_said.is_some() {
            return None;
        }
        let record = match &why {
            Some(why) => self.about(EventId::AuditCheckpointFailed, why, Outcome::Failed),
            None => {
                let note = "checkpoints can be kept again";
                self.about(EventId::AuditCheckpointRecovered, note, Outcome::Answered)
            }
        };
        let ticket = self.frame(state, &record).ok()?;
        state.unsigned_said = why.is_some().then_some(ticket.seq);
        Some(ticket)
    }

    /// Why the last checkpoint could not be kept, if so.
    pub(super) fn unsigned(&self) -> Result<(), Error> {
        self.lock().unsigned.as_ref().map_or(Ok(()), |it| {
            Err(Error::Unsigned { log: Arc::clone(&self.name), source: Arc::clone(it) })
        })
    }
}
