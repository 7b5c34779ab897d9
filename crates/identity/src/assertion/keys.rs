//! The keys that verify assertions of one issuer or client.

use std::{fmt, sync::Arc};

use model::{Issuer, KeySource};
use serde_json::Value;

use crate::{
    KeySets,
    key_set::{KeySet, inline_keys},
};

/// Public keys, declared or fetched. Made once for each credential that is declared; a clone has
/// the same keys and costs nothing.
#[derive(Clone)]
pub struct VerificationKeys(Arc<KeySet>);

impl VerificationKeys {
    /// The keys of a JWK Set (RFC 7517) that stands in a document.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the set, among it that no key of it can be used.
    pub fn inline(set: &Value) -> Result<Self, String> {
        inline_keys(set).map(KeySet::inline).map(Self)
    }

    /// The keys that are published at `url`: fetched when first asked for, and kept in `key_sets`
    /// with those of others who name the same URL.
    #[must_use]
    pub fn live(url: &str, key_sets: &KeySets) -> Self {
        Self(key_sets.at(url))
    }

    /// The keys of an issuer that is declared, from where it is declared that they are.
    ///
    /// # Errors
    /// As [`VerificationKeys::inline`].
    pub fn of(issuer: &Issuer, key_sets: &KeySets) -> Result<Self, String> {
        match &issuer.keys {
            KeySource::Discovery => Ok(Self(key_sets.of(&issuer.issuer))),
            KeySource::Inline(set) => Self::inline(set),
            KeySource::Url(url) => Ok(Self::live(url, key_sets)),
        }
    }

    pub(super) fn set(&self) -> &Arc<KeySet> {
        &self.0
    }
}

impl fmt::Debug for VerificationKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationKeys(..)")
    }
}
