//! Opaque tokens: their issuer is asked, once for all who show the same, and believed for seconds.

use std::{hash::RandomState, sync::Arc, time::Duration};

use model::Timestamp;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle, EntryAction, EntryResult},
};

use super::{Holder, trust::Trust};
use crate::{
    fingerprint::Fingerprint,
    introspection::{Introspector, Word},
    token::{Defect, is_jose},
};

/// Tokens of which an answer is remembered; the least used go first.
const ANSWERS_MAX: usize = 16_384;

/// Longest opaque token. Longer ones are somebody else's, and nobody is asked about them.
const BYTES_MAX: usize = 4 * 1024;

/// How long a good answer is believed, where the token does not end sooner.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// How long a bad one is.
const BAD_FOR: Duration = Duration::from_secs(10);

/// How long the same token is not asked about again where there was no answer.
const NONE_FOR: Duration = Duration::from_secs(1);

/// The one issuer that is asked. Made anew, with nothing remembered, where anything of it is other.
pub(super) struct Opaque {
    trust: Arc<Trust>,
    introspector: Arc<Introspector>,
    answers: Cache<Fingerprint, Answer, UnitWeighter, RandomState>,
}

#[derive(Clone)]
struct Answer {
    until: Timestamp,
    says: Result<Arc<Holder>, Defect>,
}

impl Opaque {
    pub(super) fn new(trust: Arc<Trust>, introspector: Arc<Introspector>) -> Self {
        let weight = u64::try_from(ANSWERS_MAX).unwrap_or(u64::MAX);
        let (hash, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        let answers = Cache::with(64, weight, UnitWeighter, hash, lifecycle);
        Self { trust, introspector, answers }
    }

    /// Whether the issuer may be asked about it. What is of another form, or of this door, does not
    /// leave it: to ask is to show.
    pub(super) fn is_meant(&self, token: &str) -> bool {
        token.len() <= BYTES_MAX && !is_jose(token) && !is_own(token)
    }

    /// The holder of a token, by what its issuer says or said within the last half minute.
    pub(super) async fn holder(
        &self,
        fingerprint: &Fingerprint,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<Holder>, Defect> {
        // Who asks at the same time waits for this answer. Where the one who asks hangs up, the
        // next of them asks.
        let entry = self.answers.entry_async(fingerprint, |_, answer| {
            if now < answer.until {
                EntryAction::Retain(answer.clone())
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        let place = match entry.await {
            EntryResult::Retained(answer) => return answer.says,
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => place,
            // Neither is asked for above.
            EntryResult::Removed(..) | EntryResult::Timeout => return Err(self.out_of_reach()),
        };
        let answer = self.ask(token, now).await;
        let says = answer.says.clone();
        // Where it was taken out meanwhile, the next one asks again.
        let _placed = place.insert(answer);
        says
    }

    async fn ask(&self, token: &str, now: Timestamp) -> Answer {
        let good = now.plus(GOOD_FOR);
        match self.introspector.ask(token).await {
            Some(Word::Active(claims)) => match self.trust.holder_by_answer(&claims, good, now) {
                Ok(holder) => Answer { until: holder.expires, says: Ok(Arc::new(holder)) },
                Err(defect) => Answer { until: now.plus(BAD_FOR), says: Err(defect) },
            },
            Some(Word::Inactive) => {
                let says = Err(Defect::Inactive(self.trust.id.clone()));
                Answer { until: now.plus(BAD_FOR), says }
            }
            None => Answer { until: now.plus(NONE_FOR), says: Err(self.out_of_reach()) },
        }
    }

    fn out_of_reach(&self) -> Defect {
        Defect::IssuerOutOfReach(self.trust.id.clone())
    }
}

/// Codes, refresh tokens and the like of this door begin with `od`, a letter and a low line.
fn is_own(token: &str) -> bool {
    matches!(token.as_bytes(), [b'o', b'd', letter, b'_', ..] if letter.is_ascii_lowercase())
}
