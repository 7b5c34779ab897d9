//! A person types the code that a device shows, sees who asks for what, and decides (RFC 8628
//! section 3.3). The device is told when it asks the next time.

use audit::EventId;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use model::{Timestamp, TokenScopes};
use serde::{Deserialize, Serialize};
use store::{Digest, GrantFilter, Handle, Taken};

use super::{
    Offer, Pending, consent,
    pending::{browser, check_browser, csrf},
    provider::see,
    sign_in,
    wanted::Wanted,
};
use crate::{
    Request, Server, client,
    device::{self, UserCode},
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    page,
    people::{self, Person},
    throttle::Guess,
    ticket::Ticket,
};

/// Where the form to sign in goes.
pub(crate) const ENTER: &str = "/oauth/device/sign-in";

/// What begins a word that stands for the page where a form proves that this browser was shown it. The
/// code that a link brought along stands behind it. No ticket has a colon in it.
const WORD: &str = "device:";

const WRONG: &str = "No device shows this code now. Codes are good for 10 minutes, and once.";

/// The device that waits for a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// The digest of the code that was typed.
    user_code: Digest,
    /// The digest of the device's own code.
    device: Digest,
    /// From which address the device asked.
    pub(super) source: String,
    /// When it stops to wait, in seconds since 1970.
    until: i64,
    /// Whether it proved to be the client when it asked.
    #[serde(default)]
    is_confidential: bool,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    /// By a device, not by a person.
    Begin,
    Enter,
    LookUp,
    Show,
}

/// Answers what is asked.
pub(crate) async fn answer(
    server: &Server,
    request: &Request,
    asked: Asked,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    match asked {
        Asked::Begin => device::begin(server, request, facts).await,
        Asked::Enter => enter(server, request, facts).await,
        Asked::LookUp => look_up(server, request, facts).await,
        Asked::Show => show(server, request, facts).await,
    }
}

/// Shows the page to who is signed in; asks everybody else who they are. What a link brings along is
/// not looked up: that would be a guess that nobody counts.
async fn show(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let query = Form::of_query(request)?;
    let code = query.get("user_code").and_then(UserCode::parse);
    let (browser, cookie) = browser(server, request)?;
    let word = word(code.as_ref());
    let csrf = csrf(&browser, &word);
    let form = |action| page::FormView { action, csrf: &csrf, authorization: &word };
    let mut response = match people::signed_in(server, request).await? {
        Some(person) => {
            facts.note = Some(person.subject.escape_debug().to_string());
            let code = code.map(|it| it.to_string()).unwrap_or_default();
            code_page(server, &person, form(device::PAGE), (&code, None))
        }
        None => sign_in::page(server, page::Purpose::Device, form(ENTER), ("", None)).await,
    };
    response.headers_mut().extend(cookie.map(|it| (header::SET_COOKIE, it)));
    Ok(response)
}

fn code_page(
    server: &Server,
    person: &Person,
    form: page::FormView<'_>,
    (code, problem): (&str, Option<&str>),
) -> Response<Bytes> {
    let view = page::DeviceView { door: server.url(), person: &person.name, code, form, problem };
    page::device(&view).into_response()
}

/// Takes name and password.
async fn enter(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let (word, csrf) = checked(server, request, &form)?;
    let broken = || Denied::new(Code::ServerError, "this cannot be carried out now: try again");
    let next = next(server, word).and_then(|it| see(&it)).ok_or_else(broken)?;
    let again = page::FormView { action: ENTER, csrf: &csrf, authorization: word };
    let errand = sign_in::Errand { purpose: page::Purpose::Device, again, next };
    sign_in::enter(server, request, &form, errand, facts).await
}

/// Looks up the code that a signed-in person typed, and shows what there is to decide on.
async fn look_up(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let (word, csrf) = checked(server, request, &form)?;
    let person = sign_in::person(server, request).await?;
    facts.note = Some(person.subject.escape_debug().to_string());
    let Some(wanted) = find(server, request, &person, &form, facts).await? else {
        facts.event = EventId::DeviceUnknown;
        facts.denied = Some(Denied::new(Code::AccessDenied, "there is no such code"));
        let view = page::FormView { action: device::PAGE, csrf: &csrf, authorization: word };
        let typed: String = form.get("user_code").unwrap_or_default().chars().take(20).collect();
        let mut response = code_page(server, &person, view, (&typed, Some(WRONG)));
        *response.status_mut() = StatusCode::FORBIDDEN;
        return Ok(response);
    };
    facts.note = Some(format!(
        "{} for client {}",
        person.subject.escape_debug(),
        wanted.client.id.escape_debug()
    ));
    let (pending, _) = Pending::begin(server, request, &wanted).await?;
    Ok(consent::page(server, request, &pending, &person, facts))
}

