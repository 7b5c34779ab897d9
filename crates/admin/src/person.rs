//! Are two callers two persons? Where people sign in, nobody else is one. Where nobody does, a client stands
//! for a person, and none for two of the same owner.

use std::iter;

use model::{ClientId, User};
use state::{Desired, Kind};

use crate::{
    Admin, Call,
    failure::Failure,
    working::{self, Working},
};

/// Who asks or agrees: a person who signed in, or a client without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    client: ClientId,
    /// Who answers for the client.
    owner: Option<String>,
    /// None, too, where somebody else acts in their name: that is not their own word.
    user: Option<String>,
    /// The files that let them in, by every name that each may have. Whom a provider signs in has none.
    files: Vec<String>,
    shown: String,
}

impl Person {
    pub(crate) fn of(call: &Call, working: &Working) -> Self {
        let caller = &call.caller;
        let user = caller.user.clone().filter(|_| caller.actors.is_empty());
        let files = match &user {
            Some(user) => {
                let account = user.strip_prefix(User::PREFIX);
                account.into_iter().flat_map(|it| working::paths(Kind::User, it)).collect()
            }
            None => {
                let credential = caller.credential.as_ref();
                let credential = credential.map(|it| (Kind::Credential, it.as_str()));
                let both = iter::once((Kind::Client, caller.client.as_str())).chain(credential);
                both.flat_map(|(kind, id)| working::paths(kind, id)).collect()
            }
        };
        let mut clients = working.desired.clients.iter();
        let owner = clients.find(|it| it.id == caller.client).map(|it| it.owner.clone());
        Self { client: caller.client.clone(), owner, user, files, shown: call.author() }
    }

    /// As it is told and recorded.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Why these two count as one, by what they are called; nothing where they are two.
    fn why_one(&self, other: &Self, has_people: bool) -> Option<&'static str> {
        match (&self.user, &other.user) {
            (Some(one), Some(other)) => (one == other)
                .then_some("who asked for a purge does not approve it: another person does"),
            (None, None) if !has_people => match (&self.owner, &other.owner) {
                _ if self.client == other.client => {
                    Some("who asked for a purge does not approve it: another client does")
                }
                (Some(one), Some(other)) if one != other => None,
                (Some(_) | None, Some(_) | None) => {
                    Some("two clients stand for two persons where they have different owners")
                }
            },
            (Some(_) | None, Some(_) | None) => Some(
                "where people sign in, two of them want a purge, and no keys: onedoor login signs one in",
            ),
        }
    }

    /// Whether a revision of this author is theirs: [`Call::author`] wrote that.
    fn is_author(&self, author: &str) -> bool {
        match &self.user {
            Some(user) => author.strip_prefix(&**user).is_some_and(|it| it.starts_with(" by ")),
            None => {
                author.split_once('/').is_some_and(|(client, _)| client == self.client.as_str())
            }
        }
    }
}

/// Whether there is anybody who could sign in, by a password or a provider. Also where that is disabled: it
/// is no way around.
fn has_people(desired: &Desired) -> bool {
    let by_password = desired.users.iter().any(|it| it.password.is_some());
    by_password || desired.issuers.iter().any(|it| it.sign_in.is_some())
}

impl Admin {
    /// Makes sure that who agrees is another person than who asked in a `revision`: called otherwise, not let
    /// in by each other, and let in before.
    ///
    /// # Errors
    /// `NotHeld` where that is not so, or what the store says.
    pub(crate) async fn ensure_two(
        &self,
        agrees: &Person,
        (asked, revision): (&Person, u64),
    ) -> Result<(), Failure> {
        if let Some(why) = agrees.why_one(asked, has_people(&self.working().desired)) {
            return Err(Failure::NotHeld(why.to_owned()));
        }
        // Where a folder is served, nobody is let in by a call.
        let Some(store) = &self.store else { return Ok(()) };
        for (of, other, until) in [(agrees, asked, revision), (asked, agrees, u64::MAX)] {
            for file in &of.files {
                let writers = store.writers(file).await?;
                ensure_apart((file, &writers), other, until)?;
            }
        }
        Ok(())
    }
}

/// Makes sure that of those who wrote a file that lets somebody in, and each last in which revision, none is
/// the `other`, and none came behind a revision.
fn ensure_apart(
    (file, writers): (&str, &[(String, u64)]),
    other: &Person,
    until: u64,
) -> Result<(), Failure> {
    for (author, last) in writers {
        if other.is_author(author) {
            let detail = format!(
                "{author} wrote {file}: whom one of two let in is no second person beside them"
            );
            return Err(Failure::NotHeld(detail));
        }
        if *last > until {
            let detail =
                format!("{file} was written after the purge was asked for: ask for it again");
            return Err(Failure::NotHeld(detail));
        }
    }
    Ok(())
}

#[cfg(test)]
impl Person {
    /// A client of an owner, and the person behind it.
    pub(crate) fn new(client: &str, owner: &str, user: Option<&str>) -> Self {
        Self {
            client: ClientId::parse(client).unwrap(),
            owner: Some(owner.to_owned()),
            user: user.map(str::to_owned),
            files: Vec::new(),
            shown: client.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_may_be_both_is_one() {
        let (ann, bob) = (Some("local:ann"), Some("corp:bob"));
        for (one, other, has_people, want) in [
            (("a", "x", ann), ("a", "x", ann), true, false),
            (("a", "x", ann), ("b", "y", ann), true, false),
            (("a", "x", ann), ("a", "x", bob), true, true),
            // By assertions of an issuer by which nobody signs in here.
            (("a", "x", ann), ("a", "x", bob), false, true),
            // A login and a key, whose ever the key is.
            (("a", "x", ann), ("b", "y", None), true, false),
            (("a", "x", None), ("b", "y", bob), true, false),
            (("a", "x", ann), ("b", "y", None), false, false),
            // Keys alone.
            (("a", "x", None), ("b", "y", None), true, false),
            (("a", "x", None), ("b", "y", None), false, true),
            (("a", "x", None), ("b", "x", None), false, false),
            (("a", "x", None), ("a", "x", None), false, false),
        ] {
            let person = |(client, owner, user)| Person::new(client, owner, user);
            let why = person(one).why_one(&person(other), has_people);
            assert_eq!(why.is_none(), want, "{one:?} {other:?} {has_people}: {why:?}");
        }
    }

    #[test]
    fn an_author_is_a_person_by_any_client_or_a_client_by_any_profile() {
        let (ann, key) = (Person::new("a", "x", Some("local:ann")), Person::new("a", "x", None));
        for (author, by_ann, by_key) in [
            ("local:ann by a/admin", true, false),
            ("local:ann by b/other", true, false),
            ("local:anna by a/admin", false, false),
            ("a/admin", false, true),
            ("a/other", false, true),
            ("ab/admin", false, false),
            ("local:bob by a/admin", false, false),
        ] {
            assert_eq!(
                (ann.is_author(author), key.is_author(author)),
                (by_ann, by_key),
                "{author}"
            );
        }
    }
}
