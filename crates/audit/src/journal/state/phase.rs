//! How far a journal is on the way to its end.

use super::State;

/// How far a journal is on the way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::journal) enum Phase {
    /// It goes on.
    Runs,
    /// It was said to end.
    Ends,
    /// The thread that syncs has ended: what is signed now is the last.
    Synced,
}

impl State {
    /// Goes on to `phase`, and never back.
    pub(in crate::journal) fn come_to(&mut self, phase: Phase) {
        self.phase = self.phase.max(phase);
    }

    pub(in crate::journal) fn is_ending(&self) -> bool {
        self.phase != Phase::Runs
    }
}
