//! Why a credential was not accepted: one sentence per class for the caller, the cause for the record.

use std::{fmt, net::IpAddr};

use model::{CredentialId, ProfileId, Refusal, RefusalKind, Timestamp};

use crate::token::Defect;

/// The text of each variant is the private cause: it may name ids, never the key or the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the client of {0} is disabled")]
    ClientDisabled(Holder),
    #[error("credential \"{0}\" expired on {1}")]
    CredentialExpired(CredentialId, Timestamp),
    #[error("credential \"{0}\" is revoked")]
    CredentialRevoked(CredentialId),
    #[error("the key does not have the form or the checksum of an api key")]
    KeyMalformed,
    #[error("no credential has this api key")]
    KeyUnknown,
    #[error("the profile of {0} may not be used from {1}")]
    Network(Holder, IpAddr),
    #[error("api keys cannot be checked: no pepper is configured")]
    NoPepper,
    #[error("the profile of {0} is disabled")]
    ProfileDisabled(Holder),
    #[error("the profile of {0} expired on {1}")]
    ProfileExpired(Holder, Timestamp),
    #[error("{0}")]
    Token(#[from] Defect),
    #[error("the token, or the grant it came of, was taken back")]
    TokenRevoked,
}

/// What was shown, by whose name a failure tells of it.
#[derive(Debug)]
pub(crate) enum Holder {
    Credential(CredentialId),
    Token(ProfileId),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(id) => write!(f, "credential \"{id}\""),
            Self::Token(profile) => write!(f, "a token for \"{profile}\""),
        }
    }
}

impl Failure {
    fn detail(&self) -> &'static str {
        match self {
            Self::CredentialExpired(..) | Self::ProfileExpired(..) => "the credential has expired",
            Self::ClientDisabled(_)
            | Self::CredentialRevoked(_)
            | Self::ProfileDisabled(_)
            | Self::TokenRevoked => "the credential is no longer in force",
            Self::KeyMalformed => "this is not a whole api key; check that it was copied in full",
            Self::KeyUnknown | Self::NoPepper => "the api key is not valid",
            Self::Network(..) => "the credential may not be used from this address",
            Self::Token(defect) => defect.detail(),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        // Nothing is wrong with such a credential, as far as anybody knows.
        let is_unknown = matches!(failure, Failure::Token(Defect::IssuerOutOfReach(_)));
        let kind =
            if is_unknown { RefusalKind::IssuerUnavailable } else { RefusalKind::Unauthenticated };
        Self::new(kind, failure.detail()).because(failure)
    }
}
