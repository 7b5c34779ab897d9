//! One fetch at a time for each key set, and at most one in 30 seconds, however many calls ask.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{Fetch, KeySet, Provider, Shared};

/// The least time from the beginning of one fetch to the next.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// The longest a fetch may take, whatever the client that does it thinks.
pub(super) const FLIGHT_MAX: Duration = Duration::from_secs(15);

/// Owns the fetches in the air; they end with it.
#[derive(Default)]
pub(super) struct Flights(Mutex<JoinSet<()>>);

/// Who says where a set is.
#[derive(Clone)]
pub(super) enum Source {
    /// The declaration of the issuer.
    Url(Arc<str>),
    /// The issuer itself.
    Provider(Arc<Provider>),
}

/// Where a set comes from.
pub(super) struct Remote {
    source: Source,
    shared: Arc<Shared>,
    gate: Mutex<Gate>,
    /// Counts landings, for those who wait for one.
    landings: watch::Sender<u64>,
}

#[derive(Default)]
struct Gate {
    begun: Option<Duration>,
    is_in_flight: bool,
}

impl Remote {
    pub(super) fn new(source: Source, shared: Arc<Shared>) -> Self {
        Self { source, shared, gate: Mutex::default(), landings: watch::Sender::new(0) }
    }

    /// Begins a fetch unless one is in flight or began too shortly ago.
    /// True where one is in flight now.
    pub(super) fn refresh(&self, set: &Arc<KeySet>) -> bool {
        let now = self.shared.clock.elapsed();
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if gate.is_in_flight {
            return true;
        }
        if gate.begun.is_some_and(|it| now.saturating_sub(it) < PAUSE) {
            return false;
        }
        *gate = Gate { begun: Some(now), is_in_flight: true };
        drop(gate);
        // A task of its own: a call that asks and hangs up must not take the fetch down with it,
        // or it could keep new keys out for as long as it likes.
        let landing = Landing(Arc::downgrade(set));
        let (source, shared) = (self.source.clone(), Arc::downgrade(&self.shared));
        let mut flights = self.shared.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        while flights.try_join_next().is_some() {}
        flights.spawn(fly(source, shared, landing));
        true
    }

    /// As [`Remote::refresh`], and waits for the landing, for a bounded time.
    pub(super) async fn refresh_and_wait(&self, set: &Arc<KeySet>) {
        let mut landings = self.landings.subscribe();
        if self.refresh(set) {
            // Landed, given up or out of time: whoever waits looks again at what is there.
            let _waited = timeout(self.shared.wait, landings.changed()).await;
        }
    }
}

/// Holds no strong reference while it waits, so that the last owner can go and end it.
async fn fly(source: Source, shared: Weak<Shared>, landing: Landing) {
    let Some(fetch) = shared.upgrade().map(|it| Arc::clone(&it.fetch)) else { return };
    let answer = timeout(FLIGHT_MAX, source.keys(&*fetch)).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer in {FLIGHT_MAX:?}")));
    let (Some(set), Some(shared)) = (landing.0.upgrade(), shared.upgrade()) else { return };
    if let Err(why) = answer.and_then(|text| set.take(&text, shared.clock.now())) {
        warn(source.name(), &why);
    }
}

fn warn(source: &str, why: &str) {
    tracing::warn!(%source, "keys of {source} were not renewed, known ones stay for now: {why}");
}

impl Source {
    async fn keys(&self, fetch: &dyn Fetch) -> Result<Bytes, String> {
        match self {
            Self::Url(url) => fetch.get(url).await,
            Self::Provider(provider) => fetch.get(&provider.metadata().await?.jwks_uri).await,
        }
        .map(|it| it.body)
    }

    fn name(&self) -> &str {
        match self {
            Self::Url(url) => url,
            Self::Provider(provider) => provider.issuer(),
        }
    }
}

/// Opens the gate and wakes the waiters when a flight ends, however it ends.
struct Landing(Weak<KeySet>);

impl Drop for Landing {
    fn drop(&mut self) {
        let set = self.0.upgrade();
        let Some(remote) = set.as_ref().and_then(|it| it.remote.as_ref()) else { return };
        remote.gate.lock().unwrap_or_else(PoisonError::into_inner).is_in_flight = false;
        remote.landings.send_modify(|it| *it = it.wrapping_add(1));
    }
}