/// What the device wants that shows the code, where one does. Each look-up is paid for before it is
/// made, and costs nothing where it was right.
async fn find(
    server: &Server,
    request: &Request,
    person: &Person,
    form: &Form,
    facts: &mut Facts,
) -> Result<Option<Wanted>, Denied> {
    let guess = Guess::UserCode { source: request.peer, person: &person.subject };
    let attempt = server.throttle.attempt(guess, request.at).inspect_err(|_| {
        facts.event = EventId::DeviceSlowed;
    })?;
    let Some(code) = form.get("user_code").and_then(UserCode::parse) else { return Ok(None) };
    let Some((digest, handle)) = known(server, &code, request.at).await? else { return Ok(None) };
    attempt.give_back(request.at);
    let broken = |it| Denied::new(Code::ServerError, "the request is broken").because(it);
    let asked: device::Asked =
        serde_json::from_str(&handle.body).map_err(|it| broken(it.to_string()))?;
    let scopes = asked.scope.as_deref().map(TokenScopes::parse).transpose();
    Ok(Some(Wanted {
        client: client::find(server, &asked.client, request).await?,
        redirect_uri: String::new(),
        state: None,
        challenge: String::new(),
        resource: asked.resource,
        scopes: scopes.map_err(broken)?,
        jkt: None,
        device: Some(Waiting {
            user_code: digest,
            device: asked.device,
            source: asked.source,
            until: handle.expires.as_seconds(),
            is_confidential: asked.is_confidential,
        }),
    }))
}

/// What waits under a code, and what the store knows that by.
async fn known(
    server: &Server,
    code: &UserCode,
    now: Timestamp,
) -> Result<Option<(Digest, Handle)>, Denied> {
    for digest in code.digests(server) {
        let kind = Ticket::UserCode.kind();
        if let Taken::First(handle) = server.store.peek_handle(&digest, kind, now).await? {
            return Ok(Some((digest, handle)));
        }
    }
    Ok(None)
}

/// Takes the decision, once, for the device to find it: what the person allowed, where they did.
pub(super) async fn decide(
    server: &Server,
    request: &Request,
    (pending, allowed): (&Pending, Result<Option<Offer>, Denied>),
    person: &Person,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    // Until all of it is done.
    let event = std::mem::replace(&mut facts.event, EventId::ConsentDenied);
    let gone = || {
        let detail = "this code has expired or was used already: begin anew on the device";
        Denied::new(Code::AccessDenied, detail)
    };
    let waiting = pending.body.device.as_ref().ok_or_else(gone)?;
    let (digest, kind) = (&waiting.user_code, Ticket::UserCode.kind());
    // Looked at first: no grant is made that would have to be taken back.
    let Taken::First(_) = server.store.peek_handle(digest, kind, request.at).await? else {
        return Err(gone());
    };
    let grant = match &allowed? {
        Some(offer) => {
            Some(consent::grant(server, request, (pending, offer), person, facts).await?.id)
        }
        None => None,
    };
    let is_allowed = grant.is_some();
    let decided =
        device::Decided { client: &pending.client.id, is_confidential: waiting.is_confidential };
    let decision = Handle {
        digest: waiting.device,
        kind: Ticket::Decision.kind().to_owned(),
        grant: grant.clone(),
        body: decided.body(),
        created: request.at,
        expires: Timestamp::from_seconds(waiting.until),
    };
    let taken = server.store.rotate_handle(digest, kind, request.at, &decision).await?;
    if !matches!(taken, Taken::First(_)) {
        if let Some(grant) = &grant {
            server.store.revoke_grants(GrantFilter::One(grant), request.at).await?;
        }
        return Err(gone());
    }
    let (title, text) = match is_allowed {
        true => ("Your device is connected", "go back to it: it goes on within seconds"),
        false => ("You did not allow it", "the device gets no access"),
    };
    match is_allowed {
        true => facts.event = event,
        false => {
            let denied = Denied::new(Code::AccessDenied, "the person did not allow it");
            facts.denied = Some(denied);
        }
    }
    Ok(page::message(title, text, StatusCode::OK).into_response())
}

/// The word that a form names this page by, with the code that a link brought along.
fn word(code: Option<&UserCode>) -> String {
    format!("{WORD}{}", code.map(UserCode::letters).unwrap_or_default())
}

/// Where people go on whom a form with this word signed in; none where it is another form's.
pub(super) fn next(server: &Server, word: &str) -> Option<String> {
    let page = format!("{}{}", server.url(), device::PAGE);
    match word.strip_prefix(WORD)? {
        "" => Some(page),
        letters => Some(format!("{page}?user_code={}", UserCode::parse(letters)?)),
    }
}

/// Whether a form comes from the page, in this browser: the word that names it, and what proved it.
pub(super) fn checked<'f>(
    server: &Server,
    request: &Request,
    form: &'f Form,
) -> Result<(&'f str, String), Denied> {
    let word = form.required("authorization")?;
    let csrf = check_browser(server, request, form, word)?;
    let other = || Denied::new(Code::AccessDenied, "this form is not of this page");
    next(server, word).ok_or_else(other)?;
    Ok((word, csrf))
}
