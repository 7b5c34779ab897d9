//! A proof bound to exactly one profile. It always expires.

use std::{collections::BTreeMap, net::IpAddr};

use uuid::Uuid;

#[cfg(doc)]
use crate::RotationPolicy;
use crate::{
    CredentialId, IssuerId, KeyHash, KeySource, Place, ProfileId, Rehash, Timestamp, id::InvalidId,
};

/// Longest start of a new credential's id; the end comes after it.
const ID_START_MAX: usize = 54;

/// How long that end is.
const ID_END_LENGTH: usize = 8;

/// Where a credential is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialState {
    /// In use.
    Active,
    /// Still good, soon to go: its successor is out.
    Retiring,
    /// Refused: its successor took over.
    Retired,
    /// Refused for ever.
    Revoked,
}

impl CredentialState {
    /// Whether a credential in this state is accepted, until it ends.
    #[must_use]
    pub fn is_good(self) -> bool {
        match self {
            Self::Active | Self::Retiring => true,
            Self::Retired | Self::Revoked => false,
        }
    }
}

/// A proof bound to exactly one profile.
#[derive(Debug, Clone, PartialEq)]
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
    /// When its successor was made, where it has one.
    pub replaced: Option<Timestamp>,
    /// When it ends by itself. Its profile may end it sooner: [`RotationPolicy::end`].
    pub expires: Timestamp,
    /// Where it is declared.
    pub place: Place,
}

impl Credential {
    /// A new credential of `profile`, known by `proof`, from now until it expires.
    ///
    /// Its id is readable, by the profile's name, and new, by the end that `chance` gives it.
    ///
    /// # Errors
    /// Where that is no id, which no profile leads to.
    pub fn new(
        profile: &ProfileId,
        proof: Proof,
        chance: Uuid,
        (now, expires): (Timestamp, Timestamp),
    ) -> Result<Self, InvalidId> {
        Ok(Self {
            id: Self::new_id(profile, chance)?,
            profile: profile.clone(),
            proof,
            state: CredentialState::Active,
            created: Some(now),
            replaced: None,
            expires,
            place: Place::default(),
        })
    }

    /// By what the one is meant, the greatest, where several of one profile know the same and are good:
    /// one that nothing is to replace, then the newest. So the one before goes unused, and can be
    /// retired.
    #[must_use]
    pub fn rank(&self) -> (bool, Option<Timestamp>) {
        (self.state == CredentialState::Active, self.created)
    }

    /// The id of a new credential of `profile`.
    ///
    /// # Errors
    /// Where that is no id, which no profile leads to.
    pub fn new_id(profile: &ProfileId, chance: Uuid) -> Result<CredentialId, InvalidId> {
        let start = format!("{}-{}", profile.client(), profile.name()).to_ascii_lowercase();
        let start: String = start.chars().take(ID_START_MAX).collect();
        let end: String = chance.simple().to_string().chars().take(ID_END_LENGTH).collect();
        CredentialId::parse(&format!("{start}-{end}"))
    }
}

/// A secret that the door makes for a caller, shows once, and knows again by its HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Shown with each call.
    ApiKey,
    /// Shown to get tokens.
    ClientSecret,
}

impl KeyKind {
    /// What it is known by.
    #[must_use]
    pub fn proof(self, hash: KeyHash) -> Proof {
        match self {
            Self::ApiKey => Proof::ApiKey { hash },
            Self::ClientSecret => Proof::ClientSecret { hash },
        }
    }
}

/// What a caller has to show: with each call, or to get tokens.
#[derive(Clone, PartialEq)]
pub enum Proof {
    /// A key of which this is kept. Shown with each call.
    ApiKey {
        /// The hash of the whole key.
        hash: KeyHash,
    },
    /// A secret of which this is kept. Shown to get tokens.
    ClientSecret {
        /// The hash of the whole secret.
        hash: KeyHash,
    },
    /// A token of a trusted issuer in which each of these claims has this value.
    External {
        /// Who signs the token.
        issuer: IssuerId,
        /// What it must say; at least one claim.
        claims: BTreeMap<String, String>,
    },
    /// A client certificate. Shown by the connection: with each call, or to get tokens.
    Mtls {
        /// Which certificates do.
        certificate: CertificateMatch,
    },
    /// An assertion signed with one of these keys (RFC 7523). Shown to get tokens.
    PrivateKeyJwt {
        /// The public keys.
        keys: KeySource,
    },
}

/// Which client certificates do (RFC 8705 section 2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CertificateMatch {
    /// Those with this DNS name among their subject alternative names.
    Dns(String),
    /// Those with this e-mail address among them.
    Email(String),
    /// Those with this address among them.
    Ip(IpAddr),
    /// Those with this distinguished name as their subject (RFC 4514).
    Subject(String),
    /// The one with this SHA-256 of its DER form.
    Thumbprint([u8; 32]),
    /// Those with this URI among their subject alternative names, such as a SPIFFE id.
    Uri(String),
}

impl Proof {
    /// What is kept of the key or secret; none where there is no such thing.
    #[must_use]
    pub fn hash(&self) -> Option<&KeyHash> {
        match self {
            Self::ApiKey { hash } | Self::ClientSecret { hash } => Some(hash),
            Self::External { .. } | Self::Mtls { .. } | Self::PrivateKeyJwt { .. } => None,
        }
    }

    /// Keeps the other hash of the same key, where it keeps the one that this replaces. Says whether
    /// it did.
    pub fn replace(&mut self, rehash: &Rehash) -> bool {
        match self {
            Self::ApiKey { hash } | Self::ClientSecret { hash } if *hash == rehash.from => {
                *hash = rehash.to.clone();
                true
            }
            Self::ApiKey { .. }
            | Self::ClientSecret { .. }
            | Self::External { .. }
            | Self::Mtls { .. }
            | Self::PrivateKeyJwt { .. } => false,
        }
    }

    /// The word for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ApiKey { .. } => "api_key",
            Self::ClientSecret { .. } => "client_secret",
            Self::External { .. } => "external",
            Self::Mtls { .. } => "mtls",
            Self::PrivateKeyJwt { .. } => "private_key_jwt",
        }
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Not the HMAC: whoever reads a log has no need of it.
            Self::ApiKey { hash: _ } => f.write_str("ApiKey"),
            Self::ClientSecret { hash: _ } => f.write_str("ClientSecret"),
            Self::External { issuer, claims } => {
                f.debug_struct("External").field("issuer", issuer).field("claims", claims).finish()
            }
            Self::Mtls { certificate } => {
                f.debug_struct("Mtls").field("certificate", certificate).finish()
            }
            Self::PrivateKeyJwt { keys } => {
                f.debug_struct("PrivateKeyJwt").field("keys", keys).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_new_key_is_readable_and_fits_however_long_the_profile_is_called() {
        let long = format!("{}/{}", "c".repeat(63), "p".repeat(63));
        for (profile, want) in [
            ("shop-agent/default", "shop-agent-default-0000abcd".to_owned()),
            (&long, format!("{}-0000abcd", "c".repeat(54))),
            (&format!("{}/p", "c".repeat(53)), format!("{}--0000abcd", "c".repeat(53))),
        ] {
            let profile = ProfileId::parse(profile).unwrap();
            let chance = Uuid::from_u128(0xabcd << 96);
            let made = Credential::new_id(&profile, chance).unwrap();
            assert_eq!(made.as_str(), want);
        }
    }
}
