//! What is worth nothing any more.

use model::Timestamp;

/// An entry of the feed of revocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its number. Who has read up to a number never sees a lower one appear.
    pub number: u64,
    /// What the id is an id of: [`Revoked::GRANT`], or a word of who revoked it.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// When it was revoked.
    pub at: Timestamp,
    /// When it would have ended by itself. The entry may be gone after that.
    pub expires: Timestamp,
}

impl Revoked {
    /// The kind of grants.
    pub const GRANT: &'static str = "grant";
}
