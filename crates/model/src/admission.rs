//! Who becomes a profile without being registered: clients that bring their own metadata.

use crate::{AdmissionId, IssuerId, Place, ProfileId};

/// How a client that nobody registered makes itself known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registration {
    /// It is the command line of the door itself, which asks on a device (RFC 8628).
    CommandLine,
    /// It registers itself (RFC 7591).
    Dynamic,
    /// Its client id is the URL of a document about it (Client ID Metadata Document).
    MetadataDocument,
}

impl Registration {
    /// What begins the ids of clients that registered themselves.
    pub const DYNAMIC_PREFIX: &'static str = "dyn-";

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CommandLine => "command_line",
            Self::Dynamic => "dynamic",
            Self::MetadataDocument => "metadata_document",
        }
    }
}

/// Lets clients that nobody registered act as a profile, when such a person is behind them.
///
/// All that is named has to fit. Of several admissions that fit, the one with the lowest position
/// counts, and of these the first by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Its id.
    pub id: AdmissionId,
    /// What it is for, for people.
    pub description: Option<String>,
    /// The profile that they act as: never more than this.
    pub profile: ProfileId,
    /// How the client may have made itself known; at least one, sorted.
    pub registrations: Vec<Registration>,
    /// Hosts of the client's metadata document, else of all its redirect URIs, to which nobody is sent
    /// from a device: `claude.ai`, `*.example.com`, `localhost`; any where empty.
    pub hosts: Vec<String>,
    /// Values of the client's `software_id`; any where empty.
    pub software: Vec<String>,
    /// Only people who were signed in by this issuer; by any, and by this door, where none.
    pub issuer: Option<IssuerId>,
    /// Only people of one of these groups; any where empty.
    pub groups: Vec<String>,
    /// Where it stands among others; lower counts first.
    pub position: u32,
    /// Where it is declared.
    pub place: Place,
}
