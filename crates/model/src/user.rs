//! A person with an account of this door: for small set-ups without an identity provider.

use std::fmt;

use crate::{Place, Timestamp, UserId};

/// A person who can sign in with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name to sign in with.
    pub id: UserId,
    /// What people call them.
    pub name: Option<String>,
    /// The hash of the password, as a PHC string of argon2id; none where they cannot sign in yet.
    pub password: Option<String>,
    /// The groups they are in, which admissions and profiles name.
    pub groups: Vec<String>,
    /// What is asked of their second factor, which they set up themselves.
    pub second_factor: SecondFactor,
    /// Who is disabled cannot sign in, and what was given in their name is taken back: who is enabled
    /// again has nothing of it.
    pub is_enabled: bool,
    /// Where it is declared.
    pub place: Place,
}

impl User {
    /// What begins the names of people with an account of this door, as tokens, records and stops have
    /// them; those of all others begin with their issuer.
    pub const PREFIX: &'static str = "local:";
}

/// What is asked of the second factor of a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SecondFactor {
    /// Whether they cannot sign in without one: who has none sets one up when signing in.
    pub is_required: bool,
    /// One that was set up before this is void; any is good where none.
    pub since: Option<Timestamp>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the hash: it can be tried in peace by whoever has it.
        let Self { id, name, password: _, groups, second_factor, is_enabled, place: _ } = self;
        let mut shown = f.debug_struct("User");
        shown.field("id", id).field("name", name).field("groups", groups);
        shown.field("second_factor", second_factor);
        shown.field("is_enabled", is_enabled).finish_non_exhaustive()
    }
}
