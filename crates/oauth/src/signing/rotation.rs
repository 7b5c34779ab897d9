//! Signing keys on demand: which there are, one more in time, and one less at once.

use std::time::Duration;

use model::Timestamp;
use store::SigningKey;

use super::{AHEAD, BEHIND, Error, SigningKeys, WITHDRAWN};
use crate::Server;

/// Most keys that are kept when one more is asked for. The store reads four times as many.
const KEPT_MAX: usize = 64;

/// The shortest time ahead: replicas look for new keys every second.
const AHEAD_MIN: Duration = Duration::from_secs(2);
/// The longest: in a month the next one comes by itself.
const AHEAD_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// How soon another key signs where the one that did is withdrawn: replicas know it by then.
const SOON: Duration = Duration::from_secs(1);

/// A signing key, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its `kid`.
    pub id: String,
    /// Its `alg`.
    pub algorithm: String,
    /// Where it is in its life.
    pub stage: KeyStage,
    /// The key-encryption key under which its private half is sealed.
    pub sealed_under: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it signs.
    pub activates: Timestamp,
    /// When it is deleted, as all tokens that it signed have ended; `None` where none follows it yet.
    pub ends: Option<Timestamp>,
}

/// Where a signing key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStage {
    /// It is published and does not sign yet.
    Next,
    /// It signs.
    Signing,
    /// It signs no more, or not here; tokens that it signed are believed.
    Verifying,
}

/// Why there is no such change of keys. Nothing was changed, but for [`KeyError::Failed`].
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Another key takes over by then.
    #[error("signing key {id} is published and signs from {activates}: wait for that")]
    UnderWay {
        /// The key.
        id: String,
        /// From when on it signs.
        activates: Timestamp,
    },
    /// Too soon, or too late.
    #[error("a new key is published 2 s to 7 d before it signs, and not {} s", .0.as_secs())]
    Ahead(Duration),
    /// Too many keys are kept.
    #[error(
        "{0} signing keys are kept until the tokens they signed have ended: wait, or withdraw some"
    )]
    Full(usize),
    /// It could not be made, stored or read: part of it may be done.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<store::Error> for KeyError {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Server {
    /// All signing keys, newest first.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub async fn signing_keys(&self) -> Result<Vec<PublishedKey>, KeyError> {
        let stored = self.store.signing_keys().await?;
        let now = self.clock.now();
        Ok(stored.iter().map(|it| self.keys.published(it, &stored, now)).collect())
    }

    /// Makes a new key, which is published now and signs after `ahead`; 15 minutes where it is not
    /// said. The keys before it stay until the tokens that they signed have ended.
    ///
    /// # Errors
    /// Each of [`KeyError`].
    pub async fn rotate_signing_key(
        &self,
        ahead: Option<Duration>,
    ) -> Result<PublishedKey, KeyError> {
        let (ahead, now) = (ahead.unwrap_or(AHEAD), self.clock.now());
        if !(AHEAD_MIN..=AHEAD_MAX).contains(&ahead) {
            return Err(KeyError::Ahead(ahead));
        }
        let activates = now.plus(ahead);
        let mut stored = self.store.signing_keys().await?;
        if let Some(next) = self.keys.next_within(&stored, now, activates) {
            let (id, activates) = (next.id.clone(), next.activates);
            return Err(KeyError::UnderWay { id, activates });
        }
        if stored.len() >= KEPT_MAX {
            return Err(KeyError::Full(stored.len()));
        }
        let made = self.keys.make(now, activates)?;
        self.store.put_signing_key(&made).await?;
        self.keys.tend(&self.issuer, now).await?;
        tell_rotated(&made);
        stored.push(made.clone());
        Ok(self.keys.published(&made, &stored, now))
    }

    /// Takes a key away at once: its tokens are refused here when this returns, and on every replica
    /// within a second of it. Where it was the one that signs, another does after a second. Says
    /// whether there was such a key: whoever is not sure that it went well does it again.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub async fn withdraw_signing_key(&self, id: &str) -> Result<bool, KeyError> {
        let now = self.clock.now();
        let stored = self.store.signing_keys().await?;
        let (found, rest): (Vec<_>, Vec<_>) = stored.into_iter().partition(|it| it.id == id);
        if let Some(found) = found.first() {
            // First its successor: nobody is to find a store in which no key will sign.
            if found.activates <= now {
                self.succeed(found, &rest, now).await?;
            }
            self.store.delete_signing_key(id).await?;
        }
        // Also where there is none any more: an earlier try may have come only so far.
        self.store.revoke(WITHDRAWN, &[id.to_owned()], now, now.plus(BEHIND)).await?;
        self.keys.tend(&self.issuer, now).await?;
        if found.is_empty() {
            return Ok(false);
        }
        tell_withdrawn(id);
        Ok(true)
    }

    /// Has another key sign soon, unless a newer one than `old` does already or will by then.
    async fn succeed(
        &self,
        old: &SigningKey,
        rest: &[SigningKey],
        now: Timestamp,
    ) -> Result<(), KeyError> {
        let soon = now.plus(SOON);
        let mut newer: Vec<_> = rest
            .iter()
            .filter(|it| it.activates > old.activates && self.keys.can_sign(it))
            .collect();
        newer.sort_by_key(|it| it.activates);
        match newer.first() {
            Some(next) if next.activates <= soon => {}
            Some(next) => {
                self.store.set_signing_key_times(&next.id, soon, next.retires).await?;
            }
            None => self.store.put_signing_key(&self.keys.make(now, soon)?).await?,
        }
        Ok(())
    }
}

impl SigningKeys {
    /// The key that begins to sign between `now` and `until`, if any does.
    fn next_within<'a>(
        &self,
        stored: &'a [SigningKey],
        now: Timestamp,
        until: Timestamp,
    ) -> Option<&'a SigningKey> {
        let coming = stored.iter().filter(|it| it.activates > now && it.activates <= until);
        coming.filter(|it| self.can_sign(it)).min_by_key(|it| it.activates)
    }

    fn published(&self, key: &SigningKey, all: &[SigningKey], now: Timestamp) -> PublishedKey {
        let active = all.iter().filter(|it| it.activates <= now && self.can_sign(it));
        let signs = active.max_by(|a, b| (a.activates, &a.id).cmp(&(b.activates, &b.id)));
        let follows = all.iter().map(|it| it.activates).filter(|it| *it > key.activates).min();
        let stage = match signs {
            _ if key.activates > now => KeyStage::Next,
            Some(signing) if signing.id == key.id => KeyStage::Signing,
            Some(_) | None => KeyStage::Verifying,
        };
        PublishedKey {
            id: key.id.clone(),
            algorithm: key.algorithm.clone(),
            stage,
            sealed_under: key.key.clone(),
            created: key.created,
            activates: key.activates,
            ends: follows.map(|it| it.plus(BEHIND)),
        }
    }
}

fn tell_rotated(made: &SigningKey) {
    let SigningKey { id, activates, .. } = made;
    tracing::info!(key = %id, "signing key {id} is published and signs from {activates}");
}

fn tell_withdrawn(id: &str) {
    tracing::warn!(key = %id, "signing key {id} was withdrawn: its tokens are refused");
}
