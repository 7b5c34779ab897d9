//! The kill switch: what an operator has stopped, at once and for everybody.

use crate::{ClientId, CollectionId, Place, StopId, Timestamp, UpstreamId};

/// Refuses calls for as long as it is declared, whatever roles allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Its id.
    pub id: StopId,
    /// What is stopped.
    pub of: Stopped,
    /// Why, for operators and records.
    pub because: String,
    /// Who stopped it: a profile.
    pub by: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Where it is declared.
    pub place: Place,
}

/// What is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// All clients of the kind agent.
    Agents,
    /// One client, with all its profiles.
    Client(ClientId),
    /// One client that nobody registered, as it knows itself: the URL of its document, or what it
    /// was given when it registered itself.
    ClientId(String),
    /// All operations of one collection.
    Collection(CollectionId),
    /// One person, whichever client acts for them: `local:NAME`, or an issuer and their `sub` there.
    Person(String),
    /// All operations of all collections that share an upstream.
    Upstream(UpstreamId),
}
