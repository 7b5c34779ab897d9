//! Why an assertion was not accepted: the cause for the record, one sentence for who sent it.

use std::time::Duration;

use crate::token::Defect;

/// What is wrong with an assertion. Its text is the private cause: nothing of the assertion is in
/// it but bounded names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct AssertionError(#[from] Cause);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cause {
    #[error("the algorithm {0} is not allowed here")]
    Algorithm(&'static str),
    #[error("aud does not name this authorization server")]
    Audience,
    #[error("iss is not \"{0}\", whose assertion this has to be")]
    Issuer(String),
    #[error("no usable key of \"{issuer}\" has this kid and fits {algorithm}")]
    KeyUnknown { issuer: String, algorithm: &'static str },
    #[error("the keys of \"{0}\" cannot be fetched")]
    KeysOutOfReach(String),
    #[error("exp is more than {} s ahead", .0.as_secs())]
    Lifetime(Duration),
    #[error("{0}")]
    Token(#[from] Defect),
    #[error("the header's typ is not one of an assertion of this kind")]
    Type,
}

impl AssertionError {
    /// What the sender is told: no oracle for forgers, enough for an honest client to act on.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        match &self.0 {
            Cause::Audience => "the assertion is not for this authorization server: check its aud",
            Cause::KeysOutOfReach(_) => {
                "the assertion cannot be checked now: the keys of its issuer are out of reach"
            }
            Cause::Lifetime(_) => "the assertion lives too long: make one that expires sooner",
            Cause::Token(Defect::Expired) => "the assertion has expired: make a new one",
            Cause::Token(Defect::NotYet(_)) => {
                "the assertion is from the future: check the clock that it was made by"
            }
            Cause::Algorithm(_)
            | Cause::Issuer(_)
            | Cause::KeyUnknown { .. }
            | Cause::Token(_)
            | Cause::Type => "the assertion is not valid",
        }
    }

    /// Whether it may be accepted later, unchanged: its keys are out of reach now.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self.0, Cause::KeysOutOfReach(_))
    }
}
