//! Why a proof was not accepted: the cause for the record, a code and a sentence for its sender.

use crate::token::Defect;

/// What is wrong with a proof. Its text is the private cause, without anything of the proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct ProofError(#[from] Cause);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cause {
    #[error("the algorithm {0} is not one of proofs")]
    Algorithm(&'static str),
    #[error("the header's jwk is missing or no public key that fits its alg")]
    Key,
    #[error("htm is not the method of the request")]
    Method,
    #[error("the proof has no nonce")]
    NonceMissing,
    #[error("the nonce is old, or not ours")]
    NonceOld,
    #[error("the proof is by another key than the one that the token is bound to")]
    OtherKey,
    #[error("the url of the request has no normal form: no proof can be for it")]
    OurUrl,
    #[error("the request has several dpop headers")]
    Several,
    #[error("the dpop header is not visible ascii")]
    Text,
    #[error("{0}")]
    Token(#[from] Defect),
    #[error("ath is not the hash of the access token")]
    TokenHash,
    #[error("the proof is longer than 8 KiB")]
    TooLong,
    #[error("the header's typ is not dpop+jwt")]
    Type,
    #[error("htu is not the url of the request")]
    Url,
    #[error("iat is more than 5 minutes from now")]
    Window,
}

impl ProofError {
    /// The error code of RFC 9449.
    #[must_use]
    pub fn code(&self) -> &'static str {
        if self.needs_nonce() { "use_dpop_nonce" } else { "invalid_dpop_proof" }
    }

    /// Whether the sender has to come back with the nonce that it is given now.
    #[must_use]
    pub fn needs_nonce(&self) -> bool {
        matches!(self.0, Cause::NonceMissing | Cause::NonceOld)
    }

    /// What the sender is told.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        match &self.0 {
            Cause::Method | Cause::Url => {
                "the dpop proof is for another request: check htm and htu"
            }
            Cause::NonceMissing | Cause::NonceOld => {
                "the dpop proof needs a nonce: use the one of the dpop-nonce header"
            }
            Cause::OtherKey => "the dpop proof is by another key than the token is bound to",
            Cause::Several => "a dpop proof was sent more than once: send one",
            Cause::TokenHash => "the dpop proof is for another token: check ath",
            Cause::Window => "the dpop proof is not of now: check the clock that it was made by",
            Cause::Algorithm(_)
            | Cause::Key
            | Cause::OurUrl
            | Cause::Text
            | Cause::Token(_)
            | Cause::TooLong
            | Cause::Type => "the dpop proof is not valid",
        }
    }
}
