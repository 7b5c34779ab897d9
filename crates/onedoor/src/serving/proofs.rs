//! Proofs of keys that were used: in the store, where there is one, so that all replicas know of them.

use std::{pin::Pin, sync::Arc, time::Duration};

use identity::{
    api_key::Pepper,
    dpop::{NonceMaker, Proofs},
    replay::ReplayStore,
};
use model::{Clock, Timestamp};
use store::Store;
use tokio::time::{MissedTickBehavior, interval};

/// How often proofs that have expired are forgotten.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// How many at once: for as long as that takes, nothing can be revoked.
const PURGE_MAX: u32 = 1_000;

/// The store as `identity` wants it: the floor between them is crossed here.
struct Replays(Store);

impl ReplayStore for Replays {
    fn first(
        &self,
        digest: [u8; 32],
        expires: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<bool, String>> + Send + '_>> {
        Box::pin(
            async move { self.0.first_seen(&digest, expires).await.map_err(|it| it.to_string()) },
        )
    }
}

/// Remembers proofs in `store`, else in this process; nonces are made under `pepper`, where they are
/// demanded.
pub(super) fn proofs(store: Option<Store>, pepper: &Pepper, demands_nonce: bool) -> Proofs {
    let proofs = Proofs::new(store.map(|it| Arc::new(Replays(it)) as Arc<dyn ReplayStore>));
    if demands_nonce { proofs.demanding(NonceMaker::under(pepper)) } else { proofs }
}

/// Forgets proofs that have expired, for ever.
pub(super) async fn forget(store: Option<Store>, clock: Clock) {
    let Some(store) = store else { return };
    let mut ticks = interval(PURGE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // As long as there are more: they come faster than once a minute.
        while purge(&store, &clock).await >= u64::from(PURGE_MAX) {}
    }
}

async fn purge(store: &Store, clock: &Clock) -> u64 {
    let purged = Box::pin(store.purge(clock.now(), PURGE_MAX)).await;
    purged.inspect_err(tell_unpurged).unwrap_or_default()
}

fn tell_unpurged(error: &store::Error) {
    tracing::warn!("proofs that have expired stay in the store for now: {error}");
}

#[cfg(test)]
mod tests {
    use identity::replay::ReplayError;
    use model::Secret;
    use store::Location;

    use super::*;

    #[tokio::test]
    async fn what_one_replica_has_seen_is_used_up_at_the_next_one_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("onedoor.db"));
        let (one, other) = (Store::open(&location).await, Store::open(&location).await);
        let pepper = Pepper::new(&Secret::new(vec![7; 32])).unwrap();
        let [one, other, alone] =
            [Some(one.unwrap()), Some(other.unwrap()), None].map(|it| proofs(it, &pepper, true));
        let at = Timestamp::from_seconds;
        assert_eq!(one.first([1; 32], at(200), at(100)).await, Ok(()));
        assert_eq!(other.first([1; 32], at(200), at(100)).await, Err(ReplayError::Again));
        assert_eq!(other.first([2; 32], at(200), at(100)).await, Ok(()));
        assert_eq!(alone.first([1; 32], at(200), at(100)).await, Ok(()));
        assert_eq!(one.nonce(at(100)), alone.nonce(at(100)));
        assert_eq!(proofs(None, &pepper, false).nonce(at(100)), None);
    }
}
