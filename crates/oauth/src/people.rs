//! People: who has signed in, in which browser.

use std::time::Duration;

use http::HeaderValue;
use model::{Timestamp, User};
use serde::{Deserialize, Serialize};
use store::{Grant, GrantFilter, Handle, Taken};

use crate::{
    Request, Server,
    error::{Code, Denied},
    known_browser, second_factor,
    tables::Tables,
    ticket::{self, Ticket},
};

/// How long somebody stays signed in.
const SESSION_LIFE: Duration = Duration::from_secs(8 * 3600);

/// The client of the grants that sessions belong to, so that they are listed and ended as such. No other
/// client has an id like this.
pub(crate) const SESSIONS: &str = "sessions";

/// What of a session's grant the store keeps in our words.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SessionBody {
    /// From where it was begun.
    pub(crate) source: String,
}

/// A person who has signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    /// The `sub` of tokens: who signed them in, and their name there.
    pub(crate) subject: String,
    /// What people call them.
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    /// What they showed to this door (RFC 8176); nothing where somebody else signed them in.
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    /// By which password they have an account of this door, as a digest of its hash.
    #[serde(default)]
    pub(crate) account: Option<String>,
}

impl Person {
    /// The issuer that signed them in; none where it was this door.
    pub(crate) fn issuer(&self) -> Option<&str> {
        let is_local = self.subject.starts_with(User::PREFIX);
        let issuer = self.subject.split_once(':').filter(|_| !is_local);
        issuer.map(|(issuer, _)| issuer)
    }
}

/// What people show to this door, in the words of RFC 8176.
pub(crate) const BY_PASSWORD: &[&str] = &["pwd"];
pub(crate) const BY_BOTH: &[&str] = &["pwd", "otp", "mfa"];

/// The cookies: one tells browsers apart, one who is signed in there, one who was before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cookie {
    Browser,
    Known,
    Session,
}

impl Cookie {
    /// Browsers hold cookies of this prefix to one host, and to TLS (RFC 6265bis section 4.1.3.2).
    /// Without TLS, which is for trials on one computer, they would not take them at all.
    fn name(self, server: &Server) -> &'static str {
        match (self, server.has_tls()) {
            (Self::Browser, true) => "__Host-onedoor-browser",
            (Self::Browser, false) => "onedoor-browser",
            (Self::Known, true) => "__Host-onedoor-known",
            (Self::Known, false) => "onedoor-known",
            (Self::Session, true) => "__Host-onedoor-session",
            (Self::Session, false) => "onedoor-session",
        }
    }

    pub(crate) fn read<'a>(self, server: &Server, request: &'a Request) -> Option<&'a str> {
        request.cookie(self.name(server)).filter(|it| (1..=128).contains(&it.len()))
    }

    pub(crate) fn set(self, server: &Server, value: &str) -> Option<HeaderValue> {
        let secure = if server.has_tls() { "; Secure" } else { "" };
        let name = self.name(server);
        let age = match (self, value) {
            (_, "") => 0,
            (Self::Browser, _) => 30 * 24 * 3600,
            (Self::Known, _) => known_browser::LIFE.as_secs(),
            (Self::Session, _) => SESSION_LIFE.as_secs(),
        };
        let cookie =
            format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
        HeaderValue::try_from(cookie).ok()
    }
}

/// Who is signed in in the browser that sends this, if anybody is and may still be.
pub(crate) async fn signed_in(
    server: &Server,
    request: &Request,
) -> Result<Option<Person>, Denied> {
    Ok(session(server, request).await?.map(|(person, _)| person))
}

/// As [`signed_in`], and the grant of their session.
pub(crate) async fn session(
    server: &Server,
    request: &Request,
) -> Result<Option<(Person, Option<String>)>, Denied> {
    let Some(cookie) = Cookie::Session.read(server, request) else { return Ok(None) };
    let digest = ticket::digest(cookie);
    let found = server.store.peek_handle(&digest, Ticket::Session.kind(), request.at).await?;
    let Taken::First(handle) = found else { return Ok(None) };
    let Ok(person) = serde_json::from_str::<Person>(&handle.body) else { return Ok(None) };
    Ok(refreshed(server, person, handle.created).map(|it| (it, handle.grant)))
}

