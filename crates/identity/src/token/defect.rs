//! What is wrong with a token. The caller is told little of it; the record has the whole.

use std::time::Duration;

use model::{CredentialId, IssuerId, Wrong};

/// The text of each variant is the private cause. Nothing of the token is in it but bounded names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Defect {
    #[error("the act claim is no chain of at most 5 objects that each have a sub")]
    Actors,
    #[error("issuer \"{issuer}\" does not allow the algorithm {algorithm}")]
    AlgorithmNotAllowed { issuer: IssuerId, algorithm: &'static str },
    #[error("the header's alg is missing or no public-key signature algorithm")]
    AlgorithmUnknown,
    #[error("aud is not for us: it must name one of the audiences of issuer \"{0}\"")]
    Audience(IssuerId),
    #[error("the token is bound to a key, and its cnf claim names none that could be proved here")]
    Bound,
    #[error("the claim {0} is missing or does not have the right type")]
    Claim(&'static str),
    #[error("the claims match credentials of two profiles: \"{0}\" and \"{1}\"")]
    CredentialAmbiguous(CredentialId, CredentialId),
    #[error("no credential matches the claims of a token of issuer \"{0}\"")]
    CredentialUnknown(IssuerId),
    #[error("the profile, credential, admission or user that the token names is not there")]
    Holder,
    #[error("exp is past")]
    Expired,
    #[error("the header has the parameter {0}, which is not accepted")]
    Header(&'static str),
    #[error("no opaque token of this door is like this one, or it has ended")]
    Reference,
    #[error("what the opaque token stands for cannot be looked up")]
    ReferencesOutOfReach,
    #[error("aud is no resource of this door")]
    Resource,
    #[error("the scope has words that are no scopes of this door")]
    Scope,
    #[error("iss is not a trusted issuer")]
    Issuer,
    #[error("no usable key of issuer \"{issuer}\" has this kid and fits {algorithm}")]
    KeyUnknown { issuer: IssuerId, algorithm: &'static str },
    #[error("the keys of issuer \"{0}\" cannot be fetched")]
    KeysOutOfReach(IssuerId),
    #[error("the kid is no string of at most 256 bytes")]
    Kid,
    #[error("issuer \"{0}\" says that the token is not active")]
    Inactive(IssuerId),
    #[error("issuer \"{0}\" is disabled")]
    IssuerDisabled(IssuerId),
    #[error("issuer \"{0}\" does not answer what it is asked about a token")]
    IssuerOutOfReach(IssuerId),
    #[error("{0} is in the future")]
    NotYet(&'static str),
    #[error("the {0} is not an object in strict json")]
    Object(&'static str),
    #[error("issuer \"{0}\" says that the token is no access token")]
    OtherUse(IssuerId),
    #[error("the token is not three parts in strict base64url")]
    Parts,
    #[error("the signature does not verify")]
    Signature,
    #[error("{0} is not a time")]
    Time(&'static str),
    #[error("the token is longer than 16 KiB")]
    TooLong,
    #[error("the header's typ is not at+jwt, or its alg not one of this door's")]
    OwnHeader,
    #[error(
        "its source has shown too many tokens that their issuer does not know: it was not asked"
    )]
    Unasked(Unasked),
    #[error("the header's typ is not one that issuer \"{0}\" gives access tokens")]
    Type(IssuerId),
}

/// What there is of questions about tokens for one source, and how long until there is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unasked {
    pub(crate) count: u32,
    pub(crate) window: Duration,
    pub(crate) wait: Duration,
}

impl Defect {
    /// What is known of the token, and what the caller is told: no oracle for forgers, enough for an
    /// honest client to act on. That it has expired everybody can write, and its holder needs to hear
    /// it; where it cannot be checked, nothing can be held against it.
    pub(crate) fn reason(&self) -> (Wrong, &'static str) {
        match self {
            Self::Expired => (Wrong::Ended, "the token has expired"),
            Self::IssuerOutOfReach(_) => {
                (Wrong::Ended, "the token cannot be checked now: its issuer does not answer")
            }
            Self::KeysOutOfReach(_) => {
                let detail =
                    "the token cannot be checked now: the keys of its issuer are out of reach";
                (Wrong::Ended, detail)
            }
            Self::ReferencesOutOfReach => {
                (Wrong::Ended, "the token cannot be checked now: try again")
            }
            Self::Unasked(_) => {
                let detail =
                    "too many unknown tokens came from this address: wait, then show a good one";
                (Wrong::Ended, detail)
            }
            Self::CredentialAmbiguous(..) | Self::CredentialUnknown(_) | Self::Holder => {
                (Wrong::Ended, "the token leads to no profile here")
            }
            Self::Actors
            | Self::AlgorithmNotAllowed { .. }
            | Self::AlgorithmUnknown
            | Self::Audience(_)
            | Self::Bound
            | Self::Claim(_)
            | Self::Header(_)
            | Self::Inactive(_)
            | Self::Issuer
            | Self::IssuerDisabled(_)
            | Self::KeyUnknown { .. }
            | Self::Kid
            | Self::NotYet(_)
            | Self::Object(_)
            | Self::OtherUse(_)
            | Self::OwnHeader
            | Self::Parts
            | Self::Reference
            | Self::Resource
            | Self::Scope
            | Self::Signature
            | Self::Time(_)
            | Self::TooLong
            | Self::Type(_) => (Wrong::Unknown, "the token is not valid"),
        }
    }
}
