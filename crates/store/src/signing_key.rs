//! A key that signs, sealed with a key that the store does not have.

use std::fmt;

use model::Timestamp;

/// A key that signs, sealed with a key that the store does not have.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id, as tokens name it.
    pub id: String,
    /// What it signs with.
    pub algorithm: String,
    /// Its public half.
    pub public: String,
    /// The id of the key-encryption key.
    pub key: String,
    /// Its sealed private half.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it signs.
    pub activates: Timestamp,
    /// Until when it signs; `None` where nobody has said yet.
    pub retires: Option<Timestamp>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, algorithm, public, key, sealed, created, activates, retires } = self;
        f.debug_struct("SigningKey")
            .field("id", id)
            .field("algorithm", algorithm)
            .field("public", public)
            .field("key", key)
            .field("sealed", &format_args!("{} bytes", sealed.len()))
            .field("created", created)
            .field("activates", activates)
            .field("retires", retires)
            .finish()
    }
}
