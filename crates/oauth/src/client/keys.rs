//! Keys of clients that nobody registered: fetched when an assertion asks for them, and kept for the
//! next one.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use identity::{Fetch, KeySets, assertion::VerificationKeys};
use model::{Clock, KeySource};
use serde_json::Value;
use url::Url;

/// Most sets that are kept.
const SETS_MAX: usize = 1_000;
const URL_BYTES_MAX: usize = 1_024;

/// The key sets that such clients name. Each is fetched at most once in 30 seconds while it is kept.
pub(crate) struct Keys {
    sets: KeySets,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By URL, with when each was asked for last.
    by_url: BTreeMap<String, (u64, VerificationKeys)>,
    asked: u64,
}

impl Keys {
    /// No keys yet.
    pub(crate) fn new(fetch: Arc<dyn Fetch>, clock: Clock) -> Self {
        Self { sets: KeySets::new(fetch, clock), kept: Mutex::default() }
    }

    /// The keys from `source`.
    ///
    /// # Errors
    /// What is wrong with those that stand in a document.
    pub(super) fn of(&self, source: &KeySource) -> Result<VerificationKeys, String> {
        match source {
            KeySource::Inline(set) => VerificationKeys::inline(set),
            KeySource::Url(url) => Ok(self.at(url)),
            KeySource::Discovery => Err("a client says itself where its keys are".to_owned()),
        }
    }

    fn at(&self, url: &str) -> VerificationKeys {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked = kept.asked.saturating_add(1);
        let asked = kept.asked;
        if let Some((last, keys)) = kept.by_url.get_mut(url) {
            *last = asked;
            return keys.clone();
        }
        if kept.by_url.len() >= SETS_MAX {
            let oldest = kept.by_url.iter().min_by_key(|(_, (last, _))| *last);
            if let Some(oldest) = oldest.map(|(url, _)| url.clone()) {
                kept.by_url.remove(&oldest);
            }
        }
        let keys = VerificationKeys::live(url, &self.sets);
        kept.by_url.insert(url.to_owned(), (asked, keys.clone()));
        keys
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Where metadata says that a client's keys are (RFC 7591 section 2): in it, or at one URL.
///
/// # Errors
/// Where that is nowhere, in two places, or at no URL that can be asked.
pub(super) fn source<'m>(
    member: impl Fn(&str) -> Option<&'m Value>,
) -> Result<KeySource, &'static str> {
    match (member("jwks"), member("jwks_uri")) {
        (Some(set), None) => Ok(KeySource::Inline(Arc::new(set.clone()))),
        (None, Some(url)) => {
            let url = url.as_str().filter(|it| it.len() <= URL_BYTES_MAX && is_https(it));
            let url = url.ok_or("jwks_uri is no https url, or is too long")?;
            Ok(KeySource::Url(url.to_owned()))
        }
        (Some(_), Some(_)) => Err("keys are in two places: jwks and jwks_uri"),
        (None, None) => Err("keys are in neither jwks nor jwks_uri"),
    }
}

fn is_https(text: &str) -> bool {
    let is_whole = |it: Url| {
        it.scheme() == "https"
            && it.host_str().is_some()
            && it.username().is_empty()
            && it.password().is_none()
            && it.fragment().is_none()
    };
    Url::parse(text).is_ok_and(is_whole)
}
