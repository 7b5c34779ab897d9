//! The public keys of trusted issuers: fetched when a token asks for them, and kept while usable.

mod discovery;
mod flight;
mod jwk;
mod metadata;
mod proof_key;

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use model::{Clock, Issuer, Timestamp};
use serde_json::Value;

use self::flight::{Remote, Source};
pub use self::{discovery::Provider, metadata::ProviderMetadata};
pub(crate) use self::{jwk::Keys, proof_key::ProofKey};
use crate::{
    fingerprint::Fingerprint,
    introspection::{Introspect, Introspector, Place},
    token::{Algorithm, Defect},
};

/// After this a set is fetched again beside the calls that go on using it.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// After this, without a successful fetch, a set is not used any more.
const STALE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How long a call waits for keys unless told otherwise.
const WAIT: Duration = Duration::from_secs(5);

/// Brings a document from a URL. Implemented above, where the one egress client is.
pub trait Fetch: Send + Sync {
    /// What a successful answer brought, bounded in size and time; else why there is none.
    fn get<'a>(&'a self, url: &'a str) -> Fetching<'a>;
}

/// A document that is on its way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, String>> + Send + 'a>>;

/// A document that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub body: Bytes,
    /// How long its server lets it be kept, where it says so.
    pub fresh_for: Option<Duration>,
}

impl From<Bytes> for Fetched {
    /// A document of which its server says nothing more.
    fn from(body: Bytes) -> Self {
        Self { body, fresh_for: None }
    }
}

/// The live key sets, one for each URL or issuer. They outlive the directories that use them.
pub struct KeySets {
    shared: Arc<Shared>,
    /// A set goes when the last directory that names it goes.
    sets: Mutex<BTreeMap<Box<str>, Weak<KeySet>>>,
    /// The same of issuers that say themselves where their keys are.
    discovered: Mutex<BTreeMap<Box<str>, Weak<KeySet>>>,
    providers: Mutex<BTreeMap<Box<str>, Weak<Provider>>>,
    /// Who asks about opaque tokens; nobody is asked where none.
    introspect: Option<Arc<dyn Introspect>>,
    introspectors: Mutex<BTreeMap<Box<str>, Weak<Introspector>>>,
}

/// What all sets have in common.
struct Shared {
    clock: Clock,
    fetch: Arc<dyn Fetch>,
    wait: Duration,
    flights: flight::Flights,
}

impl KeySets {
    /// No sets yet. Keys are fetched by `fetch`, in tasks of the runtime that a call runs on.
    #[must_use]
    pub fn new(fetch: Arc<dyn Fetch>, clock: Clock) -> Self {
        Self::waiting(fetch, clock, WAIT)
    }

    /// As [`KeySets::new`], and a call waits at most `wait` for keys.
    #[must_use]
    pub fn waiting(fetch: Arc<dyn Fetch>, clock: Clock, wait: Duration) -> Self {
        let shared = Shared { clock, fetch, wait, flights: flight::Flights::default() };
        Self {
            shared: Arc::new(shared),
            sets: Mutex::default(),
            discovered: Mutex::default(),
            providers: Mutex::default(),
            introspect: None,
            introspectors: Mutex::default(),
        }
    }

    /// The same, and issuers are asked about opaque tokens by `introspect`.
    #[must_use]
    pub fn introspecting(self, introspect: Arc<dyn Introspect>) -> Self {
        Self { introspect: Some(introspect), ..self }
    }

    /// Who asks `issuer` about opaque tokens, where it is to be asked: the same for all directories
    /// while one of them lives.
    pub(crate) fn introspector(&self, issuer: &Issuer) -> Option<Arc<Introspector>> {
        let declared = issuer.introspection.as_ref().filter(|_| issuer.is_enabled)?;
        let introspect = self.introspect.as_ref()?;
        let model::Introspection { url, client_id, client_secret } = declared;
        let url = url.as_deref();
        let name = format!("{} {url:?} {client_id:?} {client_secret}", issuer.issuer);
        Some(one_of(&self.introspectors, &name, || {
            let place = match url {
                Some(url) => Place::Url(url.into()),
                None => Place::Provider(self.provider(&issuer.issuer)),
            };
            let Shared { clock, wait, .. } = &*self.shared;
            Introspector::new(place, declared, Arc::clone(introspect), clock.clone(), *wait)
        }))
    }

    /// The set at `url`, the same for all who ask while one of them lives.
    pub(crate) fn at(&self, url: &str) -> Arc<KeySet> {
        one_of(&self.sets, url, || self.fetched_from(Source::Url(url.into())))
    }

    /// The set of an issuer that says itself where its keys are, the same for all who ask.
    pub(crate) fn of(&self, issuer: &str) -> Arc<KeySet> {
        let provider = self.provider(issuer);
        one_of(&self.discovered, issuer, || self.fetched_from(Source::Provider(provider)))
    }

    /// The issuer as it can be asked about itself, the same for all who ask while one of them lives.
    ///
    /// `issuer` must be one that an operator declared: it is believed about itself.
    pub fn provider(&self, issuer: &str) -> Arc<Provider> {
        let Shared { clock, fetch, wait: _, flights: _ } = &*self.shared;
        one_of(&self.providers, issuer, || Provider::new(issuer, Arc::clone(fetch), clock.clone()))
    }

