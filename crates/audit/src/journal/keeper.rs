//! The thread beside a journal that brings to the disk what was written, and tries again what failed.

use std::{
    io,
    sync::{Condvar, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Shared, state::State, time::Moment};
use crate::EventId;

/// Where nobody waits for the disk, it gets what was written after this.
const SYNC_AFTER: Duration = Duration::from_millis(25);
/// How often it is looked whether it is time for something, and how it is around the log.
pub(super) const LOOK_AFTER: Duration = Duration::from_secs(1);

/// What is known of what goes on around a log.
struct Lookout {
    /// When it was last looked.
    looked: Duration,
    /// The time of day as it went until then.
    moment: Moment,
    /// How many steps of a disk that fills up were told.
    steps: usize,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Nothing any more.
    End,
    /// Nothing.
    Idle,
    /// A sync, after so much time in which more may come that goes along.
    Sync(Duration),
    /// Another try to write, after so much time.
    Try(Duration),
}

/// Syncs until the journal ends.
pub(super) fn keep(shared: &Shared) {
    let clock = &shared.clock;
    let mut lookout = Lookout { looked: clock.elapsed(), moment: Moment::of(clock), steps: 0 };
    let mut state = shared.lock();
    loop {
        if !state.is_ending() && clock.elapsed().saturating_sub(lookout.looked) >= LOOK_AFTER {
            state.errands.begin();
            drop(state);
            lookout.looked = clock.elapsed();
            shared.look_at_clock(&mut lookout.moment);
            shared.look_at_room(&mut lookout.steps);
            state = shared.lock();
            state.errands.end();
        }
        state = match shared.turn(&state) {
            Turn::Sync(after) if after.is_zero() => shared.sync(state),
            Turn::Sync(after) => shared.sync(wait(&shared.work, state, after)),
            Turn::Try(after) if after.is_zero() => shared.try_again(state),
            // It looks around meanwhile.
            Turn::Try(after) => wait(&shared.work, state, after.min(LOOK_AFTER)),
            Turn::Idle => wait(&shared.work, state, LOOK_AFTER),
            Turn::End => return,
        }
    }
}

/// Waits until the bell rings, and no longer than `time`.
pub(super) fn wait<'a>(
    bell: &Condvar,
    state: MutexGuard<'a, State>,
    time: Duration,
) -> MutexGuard<'a, State> {
    bell.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
}

impl Shared {
    fn turn(&self, state: &State) -> Turn {
        if !state.is_dirty() {
            return match self.next_try(state) {
                _ if state.is_ending() => Turn::End,
                Some(after) => Turn::Try(after),
                None => Turn::Idle,
            };
        }
        if state.wanted > state.synced.next() || state.is_ending() {
            return Turn::Sync(Duration::ZERO);
        }
        // Nobody waits. What was written during the last sync has waited that long already.
        let waited = state
            .unsynced_since
            .map_or(Duration::ZERO, |since| self.clock.elapsed().saturating_sub(since));
        Turn::Sync(SYNC_AFTER.saturating_sub(waited))
    }

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
        state.unsynced_since = None;
        state.errands.begin();
        drop(state);
        let result = self.medium.sync();
        let mut state = self.lock();
        state.errands.end();
        match result {
            // A journal that failed meanwhile has been told what is on the disk.
            Ok(()) if state.synced.next() < chain.next() && !state.has_failed() => {
                state.hold(chain);
            }
            Ok(()) => {}
            Err(error) => state = self.fail_to_sync(state, error),
        }
        state.wakers.drain(..).for_each(|it| it.wake());
        if state.sleepers > 0 {
            self.through.notify_all();
        }
        if self.is_to_be_signed(&state) {
            self.signs.notify_one();
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
            state = wait(&self.work, state, Duration::from_millis(1));
        }
        // Also where it is closed already: what was lost is told in the header that comes next.
        state.poison();
        if !state.has_failed() {
            self.close(&mut state, None, error, false);
        }
        state
    }
}

#[cfg(test)]
mod tests;
