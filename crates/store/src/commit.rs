//! What goes into a store: one commit is one transaction and one revision.

use std::fmt;

use model::{SecretId, Timestamp};

use crate::Change;

/// A change of desired state: all of it is done, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The revision that it was made for; whatever is newest where it is missing.
    pub base: Option<u64>,
    /// Who makes it.
    pub author: String,
    /// Why; may be empty.
    pub reason: String,
    /// The request that makes it.
    pub request_id: String,
    /// When.
    pub at: Timestamp,
    /// Files by path: their new text, or `None` to delete them. Of one path twice, the last counts.
    pub files: Vec<(String, Option<String>)>,
    /// What happens to versions of secrets, in this order.
    pub sealed: Vec<SealedChange>,
    /// What else the revision shows as changed, by names that are no files. Of one name twice, the last counts.
    pub lines: Vec<Change>,
}

/// A version of a secret, sealed with a key that the store does not have.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedVersion {
    /// Which secret.
    pub secret: SecretId,
    /// Which version of it.
    pub version: u32,
    /// Its state, in the words of who seals.
    pub state: String,
    /// The id of the key-encryption key.
    pub key: String,
    /// The sealed value.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
}

impl fmt::Debug for SealedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret, version, state, key, sealed, created } = self;
        f.debug_struct("SealedVersion")
            .field("secret", secret)
            .field("version", version)
            .field("state", state)
            .field("key", key)
            .field("sealed", &format_args!("{} bytes", sealed.len()))
            .field("created", created)
            .finish()
    }
}

/// What happens to a version of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedChange {
    /// It is gone.
    Delete {
        /// Which secret.
        secret: SecretId,
        /// Which version of it.
        version: u32,
    },
    /// It is new. A version that is there is never overwritten.
    Put(SealedVersion),
    /// The same value under another key: key and sealed bytes are replaced, the state stays.
    Rewrap {
        /// The version with its new key and bytes.
        version: SealedVersion,
        /// The key that it was read with: under another one, or made anew since, it is not known.
        from: String,
    },
    /// It gets another state.
    State {
        /// Which secret.
        secret: SecretId,
        /// Which version of it.
        version: u32,
        /// The new state.
        state: String,
    },
}
