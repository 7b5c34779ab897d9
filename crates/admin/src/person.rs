//! Are two callers two persons? Where people sign in, nobody else is one. Where nobody does, a client stands
//! for a person, and none for two of the same owner.

use std::{collections::BTreeSet, iter};

use model::{ClientId, Credential, Proof, User};
use state::{Desired, Kind};
use store::{Store, Writer};

use crate::{
    Admin, Call,
    failure::Failure,
    working::{self, Working},
};

/// How many authors are followed from one person on. Beyond that two are not known to be two.
const AUTHORS_MAX: usize = 100;

/// Who asks or agrees: a person who signed in, or a client without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    client: ClientId,
    /// Who answers for the client.
    owner: Option<String>,
    /// None, too, where somebody else acts in their name: that is not their own word.
    user: Option<String>,
    /// The files that let them in, by every name that each may have.
    files: Vec<String>,
    shown: String,
}

impl Person {
    pub(crate) fn of(call: &Call, working: &Working) -> Self {
        let caller = &call.caller;
        let user = caller.user.clone().filter(|_| caller.actors.is_empty());
        let mut files = files(user.as_deref(), caller.client.as_str());
        if let Some(credential) = &caller.credential {
            files.extend(working::paths(Kind::Credential, credential.as_str()));
            files.extend(issuers(&working.desired, |it| it.id == *credential));
        }
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

    /// Whether a revision of this author is theirs.
    fn is_author(&self, author: &str) -> bool {
        parts(author).is_some_and(|(user, client)| match &self.user {
            Some(own) => user == Some(&**own),
            None => user.is_none() && client == self.client.as_str(),
        })
    }
}

/// The person whose an author is, where one is, and the client: [`Call::author`] wrote that. None where it
/// was no call.
fn parts(author: &str) -> Option<(Option<&str>, &str)> {
    let (user, profile) = match author.rsplit_once(" by ") {
        Some((user, profile)) => (Some(user), profile),
        None => (None, author),
    };
    profile.split_once('/').map(|(client, _)| (user, client))
}

/// The files that let somebody in as this person, or as none, by this client.
fn files(user: Option<&str>, client: &str) -> Vec<String> {
    let user = user.and_then(|it| match it.strip_prefix(User::PREFIX) {
        Some(account) => Some((Kind::User, account)),
        // Whoever declares an issuer may be everybody of it.
        None => it.split_once(':').map(|(issuer, _)| (Kind::Issuer, issuer)),
    });
    let all = user.into_iter().chain([(Kind::Client, client)]);
    all.flat_map(|(kind, id)| working::paths(kind, id)).collect()
}

/// The files of the issuers by whose tokens some credentials are shown.
fn issuers(desired: &Desired, is_meant: impl Fn(&Credential) -> bool) -> Vec<String> {
    let meant = desired.credentials.iter().filter(|it| is_meant(it));
    let issuers = meant.filter_map(|it| match &it.proof {
        Proof::External { issuer, .. } => Some(issuer),
        Proof::ApiKey { .. } | Proof::ClientSecret { .. } => None,
        Proof::Mtls { .. } | Proof::PrivateKeyJwt { .. } => None,
    });
    issuers.flat_map(|it| working::paths(Kind::Issuer, it.as_str())).collect()
}

/// Whether there is anybody who could sign in, by a password or a provider. Also where that is disabled: it
/// is no way around.
fn has_people(desired: &Desired) -> bool {
    let by_password = desired.users.iter().any(|it| it.password.is_some());
    by_password || desired.issuers.iter().any(|it| it.sign_in.is_some())
}

impl Admin {
    /// Makes sure that who agrees is another person than who asked in a `revision`: called otherwise, not let
    /// in by each other, be it through others, and let in before.
    ///
    /// # Errors
    /// `NotHeld` where that is not so, or what the store says.
    pub(crate) async fn ensure_two(
        &self,
        agrees: &Person,
        (asked, revision): (&Person, u64),
    ) -> Result<(), Failure> {
        let working = self.working();
        if let Some(why) = agrees.why_one(asked, has_people(&working.desired)) {
            return Err(Failure::NotHeld(why.to_owned()));
        }
        // Where a folder is served, nobody is let in by a call.
        let Some(store) = &self.store else { return Ok(()) };
        let state = (store, &*working.desired);
        for (of, other, until) in [(agrees, asked, revision), (asked, agrees, u64::MAX)] {
            ensure_apart(state, of, (other, until)).await?;
        }
        Ok(())
    }
}

/// Makes sure that of those who wrote what lets somebody in, and what let these in when they did, and so on,
/// none is the `other`, and none came behind a revision.
async fn ensure_apart(
    state: (&Store, &Desired),
    of: &Person,
    (other, until): (&Person, u64),
) -> Result<(), Failure> {
    let mut found = writers(state.0, &of.files).await?;
    let (mut open, mut seen, mut before) = (BTreeSet::new(), BTreeSet::new(), u64::MAX);
    loop {
        // Who came to write something later did nothing by it before.
        for writer in found.into_iter().filter(|it| it.first <= before) {
            let last = writer.last.min(before);
            ensure_other(&writer, last, (other, until))?;
            open.insert((last, writer.author));
        }
        // The latest first: so each author is followed once, for all they did.
        let mut latest = iter::from_fn(|| open.pop_last());
        let Some((last, author)) = latest.find(|(_, author)| seen.insert(author.clone())) else {
            return Ok(());
        };
        if seen.len() > AUTHORS_MAX {
            let shown = of.shown();
            let detail = format!("more than {AUTHORS_MAX} authors stand behind {shown}: too many");
            return Err(Failure::NotHeld(detail));
        }
        before = last;
        found = writers_behind(state, &author).await?;
    }
}

/// Makes sure that who wrote a file, last in this revision, is not the `other`, nor came too late.
fn ensure_other(
    Writer { path, author, .. }: &Writer,
    last: u64,
    (other, until): (&Person, u64),
) -> Result<(), Failure> {
    if other.is_author(author) {
        let detail = format!(
            "{author} wrote {path}: whom one of two let in, be it through others, is no second person beside them"
        );
        return Err(Failure::NotHeld(detail));
    }
    if last > until {
        let detail = format!("{path} was written after the purge was asked for: ask for it again");
        return Err(Failure::NotHeld(detail));
    }
    Ok(())
}

async fn writers(store: &Store, files: &[String]) -> Result<Vec<Writer>, Failure> {
    let mut writers = Vec::new();
    for file in files {
        writers.extend(store.writers(file).await?);
    }
    Ok(writers)
}

/// Who wrote what lets an author in. Which credential that was is not known of a client: any of its own, be
/// it gone or not.
async fn writers_behind(
    (store, desired): (&Store, &Desired),
    author: &str,
) -> Result<Vec<Writer>, Failure> {
    let Some((user, client)) = parts(author) else { return Ok(Vec::new()) };
    let mut files = files(user, client);
    if user.is_some() {
        return writers(store, &files).await;
    }
    files.extend(issuers(desired, |it| it.profile.client() == client));
    let mut found = writers(store, &files).await?;
    let (folder, word) = (Kind::Credential.folder(), format!("{client}/"));
    found.extend(store.writers_of_word(folder, &word).await?);
    Ok(found)
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
            // What an issuer calls people is for it to say.
            ("local:ann by b by a/admin", false, false),
            ("onedoor init", false, false),
        ] {
            assert_eq!(
                (ann.is_author(author), key.is_author(author)),
                (by_ann, by_key),
                "{author}"
            );
        }
    }
}
