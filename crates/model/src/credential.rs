//! A proof bound to exactly one profile. It always expires.

use std::collections::BTreeMap;

use crate::{CredentialId, IssuerId, Place, ProfileId, Timestamp};

/// Where a credential is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialState {
    /// In use.
    Active,
    /// Still good, soon to go: its successor is out.
    Retiring,
    /// Refused for ever.
    Revoked,
}

/// A proof bound to exactly one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its public id.
    pub id: CredentialId,
    /// The profile it leads to.
    pub profile: ProfileId,
    /// What is proved, and how.
    pub proof: Proof,
    /// Where it is in its life.
    pub state: CredentialState,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it ends.
    pub expires: Timestamp,
    /// Where it is declared.
    pub place: Place,
}

/// What a caller has to show.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// A key whose HMAC-SHA-256 under the pepper is this.
    ApiKey {
        /// The HMAC of the whole key.
        hmac: [u8; 32],
    },
    /// A token of a trusted issuer in which each of these claims has this value.
    External {
        /// Who signs the token.
        issuer: IssuerId,
        /// What it must say; at least one claim.
        claims: BTreeMap<String, String>,
    },
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Not the HMAC: whoever reads a log has no need of it.
            Self::ApiKey { hmac: _ } => f.write_str("ApiKey"),
            Self::External { issuer, claims } => {
                f.debug_struct("External").field("issuer", issuer).field("claims", claims).finish()
            }
        }
    }
}
