//! Time as a log takes it: that the time of day jumped is recorded, and what only a jump made old is not old.

use std::time::Duration;

use model::{Clock, Timestamp};

use super::Shared;
use crate::EventId;

/// The time of day may be so far from where it should be.
const JUMP_MIN: Duration = Duration::from_secs(1);

/// The same moment by both clocks: the time of day, which may jump, and the time since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    now: Timestamp,
    elapsed: Duration,
    /// How long it took to read both.
    doubt: Duration,
}

impl Moment {
    pub(super) fn of(clock: &Clock) -> Self {
        let (elapsed, now) = (clock.elapsed(), clock.now());
        // Who is put aside between the two would see a jump that was none.
        Self { now, elapsed, doubt: clock.elapsed().saturating_sub(elapsed) }
    }

    /// The same, if it is not later than `time`; else as if it had been then.
    pub(super) fn no_later_than(self, time: Timestamp) -> Self {
        Self { now: self.now.min(time), ..self }
    }

    /// What the time of day is after `elapsed`, unless it jumps.
    fn after(&self, elapsed: Duration) -> Timestamp {
        self.now.plus(elapsed.saturating_sub(self.elapsed))
    }

    /// What the time of day should have been at `later`, if it was another.
    fn jumped_until(&self, later: &Self) -> Option<Timestamp> {
        let want = self.after(later.elapsed);
        let apart = want.since(later.now).max(later.now.since(want));
        let doubt = self.doubt.saturating_add(later.doubt);
        (apart > JUMP_MIN.saturating_add(doubt)).then_some(want)
    }
}

impl Shared {
    /// Records that the time of day jumped since the moment `before`, if so.
    pub(super) fn look_at_clock(&self, before: &mut Moment) {
        let now = Moment::of(&self.clock);
        let Some(want) = before.jumped_until(&now) else { return };
        let note = format!("the time of day jumped from {want} to {}", now.now);
        // Small steps add up until they are told.
        if self.tell(EventId::AuditClockJumped, &note) {
            *before = now;
        }
    }

    /// What the time is at least: how old something is, is told by this.
    ///
    /// The time of day, and no later than by how long this process lives behind the last record that it
    /// found. So neither a clock that jumps makes anything old, nor one that was wrong at the start.
    pub(super) fn now_at_least(&self) -> Timestamp {
        self.clock.now().min(self.since.after(self.clock.elapsed()))
    }
}
