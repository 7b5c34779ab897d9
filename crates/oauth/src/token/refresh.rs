//! A refresh token becomes a new one, and an access token (RFC 6749 section 6). The old one is then
//! used up: who shows it again ends the whole family (RFC 9700 section 4.14.2).

use identity::dpop::ProofFailure;
use store::{Handle, Taken};

use super::{
    Issued,
    code::{Answer, grant_of, refresh_handle, reused},
    invalid_grant, missing, scopes,
};
use crate::{
    Request, Server,
    client::Proven,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    possession::{self, Confirmation},
    ticket::{self, Ticket},
};

/// Gives new tokens for a refresh token.
pub(super) async fn renew(
    server: &Server,
    request: &Request,
    form: &Form,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let digest = ticket::digest(form.required("refresh_token")?);
    let kind = Ticket::Refresh.kind();
    let handle = match server.store.peek_handle(&digest, kind, request.at).await? {
        Taken::First(handle) => handle,
        Taken::Again(handle) => return Err(reused(server, &handle, request).await?),
        Taken::Expired => return Err(invalid_grant("the refresh token has expired")),
        Taken::Revoked(_) => return Err(invalid_grant("the grant was revoked")),
        Taken::Unknown => {
            return Err(missing(server, request, proven, "there is no such refresh token"));
        }
    };
    let grant = grant_of(server, &handle).await?;
    let mut answer = Answer::new(server, request, &grant, proven, facts)?;
    if !answer.refreshes() {
        let detail = "the profile does not have the grant refresh_token";
        return Err(Denied::new(Code::UnauthorizedClient, detail));
    }
    let narrower = narrower(form, &answer)?;
    answer.narrow(server, form)?;
    check_bound(&handle, proven)?;
    let confirmation = answer.bind(server, request).await?;
    let (text, new) = refresh_handle(&grant, request, proven, &confirmation)?;
    match server.store.rotate_handle(&digest, kind, request.at, &new).await? {
        Taken::First(_) => {
            answer.issue(server, request, (narrower, &confirmation), Some(text)).await
        }
        Taken::Again(handle) => Err(reused(server, &handle, request).await?),
        Taken::Expired | Taken::Revoked(_) | Taken::Unknown => {
            Err(invalid_grant("the refresh token, or its grant, has ended"))
        }
    }
}

/// Whether what the token is bound to was shown, where it is bound.
fn check_bound(handle: &Handle, proven: &Proven) -> Result<(), Denied> {
    if handle.body.is_empty() {
        return Ok(());
    }
    let bound: Confirmation = serde_json::from_str(&handle.body).map_err(invalid_grant)?;
    if bound.jkt.is_some() && proven.held.jkt().is_none() {
        return Err(possession::denied(&ProofFailure::Missing));
    }
    match proven.held.fulfils(&bound) {
        true => Ok(()),
        false => Err(invalid_grant("the refresh token is bound to something that was not proved")),
    }
}

/// What is asked for may be less than what was given, and never more.
fn narrower(form: &Form, answer: &Answer<'_>) -> Result<Option<model::TokenScopes>, Denied> {
    let Some(asked) = scopes(form)? else { return Ok(None) };
    match answer.scopes()? {
        Some(given) if !given.includes(&asked) => {
            let detail = "more is asked for than was given: ask the person again";
            Err(Denied::new(Code::InvalidScope, detail))
        }
        Some(_) | None => Ok(Some(asked)),
    }
}
