//! Was this proof seen before? What may be used once is remembered until it expires.

mod shard;

use std::{
    fmt,
    future::Future,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest;
use model::Timestamp;
use tokio::time::timeout;

use self::shard::Shard;
use crate::fingerprint::Fingerprint;

/// Proofs of different callers seldom wait for one another.
const SHARDS: usize = 16;

/// How long the shared store may take.
const SHARED_WAIT: Duration = Duration::from_secs(2);

/// Remembers proofs for all replicas. Implemented above, over the store that they share.
pub trait ReplayStore: Send + Sync {
    /// Whether `digest` was not there, and is from now on until `expires`, as one step. Or why that
    /// cannot be told, which is a refusal.
    fn first(
        &self,
        digest: [u8; 32],
        expires: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<bool, String>> + Send + '_>>;
}

/// Why a proof that may be used once is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It was used.
    #[error("the jti was used before")]
    Again,
    /// It would be forgotten at once.
    #[error("the proof has expired")]
    Expired,
    /// Nothing can be forgotten yet, and an unexpired proof that was would be accepted again.
    #[error("the memory of used proofs is full: {0} of them have not expired yet")]
    Full(usize),
    /// The store that replicas share does not say.
    #[error("the shared memory of used proofs does not answer: {0}")]
    Shared(String),
}

/// The proofs that this process has seen, and where there is a shared store, all replicas.
pub struct Seen {
    shards: [Mutex<Shard>; SHARDS],
    shard_entries_max: usize,
    /// Keyed: else proofs could be made that all fall into one shard and fill it.
    hasher: RandomState,
    shared: Option<Arc<dyn ReplayStore>>,
}

impl Seen {
    /// Remembers at most about `entries_max` unexpired proofs, each in about 150 bytes.
    #[must_use]
    pub fn new(entries_max: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            shard_entries_max: entries_max.div_ceil(SHARDS),
            hasher: RandomState::new(),
            shared: None,
        }
    }

    /// Asks `store` too, about what this process has not seen.
    #[must_use]
    pub fn with_shared(mut self, store: Arc<dyn ReplayStore>) -> Self {
        self.shared = Some(store);
        self
    }

    /// Accepts `digest` of [`digest`](digest()) once until `expires`. For a proof that was verified
    /// and holds `now`: what forgers send must not fill the memory.
    ///
    /// # Errors
    /// [`ReplayError`], all of them refusals.
    pub async fn first(
        &self,
        digest: [u8; 32],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), ReplayError> {
        self.first_here(digest, expires, now)?;
        // After that a proof that the shared store could not judge is used up here. Its sender has
        // to make a new one, which costs it nothing.
        let Some(shared) = &self.shared else { return Ok(()) };
        let answer = timeout(SHARED_WAIT, shared.first(digest, expires)).await;
        match answer.unwrap_or_else(|_| Err(format!("no answer in {SHARED_WAIT:?}"))) {
            Ok(true) => Ok(()),
            Ok(false) => Err(ReplayError::Again),
            Err(why) => Err(ReplayError::Shared(why)),
        }
    }

    fn first_here(
        &self,
        digest: [u8; 32],
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), ReplayError> {
        if expires <= now {
            return Err(ReplayError::Expired);
        }
        let fingerprint = Fingerprint::new(digest);
        let [first, ..] = &self.shards;
        let [at, ..] = self.hasher.hash_one(fingerprint).to_le_bytes();
        let shard = self.shards.get(usize::from(at) % SHARDS).unwrap_or(first);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.first(fingerprint, expires, now, self.shard_entries_max)
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("entries_max", &self.shard_entries_max.saturating_mul(SHARDS))
            .field("is_shared", &self.shared.is_some())
            .finish_non_exhaustive()
    }
}

