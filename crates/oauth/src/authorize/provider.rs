//! A person is signed in by an `OpenID` provider: sent there, and back with a code.

use std::{sync::Arc, time::Duration};

use audit::EventId;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::{Handle, Taken};

use super::{Pending, account, device, sign_in};
use crate::{
    Request, Server,
    client::redirect,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    people::{Cookie, Person},
    provider::{Provider, Redeemed},
    throttle::Effort,
    ticket::{self, Ticket},
};

/// Where people are sent to a provider from.
pub(crate) const DEPARTURE: &str = "/oauth/sign-in/";

/// Where providers send people back to, each to a place of its own: an answer of one is not taken for
/// one of another (RFC 9700 section 4.4.2).
pub(crate) const CALLBACK: &str = "/oauth/callback/";

/// How long a person may be away.
const LIFE: Duration = Duration::from_secs(10 * 60);

/// Whom a person was sent to, from where. Verifier and nonce are not kept: they follow from what only
/// the browser has.
#[derive(Debug, Serialize, Deserialize)]
struct Away {
    issuer: String,
    /// The request that they came with, or the word of the page for devices; empty where it is none.
    authorization: String,
    /// What the browser's cookie hashes to.
    browser: String,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    Arrive,
    Depart,
    Resume,
}

/// Answers what is asked.
pub(crate) async fn answer(
    server: &Server,
    request: &Request,
    asked: Asked,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    match asked {
        Asked::Arrive => arrive(server, request, facts).await,
        Asked::Depart => depart(server, request, facts).await,
        Asked::Resume => resume(server, request, facts).await,
    }
}

/// Sends a person to the provider that they chose.
async fn depart(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let authorization = match form.get("authorization") {
        Some(word) if device::next(server, word).is_some() => {
            device::checked(server, request, &form)?.0.to_owned()
        }
        Some(_) => Pending::of_form(server, request, &form).await?.ticket,
        // From the page of the person's own: nobody sent them.
        None => {
            account::checked(server, request, &form)?;
            String::new()
        }
    };
    let provider = provider(server, request, DEPARTURE)?;
    facts.note = Some(format!("by issuer {}", provider.id()));
    let metadata = provider.metadata().await.map_err(|why| unreachable(&provider, &why))?;
    let endpoint = metadata.authorization_endpoint.as_deref();
    let endpoint = endpoint
        .ok_or_else(|| unreachable(&provider, "its metadata has no authorization_endpoint"))?;
    let browser = Cookie::Browser.read(server, request).unwrap_or_default();
    let (state, digest) = Ticket::SignIn.issue()?;
    let away = Away {
        issuer: provider.id().to_owned(),
        authorization,
        browser: ticket::challenge(browser),
    };
    let handle = Handle {
        digest,
        kind: Ticket::SignIn.kind().to_owned(),
        grant: None,
        body: serde_json::to_string(&away).unwrap_or_default(),
        created: request.at,
        expires: request.at.plus(LIFE),
    };
    // Anybody can begin to sign in, and again and again.
    server.throttle.spend(Effort::Waiting { source: request.peer }, request.at)?;
    server.store.put_handle(&handle).await?;
    let scopes = ["openid"].into_iter().chain(provider.sign_in.scopes.iter().map(String::as_str));
    let scopes: Vec<_> = scopes.collect();
    let url = redirect::with(
        endpoint,
        &[
            ("response_type", "code"),
            ("client_id", &provider.sign_in.client_id),
            ("redirect_uri", &callback(server, &provider)),
            ("scope", &scopes.join(" ")),
            ("state", &state),
            ("nonce", &derived("nonce", browser, &state)),
            ("code_challenge", &ticket::challenge(&derived("verifier", browser, &state))),
            ("code_challenge_method", "S256"),
        ],
    );
    let url = url.ok_or_else(|| unreachable(&provider, "its authorization_endpoint is no url"))?;
    see(&url).ok_or_else(|| unreachable(&provider, "its authorization_endpoint is no url"))
}

/// Takes a person back, with what the provider says.
async fn arrive(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    facts.event = EventId::SignInFailed;
    let form = Form::of_query(request)?;
    let provider = provider(server, request, CALLBACK)?;
    facts.note = Some(format!("by issuer {}", provider.id()));
    let browser = Cookie::Browser.read(server, request).unwrap_or_default();
    let away = returned(server, request, &form, &provider).await?;
    check_issuer(&provider, &form).await?;
    let state = form.required("state")?;
    if let Some(error) = form.get("error") {
        let error: String = error.chars().take(64).flat_map(char::escape_debug).collect();
        return Err(not_signed_in(&provider).because(format!("it answered {error}")));
    }
    let redeemed = Redeemed {
        code: form.required("code")?,
        verifier: &derived("verifier", browser, state),
        nonce: &derived("nonce", browser, state),
        redirect_uri: &callback(server, &provider),
    };
    let person = provider.person(server, &redeemed, request.at).await;
    let person = person.map_err(|why| not_signed_in(&provider).because(why))?;
    facts.note = Some(format!("as \"{}\"", person.subject.escape_debug()));
    if server.tables().is_stopped_person(&person.subject) {
        let detail = "you may not sign in here now: ask the operators of this door";
        return Err(Denied::new(Code::AccessDenied, detail).because("an operator stopped them"));
    }
    let response = signed_in(server, request, &person, &away.authorization).await?;
    facts.event = EventId::SignIn;
    Ok(response)
}