    fn fetched_from(&self, source: Source) -> KeySet {
        KeySet {
            current: ArcSwapOption::empty(),
            fetched: AtomicI64::new(0),
            remote: Some(Remote::new(source, Arc::clone(&self.shared))),
        }
    }
}

/// The live thing of that name, made where there is none.
fn one_of<T>(
    live: &Mutex<BTreeMap<Box<str>, Weak<T>>>,
    name: &str,
    make: impl FnOnce() -> T,
) -> Arc<T> {
    let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
    live.retain(|_, it| it.strong_count() > 0);
    if let Some(one) = live.get(name).and_then(Weak::upgrade) {
        return one;
    }
    let one = Arc::new(make());
    live.insert(name.into(), Arc::downgrade(&one));
    one
}

impl fmt::Debug for KeySets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySets").finish_non_exhaustive()
    }
}

/// The keys of one issuer, now.
pub(crate) struct KeySet {
    current: ArcSwapOption<Generation>,
    /// When it was last confirmed, in microseconds of [`Timestamp`].
    fetched: AtomicI64,
    /// None for keys that stand in the issuer's document.
    remote: Option<Remote>,
}

/// One state of a set. Its number changes when its text does.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) keys: Keys,
    text: Option<Fingerprint>,
}

impl KeySet {
    /// The keys that stand in the issuer's document.
    pub(crate) fn inline(keys: Keys) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwapOption::from_pointee(Generation { number: 0, keys, text: None }),
            fetched: AtomicI64::new(0),
            remote: None,
        })
    }

    /// Replaces the keys of a set that is not fetched.
    pub(crate) fn replace(&self, keys: &Keys) {
        self.current.rcu(|before| {
            let number = before.as_ref().map_or(1, |it| it.number.saturating_add(1));
            Some(Arc::new(Generation { number, keys: keys.clone(), text: None }))
        });
    }

    /// The number of the state that made `signature`, of a set that is not fetched.
    pub(crate) fn verify(
        &self,
        kid: &str,
        algorithm: Algorithm,
        message: &str,
        signature: &[u8],
    ) -> Result<u64, Defect> {
        let set = self.current.load_full().ok_or(Defect::Signature)?;
        let is_made = set.keys.verify(Some(kid), algorithm, message, signature);
        is_made.then_some(set.number).ok_or(Defect::Signature)
    }

    /// Whether `number` is the state that may be used `now`. No lock, no waiting.
    pub(crate) fn is_current(self: &Arc<Self>, number: u64, now: Timestamp) -> bool {
        self.current.load().as_ref().is_some_and(|it| it.number == number) && self.is_usable(now)
    }

    /// The keys that `suits`; a set that lacks them is fetched, and waited for, first.
    pub(crate) async fn find(
        self: &Arc<Self>,
        suits: impl Fn(&Keys) -> bool,
        now: Timestamp,
    ) -> Result<Arc<Generation>, Missing> {
        if let Some(found) = self.usable(now).filter(|it| suits(&it.keys)) {
            return Ok(found);
        }
        if let Some(remote) = &self.remote {
            remote.refresh_and_wait(self).await;
        }
        match self.usable(now) {
            Some(found) if suits(&found.keys) => Ok(found),
            Some(_) => Err(Missing::Key),
            None => Err(Missing::Set),
        }
    }

    fn usable(self: &Arc<Self>, now: Timestamp) -> Option<Arc<Generation>> {
        self.current.load_full().filter(|_| self.is_usable(now))
    }

    /// Not too old; where it is getting old, a fetch begins beside.
    fn is_usable(self: &Arc<Self>, now: Timestamp) -> bool {
        let Some(remote) = &self.remote else { return true };
        // The time of day, because the caller has it in hand: reading a clock costs more than this.
        let age = now.since(Timestamp::from_micros(self.fetched.load(Ordering::Acquire)));
        if age > FRESH {
            remote.refresh(self);
        }
        age <= STALE_MAX
    }

    /// Takes a fetched text. A set that cannot be read changes nothing.
    fn take(&self, text: &[u8], now: Timestamp) -> Result<(), String> {
        let fingerprint = Fingerprint::of(text);
        let before = self.current.load_full();
        if before.as_ref().is_none_or(|it| it.text != Some(fingerprint)) {
            let keys = Keys::parse(text)?;
            let number = before.map_or(1, |it| it.number.saturating_add(1));
            let generation = Generation { number, keys, text: Some(fingerprint) };
            self.current.store(Some(Arc::new(generation)));
        }
        self.fetched.store(now.as_micros(), Ordering::Release);
        Ok(())
    }
}

/// Why no key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The set is good and has no such key.
    Key,
    /// There is no set that may be used.
    Set,
}

/// Reads the keys that stand in an issuer's document: there has to be one that can be used.
pub(crate) fn inline_keys(set: &Value) -> Result<Keys, String> {
    match Keys::read(set)? {
        keys if keys.is_empty() => Err("the key set has no usable key".to_owned()),
        keys => Ok(keys),
    }
}
