//! A client that registered itself.

use model::Timestamp;

/// A client that registered itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The client's id.
    pub id: String,
    /// What it said of itself.
    pub body: String,
    /// When.
    pub created: Timestamp,
    /// When it was used last; `None` where it never was.
    pub used: Option<Timestamp>,
}
