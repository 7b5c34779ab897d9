//! Keeps up with what happens elsewhere: what other replicas took back, new keys, what has expired.

use std::{convert::Infallible, sync::Arc, time::Duration};

use model::Timestamp;
use store::{GrantFilter, Store};
use tokio::time::{MissedTickBehavior, interval};

use crate::{Server, client, second_factor, signing};

/// How long what was taken back is remembered: longer than any access token lives.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(2 * 3600);

/// Most entries that are read at once.
const PAGE: u32 = 1_000;

/// How often keys are read, and what has ended or expired is looked for; and at which of these looks expired
/// rows are deleted.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const PURGE_TICKS: u64 = 60;
const PURGE_MAX: u32 = 1_000;

/// How often it is looked for what is over without an end of its own: that means to look at all rows.
const SWEEP_TICKS: u64 = 600;
const SWEEP_MAX: u32 = 1_000;

/// How long a client that registered itself is kept that never came back, and one that has been given
/// nothing for so long that nothing of that is left.
const UNUSED_KEPT: Duration = Duration::from_secs(24 * 3600);
const IDLE_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Takes over what others store, for ever.
pub async fn follow(server: Arc<Server>) -> Infallible {
    let rewrapped = Box::pin(second_factor::keep_rewrapped(&server));
    tokio::join!(take_back(&server), keep_keys(&server), tend(&server), rewrapped);
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

/// Ends grants, with all that came of them. The ids of those that were good until now.
///
/// # Errors
/// What the store says: then they may have ended or not.
pub(crate) async fn end(
    server: &Server,
    filter: GrantFilter<'_>,
    now: Timestamp,
) -> Result<Vec<String>, store::Error> {
    // One that another replica ended just now is told here, too, before the feed does.
    if let GrantFilter::One(id) = filter {
        server.issuer.revoke(id, now.plus(REMEMBERED));
    }
    let ended = server.store.revoke_grants(filter, now).await?;
    tell_here(server, &ended, now);
    Ok(ended)
}

/// The feed tells everybody of grants that have ended; here it is so before the answer.
pub(crate) fn tell_here(server: &Server, ended: &[String], now: Timestamp) {
    ended.iter().for_each(|it| server.issuer.revoke(it, now.plus(REMEMBERED)));
}

/// Takes over what was stored behind `last`.
pub(crate) async fn read(server: &Server, last: &mut u64) -> Result<(), store::Error> {
    let (mut from, mut is_whole) = (*last, true);
    loop {
        let page = server.store.revoked_since(from, PAGE).await?;
        let Some(newest) = page.last().map(|it| it.number) else { return Ok(()) };
        let now = server.clock.now();
        let is_withdrawn = |it: &&store::Revoked| it.kind == signing::WITHDRAWN;
        // Before calls under way are told: what they stand on is looked at again then.
        let is_read = !page.iter().any(|it| is_withdrawn(&it)) || tend_keys(server, now).await;
        for revoked in page.iter().filter(|it| is_read || !is_withdrawn(it)) {
            server.issuer.revoke(&revoked.id, revoked.expires.min(now.plus(REMEMBERED)));
        }
        // What was not told is read again, with all behind it.
        is_whole &= is_read;
        if is_whole {
            *last = newest;
        }
        from = newest;
    }
}

/// Reads the signing keys again; says whether that went well.
async fn tend_keys(server: &Server, now: Timestamp) -> bool {
    let tended = Box::pin(server.keys.tend(&server.issuer, now)).await;
    tended.inspect_err(tell_no_keys).is_ok()
}

/// Reads the signing keys every second, however long anything else takes: a new one signs everywhere as soon
/// as two seconds after it was made.
async fn keep_keys(server: &Server) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tend_keys(server, server.clock.now()).await;
    }
}

async fn tend(server: &Server) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        ticks.tick().await;
        let now = server.clock.now();
        if let Err(error) = server.tend_departed().await {
            tell_not_ended(&error);
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
        if tick.is_multiple_of(SWEEP_TICKS)
            && let Err(error) = sweep(&server.store, now).await
        {
            tell_unpurged(&error);
        }
    }
}

/// Deletes consents of which nothing is left, and clients that registered themselves for nothing.
async fn sweep(store: &Store, now: Timestamp) -> Result<(), store::Error> {
    store.purge_consents(now, SWEEP_MAX).await?;
    let (unused, idle) = (now.minus(UNUSED_KEPT), now.minus(IDLE_KEPT));
    store.purge_registrations(unused, idle, SWEEP_MAX).await.map(drop)
}

fn tell_behind(error: &store::Error) {
    tracing::error!("what other replicas took back cannot be read: {error}");
}

fn tell_no_keys(error: &signing::Error) {
    tracing::error!("the signing keys of tokens cannot be read or made: {error}");
}

fn tell_not_ended(error: &store::Error) {
    tracing::error!(
        "what people were given whose accounts are not what they were goes on: {error}"
    );
}

fn tell_not_rehashed(error: &store::Error) {
    tracing::warn!("secrets of registered clients stay under an older pepper for now: {error}");
}

fn tell_unpurged(error: &store::Error) {
    tracing::warn!("what has expired stays in the store for now: {error}");
}
