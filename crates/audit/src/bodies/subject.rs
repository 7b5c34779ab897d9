//! Whose a body is: who is forgotten with it.

use std::fmt;

use model::{Caller, Timestamp};

use crate::Salt;

/// Whose a body is: a kind, and which of that kind. `customer` and `42`.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    kind: Box<str>,
    id: Box<str>,
}

/// Whose the bodies of a call are, or who says so.
pub enum Whose {
    /// It is known.
    Known(Subject),
    /// It stands in the body of the request, which is read when it has passed whole.
    InRequest(ReadSubject),
}

/// Says whose the bodies are by that of the request, or why that cannot be told.
pub type ReadSubject = Box<dyn FnOnce(&[u8]) -> Result<Subject, String> + Send>;

impl Subject {
    /// The kind of the person that a call was made for.
    pub const USER: &str = "user";
    /// The kind of a client's profile.
    pub const PROFILE: &str = "profile";

    /// Which of a kind.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// Whose the bodies of a caller's calls are, where nothing else is declared: the person that the call
    /// is made for, else the profile.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        match &caller.user {
            Some(user) => Self::new(Self::USER, user),
            None => Self::new(Self::PROFILE, caller.profile.as_str()),
        }
    }

    /// As records have it: the kind, and the hash of who it is on that day.
    #[must_use]
    pub fn shown(&self, salt: &Salt, at: Timestamp) -> String {
        format!("{} {}", self.kind, salt.hash(self.id.as_bytes(), at))
    }

    /// Kinds are slugs, so no two subjects have the same.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.kind.as_bytes(), b"\0", self.id.as_bytes()].concat()
    }
}

/// Without who it is.
impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(subject) => subject.fmt(f),
            Self::InRequest(_) => f.write_str("InRequest"),
        }
    }
}
