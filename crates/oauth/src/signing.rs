//! The keys that sign tokens: kept sealed in the store, shared by all replicas, and replaced in time.

mod pair;
mod rotation;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::OwnIssuer;
use model::{Clock, SecretId, Timestamp};
use secrets::{Keyring, Sealed};
use serde_json::{Value, json};
use store::{SigningKey, Store};
use tokio::sync::Mutex;

use self::pair::Pair;
pub use self::{
    pair::Algorithm,
    rotation::{KeyError, KeyStage, PublishedKey},
};

/// How long a key signs before another does.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long before it signs a key is published: every replica has it by then, and so do those who
/// keep key sets for a while.
const AHEAD: Duration = Duration::from_secs(15 * 60);

/// How long after its last signature a key is published still: no token lives longer.
const BEHIND: Duration = Duration::from_secs(2 * 3600);

/// What withdrawn keys are called in the feed of what is taken back.
pub(crate) const WITHDRAWN: &str = "signing_key";

/// How long whoever wants a token waits for a key that is about to sign, in steps.
const TURN_STEP: Duration = Duration::from_millis(50);
const TURN_STEPS: u32 = 40;

const NAME: &str = "token-signing-key";

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key that was made by the library is none for it.
    #[error("a signing key could not be made or read")]
    Key,
    /// It could not be sealed or opened.
    #[error("a signing key could not be sealed or opened: {0}")]
    Seal(#[from] secrets::Error),
    /// It could not be stored or read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The issuer did not take its public half.
    #[error("the key set could not be published: {0}")]
    Publish(String),
}

/// The keys, as they were read last.
pub(crate) struct SigningKeys {
    store: Store,
    keyring: Arc<Keyring>,
    /// What new keys are for.
    algorithm: Algorithm,
    loaded: ArcSwap<Vec<Loaded>>,
    /// Held while keys are read and published: whoever read last publishes last, or a key that was
    /// withdrawn could come back.
    tending: Mutex<()>,
}

struct Loaded {
    id: String,
    /// None where the key that seals it was never in the keyring, or where it is for an algorithm that
    /// a later version has: its tokens are believed still.
    pair: Option<Arc<Pair>>,
    public: Value,
    activates: Timestamp,
}

impl SigningKeys {
    pub(crate) fn new(store: Store, keyring: Arc<Keyring>, algorithm: Algorithm) -> Self {
        Self { store, keyring, algorithm, loaded: ArcSwap::default(), tending: Mutex::default() }
    }

    /// Reads the keys, makes those that are missing, and publishes their public halves.
    ///
    /// # Errors
    /// Where that is not possible: those that were read before stay in use.
    pub(crate) async fn tend(&self, issuer: &OwnIssuer, now: Timestamp) -> Result<(), Error> {
        let _tending = self.tending.lock().await;
        let mut stored = self.store.signing_keys().await?;
        if let Some(activates) = self.next(&stored, now) {
            let made = self.make(now, activates)?;
            self.store.put_signing_key(&made).await?;
            stored.push(made);
        }
        let before = self.loaded.load();
        let is_same = before.len() == stored.len()
            && stored.iter().all(|it| {
                before.iter().any(|known| known.id == it.id && known.activates == it.activates)
            });
        let is_sealed_anew = !stored.iter().any(|it| self.is_outdated(it));
        let is_over = self.drop_outlived(&stored, now).await?;
        if is_same && is_sealed_anew && !is_over {
            return Ok(());
        }
        self.rewrap(&stored).await?;
        let loaded: Vec<_> = stored.iter().map(|it| self.load(it)).collect::<Result<_, _>>()?;
        let keys: Vec<_> = loaded.iter().map(|it| &it.public).collect();
        issuer.publish(&json!({ "keys": keys })).map_err(Error::Publish)?;
        self.loaded.store(Arc::new(loaded));
        Ok(())
    }

    /// When a key that is to be made now begins to sign; none where there are enough.
    fn next(&self, stored: &[SigningKey], now: Timestamp) -> Option<Timestamp> {
        // A key that cannot be opened here signs nothing, so another has to.
        let newest = stored.iter().filter(|it| self.can_sign(it)).max_by_key(|it| it.activates);
        // The first one signs at once: nobody has a token of another.
        let Some(newest) = newest else { return Some(now) };
        let is_ending = now.plus(AHEAD) >= newest.activates.plus(LIFE);
        // One that does not sign yet is let begin: replicas whose operators disagree on the
        // algorithm would else make keys in turn without an end.
        let is_other = newest.algorithm != self.algorithm.as_str() && newest.activates <= now;
        (is_ending || is_other).then(|| now.plus(AHEAD))
    }

    /// Deletes the keys whose last tokens have expired.
    async fn drop_outlived(&self, stored: &[SigningKey], now: Timestamp) -> Result<bool, Error> {
        let mut is_any = false;
        for key in stored {
            let successors = stored.iter().map(|it| it.activates).filter(|it| *it > key.activates);
            if successors.min().is_some_and(|it| it.plus(BEHIND) < now) {
                is_any |= self.store.delete_signing_key(&key.id).await?;
            }
        }
        Ok(is_any)
    }

