//! The data plane, as this server asks it: what could be done with a token?

use std::fmt;

use model::{CredentialId, Effect, LastUse, ProfileId, Timestamp, TokenBounds};
use serde_json::{Map, Value};

/// An operation that a token would allow, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// The collection's title.
    pub collection: String,
    /// What the operation does, in a few words.
    pub summary: String,
    /// What it does to the world.
    pub effect: Effect,
}

/// What could be done with a token. The floor is crossed here: who decides calls is beside.
pub trait Plane: fmt::Debug + Send + Sync {
    /// The operations that roles of `profile` allow within `bounds`, by collection.
    fn permitted(&self, profile: &ProfileId, bounds: &TokenBounds) -> Vec<Permitted>;

    /// Whether the door lets in who shows a token that says these claims, which are those of a token of
    /// this server: from anywhere, by who holds what it is bound to.
    ///
    /// # Errors
    /// Why not, for the record.
    fn admits(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), String>;

    /// Notes that a client proved itself by a credential.
    fn note_use(&self, credential: &CredentialId, of: LastUse);
}