/// What a proof is remembered by: its `jti` counts within `scope`, its issuer or the thumbprint of
/// its key.
#[must_use]
pub fn digest(scope: &str, jti: &str) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    // The length keeps two pairs apart that are one text when joined.
    context.update(&u64::try_from(scope.len()).unwrap_or(u64::MAX).to_be_bytes());
    context.update(scope.as_bytes());
    context.update(jti.as_bytes());
    let digest = context.finish();
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn number(it: u32) -> [u8; 32] {
        digest("us", &it.to_string())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[tokio::test]
    async fn a_proof_is_accepted_once_until_it_expires() {
        let seen = Seen::new(100);
        let one = number(1);
        assert_eq!(seen.first(one, at(1_010), NOW).await, Ok(()));
        assert_eq!(seen.first(one, at(1_010), NOW).await, Err(ReplayError::Again));
        assert_eq!(seen.first(one, at(1_020), at(1_009)).await, Err(ReplayError::Again));
        assert_eq!(seen.first(number(2), at(1_010), NOW).await, Ok(()));
        // Another proof with the same jti, after the first has expired, is a new one, and is
        // remembered for its own time.
        assert_eq!(seen.first(one, at(1_020), at(1_010)).await, Ok(()));
        assert_eq!(seen.first(number(3), at(1_030), at(1_011)).await, Ok(()));
        assert_eq!(seen.first(one, at(1_020), at(1_019)).await, Err(ReplayError::Again));
        assert_eq!(seen.first(number(4), at(1_020), at(1_020)).await, Err(ReplayError::Expired));
    }

    #[test]
    fn a_full_memory_refuses_the_new_and_forgets_nothing_unexpired() {
        let seen = Seen::new(SHARDS * 4);
        let first = |it, now| seen.first_here(number(it), at(2_000), now);
        let kept: Vec<u32> = (0..1_000).filter(|it| first(*it, NOW).is_ok()).collect();
        assert_eq!(kept.len(), SHARDS * 4);
        for it in 0..1_000 {
            let want = if kept.contains(&it) { ReplayError::Again } else { ReplayError::Full(4) };
            assert_eq!(first(it, at(1_999)), Err(want), "{it}");
        }
        let later =
            (1_000..2_000).filter(|it| seen.first_here(number(*it), at(3_000), at(2_000)).is_ok());
        assert_eq!(later.count(), SHARDS * 4, "what expired did not make room");
    }

    #[test]
    fn scope_and_jti_are_not_joined_into_one_text() {
        assert_ne!(digest("ab", "c"), digest("a", "bc"));
        assert_ne!(digest("", "abc"), digest("abc", ""));
        assert_eq!(digest("a", "b"), digest("a", "b"));
    }

    /// Answers each question with the next of its answers.
    struct Store(Vec<Option<Result<bool, String>>>, AtomicUsize);

    impl ReplayStore for Store {
        fn first(
            &self,
            _digest: [u8; 32],
            _expires: Timestamp,
        ) -> Pin<Box<dyn Future<Output = Result<bool, String>> + Send + '_>> {
            let answer = self.0[self.1.fetch_add(1, Ordering::SeqCst)].clone();
            Box::pin(async move {
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_shared_store_does_not_call_new_is_refused() {
        let answers = vec![Some(Ok(true)), Some(Ok(false)), Some(Err("down".into())), None];
        let store = Arc::new(Store(answers, AtomicUsize::new(0)));
        let seen = Seen::new(100).with_shared(Arc::clone(&store) as _);
        let shared = |why: &str| Err(ReplayError::Shared(why.into()));
        for (it, want) in [
            (1, Ok(())),
            (2, Err(ReplayError::Again)),
            (3, shared("down")),
            (4, shared("no answer in 2s")),
            // Known here: the store is not asked, and could not answer.
            (3, Err(ReplayError::Again)),
        ] {
            assert_eq!(seen.first(number(it), at(2_000), NOW).await, want, "{it}");
        }
        assert_eq!(store.1.load(Ordering::SeqCst), 4);
    }

    proptest! {
        /// Against a list that is searched from end to end.
        #[test]
        fn it_says_what_a_plain_list_says(
            steps in proptest::collection::vec((0..20_u32, 1..50_u64, 0..5_u64), 1..200)
        ) {
            let seen = Seen::new(100_000);
            let mut list: Vec<(u32, i64)> = Vec::new();
            let mut now = 0;
            for (it, lifetime, pause) in steps {
                now = at(now).plus(Duration::from_secs(pause)).as_seconds();
                let expires = at(now).plus(Duration::from_secs(lifetime)).as_seconds();
                let is_known = list.iter().any(|(known, until)| *known == it && *until > now);
                if !is_known {
                    list.push((it, expires));
                }
                let got = seen.first_here(number(it), at(expires), at(now));
                prop_assert_eq!(got.is_err(), is_known);
            }
        }
    }
}
