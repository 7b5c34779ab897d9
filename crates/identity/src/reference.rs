//! Access tokens of this door that say nothing to who holds them: references. What one stands for is
//! kept for all replicas, and known here for seconds, or for its life where it was made here.

use std::{
    future::Future,
    hash::RandomState,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use model::Timestamp;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle, EntryAction, EntryResult},
};
use serde_json::{Map, Value};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    api_key::{self, SecureRandom},
    fingerprint::Fingerprint,
    token::Defect,
};

/// What every reference begins with.
pub const PREFIX: &str = "oda_";

/// References of which it is known what they stand for, or that they stand for nothing; the least used
/// go first.
const ANSWERS_MAX: usize = 16_384;

/// How long it is known what one stands for that another replica made.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// How long it is known that one stands for nothing. None is handed out before it is kept.
const BAD_FOR: Duration = Duration::from_secs(10);

/// How long the same one is not looked up again where nobody could say.
const NONE_FOR: Duration = Duration::from_secs(1);

/// How long a look-up may take, its turn included.
const WAIT: Duration = Duration::from_secs(2);

/// Look-ups at once: whoever makes references up does not keep the store from all else.
const AT_ONCE: usize = 8;

/// What a token says, as a signed one would.
type Claims = Map<String, Value>;

/// What references stand for, for all replicas. Implemented above, over the store that they share.
pub trait ReferenceStore: Send + Sync {
    /// What the reference with this SHA-256 stands for `now`; none where nobody made it, or it has
    /// ended. Or why that cannot be told, which is a refusal.
    fn find(
        &self,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Claims>, String>> + Send + '_>>;
}

/// A new reference.
///
/// # Errors
/// [`api_key::Error::Random`] where `random` fails.
pub fn make(random: &dyn SecureRandom) -> Result<String, api_key::Error> {
    api_key::text(PREFIX, random)
}

/// What the references of one door stand for.
pub(crate) struct References {
    store: OnceLock<Arc<dyn ReferenceStore>>,
    answers: Cache<Fingerprint, Answer, UnitWeighter, RandomState>,
    turns: Semaphore,
}

/// What is known of a reference.
#[derive(Clone)]
struct Answer {
    until: Timestamp,
    says: Result<Arc<Claims>, Defect>,
}

impl References {
    pub(crate) fn new() -> Self {
        let weight = u64::try_from(ANSWERS_MAX).unwrap_or(u64::MAX);
        let (hash, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        Self {
            store: OnceLock::new(),
            answers: Cache::with(64, weight, UnitWeighter, hash, lifecycle),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Looks up in `store` what was not made here. The first that is given counts.
    pub(crate) fn keep_in(&self, store: Arc<dyn ReferenceStore>) {
        let _first = self.store.set(store);
    }

    /// Knows one that was made here.
    pub(crate) fn know(&self, token: &str, claims: Claims) {
        if let Some(until) = end(&claims) {
            let answer = Answer { until, says: Ok(Arc::new(claims)) };
            self.answers.insert(Fingerprint::of(token.as_bytes()), answer);
        }
    }

    /// Forgets what one stands for: it is looked up again.
    pub(crate) fn forget(&self, token: &str) {
        self.answers.remove(&Fingerprint::of(token.as_bytes()));
    }

    /// What a reference stands for, and until when that is known. It is still to be checked as what a
    /// signed token says is, and that it was not taken back.
    pub(crate) async fn find(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Arc<Claims>, Timestamp), Defect> {
        if !is_well_formed(token) {
            return Err(Defect::Reference);
        }
        let fingerprint = Fingerprint::of(token.as_bytes());
        // Who shows the same at the same time waits for this answer. Where the one who looks it up
        // hangs up, the next of them does.
        let entry = self.answers.entry_async(&fingerprint, |_, answer| match now < answer.until {
            true => EntryAction::Retain(answer.clone()),
            false => EntryAction::ReplaceWithGuard,
        });
        let place = match entry.await {
            EntryResult::Retained(Answer { until, says }) => return says.map(|it| (it, until)),
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => place,
            // Neither is asked for above.
            EntryResult::Removed(..) | EntryResult::Timeout => {
                return Err(Defect::ReferencesOutOfReach);
            }
        };
        let answer = self.look_up(&fingerprint, now).await;
        let Answer { until, says } = answer.clone();
        // Where it was taken out meanwhile, the next one looks it up again.
        let _placed = place.insert(answer);
        says.map(|it| (it, until))
    }

    async fn look_up(&self, fingerprint: &Fingerprint, now: Timestamp) -> Answer {
        let looked_up = timeout(WAIT, self.in_turn(*fingerprint.bytes(), now)).await;
        let found = looked_up.unwrap_or_else(|_| Err(format!("no answer in {WAIT:?}")));
        let bad = |after, defect| Answer { until: now.plus(after), says: Err(defect) };
        match found {
            Ok(Some(claims)) => match end(&claims) {
                Some(end) => {
                    Answer { until: end.min(now.plus(GOOD_FOR)), says: Ok(Arc::new(claims)) }
                }
                None => bad(BAD_FOR, Defect::Reference),
            },
            Ok(None) => bad(BAD_FOR, Defect::Reference),
            Err(why) => {
                warn(&why);
                bad(NONE_FOR, Defect::ReferencesOutOfReach)
            }
        }
    }

    async fn in_turn(&self, digest: [u8; 32], now: Timestamp) -> Result<Option<Claims>, String> {
        let store = self.store.get().ok_or("there is no store of them")?;
        let _turn = self.turns.acquire().await.map_err(|it| it.to_string())?;
        store.find(digest, now).await
    }
}

/// Whether `token` is meant as a reference of this door.
pub(crate) fn is_meant(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Whether `text` can be a reference at all: what is mistyped costs no look-up.
fn is_well_formed(text: &str) -> bool {
    api_key::is_whole(text, PREFIX)
}

fn end(claims: &Claims) -> Option<Timestamp> {
    claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_seconds)
}

fn warn(why: &str) {
    tracing::warn!("what an opaque token stands for cannot be looked up: {why}");
}

#[cfg(test)]
mod tests {
    use crate::api_key::SystemRandom;

    use super::*;

    #[test]
    fn a_reference_is_told_from_keys_and_from_one_that_was_mistyped() {
        let token = make(&SystemRandom::new()).unwrap();
        assert!(is_well_formed(&token) && is_meant(&token), "{token}");
        assert!(!api_key::is_well_formed(&token) && api_key::kind(&token).is_none());
        assert_ne!(token, make(&SystemRandom::new()).unwrap());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert!(!is_well_formed(&String::from_utf8(bytes).unwrap()), "{at}");
        }
    }
}
