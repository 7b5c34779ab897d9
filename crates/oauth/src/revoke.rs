//! A client gives a token back (RFC 7009).

use bytes::Bytes;
use http::{Response, StatusCode};
use identity::own_token::CLAIM;
use model::{Caller, KnownBy, ProfileId};
use serde_json::{Map, Value, json};
use store::{GrantFilter, Taken};

use crate::{
    Request, Server, client,
    error::{Code, Denied, json_response},
    facts::Facts,
    form::Form,
    introspect, reference, revocations,
    ticket::{self, Ticket},
    token,
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
        facts.caller = whose(server, request, &claims, jti);
        server.store.revoke("token", &[jti.to_owned()], request.at, expires).await?;
        server.issuer.revoke(jti, expires);
        reference::forget(server, token).await?;
    }
    Ok(done)
}

/// Whose calls the token with this id made, named as in their records; none where its profile is gone.
fn whose(
    server: &Server,
    request: &Request,
    claims: &Map<String, Value>,
    jti: &str,
) -> Option<Caller> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let profile = claims.get(CLAIM)?.get("profile")?.as_str()?;
    let tables = server.tables();
    let contract = tables.contract(&ProfileId::parse(profile).ok()?, request.at)?;
    // A client that it acts for is no person.
    let is_client = |it: &str| text("client_id") == Some(it) || ProfileId::parse(it).is_ok();
    let user = text("sub").filter(|it| !is_client(it)).map(str::to_owned);
    let grant = claims.get(CLAIM).and_then(|it| it.get("grant")).and_then(Value::as_str);
    let known_by =
        KnownBy { token_id: Some(jti.into()), grant: grant.map(Into::into), ..KnownBy::default() };
    Some(Caller { known_by, ..token::caller(&contract, user) })
}
