//! Why a credential was not accepted: one sentence per class for the caller, the cause for the record.

use std::{fmt, net::IpAddr};

use model::{
    CredentialId, LimitState, ProfileId, ProofDemand, Refusal, RefusalKind, Timestamp,
    TokenBinding, Wrong,
};

use crate::{dpop::ProofFailure, token::Defect};

/// The text of each variant is the private cause: it may name ids, never the key or the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the token is bound to a key, and was shown as a bearer token")]
    BoundAsBearer,
    #[error("the certificate is known by credentials of two profiles: \"{0}\" and \"{1}\"")]
    CertificateAmbiguous(CredentialId, CredentialId),
    #[error("the client of {0} is disabled")]
    ClientDisabled(Holder),
    #[error("credential \"{0}\" expired on {1}")]
    CredentialExpired(CredentialId, Timestamp),
    #[error("credential \"{0}\" is retired: its successor took over")]
    CredentialRetired(CredentialId),
    #[error("credential \"{0}\" is revoked")]
    CredentialRevoked(CredentialId),
    #[error("the key does not have the form or the checksum of an api key")]
    KeyMalformed,
    #[error("no credential has this api key")]
    KeyUnknown,
    #[error("the profile of {0} may not be used from {1}")]
    Network(Holder, IpAddr),
    #[error("the token is bound to a client certificate, and the connection showed none")]
    NoCertificate,
    #[error("api keys cannot be checked: no pepper is configured")]
    NoPepper,
    #[error("the token came with a proof, and is bound to no key")]
    NotBound,
    #[error("the token is bound to another client certificate than the connection showed")]
    OtherCertificate,
    #[error("the profile of {0} is disabled")]
    ProfileDisabled(Holder),
    #[error("the profile of {0} expired on {1}")]
    ProfileExpired(Holder, Timestamp),
    #[error("{failure}")]
    Proof { failure: ProofFailure, nonce: Option<String> },
    #[error("{0}")]
    Token(#[from] Defect),
    #[error("the token, or the grant it came of, was taken back")]
    TokenRevoked,
    #[error("the profile \"{0}\" takes only tokens that are bound by {word}", word = .1.as_str())]
    Unbound(ProfileId, TokenBinding),
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
    /// How the proof of a key comes into it, where it does.
    fn demand(&self) -> Option<ProofDemand> {
        let (error, nonce) = match self {
            Self::BoundAsBearer | Self::NotBound | Self::Unbound(_, TokenBinding::Dpop) => {
                ("invalid_token", None)
            }
            Self::Proof { failure, nonce } => (failure.code()?, nonce.clone()),
            _ => return None,
        };
        Some(ProofDemand { error, nonce })
    }

    fn kind(&self) -> RefusalKind {
        match self {
            // Nothing is wrong with such a credential, as far as anybody knows.
            Self::Token(Defect::IssuerOutOfReach(_) | Defect::ReferencesOutOfReach) => {
                RefusalKind::IssuerUnavailable
            }
            Self::Token(Defect::Unasked(_)) => RefusalKind::LimitReached,
            Self::Proof { failure, nonce: _ } if failure.code().is_none() => RefusalKind::Internal,
            _ => RefusalKind::Unauthenticated,
        }
    }

    /// What is known of the credential, where that is why. Whoever holds one that was taken back, or is
    /// for others, does not try out what they make up.
    fn wrong(&self) -> Option<Wrong> {
        match self {
            Self::KeyMalformed | Self::KeyUnknown => Some(Wrong::Unknown),
            // It may be one that is good: but anybody can make one up with the right checksum.
            Self::NoPepper => Some(Wrong::Ended),
            Self::Token(defect) => Some(defect.reason().0),
            Self::BoundAsBearer
            | Self::CertificateAmbiguous(..)
            | Self::ClientDisabled(_)
            | Self::CredentialExpired(..)
            | Self::CredentialRetired(_)
            | Self::CredentialRevoked(_)
            | Self::Network(..)
            | Self::NoCertificate
            | Self::NotBound
            | Self::OtherCertificate
            | Self::ProfileDisabled(_)
            | Self::ProfileExpired(..)
            | Self::Proof { .. }
            | Self::TokenRevoked
            | Self::Unbound(..) => None,
        }
    }

    /// How long to wait, where it was too much for its source.
    fn limit(&self) -> Option<LimitState> {
        match self {
            Self::Token(Defect::Unasked(excess)) => Some(LimitState {
                limit: "unknown-tokens".into(),
                count: excess.count,
                window: excess.window,
                retry_after: excess.wait,
            }),
            _ => None,
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::CredentialExpired(..) | Self::ProfileExpired(..) => "the credential has expired",
            Self::ClientDisabled(_)
            | Self::CredentialRetired(_)
            | Self::CredentialRevoked(_)
            | Self::ProfileDisabled(_)
            | Self::TokenRevoked => "the credential is no longer in force",
            Self::CertificateAmbiguous(..) => {
                "the client certificate leads to more than one profile: get a token for one"
            }
            Self::BoundAsBearer => {
                "the token is bound to a key: send authorization: dpop, with a proof"
            }
            Self::NoCertificate | Self::OtherCertificate => {
                "the token is bound to a client certificate: connect with it"
            }
            Self::NotBound => "the token is bound to no key: send it as authorization: bearer",
            Self::Proof { failure, nonce: _ } => failure.detail(),
            Self::Unbound(_, TokenBinding::Dpop) => {
                "the profile takes only tokens that are bound to a key by dpop"
            }
            Self::Unbound(_, TokenBinding::Mtls) => {
                "the profile takes only tokens that are bound to a client certificate"
            }
            Self::KeyMalformed => "this is not a whole api key; check that it was copied in full",
            Self::KeyUnknown | Self::NoPepper => "the api key is not valid",
            Self::Network(..) => "the credential may not be used from this address",
            Self::Token(defect) => defect.reason().1,
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let refusal = Self::new(failure.kind(), failure.detail());
        let refusal = match failure.demand() {
            Some(demand) => refusal.demanding(demand),
            None => refusal,
        };
        let refusal = match failure.limit() {
            Some(limit) => refusal.by_limit(limit),
            None => refusal,
        };
        let refusal = match failure.wrong() {
            Some(wrong) => refusal.of_wrong(wrong),
            None => refusal,
        };
        refusal.because(failure)
    }
}
