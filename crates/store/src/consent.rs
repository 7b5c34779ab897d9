//! What a user allowed a client.

use model::Timestamp;

/// What a user allowed a client. There is one for each two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The user.
    pub subject: String,
    /// The client.
    pub client: String,
    /// What was allowed, in the words of who asked.
    pub body: String,
    /// When.
    pub given: Timestamp,
}
