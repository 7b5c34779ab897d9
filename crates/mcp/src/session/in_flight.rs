//! One session, and its requests that wait for an answer.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::Owner;
use crate::{Id, ProtocolError, SessionId, Version};

/// A session of the older revisions.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    owner: Owner,
    version: Version,
    in_flight_max: usize,
    touched_ms: AtomicU64,
    /// Cancelled when the session ends; every request's token is a child of it.
    end: CancellationToken,
    in_flight: Mutex<HashMap<Id, CancellationToken>>,
}

impl Session {
    pub(super) fn new(
        id: SessionId,
        owner: Owner,
        version: Version,
        in_flight_max: usize,
        now_ms: u64,
    ) -> Self {
        Self {
            id,
            owner,
            version,
            in_flight_max,
            touched_ms: AtomicU64::new(now_ms),
            end: CancellationToken::new(),
            in_flight: Mutex::default(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Who began it.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The version that was agreed on.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Enters a request, for as long as the guard lives.
    ///
    /// # Errors
    /// [`ProtocolError`] where the session has too many of them, or one with the same id.
    pub fn begin(self: &Arc<Self>, id: &Id) -> Result<InFlight, ProtocolError> {
        let mut in_flight = self.lock();
        if in_flight.len() >= self.in_flight_max {
            return Err(refuse(id, "too many requests of this session are in flight"));
        }
        match in_flight.entry(id.clone()) {
            Entry::Occupied(_) => Err(refuse(id, "a request with this id is in flight")),
            Entry::Vacant(place) => {
                let token = place.insert(self.end.child_token()).clone();
                Ok(InFlight { session: Arc::clone(self), id: id.clone(), token })
            }
        }
    }

    /// Cancels a request. Whether it was in flight: it may well have ended just now.
    pub fn cancel(&self, id: &Id) -> bool {
        let token = self.lock().get(id).cloned();
        token.is_some_and(|token| {
            token.cancel();
            true
        })
    }

    pub(super) fn close(&self) {
        self.end.cancel();
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.lock().is_empty()
    }

    pub(super) fn touch(&self, now_ms: u64) {
        self.touched_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    pub(super) fn touched_ms(&self) -> u64 {
        self.touched_ms.load(Ordering::Relaxed)
    }

    /// A panic elsewhere leaves the map whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<Id, CancellationToken>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in flight. Dropping it, however the request ended, takes it out of the session.
#[derive(Debug)]
pub struct InFlight {
    session: Arc<Session>,
    id: Id,
    token: CancellationToken,
}

impl InFlight {
    /// Cancelled when the client does not wait any more, or the session ends.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.session.lock().remove(&self.id);
    }
}

/// Status 200: some clients take any other for the end of the whole session.
fn refuse(id: &Id, message: &'static str) -> ProtocolError {
    let error = ProtocolError::invalid_request(message).for_request(id);
    ProtocolError { status: StatusCode::OK, ..error }
}
