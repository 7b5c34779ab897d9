//! Is a token good? For clients that prove who they are (RFC 7662).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use identity::assertion::{Assertion, AssertionTerms, VerificationKeys};
use serde_json::{Map, Value, json};

use crate::{
    Request, Server, client,
    error::{Code, Denied, json_response},
    facts::Facts,
    form::Form,
    possession::Confirmation,
};

/// No token of this door lives longer.
const LIFETIME_MAX: Duration = Duration::from_secs(2 * 3600);

/// What the answer says of a token that is good: what it says itself.
const SHOWN: [&str; 10] =
    ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "act", "cnf"];

/// Answers whether a token is good. Of one that is not, nothing is told.
pub(crate) async fn answer(
    server: &Server,
    request: &Request,
    _facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let token = form.required("token")?;
    let proven = client::authenticate(server, request, &form).await?;
    if !proven.is_confidential {
        return Err(client::unknown().because("only who proves who it is may ask"));
    }
    let inactive = json_response(StatusCode::OK, &json!({ "active": false }));
    let Some(claims) = claims(server, token, request).await? else { return Ok(inactive) };
    let own = claims.get("onedoor").and_then(|it| it.get("grant")).and_then(Value::as_str);
    let jti = claims.get("jti").and_then(Value::as_str);
    if own.into_iter().chain(jti).any(|it| server.issuer.is_revoked(it)) {
        return Ok(inactive);
    }
    let mut shown = Map::new();
    shown.insert("active".to_owned(), json!(true));
    let confirmation = Confirmation::of_claim(claims.get("cnf")).unwrap_or_default();
    shown.insert("token_type".to_owned(), json!(confirmation.token_type()));
    let members = SHOWN.into_iter().filter_map(|it| Some((it.to_owned(), claims.get(it)?.clone())));
    shown.extend(members);
    Ok(json_response(StatusCode::OK, &Value::Object(shown)))
}

/// What an access token of this door says, signed or opaque, where it is one and holds.
///
/// # Errors
/// `server_error` where it cannot be told what an opaque one says.
pub(crate) async fn claims(
    server: &Server,
    token: &str,
    request: &Request,
) -> Result<Option<Map<String, Value>>, Denied> {
    let known = server.issuer.reference(token, request.at).await;
    let lost =
        |why| Denied::new(Code::ServerError, "this cannot be told now: try again").because(why);
    if let Some(claims) = known.map_err(lost)? {
        return Ok(Some(claims));
    }
    Ok(signed(server, token, request).await)
}

async fn signed(server: &Server, token: &str, request: &Request) -> Option<Map<String, Value>> {
    let token = Assertion::parse(token).ok()?;
    let keys = VerificationKeys::inline(&server.keys.public()).ok()?;
    let audience = token.audience()?;
    server.tables().resources.audience(&audience)?;
    let terms = AssertionTerms {
        issuer: server.url(),
        audiences: &[&audience],
        types: &["at+jwt"],
        algorithms: &["EdDSA", "ES256"],
        lifetime_max: LIFETIME_MAX,
    };
    token.verify(&terms, &keys, request.at).await.ok().map(|it| it.claims)
}
