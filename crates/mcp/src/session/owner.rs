//! Whose a session is: that somebody knows its id makes it nobody else's.

use model::{Caller, ProfileId};

/// Who began a session: a profile, and the person that it acts for, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    profile: ProfileId,
    person: Option<Box<str>>,
}

impl Owner {
    /// Whose the sessions of `caller` are.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        Self { profile: caller.profile.clone(), person: caller.user.as_deref().map(Into::into) }
    }

    /// Whether it is a person.
    pub(super) fn is_person(&self) -> bool {
        self.person.is_some()
    }
}
