//! A refresh token becomes a new one, and an access token (RFC 6749 section 6). The old one is then
//! used up: who shows it again ends the whole family (RFC 9700 section 4.14.2).

use identity::dpop::ProofFailure;
use serde::{Deserialize, Serialize};
use store::{Grant, Handle, Taken};

use super::{
    Issued,
    code::{Answer, grant_of, reused},
    invalid_grant, missing, scopes,
};
use crate::{
    Request, Server,
    client::{Proven, unknown},
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
        let detail = "the profile, or the client, does not have the grant refresh_token";
        return Err(Denied::new(Code::UnauthorizedClient, detail));
    }
    let narrower = narrower(form, &answer)?;
    answer.narrow(server, form)?;
    check_bound(server, &handle, proven)?;
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

/// What of a refresh token the store keeps in our words: what has to be shown with it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Bound {
    /// Whether to prove to be the client. A profile may be public and have credentials too: what was
    /// given for one of these is not renewed for nothing (RFC 6749 section 6).
    #[serde(default)]
    is_confidential: bool,
    /// What to hold, where the client proves nothing of itself (RFC 9449 section 5, RFC 8705 section 4).
    #[serde(flatten)]
    held: Confirmation,
}

/// A new refresh token of `grant`. One of a client that proved who it is is bound to that; any other to
/// what its access token is bound to.
pub(super) fn refresh_handle(
    grant: &Grant,
    request: &Request,
    proven: &Proven,
    confirmation: &Confirmation,
) -> Result<(String, Handle), Denied> {
    let bound = match proven.is_confidential {
        true => Bound { is_confidential: true, held: Confirmation::default() },
        false => Bound { is_confidential: false, held: confirmation.clone() },
    };
    // Not to be taken for one that says nothing, as versions before wrote them.
    let body = serde_json::to_string(&bound).map_err(|it| {
        Denied::new(Code::ServerError, "this cannot be carried out now: try again").because(it)
    })?;
    let (text, digest) = Ticket::Refresh.issue()?;
    let handle = Handle {
        digest,
        kind: Ticket::Refresh.kind().to_owned(),
        grant: Some(grant.id.clone()),
        body,
        created: request.at,
        expires: grant.expires,
    };
    Ok((text, handle))
}

/// Whether what the token is bound to was shown.
fn check_bound(server: &Server, handle: &Handle, proven: &Proven) -> Result<(), Denied> {
    let bound: Bound = match &*handle.body {
        // So versions before wrote one that is bound to no key, whether the client had proved who it is
        // or not. Where it may have, it has to.
        "" => {
            Bound { is_confidential: proven.client.has_proof(&server.tables()), ..Bound::default() }
        }
        body => serde_json::from_str(body).map_err(invalid_grant)?,
    };
    if bound.is_confidential && !proven.is_confidential {
        return Err(unknown().because("the refresh token was given to who proved to be the client"));
    }
    if bound.held.jkt.is_some() && proven.held.jkt().is_none() {
        return Err(possession::denied(&ProofFailure::Missing));
    }
    match proven.held.fulfils(&bound.held) {
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
