//! The thread beside a journal that signs how far it came, and waits for the places that checkpoints go to.

use std::{
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Shared,
    keeper::{LOOK_AFTER, wait},
    state::{Phase, State, Ticket},
};
use crate::{Checkpoint, Error, EventId, Outcome};

/// So many records are signed for at the latest.
const SIGN_RECORDS: u64 = 1000;
/// Records are signed for after this at the latest.
const SIGN_AFTER: Duration = Duration::from_secs(10);

/// Signs until the journal ends, and all that the disk holds by then.
pub(super) fn keep(shared: &Shared) {
    let mut state = shared.lock();
    loop {
        state = if shared.is_to_be_signed(&state) {
            shared.say_signed(shared.sign(state))
        } else if state.phase == Phase::Synced {
            return;
        } else {
            wait(&shared.signs, state, LOOK_AFTER)
        }
    }
}

impl Shared {
    pub(super) fn is_to_be_signed(&self, state: &State) -> bool {
        // At the end once, for all of it: not before the disk has that.
        if self.key.is_none() || state.phase == Phase::Ends {
            return false;
        }
        let unsigned = state.unsigned_records();
        let waited = self.clock.elapsed().saturating_sub(state.signed.1);
        // A checkpoint that could not be kept is tried again when its time has come again.
        let is_due = waited >= SIGN_AFTER || (state.unsigned.is_none() && state.is_ending());
        unsigned > 0 && (is_due || (unsigned >= SIGN_RECORDS && state.unsigned.is_none()))
    }

    /// Signs what is on the disk.
    pub(super) fn sign<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let Some(key) = &self.key else { return state };
        let edge = state.synced.edge().clone();
        state.signed.1 = self.clock.elapsed();
        drop(state);
        let checkpoint = Checkpoint { size: edge.size(), root: edge.root() };
        // Held until the checkpoint is kept: no other key follows meanwhile.
        let key = key.lock().unwrap_or_else(PoisonError::into_inner);
        let note = checkpoint.sign(&key);
        let kept = self.medium.keep(&note);
        drop(key);
        let mut state = self.lock();
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
    /// that. Not once it was said that the log ends: that stays the last word. Waits for no disk: nobody asked for
    /// these records.
    pub(super) fn say_signed<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        let is_over = state.is_ending() || state.ended > 0 || state.closed.is_some();
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
