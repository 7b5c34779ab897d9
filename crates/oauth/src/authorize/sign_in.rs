//! A person shows who they are.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use model::Secret;

use super::{Pending, consent};
use crate::{
    Request, Server,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    page,
    people::{self, Cookie, Person},
};

/// The page that comes next: to sign in, or to decide where somebody is signed in.
pub(super) async fn next_page(
    server: &Server,
    request: &Request,
    pending: &Pending,
    problem: Option<&str>,
) -> Result<Response<Bytes>, Denied> {
    if let Some(person) = people::signed_in(server, request).await? {
        return Ok(consent::page(server, request, pending, &person));
    }
    Ok(sign_in_page(server, pending, "", problem))
}

fn sign_in_page(
    server: &Server,
    pending: &Pending,
    name: &str,
    problem: Option<&str>,
) -> Response<Bytes> {
    let client = consent::client_view(pending);
    let view = page::SignInView {
        door: server.url(),
        client,
        has_local: server.tables().has_users(),
        form: consent::form_view(pending, "/oauth/sign-in"),
        name,
        problem,
    };
    page::sign_in(&view).into_response()
}

/// Takes name and password.
pub(crate) async fn sign_in(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let pending = Pending::of_form(server, request, &form, false).await?;
    let name = form.get("name").unwrap_or_default();
    facts.note = Some(format!("as \"{}\"", name.escape_debug()));
    if let Err(wait) = server.throttle.admit(request.peer, name, request.at) {
        let seconds = wait.as_secs().max(1);
        let detail = format!("too many attempts: try again in {seconds} seconds");
        return Err(Denied::new(Code::TemporarilyUnavailable, detail).after(seconds));
    }
    let tables = server.tables();
    let user = tables.user(name);
    let password = Secret::new(form.get("password").unwrap_or_default().to_owned());
    let hash = user.and_then(|it| it.password.as_deref());
    let busy = || Denied::new(Code::TemporarilyUnavailable, "try again in a moment").after(1);
    let is_right = server.passwords.verify(password, hash).await.map_err(|_| busy())?;
    let person = people::local(server, name).filter(|_| is_right);
    let Some(person) = person else {
        server.throttle.failed(request.peer, name, request.at);
        return Ok(wrong(server, &pending, name, facts));
    };
    server.throttle.succeeded(request.peer, name);
    let session = people::begin_session(server, &person, request.at).await?;
    // The session of whoever was here before ends: a browser has one.
    people::end_session(server, request).await?;
    let mut response = consent::page(server, request, &pending, &person);
    let cookie = Cookie::Session.set(server, &session);
    response.headers_mut().extend(cookie.map(|it| (header::SET_COOKIE, it)));
    Ok(response)
}

/// The same words whether there is such a person or not.
fn wrong(server: &Server, pending: &Pending, name: &str, facts: &mut Facts) -> Response<Bytes> {
    facts.event = "sign_in.failed";
    let problem = Some("Name or password is wrong.");
    let mut response = sign_in_page(server, pending, name, problem);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// Signs out, and goes on with what was asked for, as somebody else.
pub(crate) async fn sign_out(
    server: &Server,
    request: &Request,
    _facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let pending = Pending::of_form(server, request, &form, false).await?;
    people::end_session(server, request).await?;
    let mut response = sign_in_page(server, &pending, "", None);
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
