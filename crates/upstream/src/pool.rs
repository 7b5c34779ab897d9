//! The connections of one upstream: how many may be open, and which are idle.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::Clock;
use tokio::{sync::Semaphore, time::timeout};

use crate::link::Link;

/// How long a connection may be idle. Most servers keep theirs for longer.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How many may wait for a connection, where fewer connections than this are allowed.
const WAITING_MIN: usize = 64;

/// Idle connections, and a slot for each that may be in use.
#[derive(Debug)]
pub(crate) struct Pool {
    clock: Clock,
    idle: Mutex<VecDeque<Box<Link>>>,
    // One slot per connection in use. A connection is opened only under a slot and only where none is idle,
    // so no more are open than there are slots.
    slots: Semaphore,
    slots_max: usize,
    waiting: Semaphore,
}

/// The right to use one connection. On its end the connection goes back, or is closed where it is not clean.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    link: Option<Box<Link>>,
}

impl Pool {
    pub(crate) fn new(clock: Clock, connections_max: usize) -> Arc<Self> {
        let slots = connections_max.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            clock,
            idle: Mutex::default(),
            slots: Semaphore::new(slots),
            slots_max: slots,
            waiting: Semaphore::new(slots.max(WAITING_MIN)),
        })
    }

    /// Takes a slot, and waits for one up to `wait`; none where too many are waiting already.
    pub(crate) async fn lease(self: &Arc<Self>, wait: Duration) -> Option<Lease> {
        let slot = match self.slots.try_acquire() {
            Ok(slot) => slot,
            Err(_) => {
                let _place = self.waiting.try_acquire().ok()?;
                timeout(wait, self.slots.acquire()).await.ok()?.ok()?
            }
        };
        slot.forget();
        Some(Lease { pool: Arc::clone(self), link: None })
    }

    /// Closes idle connections that are over or too old.
    ///
    /// Each is looked at under a slot of its own, so that the bound holds, and none is locked for long.
    pub(crate) fn sweep(self: &Arc<Self>) {
        for _ in 0..self.idle_count() {
            let Ok(slot) = self.slots.try_acquire() else { return };
            let Some(mut link) = self.idle().pop_front() else { return };
            if self.is_fresh(&link) && link.is_alive() {
                self.idle().push_back(link);
            }
            drop(slot);
        }
    }

    /// How many connections are idle.
    pub(crate) fn idle_count(&self) -> usize {
        self.idle().len()
    }

    /// How many connections are in use.
    pub(crate) fn busy_count(&self) -> usize {
        self.slots_max.saturating_sub(self.slots.available_permits())
    }

    fn is_fresh(&self, link: &Link) -> bool {
        self.clock.elapsed().saturating_sub(link.idle_since) < IDLE_MAX
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Box<Link>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The connection that was used last, where one is idle: the likeliest to stand, and the others may age.
    pub(crate) fn take_idle(&mut self) -> Option<&mut Link> {
        loop {
            let link = self.pool.idle().pop_back()?;
            if self.pool.is_fresh(&link) {
                return Some(self.link.insert(link));
            }
        }
    }

    /// Puts a new connection under this lease, in place of the one it had.
    pub(crate) fn put(&mut self, link: Link) -> &mut Link {
        self.link.insert(Box::new(link))
    }

    /// The connection, where there is one.
    pub(crate) fn link(&mut self) -> Option<&mut Link> {
        self.link.as_deref_mut()
    }

    /// Whether the connection is free for another request.
    pub(crate) fn is_reusable(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_reusable())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut link) = self.link.take()
            && link.is_reusable()
        {
            // Before others can have it.
            link.leave();
            link.idle_since = self.pool.clock.elapsed();
            self.pool.idle().push_back(link);
        }
        // Last, so that whoever gets the slot finds the connection.
        self.pool.slots.add_permits(1);
    }
}
