//! The sessions of the older revisions: which version was agreed on, and what is in flight.
//!
//! A session carries no authority. Each of its requests brings its own credential, and a session
//! of another profile, or of another person behind the same one, reads as one that was never there.

mod id;
mod in_flight;
mod owner;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use model::Clock;

use crate::Version;

pub use id::SessionId;
pub use in_flight::{InFlight, Session};
pub use owner::Owner;

/// How often expired sessions are looked for, at most.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// How much the table may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionBounds {
    /// How many sessions in all; the longest idle ones make room for new ones.
    pub count_max: usize,
    /// How many sessions of one profile that nobody stands behind, so that no caller can push out the
    /// others' sessions.
    pub per_profile_max: usize,
    /// How many sessions of one person, by one profile.
    pub per_person_max: usize,
    /// How many requests of one session may be in flight.
    pub in_flight_max: usize,
    /// After how long without a request a session ends.
    pub idle_max: Duration,
}

impl Default for SessionBounds {
    fn default() -> Self {
        Self {
            count_max: 10_000,
            per_profile_max: 1_000,
            per_person_max: 100,
            in_flight_max: 256,
            // Many clients cannot begin anew by themselves, and agents wait over night.
            idle_max: Duration::from_hours(24),
        }
    }
}

/// The table of sessions. It outlives snapshots.
#[derive(Debug)]
pub struct Sessions {
    clock: Clock,
    bounds: SessionBounds,
    count: AtomicUsize,
    /// When expired sessions were last looked for, in milliseconds of [`Clock::elapsed`].
    swept_ms: AtomicU64,
    table: scc::HashMap<SessionId, Arc<Session>>,
    owners: scc::HashMap<Owner, Vec<Arc<Session>>>,
}

impl Sessions {
    /// An empty table.
    #[must_use]
    pub fn new(clock: Clock, bounds: SessionBounds) -> Self {
        Self {
            swept_ms: AtomicU64::new(milliseconds(clock.elapsed())),
            clock,
            bounds,
            count: AtomicUsize::new(0),
            table: scc::HashMap::new(),
            owners: scc::HashMap::new(),
        }
    }

    /// Begins a session. Where there are too many, the longest idle ones end.
    pub fn create(&self, owner: &Owner, version: Version) -> Arc<Session> {
        let now_ms = milliseconds(self.clock.elapsed());
        self.sweep(now_ms);
        let (id, in_flight_max) = (SessionId::random(), self.bounds.in_flight_max);
        let session = Arc::new(Session::new(id, owner.clone(), version, in_flight_max, now_ms));
        while let Some(oldest) = self.oldest_beyond_share(owner) {
            self.end(&oldest);
        }
        self.enter(&session);
        if self.count() > self.bounds.count_max {
            self.evict(session.id());
        }
        session
    }

    /// The session, where it is this owner's and has not ended. Marks it as used.
    #[must_use]
    pub fn find(&self, id: SessionId, owner: &Owner) -> Option<Arc<Session>> {
        let session = self.table.read_sync(&id, |_, session| Arc::clone(session))?;
        if session.owner() != owner {
            return None;
        }
        let now_ms = milliseconds(self.clock.elapsed());
        if self.is_expired(&session, now_ms) {
            self.end(&session);
            return None;
        }
        session.touch(now_ms);
        Some(session)
    }

    /// Ends a session at its owner's wish, and cancels what is in flight. Whether there was one.
    pub fn delete(&self, id: SessionId, owner: &Owner) -> bool {
        let session = self.find(id, owner);
        session.is_some_and(|session| {
            self.end(&session);
            true
        })
    }

    /// How many sessions there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn is_expired(&self, session: &Session, now_ms: u64) -> bool {
        let idle_ms = now_ms.saturating_sub(session.touched_ms());
        idle_ms > milliseconds(self.bounds.idle_max) && !session.is_busy()
    }

    /// The owner's longest idle session, where it has no room for another one.
    fn oldest_beyond_share(&self, owner: &Owner) -> Option<Arc<Session>> {
        let share_max = match owner.is_person() {
            true => self.bounds.per_person_max,
            false => self.bounds.per_profile_max,
        };
        let oldest = self.owners.read_sync(owner, |_, sessions| {
            let oldest = sessions.iter().min_by_key(|it| (it.is_busy(), it.touched_ms()));
            oldest.filter(|_| sessions.len() >= share_max.max(1)).cloned()
        });
        oldest.flatten()
    }

    /// Ends the longest idle sixteenth of all, so that a full table is searched rarely.
    fn evict(&self, newest: SessionId) {
        let mut sessions = self.all(|session| session.id() != newest);
        let evicted = self.count().saturating_sub(self.bounds.count_max).max(sessions.len() / 16);
        sessions.sort_unstable_by_key(|it| (it.is_busy(), it.touched_ms()));
        sessions.iter().take(evicted).for_each(|it| self.end(it));
    }

    fn sweep(&self, now_ms: u64) {
        let swept_ms = self.swept_ms.load(Ordering::Relaxed);
        if now_ms.saturating_sub(swept_ms) < milliseconds(SWEEP_EVERY) {
            return;
        }
        // Of those who come at the same time, one sweeps.
        let is_mine =
            self.swept_ms.compare_exchange(swept_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed);
        if is_mine.is_ok() {
            self.all(|it| self.is_expired(it, now_ms)).iter().for_each(|it| self.end(it));
        }
    }

    fn all(&self, wanted: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut sessions = Vec::new();
        self.table.iter_sync(|_, session| {
            if wanted(session) {
                sessions.push(Arc::clone(session));
            }
            true
        });
        sessions
    }

    /// Enters it under its owner and into the table as one step: whoever finds it in one of them
    /// to end it waits for the other.
    fn enter(&self, session: &Arc<Session>) {
        let mut of_owner = self.owners.entry_sync(session.owner().clone()).or_default();
        // 244 random bits: an id that is taken does not happen.
        if self.table.insert_sync(session.id(), Arc::clone(session)).is_ok() {
            self.count.fetch_add(1, Ordering::Relaxed);
            of_owner.get_mut().push(Arc::clone(session));
        }
    }

    /// Several may do this at the same time; one of them counts.
    fn end(&self, session: &Session) {
        session.close();
        if self.table.remove_sync(&session.id()).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        self.owners.remove_if_sync(session.owner(), |sessions| {
            sessions.retain(|it| it.id() != session.id());
            sessions.is_empty()
        });
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