    fn make(&self, now: Timestamp, activates: Timestamp) -> Result<SigningKey, Error> {
        let private = self.algorithm.generate()?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let public = Pair::read(self.algorithm, private.expose())?.jwk(&id)?;
        let Sealed { key, bytes } = secrets::seal(&self.keyring, &name(), 1, &id, &private)?;
        Ok(SigningKey {
            id,
            algorithm: self.algorithm.as_str().to_owned(),
            public: public.to_string(),
            key,
            sealed: bytes,
            created: now,
            activates,
            retires: None,
        })
    }

    /// Whether it can sign here: what was opened once stays open.
    fn can_sign(&self, stored: &SigningKey) -> bool {
        self.can_open(stored) || self.opened(&stored.id).is_some()
    }

    fn opened(&self, id: &str) -> Option<Arc<Pair>> {
        self.loaded.load().iter().find(|it| it.id == id)?.pair.clone()
    }

    /// Whether the key that seals it is in the keyring.
    fn can_open(&self, stored: &SigningKey) -> bool {
        self.keyring.ids().contains(&stored.key)
    }

    /// Whether it is sealed under an older key, or was not opened though it can be now.
    fn is_outdated(&self, stored: &SigningKey) -> bool {
        let loaded = self.loaded.load();
        let is_closed = || loaded.iter().any(|it| it.id == stored.id && it.pair.is_none());
        let is_readable = Algorithm::parse(&stored.algorithm).is_some();
        self.can_open(stored)
            && (stored.key != self.keyring.current() || (is_readable && is_closed()))
    }

    /// Seals what older keys seal under the current one, so that these can be taken away.
    async fn rewrap(&self, stored: &[SigningKey]) -> Result<(), Error> {
        for key in stored.iter().filter(|it| self.can_open(it)) {
            let sealed = Sealed { key: key.key.clone(), bytes: key.sealed.clone() };
            let wrapped = secrets::rewrap(&self.keyring, &name(), 1, &key.id, &sealed)?;
            if let Some(Sealed { key: sealing, bytes }) = wrapped {
                let wrapped = SigningKey { key: sealing, sealed: bytes, ..key.clone() };
                self.store.rewrap_signing_key(&wrapped, &key.key).await?;
            }
        }
        Ok(())
    }

    fn load(&self, stored: &SigningKey) -> Result<Loaded, Error> {
        // By now another replica may have sealed it anew, and its old key be gone from the keyring.
        let opened = self.opened(&stored.id).map_or_else(|| self.open(stored), |it| Ok(Some(it)));
        Ok(Loaded {
            id: stored.id.clone(),
            pair: opened?,
            public: serde_json::from_str(&stored.public).map_err(|_| Error::Key)?,
            activates: stored.activates,
        })
    }

    fn open(&self, stored: &SigningKey) -> Result<Option<Arc<Pair>>, Error> {
        let algorithm = Algorithm::parse(&stored.algorithm).filter(|_| self.can_open(stored));
        let Some(algorithm) = algorithm else { return Ok(None) };
        let sealed = Sealed { key: stored.key.clone(), bytes: stored.sealed.clone() };
        let private = secrets::open(&self.keyring, &name(), 1, &stored.id, &sealed)?;
        Ok(Some(Arc::new(Pair::read(algorithm, private.expose())?)))
    }

    /// The public halves, as a JWK Set (RFC 7517 section 5).
    pub(crate) fn public(&self) -> Value {
        let keys: Vec<_> = self.loaded.load().iter().map(|it| it.public.clone()).collect();
        json!({ "keys": keys })
    }

    /// As [`SigningKeys::sign`], and waits for a key that is about to sign where none does: the one
    /// before it may have been withdrawn.
    pub(crate) async fn sign_in_turn(
        &self,
        typ: &str,
        claims: &Value,
        clock: &Clock,
    ) -> Option<String> {
        for _ in 0..TURN_STEPS {
            let now = clock.now();
            let signed = self.sign(typ, claims, now);
            if signed.is_some() || !self.is_one_coming(now) {
                return signed;
            }
            tokio::time::sleep(TURN_STEP).await;
        }
        None
    }

    fn is_one_coming(&self, now: Timestamp) -> bool {
        let soon = now.plus(TURN_STEP.saturating_mul(TURN_STEPS));
        let loaded = self.loaded.load();
        loaded.iter().any(|it| it.pair.is_some() && it.activates > now && it.activates <= soon)
    }

    /// Signs claims as a token of type `typ` (RFC 7515 section 7.1); none where there is no key.
    fn sign(&self, typ: &str, claims: &Value, now: Timestamp) -> Option<String> {
        let loaded = self.loaded.load();
        let active = loaded.iter().filter(|it| it.activates <= now && it.pair.is_some());
        let key = active.max_by(|a, b| (a.activates, &a.id).cmp(&(b.activates, &b.id)))?;
        let pair = key.pair.as_ref()?;
        let header = json!({ "alg": pair.algorithm().as_str(), "typ": typ, "kid": key.id });
        let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = pair.sign(message.as_bytes())?;
        Some(format!("{message}.{signature}"))
    }
}

fn name() -> SecretId {
    // A slug by its spelling.
    #[expect(clippy::expect_used, reason = "a constant that a test reads")]
    SecretId::parse(NAME).expect("it is a slug")
}
