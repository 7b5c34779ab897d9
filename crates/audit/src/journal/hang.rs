//! A disk that hangs: nobody waits for it longer than its time, and all goes on when it is back.
//!
//! Nothing has failed then. What was entered keeps its place and is written when the disk can be written to;
//! who waits for it is told that nobody knows what became of it, and who comes meanwhile is turned away.

use std::{
    io::{self, ErrorKind},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use super::{
    Shared,
    keeper::wait,
    state::{Closed, State},
};

/// How often it is looked. Looking on costs those who record nothing.
const LOOK_AFTER: Duration = Duration::from_millis(250);
/// What two looks may be apart to count. A process that was stopped in between did not wait for the disk.
const APART_MAX: Duration = Duration::from_millis(500);

/// What the disk was asked for when it was looked last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By whoever writes.
    write: Asked,
    /// By the thread beside the log.
    keeper: Asked,
    /// When that was.
    looked: Duration,
}

/// Something that the disk was asked for and has not answered: its number, and for how long it was seen.
#[derive(Debug, Default)]
struct Asked(Option<(u64, Duration)>);

impl Asked {
    /// How long what is under way has been so, where so much has `passed` since the last look.
    fn look(&mut self, under_way: Option<u64>, passed: Duration) -> Duration {
        let same = self.0.filter(|it| under_way == Some(it.0));
        let waited = same.map_or(Duration::ZERO, |it| it.1.saturating_add(passed));
        self.0 = under_way.map(|it| (it, waited));
        waited
    }
}

/// Looks until nobody holds the other end of `ends`, and then until the disk does not hang.
pub(super) fn watch(shared: &Shared, ends: &Receiver<()>) {
    let mut seen = Seen::default();
    while ends.recv_timeout(LOOK_AFTER) == Err(RecvTimeoutError::Timeout) {
        shared.look_at_disk(&mut seen);
    }
    // Nobody looks after this: what is recorded then would be turned away for ever.
    while shared.look_at_disk(&mut seen) {
        drop(wait(&shared.through, shared.lock(), LOOK_AFTER));
    }
}

impl Shared {
    /// Closes the journal where the disk has taken longer than its time, and has it opened again by who comes
    /// next where it is back. Whether it hangs.
    pub(super) fn look_at_disk(&self, seen: &mut Seen) -> bool {
        let now = self.clock.elapsed();
        let passed = now.saturating_sub(seen.looked).min(APART_MAX);
        seen.looked = now;
        let mut state = self.lock();
        // The next write is of another record.
        let write = seen.write.look(state.is_writing.then(|| state.written.next()), passed);
        let waited = write.max(seen.keeper.look(state.errands.under_way(), passed));
        let is_hung = waited >= self.rules.disk_timeout;
        if is_hung && !state.errands.is_hung {
            self.hang(&mut state, waited);
        }
        state.errands.is_hung = is_hung;
        is_hung
    }

    fn hang(&self, state: &mut State, waited: Duration) {
        self.is_closed.store(true, Ordering::Release);
        let seconds = waited.as_secs();
        let what = format!("the disk has not answered for {seconds} s");
        let source = Arc::new(io::Error::new(ErrorKind::TimedOut, what));
        if let Some(closed) = &mut state.closed {
            // One that failed before stays what it is, and says what holds it up now.
            closed.source = source;
        } else {
            let now = (self.clock.now(), self.clock.elapsed());
            state.closed = Some(Closed { is_hang: true, ..Closed::new(now, source) });
        }
        self.ring(state);
    }
}
