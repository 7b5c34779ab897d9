//! The second factor of an account, on the page of its own: set up, shown to be there, taken away.

use audit::EventId;
use bytes::Bytes;
use http::Response;
use model::{Secret, User};

use super::{SECOND_FACTOR, back, checked, minute};
use crate::{
    Request, Server,
    authorize::{second_step, sign_in},
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    page,
    people::Person,
    second_factor,
};

const WRONG: &str = "This code is not right. Is the clock of the device with the app right?";

/// What of it is shown to `person`; nothing where somebody else signs them in.
pub(super) async fn view(
    server: &Server,
    request: &Request,
    person: &Person,
) -> Result<Option<page::FactorView>, Denied> {
    let tables = server.tables();
    let user = person.subject.strip_prefix(User::PREFIX).and_then(|it| tables.user(it));
    let Some(user) = user else { return Ok(None) };
    let factor = second_factor::of(server, user, request.at).await?;
    let since = factor.map(|it| minute(it.since()));
    Ok(Some(page::FactorView { since, is_required: user.second_factor.is_required }))
}

/// Begins to set one up, or goes on with that where a code is typed.
pub(super) async fn set_up(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let csrf = checked(server, request, &form)?;
    let person = sign_in::person(server, request).await?;
    let account = account(&person, facts)?;
    let tables = server.tables();
    let user = tables.user(account).ok_or_else(elsewhere)?;
    if second_factor::of(server, user, request.at).await?.is_some() {
        return Err(Denied::new(Code::AccessDenied, "there is one: take it away first"));
    }
    let again = page::FormView { action: SECOND_FACTOR, csrf: &csrf, authorization: "" };
    let Some(ticket) = form.get("enrolment") else {
        // A browser in which somebody stayed signed in is not enough here either.
        let password = Secret::new(form.get("password").unwrap_or_default().to_owned());
        if sign_in::local(server, request, (account, password), facts).await?.is_none() {
            return Err(Denied::new(Code::AccessDenied, "the password is not right"));
        }
        let enrolment = second_factor::begin(server, request, account).await?;
        return Ok(second_step::set_up(server, again, &enrolment, (None, None)));
    };
    facts.event = EventId::SecondFactorSetUp;
    let typed = form.get("code").unwrap_or_default();
    match second_factor::confirm(server, request, user, (ticket, typed)).await? {
        Ok(codes) => {
            let next = super::PATH;
            let view = page::RecoveryView { codes: &codes, next };
            Ok(page::recovery_codes(&view).into_response())
        }
        Err(enrolment) => {
            facts.denied = Some(Denied::new(Code::AccessDenied, "the code is wrong"));
            Ok(second_step::set_up(server, again, &enrolment, (None, Some(WRONG))))
        }
    }
}

/// Takes it away, for who has it: a browser in which somebody stayed signed in is not enough.
pub(super) async fn remove(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    checked(server, request, &form)?;
    let person = sign_in::person(server, request).await?;
    let account = account(&person, facts)?;
    let tables = server.tables();
    let is_required = tables.user(account).is_none_or(|it| it.second_factor.is_required);
    if is_required {
        let detail = "an operator asks for your second factor, and resets it";
        return Err(Denied::new(Code::AccessDenied, detail));
    }
    let attempt = second_step::attempt(server, request, account, facts)?;
    let typed = form.get("code").unwrap_or_default();
    if second_step::shown(server, request, account, typed).await?.is_none() {
        return Err(Denied::new(Code::AccessDenied, "the code is not right, or was used already"));
    }
    attempt.give_back(request.at);
    second_factor::remove(server, account, request.at).await?;
    back(server)
}

/// The account of a person, for whom it is noted.
fn account<'p>(person: &'p Person, facts: &mut Facts) -> Result<&'p str, Denied> {
    facts.note = Some(person.subject.escape_debug().to_string());
    person.subject.strip_prefix(User::PREFIX).ok_or_else(elsewhere)
}

fn elsewhere() -> Denied {
    Denied::new(Code::AccessDenied, "whoever signs you in asks for your second factor")
}