/// Begins the session, and goes on with what the person came for.
async fn signed_in(
    server: &Server,
    request: &Request,
    person: &Person,
    authorization: &str,
) -> Result<Response<Bytes>, Denied> {
    // The address with the code in it is left: it is to stand in no history and no referrer.
    let next = onward(server, request, authorization);
    let broken = || Denied::new(Code::ServerError, "this cannot be carried out now: try again");
    let mut response = next.and_then(|it| see(&it)).ok_or_else(broken)?;
    sign_in::begin(server, request, person, None, &mut response).await?;
    Ok(response)
}

/// Where a person goes on who has signed in, by what they signed in for.
pub(super) fn onward(server: &Server, request: &Request, authorization: &str) -> Option<String> {
    let browser = Cookie::Browser.read(server, request).unwrap_or_default();
    let csrf = super::pending::csrf(browser, authorization);
    let pairs = [("authorization", authorization), ("csrf", &*csrf)];
    match authorization {
        word if device::next(server, word).is_some() => device::next(server, word),
        "" => Some(format!("{}{}", server.url(), account::PATH)),
        _ => redirect::with(&format!("{}/oauth/sign-in", server.url()), &pairs),
    }
}

/// Shows the page that comes next to who has come back.
async fn resume(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_query(request)?;
    let pending = Pending::of_form(server, request, &form).await?;
    sign_in::next_page(server, request, &pending, facts).await
}

/// What the person who comes back was sent for: once, in the same browser, from the same provider.
async fn returned(
    server: &Server,
    request: &Request,
    form: &Form,
    provider: &Provider,
) -> Result<Away, Denied> {
    let denied = |detail: &'static str| Denied::new(Code::AccessDenied, detail);
    let (digest, kind) = (ticket::digest(form.required("state")?), Ticket::SignIn.kind());
    let peeked = server.store.peek_handle(&digest, kind, request.at).await?;
    let ended = || denied("this sign-in has expired or was used already: go back and begin anew");
    let Taken::First(handle) = peeked else { return Err(ended()) };
    let away: Away = serde_json::from_str(&handle.body).map_err(|_| ended())?;
    let browser = ticket::challenge(Cookie::Browser.read(server, request).unwrap_or_default());
    let is_here = aws_lc_rs::constant_time::verify_slices_are_equal(
        browser.as_bytes(),
        away.browser.as_bytes(),
    );
    // Not taken by somebody else's browser: who sent the person is still waited for.
    if is_here.is_err() {
        return Err(denied("this sign-in was begun in another browser: go back and begin anew"));
    }
    if away.issuer != provider.id() {
        return Err(denied("this sign-in was begun with another provider: go back and begin anew"));
    }
    match server.store.take_handle(&digest, kind, request.at).await? {
        Taken::First(_) => Ok(away),
        Taken::Again(_) | Taken::Expired | Taken::Revoked(_) | Taken::Unknown => Err(ended()),
    }
}

/// Who answers says who it is, where it said that it would (RFC 9207 section 2.4).
async fn check_issuer(provider: &Provider, form: &Form) -> Result<(), Denied> {
    let metadata = provider.metadata().await.map_err(|why| unreachable(provider, &why))?;
    match form.get("iss") {
        Some(issuer) if issuer == provider.issuer() => Ok(()),
        Some(_) => Err(not_signed_in(provider).because("iss is of another issuer")),
        None if metadata.is_issuer_in_responses => {
            Err(not_signed_in(provider).because("iss is missing, and its metadata promises it"))
        }
        None => Ok(()),
    }
}

fn provider(server: &Server, request: &Request, base: &str) -> Result<Arc<Provider>, Denied> {
    let id = request.path.strip_prefix(base).unwrap_or_default();
    let unknown = || Denied::new(Code::AccessDenied, "nobody signs in by this provider here");
    server.tables().provider(id).ok_or_else(unknown)
}

fn callback(server: &Server, provider: &Provider) -> String {
    format!("{}{CALLBACK}{}", server.url(), provider.id())
}

/// A value that only who has the browser's cookie can make.
fn derived(of: &str, browser: &str, state: &str) -> String {
    ticket::challenge(&format!("{of} {browser} {state}"))
}

pub(super) fn see(url: &str) -> Option<Response<Bytes>> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(url).ok()?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Some(response)
}

fn not_signed_in(provider: &Provider) -> Denied {
    let detail = format!("{} did not sign you in: go back and try again", provider.sign_in.label);
    Denied::new(Code::AccessDenied, detail)
}

fn unreachable(provider: &Provider, why: &str) -> Denied {
    let detail = format!("{} cannot be asked now: try again later", provider.sign_in.label);
    Denied::new(Code::TemporarilyUnavailable, detail).because(why)
}
