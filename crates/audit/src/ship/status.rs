//! How far a sink is, as numbers for health and metrics.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::Timestamp;

/// How far a sink is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The first record that is not acknowledged.
    pub next: u64,
    /// How many records are on the disk and not acknowledged.
    pub lag_records: u64,
    /// When the oldest of those happened, if it was read already.
    pub oldest: Option<Timestamp>,
    /// How often it was tried in vain since something was acknowledged.
    pub attempts: u32,
    /// What the last failure was, and when. It stays when it works again.
    pub last_failure: Option<(Timestamp, String)>,
    /// How many records were acknowledged since the start.
    pub acknowledged: u64,
    /// How often it was tried in vain since the start.
    pub failures: u64,
    /// How many records were put aside since the start.
    pub dead: u64,
}

impl Status {
    /// How old the oldest record is that waits; zero where none does.
    #[must_use]
    pub fn lag(&self, now: Timestamp) -> Duration {
        self.oldest.filter(|_| self.lag_records > 0).map_or(Duration::ZERO, |it| now.since(it))
    }
}

/// Reads how far a sink is, from anywhere and without waiting for it.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<Status>>);

impl Watch {
    /// How far it is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
