//! What a client was given.

use model::Timestamp;

/// What a client was given, for a user or for itself. All tokens of one family belong to one grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id, in the words of who gives it.
    pub id: String,
    /// To which client.
    pub client: String,
    /// With which profile.
    pub profile: String,
    /// For which user; `None` where the client acts for itself.
    pub subject: Option<String>,
    /// All else, in the words of who gives it.
    pub body: String,
    /// When it was given.
    pub created: Timestamp,
    /// When it ends by itself. What came of it must not outlive it.
    pub expires: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// The grants of a client that are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The client.
    pub client: String,
    /// How many there are.
    pub grants: u64,
    /// When the newest was given.
    pub newest: Timestamp,
}

/// Grants of one client for one user that are good and say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// With which profile.
    pub profile: String,
    /// All else, in the words of who gave them.
    pub body: String,
    /// When the last of them ends by itself.
    pub expires: Timestamp,
}

/// What went with something that grants came of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// Whether it was there.
    pub was_there: bool,
    /// The ids of the grants that were good until then.
    pub grants: Vec<String>,
}

/// Which grants are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantFilter<'f> {
    /// Those of a client.
    Client(&'f str),
    /// Those that fit all that is said, of any client but these.
    Given {
        /// The user.
        subject: Option<&'f str>,
        /// The client.
        client: Option<&'f str>,
        /// The profile.
        profile: Option<&'f str>,
        /// Clients whose grants are not meant.
        besides: &'f [&'f str],
    },
    /// The one of this id.
    One(&'f str),
    /// Those with a profile.
    Profile(&'f str),
    /// Those for a user.
    Subject(&'f str),
    /// Those of a client for a user.
    SubjectAndClient {
        /// The user.
        subject: &'f str,
        /// The client.
        client: &'f str,
    },
}
