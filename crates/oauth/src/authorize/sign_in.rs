//! A person shows who they are.

use std::time::Duration;

use audit::EventId;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderValue, Response, StatusCode, header};
use model::Secret;
use tokio::time::timeout;

use super::{
    Pending, consent,
    provider::onward,
    second_step::{self, Outcome, Signed},
};
use crate::{
    Request, Server,
    client::redirect,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    known_browser, page,
    people::{self, Cookie, Person},
    provider::Provider,
    throttle::Guess,
    ticket,
};

/// How long the page waits to be told where a provider's form leads.
const METADATA_WAIT: Duration = Duration::from_secs(1);

/// What is said of a name and a password, whichever of them it was.
const WRONG: &str = "Name or password is wrong.";

/// The page that comes next: to sign in, or to decide where somebody is signed in.
pub(super) async fn next_page(
    server: &Server,
    request: &Request,
    pending: &Pending,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    if let Some(person) = people::signed_in(server, request).await? {
        return Ok(consent::page(server, request, pending, &person, facts));
    }
    Ok(sign_in_page(server, pending, ("", None)).await)
}

async fn sign_in_page(
    server: &Server,
    pending: &Pending,
    said: (&str, Option<&str>),
) -> Response<Bytes> {
    let purpose = page::Purpose::Client(consent::client_view(pending));
    page(server, purpose, consent::form_view(pending, "/oauth/sign-in"), said).await
}

/// The page to sign in, with the name that was typed and what was wrong with it.
pub(super) async fn page(
    server: &Server,
    purpose: page::Purpose<'_>,
    form: page::FormView<'_>,
    (name, problem): (&str, Option<&str>),
) -> Response<Bytes> {
    let providers = providers(server).await;
    let view = page::SignInView {
        door: server.url(),
        purpose,
        has_local: server.tables().has_users(),
        providers: &providers,
        form,
        name,
        problem,
    };
    page::sign_in(&view).into_response()
}

/// Who else signs people in. A provider that does not answer has its button all the same.
async fn providers(server: &Server) -> Vec<page::ProviderView> {
    let tables = server.tables();
    // All at once: several silent ones keep a person waiting no longer than one.
    join_all(tables.providers().map(|it| provider_view(it))).await
}

async fn provider_view(provider: &Provider) -> page::ProviderView {
    let known = timeout(METADATA_WAIT, provider.metadata()).await;
    let endpoint = known.ok().and_then(Result::ok);
    let endpoint = endpoint.and_then(|it| it.authorization_endpoint.clone());
    page::ProviderView {
        label: provider.sign_in.label.clone(),
        action: format!("{}{}", super::provider::DEPARTURE, provider.id()),
        target: redirect::target(endpoint.as_deref().unwrap_or(provider.issuer())),
    }
}

/// Takes name and password.
pub(crate) async fn sign_in(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let pending = Pending::of_form(server, request, &form).await?;
    let again = consent::form_view(&pending, "/oauth/sign-in");
    match typed(server, request, &form, again, facts).await? {
        Typed::Wrong(name) => {
            Ok(forbidden(sign_in_page(server, &pending, (name, Some(WRONG))).await))
        }
        Typed::Right(Outcome::Page(page)) => Ok(page),
        Typed::Right(Outcome::Signed(signed)) => {
            let next = match new_codes(server, request, &signed, &pending.ticket)? {
                Some(codes) => codes,
                None => consent::page(server, request, &pending, &signed.person, facts),
            };
            enter_as(server, request, &signed, next).await
        }
    }
}

/// The page with the recovery codes of who has new ones: what they signed in for comes behind it.
fn new_codes(
    server: &Server,
    request: &Request,
    signed: &Signed,
    authorization: &str,
) -> Result<Option<Response<Bytes>>, Denied> {
    let codes = signed.codes.as_slice();
    if codes.is_empty() {
        return Ok(None);
    }
    let broken = || Denied::new(Code::ServerError, "go back to the program that sent you");
    let next = onward(server, request, authorization).ok_or_else(broken)?;
    let view = page::RecoveryView { codes, next: &next };
    Ok(Some(page::recovery_codes(&view).into_response()))
}

/// Begins the session of who showed all that is asked for, and goes on with `next`.
async fn enter_as(
    server: &Server,
    request: &Request,
    signed: &Signed,
    next: Response<Bytes>,
) -> Result<Response<Bytes>, Denied> {
    let mut response = next;
    begin(server, request, &signed.person, Some(&signed.account), &mut response).await?;
    Ok(response)
}

/// What people sign in for who came of themselves.
pub(super) struct Errand<'a> {
    pub(super) purpose: page::Purpose<'a>,
    /// The form to show again where name or password is wrong.
    pub(super) again: page::FormView<'a>,
    /// What they get where both are right.
    pub(super) next: Response<Bytes>,
}

