//! The authorization endpoint (RFC 6749 section 3.1): a client sends a person, who signs in and
//! decides, and is sent back with a code.

pub(crate) mod account;
pub(crate) mod admit;
mod consent;
pub(crate) mod device;
mod offer;
mod pending;
pub(crate) mod provider;
mod pushed;
mod second_step;
mod sign_in;
mod wanted;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

pub(crate) use self::{consent::decide, pushed::push, sign_in::sign_in, sign_in::sign_out};
use crate::{
    Request, Server,
    client::redirect,
    error::{Code, Denied},
    facts::Facts,
    page,
    throttle::Effort,
};
use offer::Offer;
use pending::Pending;
use wanted::{Turned, Wanted};

/// Begins: validates what the client asks for, and shows a page.
pub(crate) async fn begin(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let wanted = match Wanted::read(server, request).await {
        Ok(wanted) => wanted,
        // To nobody but a client that an operator knows, at an address that they registered.
        Err(Turned::Here(denied)) => return Err(denied),
        Err(Turned::Back { denied, redirect_uri, state }) => {
            let response = back(server, &redirect_uri, state.as_deref(), &Err(&denied));
            facts.denied = Some(denied);
            return Ok(response);
        }
    };
    facts.note = Some(format!("client {}", wanted.client.id.escape_debug()));
    // Whoever follows the link: that costs a row, and nothing was shown for it.
    server.throttle.spend(Effort::Waiting { source: request.peer }, request.at)?;
    let (pending, cookie) = Pending::begin(server, request, &wanted).await?;
    let mut response = sign_in::next_page(server, request, &pending, facts).await?;
    response.headers_mut().extend(cookie.map(|it| (header::SET_COOKIE, it)));
    Ok(response)
}

/// Sends the browser back to the client, with a code or with what is wrong (RFC 9207: `iss` always).
fn back(
    server: &Server,
    redirect_uri: &str,
    state: Option<&str>,
    outcome: &Result<String, &Denied>,
) -> Response<Bytes> {
    let mut parameters = match outcome {
        Ok(code) => vec![("code", code.as_str())],
        Err(denied) => {
            vec![("error", denied.code.as_str()), ("error_description", &*denied.detail)]
        }
    };
    parameters.extend(state.map(|it| ("state", it)));
    parameters.push(("iss", server.url()));
    let target = redirect::with(redirect_uri, &parameters);
    let location = target.and_then(|it| HeaderValue::try_from(it).ok());
    let Some(location) = location else {
        let text = "The address of the program that sent you is broken.";
        return page::message("This cannot go on", text, StatusCode::BAD_REQUEST).into_response();
    };
    let mut response = Response::new(Bytes::new());
    // 303: what was posted here is not to be posted there (RFC 9700 section 4.12).
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// What a person is shown where nobody can be sent anywhere.
pub(crate) fn shown(denied: &Denied) -> Response<Bytes> {
    let title = match denied.code {
        _ if denied.status() == StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        Code::InvalidClient => "This program is not known here",
        Code::AccessDenied => "You may not do this",
        _ => "This cannot go on",
    };
    let mut response = page::message(title, &denied.detail, denied.status()).into_response();
    let retry = denied.retry_after.map(|it| (header::RETRY_AFTER, HeaderValue::from(it)));
    response.headers_mut().extend(retry);
    response
}
