//! What a person allowed, and where they are signed in: shown to them alone, and taken back.

mod factor;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, header};
use model::{Effect, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Consent, Grant, GrantFilter};

use super::{
    pending::{browser, check_browser, csrf},
    provider::see,
    sign_in,
};
use crate::{
    Permitted, Request, Server,
    allowed::Allowed,
    client::redirect,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    given::NO_CLIENTS,
    page,
    people::{self, Person, SESSIONS},
};

/// Where the page is.
pub(crate) const PATH: &str = "/oauth/account";

/// Where its forms go.
pub(crate) const ENTER: &str = "/oauth/account/sign-in";
pub(crate) const SIGN_OUT: &str = "/oauth/account/sign-out";
pub(crate) const TAKE_BACK: &str = "/oauth/account/revoke";
pub(crate) const SECOND_FACTOR: &str = "/oauth/account/second-factor";
pub(crate) const SECOND_FACTOR_REMOVE: &str = "/oauth/account/second-factor/remove";

/// What stands for the page where a form proves that this browser was shown it.
const TICKET: &str = "account";

/// Most programs of a page, and most sessions that are looked at.
const PROGRAMS_MAX: usize = 100;
const SESSIONS_MAX: u32 = 1_000;

/// What of a consent the store keeps in our words.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConsentBody {
    pub(crate) client_name: String,
    /// Where the browser was sent back to.
    pub(crate) host: String,
    pub(crate) profile: String,
    pub(crate) resource: String,
    pub(crate) scope: Option<String>,
}

/// What is asked of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    Enter,
    Remove,
    SetUp,
    Show,
    SignOut,
    TakeBack,
}

/// Answers what is asked.
pub(crate) async fn answer(
    server: &Server,
    request: &Request,
    asked: Asked,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    match asked {
        Asked::Enter => enter(server, request, facts).await,
        Asked::Remove => factor::remove(server, request, facts).await,
        Asked::SetUp => factor::set_up(server, request, facts).await,
        Asked::Show => show(server, request, facts).await,
        Asked::SignOut => sign_out(server, request, facts).await,
        Asked::TakeBack => take_back(server, request, facts).await,
    }
}

/// Shows the page to who is signed in; asks everybody else who they are.
async fn show(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let (browser, cookie) = browser(server, request)?;
    let csrf = csrf(&browser, TICKET);
    let form = |action| page::FormView { action, csrf: &csrf, authorization: "" };
    let mut response = match people::session(server, request).await? {
        Some((person, session)) => {
            facts.note = Some(person.subject.escape_debug().to_string());
            let query = Form::of_query(request)?;
            let page = (session.as_deref(), query.get("after"));
            shown(server, request, (&person, page), form("")).await?
        }
        None => {
            let form = form(ENTER);
            sign_in::page(server, page::Purpose::Account, form, ("", None)).await
        }
    };
    response.headers_mut().extend(cookie.map(|it| (header::SET_COOKIE, it)));
    Ok(response)
}

/// Takes name and password.
async fn enter(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let csrf = checked(server, request, &form)?;
    let again = page::FormView { action: ENTER, csrf: &csrf, authorization: "" };
    let errand = sign_in::Errand { purpose: page::Purpose::Account, again, next: back(server)? };
    sign_in::enter(server, request, &form, errand, facts).await
}

/// Takes back what a program was allowed, and all that came of it, at once.
async fn take_back(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    checked(server, request, &form)?;
    let person = sign_in::person(server, request).await?;
    let (subject, client) = (person.subject.as_str(), form.required("client")?);
    facts.note = Some(format!("{} for client {}", subject.escape_debug(), client.escape_debug()));
    if !may_act(server, subject, client, request.at).await? {
        return Err(Denied::new(Code::AccessDenied, "you did not allow this program anything"));
    }
    server.revoke_consent(subject, client).await?;
    back(server)
}

/// Whether a program was allowed anything, or holds something all the same. Sessions and second factors
/// stand on grants too, and are no programs.
async fn may_act(
    server: &Server,
    subject: &str,
    client: &str,
    now: Timestamp,
) -> Result<bool, Denied> {
    if server.store.consent(subject, client).await?.is_some() {
        return Ok(true);
    }
    let good = server.store.good_grants(subject, client, (now, 1)).await?;
    Ok(!NO_CLIENTS.contains(&client) && !good.is_empty())
}

/// Ends one of the person's sessions, or all.
async fn sign_out(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    checked(server, request, &form)?;
    let person = sign_in::person(server, request).await?;
    let subject = person.subject.as_str();
    let session = form.get("session");
    facts.note = Some(format!(
        "{} in {}",
        subject.escape_debug(),
        match session {
            Some(_) => "one browser",
            None => "all browsers",
        }
    ));
    let filter = match session {
        Some(id) => {
            let grant = server.store.grant(id).await?;
            let is_own =
                |it: &Grant| it.client == SESSIONS && it.subject.as_deref() == Some(subject);
            if !grant.as_ref().is_some_and(is_own) {
                return Err(Denied::new(Code::AccessDenied, "this is no session of yours"));
            }
            GrantFilter::One(id)
        }
        None => GrantFilter::SubjectAndClient { subject, client: SESSIONS },
    };
    server.store.revoke_grants(filter, request.at).await?;
    back(server)
}

