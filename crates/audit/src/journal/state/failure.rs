//! What became of records when the journal failed, for those who ask afterwards.

use std::{collections::VecDeque, io, sync::Arc};

/// So many failures are remembered. Who asks later than that is told that it failed.
const FAILURES_MAX: usize = 64;

/// The last failures.
#[derive(Debug, Default)]
pub(in crate::journal) struct Failures(VecDeque<Failure>);

#[derive(Debug)]
struct Failure {
    /// The attempt that it ended.
    epoch: u64,
    /// All records below this number were written before.
    written: u64,
    /// All records below this number were on the disk before.
    synced: u64,
    source: Arc<io::Error>,
}

impl Failures {
    pub(super) fn add(&mut self, epoch: u64, through: (u64, u64), source: Arc<io::Error>) {
        if self.0.len() == FAILURES_MAX {
            self.0.pop_front();
        }
        let (written, synced) = through;
        self.0.push_back(Failure { epoch, written, synced, source });
    }

    /// How far the attempt came, and what ended it.
    pub(super) fn of(&self, epoch: u64) -> (u64, u64, Arc<io::Error>) {
        match self.0.iter().find(|it| it.epoch == epoch) {
            Some(it) => (it.written, it.synced, Arc::clone(&it.source)),
            None => (0, 0, Arc::new(io::Error::other("it failed a while ago"))),
        }
    }
}
