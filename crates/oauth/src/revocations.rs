//! Keeps up with what happens elsewhere: what other replicas took back, new keys, what has expired.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::{Server, client, signing};

/// How long what was taken back is remembered: longer than any access token lives.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(2 * 3600);

/// Most entries that are read at once.
const PAGE: u32 = 1_000;

/// How often keys are read, and how often expired rows are deleted.
const KEYS_EVERY: Duration = Duration::from_secs(1);
const PURGE_TICKS: u64 = 60;
const PURGE_MAX: u32 = 1_000;

/// Takes over what others store, for ever.
pub async fn follow(server: Arc<Server>) -> Infallible {
    tokio::join!(take_back(&server), tend(&server));
    std::future::pending().await
}

async fn take_back(server: &Server) {
    let mut news = server.store.watch_revocations();
    // What was stored before the start is no news to this receiver.
    news.mark_changed();
    let mut last = 0;
    loop {
        let waited = tokio::time::timeout(Duration::from_secs(1), news.changed()).await;
        if matches!(waited, Ok(Err(_))) {
            return;
        }
        // Also where nothing was told: what could not be read is tried again.
        if let Err(error) = read(server, &mut last).await {
            tell_behind(&error);
        }
    }
}

/// Takes over what was stored behind `last`.
pub(crate) async fn read(server: &Server, last: &mut u64) -> Result<(), store::Error> {
    loop {
        let page = server.store.revoked_since(*last, PAGE).await?;
        let Some(newest) = page.last().map(|it| it.number) else { return Ok(()) };
        let now = server.clock.now();
        // Before calls under way are told: what they stand on is looked at again then.
        if page.iter().any(|it| it.kind == signing::WITHDRAWN)
            && let Err(error) = Box::pin(server.keys.tend(&server.issuer, now)).await
        {
            tell_no_keys(&error);
        }
        for revoked in &page {
            server.issuer.revoke(&revoked.id, revoked.expires.min(now.plus(REMEMBERED)));
        }
        *last = newest;
    }
}

async fn tend(server: &Server) {
    let mut ticks = interval(KEYS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        ticks.tick().await;
        let now = server.clock.now();
        if let Err(error) = Box::pin(server.keys.tend(&server.issuer, now)).await {
            tell_no_keys(&error);
        }
        if let Err(error) = client::keep_rehashed(server).await {
            tell_not_rehashed(&error);
        }
        if tick.is_multiple_of(PURGE_TICKS) {
            server.issuer.forget_expired(now);
            if let Err(error) = server.store.purge(now, PURGE_MAX).await {
                tell_unpurged(&error);
            }
        }
    }
}

fn tell_behind(error: &store::Error) {
    tracing::error!("what other replicas took back cannot be read: {error}");
}

fn tell_no_keys(error: &signing::Error) {
    tracing::error!("the signing keys of tokens cannot be read or made: {error}");
}

fn tell_not_rehashed(error: &store::Error) {
    tracing::warn!("secrets of registered clients stay under an older pepper for now: {error}");
}

fn tell_unpurged(error: &store::Error) {
    tracing::warn!("expired grants and tickets stay in the store for now: {error}");
}