/// Whether a form comes from the page, in this browser. What proved it.
pub(super) fn checked(server: &Server, request: &Request, form: &Form) -> Result<String, Denied> {
    check_browser(server, request, form, TICKET)
}

/// To the page again: to load it anew does nothing twice.
fn back(server: &Server) -> Result<Response<Bytes>, Denied> {
    let broken = || Denied::new(Code::ServerError, "this cannot be carried out now: try again");
    see(&format!("{}{PATH}", server.url())).ok_or_else(broken)
}

async fn shown(
    server: &Server,
    request: &Request,
    (person, (session, after)): (&Person, (Option<&str>, Option<&str>)),
    form: page::FormView<'_>,
) -> Result<Response<Bytes>, Denied> {
    let subject = person.subject.as_str();
    let mut programs = programs(server, subject, after, request.at).await?;
    let has_more = programs.len() > PROGRAMS_MAX;
    let next = has_more.then(|| programs.pop()).and(programs.last());
    let next = next.and_then(|(last, _)| next_page(server, last));
    let mut allowed = Vec::new();
    for (client, consent) in &programs {
        let program = (client.as_str(), consent.as_ref());
        allowed.push(allowed_view(server, subject, program, request.at).await?);
    }
    let sessions = sessions(server, subject, request.at).await?;
    let sessions: Vec<_> = sessions
        .iter()
        .map(|it| page::SessionView {
            id: &it.id,
            since: minute(it.created),
            from: serde_json::from_str::<people::SessionBody>(&it.body)
                .map(|it| it.source)
                .unwrap_or_default(),
            is_this: Some(it.id.as_str()) == session,
        })
        .collect();
    let view = page::AccountView {
        door: server.url(),
        person: &person.name,
        allowed: &allowed,
        is_first: after.is_none(),
        next,
        sessions: &sessions,
        second_factor: factor::view(server, request, person).await?,
        form,
    };
    Ok(page::account(&view).into_response())
}

/// The programs behind `after` by their ids, one more than a page has: those that the person allowed
/// anything, with their consent, and those that hold grants for them by the word of who signs them in.
async fn programs(
    server: &Server,
    subject: &str,
    after: Option<&str>,
    now: Timestamp,
) -> Result<Vec<(String, Option<Consent>)>, Denied> {
    // Of both as many as there is room for: none of the first of all can be missing.
    let room = PROGRAMS_MAX.saturating_add(1);
    let limit = u32::try_from(room.saturating_add(NO_CLIENTS.len())).unwrap_or(u32::MAX);
    let acting = server.store.acting_for(subject, after, (now, limit)).await?;
    let acting = acting.into_iter().filter(|it| !NO_CLIENTS.contains(&it.as_str()));
    let mut found: BTreeMap<_, _> = acting.map(|it| (it, None)).collect();
    let behind = after.map(|it| (subject, it));
    let consents = server.store.consents(Some(subject), behind, limit).await?;
    found.extend(consents.into_iter().map(|it| (it.client.clone(), Some(it))));
    Ok(found.into_iter().take(room).collect())
}

/// Where the programs stand that come behind this one.
fn next_page(server: &Server, last: &str) -> Option<String> {
    redirect::with(&format!("{}{PATH}", server.url()), &[("after", last)])
}

/// The person's sessions that go on.
async fn sessions(server: &Server, subject: &str, now: Timestamp) -> Result<Vec<Grant>, Denied> {
    let filter = GrantFilter::SubjectAndClient { subject, client: SESSIONS };
    let mut grants = server.store.grants(filter, None, SESSIONS_MAX).await?;
    grants.retain(|it| it.revoked.is_none() && it.expires > now);
    Ok(grants)
}

async fn allowed_view<'a>(
    server: &Server,
    subject: &str,
    (client, consent): (&'a str, Option<&'a Consent>),
    now: Timestamp,
) -> Result<page::AllowedView<'a>, Denied> {
    let last = consent.and_then(|it| serde_json::from_str::<ConsentBody>(&it.body).ok());
    let last = last.unwrap_or_default();
    let allowed = Allowed::of(server, (subject, client), &last, now).await?;
    Ok(page::AllowedView {
        client,
        what: by_collection(&allowed.permitted(server)),
        scopes: allowed.scopes().map(|it| it.to_string()).unwrap_or_default(),
        name: if consent.is_some() { last.client_name } else { allowed.client_name },
        host: last.host,
        since: consent.map(|it| minute(it.given)),
        until: allowed.until.map(minute),
    })
}

/// What may be done, by collection: `read, change`.
fn by_collection(permitted: &[Permitted]) -> Vec<(String, String)> {
    let mut names: Vec<_> = permitted.iter().map(|it| it.collection.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let effects = |name: &str| {
        let has = |effect| permitted.iter().any(|it| it.collection == name && it.effect == effect);
        let words = [
            (Effect::Read, "read"),
            (Effect::Write, "change"),
            (Effect::Destructive, "delete, or do what cannot be undone"),
        ];
        let words = words.into_iter().filter(|(effect, _)| has(*effect)).map(|it| it.1);
        words.collect::<Vec<_>>().join(", ")
    };
    names.into_iter().map(|it| (it.to_owned(), effects(it))).collect()
}

/// `2027-01-15 08:00 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    let minute: String = text.chars().take(16).collect();
    format!("{} UTC", minute.replace('T', " "))
}
