//! What comes behind the right password of an account: nothing, its second factor, or setting one up
//! where an operator asks for one.

use std::time::Duration;

use audit::EventId;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;
use store::{Handle, Taken};

use crate::{
    Request, Server,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    known_browser,
    page::{self, FormView},
    people::{self, BY_BOTH, BY_PASSWORD, Person},
    second_factor::{self, Enrolment, Shown},
    throttle::{Attempt, Guess},
    ticket::{self, Ticket},
};

/// How long a person has for it: with an app to set up, that takes its time.
const LIFE: Duration = Duration::from_secs(15 * 60);

const WRONG: &str = "This code is not right, or was used already. Wait for the next one.";

/// What comes next.
pub(super) enum Outcome {
    /// Something is to be done first.
    Page(Response<Bytes>),
    /// They are who they say.
    Signed(Box<Signed>),
}

/// Somebody who showed all that is asked for.
pub(super) struct Signed {
    pub(super) account: String,
    pub(super) person: Person,
    /// Recovery codes, where there are new ones to be shown.
    pub(super) codes: Vec<String>,
}

/// What comes behind the right password of `person`.
pub(super) async fn next(
    server: &Server,
    request: &Request,
    (account, person): (&str, Person),
    again: FormView<'_>,
    facts: &mut Facts,
) -> Result<Outcome, Denied> {
    let tables = server.tables();
    let user = tables.user(account).ok_or_else(gone)?;
    let has_factor = second_factor::of(server, user, request.at).await?.is_some();
    if !has_factor && !user.second_factor.is_required {
        return Ok(signed(account, (person, BY_PASSWORD), Vec::new()));
    }
    let (step, digest) = Ticket::SecondStep.issue()?;
    let handle = Handle {
        digest,
        kind: Ticket::SecondStep.kind().to_owned(),
        grant: None,
        body: json!([account, person.account]).to_string(),
        created: request.at,
        expires: request.at.plus(LIFE),
    };
    server.store.put_handle(&handle).await?;
    facts.event = EventId::SignInFirstStep;
    if has_factor {
        return Ok(Outcome::Page(ask(server, again, (&step, None))));
    }
    let enrolment = second_factor::begin(server, request, account).await?;
    Ok(Outcome::Page(set_up(server, again, &enrolment, (Some(&step), None))))
}

/// Takes what was typed in the second step.
pub(super) async fn answer(
    server: &Server,
    request: &Request,
    form: &Form,
    again: FormView<'_>,
    facts: &mut Facts,
) -> Result<Outcome, Denied> {
    let step = form.required("step")?;
    let (digest, kind) = (ticket::digest(step), Ticket::SecondStep.kind());
    let Taken::First(handle) = server.store.peek_handle(&digest, kind, request.at).await? else {
        return Err(gone());
    };
    let (account, password): (String, Option<String>) =
        serde_json::from_str(&handle.body).map_err(|_| gone())?;
    let account = account.as_str();
    facts.note = Some(format!("as \"{}\"", account.escape_debug()));
    let tables = server.tables();
    let is_void = |it| second_factor::is_void(it, handle.created);
    let user = tables.user(account).filter(|it| !is_void(it));
    let person = user.and_then(|_| people::local(server, account));
    // Not of another password than the one that was shown.
    let person = person.filter(|it| it.account == password).ok_or_else(gone)?;
    let attempt = attempt(server, request, account, facts)?;
    let typed = form.get("code").unwrap_or_default();
    let codes = match form.get("enrolment") {
        Some(ticket) => match first(server, request, account, (ticket, typed)).await? {
            Ok(codes) => codes,
            Err(enrolment) => {
                failed(facts);
                let page = set_up(server, again, &enrolment, (Some(step), Some(WRONG)));
                return Ok(Outcome::Page(page));
            }
        },
        None => match shown(server, request, account, typed).await? {
            Some(what) => {
                note(facts, what);
                Vec::new()
            }
            None => {
                failed(facts);
                return Ok(Outcome::Page(ask(server, again, (step, Some(WRONG)))));
            }
        },
    };
    if !matches!(server.store.take_handle(&digest, kind, request.at).await?, Taken::First(_)) {
        return Err(gone());
    }
    attempt.give_back(request.at);
    Ok(signed(account, (person, BY_BOTH), codes))
}

/// Pays for an attempt at the second factor of an account.
pub(super) fn attempt<'s>(
    server: &'s Server,
    request: &Request,
    account: &str,
    facts: &mut Facts,
) -> Result<Attempt<'s>, Denied> {
    let browser = known_browser::name(server, request, account);
    let guess = Guess::SecondFactor { source: request.peer, account, browser };
    server.throttle.attempt(guess, request.at).inspect_err(|_| facts.event = EventId::SignInSlowed)
}

/// Sets up the first one of an account. Nobody replaces one that is there by having the password.
async fn first(
    server: &Server,
    request: &Request,
    account: &str,
    typed: (&str, &str),
) -> Result<Result<Vec<String>, Enrolment>, Denied> {
    let tables = server.tables();
    let user = tables.user(account).ok_or_else(gone)?;
    if second_factor::of(server, user, request.at).await?.is_some() {
        return Err(gone());
    }
    second_factor::confirm(server, request, user, typed).await
}

/// As what the second factor of an account was shown, if it was.
pub(super) async fn shown(
    server: &Server,
    request: &Request,
    account: &str,
    typed: &str,
) -> Result<Option<Shown>, Denied> {
    let tables = server.tables();
    let user = tables.user(account).ok_or_else(gone)?;
    let factor = second_factor::of(server, user, request.at).await?.ok_or_else(gone)?;
    second_factor::check(server, request, &factor, typed).await
}

fn note(facts: &mut Facts, what: Shown) {
    let what = match what {
        Shown::Code => "a code",
        Shown::Recovery => "a recovery code",
    };
    let who = facts.note.take().unwrap_or_default();
    facts.note = Some(format!("{who} with {what}"));
}

fn failed(facts: &mut Facts) {
    facts.event = EventId::SignInFailed;
    facts.denied = Some(Denied::new(Code::AccessDenied, "the second factor is wrong"));
}

fn signed(account: &str, (person, by): (Person, &[&str]), codes: Vec<String>) -> Outcome {
    let methods = by.iter().map(|it| (*it).to_owned()).collect();
    let person = Person { methods, ..person };
    Outcome::Signed(Box::new(Signed { account: account.to_owned(), person, codes }))
}

/// Asks for the code.
fn ask(
    server: &Server,
    form: FormView<'_>,
    (step, problem): (&str, Option<&str>),
) -> Response<Bytes> {
    let view = page::CodeView { door: server.url(), form, step, problem };
    status(page::code(&view).into_response(), problem)
}

/// Shows what an app is to be given, and asks for its first code.
pub(super) fn set_up(
    server: &Server,
    form: FormView<'_>,
    enrolment: &Enrolment,
    (step, problem): (Option<&str>, Option<&str>),
) -> Response<Bytes> {
    let Enrolment { ticket, address, secret } = enrolment;
    let view =
        page::EnrolmentView { door: server.url(), form, step, ticket, address, secret, problem };
    status(page::enrolment(&view).into_response(), problem)
}

fn status(mut response: Response<Bytes>, problem: Option<&str>) -> Response<Bytes> {
    if problem.is_some() {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}

fn gone() -> Denied {
    Denied::new(Code::AccessDenied, "this page has expired or was used already: begin anew")
}