/// As the state has them now, where they have an account here. They signed in at `since`.
fn refreshed(server: &Server, person: Person, since: Timestamp) -> Option<Person> {
    match person.subject.strip_prefix(User::PREFIX) {
        Some(id) => {
            let now = local(server, id)?;
            let tables = server.tables();
            let user = tables.user(id).filter(|it| !second_factor::is_void(it, since))?;
            if !has_account(&tables, &person.subject, person.account.as_deref()) {
                return None;
            }
            let has_both = person.methods.iter().any(|it| it == "mfa");
            // Who has to show both signs in again, also where that was asked for only afterwards.
            (!user.second_factor.is_required || has_both)
                .then_some(Person { methods: person.methods, ..now })
        }
        None => is_known(&server.tables(), &person.subject).then_some(person),
    }
}

/// Whether who signed a person in still does so; where it was this door, whether the person may still.
/// Nobody is whom an operator stopped.
pub(crate) fn is_known(tables: &Tables, subject: &str) -> bool {
    if tables.is_stopped_person(subject) {
        return false;
    }
    match (subject.strip_prefix(User::PREFIX), subject.split_once(':')) {
        (Some(user), _) => tables.user(user).is_some(),
        (None, Some((issuer, _))) => tables.provider(issuer).is_some(),
        (None, None) => false,
    }
}

/// Whether a person still has the account by which they once signed in: with another password it is
/// another one. Whom somebody else signs in has none here.
pub(crate) fn has_account(tables: &Tables, subject: &str, account: Option<&str>) -> bool {
    let (Some(id), Some(account)) = (subject.strip_prefix(User::PREFIX), account) else {
        return true;
    };
    let user = tables.user(id);
    user.and_then(account_of).is_some_and(|it| it == account)
}

fn account_of(user: &User) -> Option<String> {
    user.password.as_deref().map(ticket::challenge)
}

/// The person with the account `id`, where they may sign in.
pub(crate) fn local(server: &Server, id: &str) -> Option<Person> {
    let tables = server.tables();
    let user = tables.user(id)?;
    let subject = format!("{}{}", User::PREFIX, user.id);
    is_known(&tables, &subject).then(|| Person {
        subject,
        name: user.name.clone().unwrap_or_else(|| user.id.to_string()),
        groups: user.groups.clone(),
        methods: Vec::new(),
        account: account_of(user),
    })
}

/// Signs a person in, in a session of its own. Its cookie's value.
pub(crate) async fn begin_session(
    server: &Server,
    request: &Request,
    person: &Person,
) -> Result<String, Denied> {
    let (text, digest) = Ticket::Session.issue()?;
    let (at, body) = (request.at, SessionBody { source: request.peer.to_string() });
    let grant = Grant {
        id: uuid::Uuid::new_v4().simple().to_string(),
        client: SESSIONS.to_owned(),
        profile: String::new(),
        subject: Some(person.subject.clone()),
        body: serde_json::to_string(&body).unwrap_or_default(),
        created: at,
        expires: at.plus(SESSION_LIFE),
        revoked: None,
    };
    server.store.put_grant(&grant).await?;
    let handle = Handle {
        digest,
        kind: Ticket::Session.kind().to_owned(),
        grant: Some(grant.id.clone()),
        body: serde_json::to_string(person).unwrap_or_default(),
        created: at,
        expires: at.plus(SESSION_LIFE),
    };
    server.store.put_handle(&handle).await?;
    check_still_there(server, person, &grant.id, at).await?;
    Ok(text)
}

/// Whether a person to whom a grant was just given is whom they were: what ended when their account was
/// changed meanwhile did not have this one yet.
///
/// # Errors
/// `access_denied` where they are not, and the grant has ended.
pub(crate) async fn check_still_there(
    server: &Server,
    person: &Person,
    grant: &str,
    now: Timestamp,
) -> Result<(), Denied> {
    let (tables, subject) = (server.tables(), person.subject.as_str());
    if is_known(&tables, subject) && has_account(&tables, subject, person.account.as_deref()) {
        return Ok(());
    }
    server.store.revoke_grants(GrantFilter::One(grant), now).await?;
    Err(Denied::new(Code::AccessDenied, "your account was changed just now: sign in anew"))
}

/// Ends the session of the browser that sends this.
pub(crate) async fn end_session(server: &Server, request: &Request) -> Result<(), Denied> {
    let Some(cookie) = Cookie::Session.read(server, request) else { return Ok(()) };
    let (digest, kind) = (ticket::digest(cookie), Ticket::Session.kind());
    if let Taken::First(Handle { grant: Some(grant), .. }) =
        server.store.peek_handle(&digest, kind, request.at).await?
    {
        server.store.revoke_grants(GrantFilter::One(&grant), request.at).await?;
    }
    server.store.drop_handle(&digest, kind).await?;
    Ok(())
}
