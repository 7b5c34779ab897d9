//! What management needs of the keys that sign tokens. The authorization server provides it.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use schemars::JsonSchema;
use serde::Serialize;

/// What comes of work on signing keys.
pub type KeyWork<'a, T> = Pin<Box<dyn Future<Output = Result<T, SigningFault>> + Send + 'a>>;

/// The keys that sign tokens, as management sees them.
pub trait SigningKeys: fmt::Debug + Send + Sync {
    /// All of them, newest first.
    fn list(&self) -> KeyWork<'_, Vec<SigningKeyView>>;

    /// Makes one that is published now and signs after `ahead`.
    fn rotate(&self, ahead: Option<Duration>) -> KeyWork<'_, SigningKeyView>;

    /// Takes one away: its tokens are refused on every replica within a second. Says whether it was
    /// there.
    fn withdraw<'a>(&'a self, id: &'a str) -> KeyWork<'a, bool>;
}

/// Why there is no such change of signing keys.
#[derive(Debug, thiserror::Error)]
pub enum SigningFault {
    /// What is there stands in the way.
    #[error("{0}")]
    Conflict(String),
    /// The wish is out of bounds.
    #[error("{0}")]
    Invalid(String),
    /// The store cannot be reached, or a key cannot be opened.
    #[error("{0}")]
    Unavailable(String),
}

/// A signing key, without its private half.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SigningKeyView {
    /// Its `kid`.
    pub id: String,
    /// Its `alg`.
    pub algorithm: String,
    /// Where it is in its life.
    pub state: SigningStage,
    /// How long ago it was made, in seconds.
    pub age_seconds: u64,
    /// The key-encryption key under which its private half is sealed.
    pub sealed_under: String,
    /// When it was made.
    pub created: String,
    /// From when on it signs.
    pub signs_from: String,
    /// When it is deleted: the last token that it signed has ended by then. None where no key follows.
    pub deleted: Option<String>,
}

/// Where a signing key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SigningStage {
    /// Published; it does not sign yet.
    Next,
    /// It signs.
    Signing,
    /// It signs no more; its tokens are believed until they end.
    Verifying,
}
