//! A client sends what it asks for ahead, itself, and the browser brings only its name (RFC 9126).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;
use store::{Handle, Taken};

use super::wanted::Wanted;
use crate::{
    Request, Server, client,
    error::{Code, Denied, json_response},
    facts::Facts,
    form::Form,
    possession::Held,
    throttle::Effort,
    ticket::{self, Ticket},
};

/// How long it waits for the browser that brings its name.
const LIFE: Duration = Duration::from_secs(60);

/// What proves the client: no part of what it asks for, and not to be kept.
const PROOFS: [&str; 3] = ["client_assertion", "client_assertion_type", "client_secret"];

/// Takes what a client asks for, where it could be asked for in a browser, and names it.
pub(crate) async fn push(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    if form.get("request_uri").is_some() {
        let detail = "request_uri cannot be pushed: push the parameters themselves";
        return Err(Denied::new(Code::InvalidRequest, detail));
    }
    let proven = client::authenticate(server, request, &form).await?;
    facts.note = Some(format!("client {}", proven.client.id.escape_debug()));
    let pushed = form.without(&PROOFS).with("client_id", &proven.client.id);
    let pushed = bound(pushed, &proven.held)?;
    Wanted::of_form(server, request, proven.client, &pushed, true)?;
    if !proven.is_confidential {
        server.throttle.spend(Effort::Waiting { source: request.peer }, request.at)?;
    }
    proven.held.use_up(server, request).await?;
    let (uri, digest) = Ticket::Pushed.issue()?;
    let handle = Handle {
        digest,
        kind: Ticket::Pushed.kind().to_owned(),
        grant: None,
        body: serde_json::to_string(&pushed).unwrap_or_default(),
        created: request.at,
        expires: request.at.plus(LIFE),
    };
    server.store.put_handle(&handle).await?;
    let named = json!({ "request_uri": uri, "expires_in": LIFE.as_secs() });
    Ok(json_response(StatusCode::CREATED, &named))
}

/// A proof that comes along says by which key the code has to be redeemed (RFC 9449 section 10.1).
fn bound(pushed: Form, held: &Held) -> Result<Form, Denied> {
    match (held.jkt(), pushed.get("dpop_jkt")) {
        (Some(proved), Some(named)) if proved != named => {
            let detail = "dpop_jkt names another key than the one that was proved";
            Err(Denied::new(Code::InvalidDpopProof, detail))
        }
        (Some(proved), None) => Ok(pushed.with("dpop_jkt", proved)),
        (Some(_) | None, _) => Ok(pushed),
    }
}

/// What was pushed under the name that a browser brings, once.
///
/// # Errors
/// `invalid_request_uri` where there is no such thing, and `invalid_request` where the browser brings
/// what the client did not push, another client's id among it.
pub(super) async fn take(
    server: &Server,
    request: &Request,
    brought: &Form,
) -> Result<Form, Denied> {
    let digest = ticket::digest(brought.required("request_uri")?);
    let kind = Ticket::Pushed.kind();
    // Looked at before it is taken: who may not have it must not use it up.
    let handle = match server.store.peek_handle(&digest, kind, request.at).await? {
        Taken::First(handle) => handle,
        Taken::Again(_) | Taken::Expired | Taken::Revoked(_) => {
            return Err(unknown("it has expired, or was used"));
        }
        Taken::Unknown => {
            let look = Effort::LookUp { source: request.peer, code: Code::InvalidRequestUri };
            server.throttle.spend(look, request.at)?;
            return Err(unknown("there is no such thing"));
        }
    };
    let pushed: Form = serde_json::from_str(&handle.body).map_err(unknown)?;
    // Libraries send some of the parameters again, client_id always: one that differs is somebody else's.
    let mut others = brought.iter().filter(|(name, _)| *name != "request_uri");
    if let Some((name, _)) = others.find(|(name, value)| !pushed.all(name).any(|it| it == *value)) {
        let detail = format!("the parameter {} is none that was pushed", name.escape_debug());
        return Err(Denied::new(Code::InvalidRequest, detail));
    }
    match server.store.take_handle(&digest, kind, request.at).await? {
        Taken::First(_) => Ok(pushed),
        Taken::Again(_) | Taken::Expired | Taken::Revoked(_) | Taken::Unknown => {
            Err(unknown("it was used in the meantime"))
        }
    }
}

fn unknown(cause: impl std::fmt::Display) -> Denied {
    let detail = "the request_uri is unknown, was used before, or has expired: begin anew";
    Denied::new(Code::InvalidRequestUri, detail).because(cause)
}
