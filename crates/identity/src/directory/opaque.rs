//! Opaque tokens: their issuer is asked, once for all who show the same, and believed for seconds.

use std::{hash::RandomState, net::IpAddr, sync::Arc, time::Duration};

use model::Timestamp;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle, EntryAction, EntryResult},
};

use super::{Holder, trust::Trust};
use crate::{
    fingerprint::Fingerprint,
    introspection::{Introspector, Silence, Word},
    token::{Claims, Defect, is_jose},
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
    /// Whether one before this was good.
    was_good: bool,
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

    /// Whether the issuer has said of a token that it is good, as far as that is remembered.
    pub(super) fn knew(&self, fingerprint: &Fingerprint) -> bool {
        self.answers.peek(fingerprint).is_some_and(|it| it.was_good || it.says.is_ok())
    }

    /// The holder of a token that came from `source`, by what its issuer says or said within the last
    /// half minute.
    pub(super) async fn holder(
        &self,
        fingerprint: &Fingerprint,
        (token, source): (&str, IpAddr),
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
        let (place, was_good) = match entry.await {
            EntryResult::Retained(answer) => return answer.says,
            EntryResult::Vacant(place) => (place, false),
            EntryResult::Replaced(place, before) => (place, before.was_good || before.says.is_ok()),
            // Neither is asked for above.
            EntryResult::Removed(..) | EntryResult::Timeout => return Err(self.out_of_reach()),
        };
        let word = match self.introspector.ask(token, source).await {
            Ok(word) => Some(word),
            Err(Silence::NoAnswer) => None,
            // It says nothing of the token: whoever else shows it may ask.
            Err(Silence::TooMany(unasked)) => return Err(Defect::Unasked(unasked)),
        };
        if !was_good && matches!(word, Some(Word::Inactive)) {
            self.introspector.count_unknown(source);
        }
        let answer = Answer { was_good, ..self.answer(fingerprint, word, now) };
        let says = answer.says.clone();
        // Where it was taken out meanwhile, the next one asks again.
        let _placed = place.insert(answer);
        says
    }

    fn answer(&self, fingerprint: &Fingerprint, word: Option<Word>, now: Timestamp) -> Answer {
        let good = now.plus(GOOD_FOR);
        let bad =
            |wait, defect| Answer { until: now.plus(wait), says: Err(defect), was_good: false };
        let holder =
            |claims: &Claims| self.trust.holder_by_answer((claims, fingerprint), good, now);
        match word {
            Some(Word::Active(claims)) => match holder(&claims) {
                Ok(holder) => {
                    let (until, says) = (holder.expires, Ok(Arc::new(holder)));
                    Answer { until, says, was_good: false }
                }
                Err(defect) => bad(BAD_FOR, defect),
            },
            Some(Word::Inactive) => bad(BAD_FOR, Defect::Inactive(self.trust.id.clone())),
            None => bad(NONE_FOR, self.out_of_reach()),
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