/// Takes name and password of somebody who came of themselves, from a form that is theirs.
pub(super) async fn enter(
    server: &Server,
    request: &Request,
    form: &Form,
    errand: Errand<'_>,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let Errand { purpose, again, next } = errand;
    let authorization = again.authorization;
    match typed(server, request, form, again, facts).await? {
        Typed::Wrong(name) => {
            Ok(forbidden(page(server, purpose, again, (name, Some(WRONG))).await))
        }
        Typed::Right(Outcome::Page(page)) => Ok(page),
        Typed::Right(Outcome::Signed(signed)) => {
            let codes = new_codes(server, request, &signed, authorization)?;
            enter_as(server, request, &signed, codes.unwrap_or(next)).await
        }
    }
}

/// Begins the session of a person in this browser, which is known from now on where they signed in with
/// the password of an account.
pub(super) async fn begin(
    server: &Server,
    request: &Request,
    person: &Person,
    account: Option<&str>,
    response: &mut Response<Bytes>,
) -> Result<(), Denied> {
    let known = account.map(|it| known_browser::cookie(server, it, request.at)).transpose()?;
    let session = people::begin_session(server, request, person).await?;
    // The session of whoever was here before ends: a browser has one.
    people::end_session(server, request).await?;
    for cookie in [Cookie::Session.set(server, &session), known.flatten()].into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(())
}

/// What comes of what was typed.
enum Typed<'f> {
    /// Nothing: name or password is wrong. The name that was typed.
    Wrong(&'f str),
    Right(Outcome),
}

/// Whose name and password were typed, or the second factor of who has shown these.
async fn typed<'f>(
    server: &Server,
    request: &Request,
    form: &'f Form,
    again: page::FormView<'_>,
    facts: &mut Facts,
) -> Result<Typed<'f>, Denied> {
    if form.get("step").is_some() {
        let answered = second_step::answer(server, request, form, again, facts).await?;
        return Ok(Typed::Right(answered));
    }
    let name = form.get("name").unwrap_or_default();
    facts.note = Some(format!("as \"{}\"", name.escape_debug()));
    let password = Secret::new(form.get("password").unwrap_or_default().to_owned());
    let person = local(server, request, (name, password), facts).await?;
    let Some(person) = person else {
        facts.event = EventId::SignInFailed;
        let detail = "the name or the password is wrong";
        facts.denied = Some(Denied::new(Code::AccessDenied, detail));
        return Ok(Typed::Wrong(name));
    };
    let next = second_step::next(server, request, (name, person), again, facts).await?;
    Ok(Typed::Right(next))
}

/// The same page, whether there is such a person or not.
fn forbidden(mut response: Response<Bytes>) -> Response<Bytes> {
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// The person with this name and password; none where they are wrong. Paid for before it is checked.
pub(super) async fn local(
    server: &Server,
    request: &Request,
    (name, password): (&str, Secret<String>),
    facts: &mut Facts,
) -> Result<Option<Person>, Denied> {
    let browser = known_browser::name(server, request, name);
    let guess = Guess::Password { source: request.peer, account: name, browser };
    let attempt = server.throttle.attempt(guess, request.at).inspect_err(|_| {
        facts.event = EventId::SignInSlowed;
    })?;
    let tables = server.tables();
    let hash = tables.user(name).and_then(|it| it.password.as_deref());
    let (hash, is_somebody) = (hash.or_else(|| tables.stand_in(name)), hash.is_some());
    let Ok(is_right) = server.passwords.verify(password, hash).await else {
        attempt.give_back(request.at);
        let detail = "try again in a moment";
        return Err(Denied::new(Code::TemporarilyUnavailable, detail).after(1));
    };
    // By the password that was tried: it may have become another meanwhile.
    let account = hash.map(ticket::challenge).filter(|_| is_right && is_somebody);
    let person = people::local(server, name);
    let person = person.filter(|it| account.is_some() && it.account == account);
    if person.is_some() {
        attempt.give_back(request.at);
    }
    Ok(person)
}

/// Signs out, and goes on with what was asked for, as somebody else.
pub(crate) async fn sign_out(
    server: &Server,
    request: &Request,
    _facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let pending = Pending::of_form(server, request, &form).await?;
    people::end_session(server, request).await?;
    let mut response = sign_in_page(server, &pending, ("", None)).await;
    let gone = Cookie::Session.set(server, "");
    let gone = gone.unwrap_or_else(|| HeaderValue::from_static(""));
    response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(response)
}

/// Who is signed in, or nobody.
pub(super) async fn person(server: &Server, request: &Request) -> Result<Person, Denied> {
    let found = people::signed_in(server, request).await?;
    found.ok_or_else(|| {
        Denied::new(Code::AccessDenied, "nobody is signed in: go back and begin anew")
    })
}
