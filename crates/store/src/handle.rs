//! Secrets that are good for one use, known by what they hash to.

use std::fmt;

use model::Timestamp;

/// The SHA-256 of what is not kept.
pub type Digest = [u8; 32];

/// A secret that is good for one use: a code, a refresh token, a session. Only its digest is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Handle {
    /// The secret's digest.
    pub digest: Digest,
    /// What it is, in the words of who makes it. Asked for as another kind, it is unknown.
    pub kind: String,
    /// The grant that it belongs to. With that revoked or expired, it is worth nothing.
    pub grant: Option<String>,
    /// All else, in the words of who makes it.
    pub body: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself; of one that was taken, until when that is known.
    pub expires: Timestamp,
}

impl fmt::Debug for Handle {
    // A body may tell about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digest: _, kind, grant, body, created, expires } = self;
        f.debug_struct("Handle")
            .field("kind", kind)
            .field("grant", grant)
            .field("body", &format_args!("{} bytes", body.len()))
            .field("created", created)
            .field("expires", expires)
            .finish_non_exhaustive()
    }
}

/// What became of an attempt to take a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It was taken before. That is seen as long as it is kept: until it expires and its grant has
    /// ended, or longer.
    Again(Handle),
    /// It, or the grant that it belongs to, has expired.
    Expired,
    /// It is taken, by nobody else, now or ever.
    First(Handle),
    /// The grant that it belongs to was revoked, or is gone.
    Revoked(Handle),
    /// There is none of this digest and kind.
    Unknown,
}
