//! A client gives a token back (RFC 7009).

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;
use store::{GrantFilter, Taken};

use crate::{
    Request, Server, client,
    error::{Code, Denied, json_response},
    facts::Facts,
    form::Form,
    introspect, reference, revocations,
    ticket::{self, Ticket},
};

/// Ends a token of the client that asks, and with a refresh token all that came of its grant.
/// Whether there was such a token is not told.
pub(crate) async fn answer(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let token = form.required("token")?;
    let proven = client::authenticate(server, request, &form).await?;
    let done = json_response(StatusCode::OK, &json!({}));
    let handle = server
        .store
        .peek_handle(&ticket::digest(token), Ticket::Refresh.kind(), request.at)
        .await?;
    let is_known = !matches!(handle, Taken::Unknown);
    if let Taken::First(handle) | Taken::Again(handle) = handle {
        let grant = match &handle.grant {
            Some(id) => server.store.grant(id).await?,
            None => None,
        };
        if let Some(grant) = grant.filter(|it| it.client == proven.client.id) {
            facts.note = Some(format!("grant {}", grant.id));
            revocations::end(server, GrantFilter::One(&grant.id), request.at).await?;
        }
        return Ok(done);
    }
    let Some(claims) = introspect::claims(server, token, request).await? else {
        if !is_known {
            proven.missed(server, request, Code::TemporarilyUnavailable)?;
        }
        return Ok(done);
    };
    if claims.get("client_id").and_then(|it| it.as_str()) == Some(&proven.client.id)
        && let Some(jti) = claims.get("jti").and_then(|it| it.as_str())
    {
        let expires = request.at.plus(revocations::REMEMBERED);
        facts.note = Some(format!("token {jti}"));
        server.store.revoke("token", &[jti.to_owned()], request.at, expires).await?;
        server.issuer.revoke(jti, expires);
        reference::forget(server, token).await?;
    }
    Ok(done)
}
