//! Why a credential was not accepted: one sentence per class for the caller, the cause for the record.

use std::net::IpAddr;

use model::{CredentialId, Refusal, RefusalKind, Timestamp};

use crate::token::Defect;

/// The text of each variant is the private cause: it may name ids, never the key or the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the client of credential \"{0}\" is disabled")]
    ClientDisabled(CredentialId),
    #[error("credential \"{0}\" expired on {1}")]
    CredentialExpired(CredentialId, Timestamp),
    #[error("credential \"{0}\" is revoked")]
    CredentialRevoked(CredentialId),
    #[error("the key does not have the form or the checksum of an api key")]
    KeyMalformed,
    #[error("no credential has this api key")]
    KeyUnknown,
    #[error("the profile of credential \"{0}\" may not be used from {1}")]
    Network(CredentialId, IpAddr),
    #[error("api keys cannot be checked: no pepper is configured")]
    NoPepper,
    #[error("the profile of credential \"{0}\" is disabled")]
    ProfileDisabled(CredentialId),
    #[error("the profile of credential \"{0}\" expired on {1}")]
    ProfileExpired(CredentialId, Timestamp),
    #[error("{0}")]
    Token(#[from] Defect),
}

impl Failure {
    fn detail(&self) -> &'static str {
        match self {
            Self::CredentialExpired(..) | Self::ProfileExpired(..) => "the credential has expired",
            Self::ClientDisabled(_) | Self::CredentialRevoked(_) | Self::ProfileDisabled(_) => {
                "the credential is no longer in force"
            }
            Self::KeyMalformed => "this is not a whole api key; check that it was copied in full",
            Self::KeyUnknown | Self::NoPepper => "the api key is not valid",
            Self::Network(..) => "the credential may not be used from this address",
            Self::Token(defect) => defect.detail(),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::new(RefusalKind::Unauthenticated, failure.detail()).because(failure)
    }
}
