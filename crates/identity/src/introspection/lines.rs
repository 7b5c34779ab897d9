//! Who asks next: as many as an issuer is asked at once, and of each source a few of them, so that a
//! source with many questions waits for itself.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::sources::network;

/// Questions that one issuer is asked at once. Whoever floods the door with tokens does not flood
/// the issuer.
const AT_ONCE: usize = 16;

/// How many of them one source asks.
const AT_ONCE_OF_SOURCE: usize = 4;

/// Lines that nobody stands in are looked for from this number on.
const LINES: usize = 256;

/// Who waits for a turn.
pub(super) struct Lines {
    turns: Arc<Semaphore>,
    of_sources: Mutex<HashMap<IpAddr, Weak<Semaphore>>>,
}

/// A turn, for as long as it lives.
pub(super) struct Turn {
    _of_source: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Lines {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), of_sources: Mutex::default() }
    }
}

impl Lines {
    /// Waits for a turn of `source`.
    pub(super) async fn turn(&self, source: IpAddr) -> Option<Turn> {
        // Its own line first: of all turns it waits for no more than it may have.
        let of_source = self.of(source).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        Some(Turn { _of_source: of_source, _of_all: of_all })
    }

    fn of(&self, source: IpAddr) -> Arc<Semaphore> {
        let mut lines = self.of_sources.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES {
            lines.retain(|_, line| line.strong_count() > 0);
        }
        let place = lines.entry(network(source)).or_default();
        if let Some(line) = place.upgrade() {
            return line;
        }
        let line = Arc::new(Semaphore::new(AT_ONCE_OF_SOURCE));
        *place = Arc::downgrade(&line);
        line
    }
}
