//! Is a token good? For clients that prove who they are (RFC 7662).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use identity::{
    assertion::{Assertion, AssertionTerms, VerificationKeys},
    own_token::TYPE,
};
use model::Audience;
use serde_json::{Map, Value, json};

use crate::{
    Request, Server,
    client::{self, Origin, Proven},
    error::{Code, Denied, json_response},
    facts::Facts,
    form::Form,
    possession::Confirmation,
    tables::{Contract, Tables},
    token,
};

/// No token of this door lives longer.
const LIFETIME_MAX: Duration = Duration::from_secs(2 * 3600);

/// What the answer says of a token that is good: what it says itself.
const SHOWN: [&str; 10] =
    ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "act", "cnf"];

/// Answers whether a token is good: whether the door itself would let its holder in now. Of one that is
/// not, and of one that the client has nothing to do with, nothing is told (RFC 7662 section 2.2).
pub(crate) async fn answer(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let token = form.required("token")?;
    let proven = client::authenticate(server, request, &form).await?;
    let tables = server.tables();
    let contract = asking(&tables, request, &proven)?;
    facts.caller = Some(token::caller(&contract, None));
    let inactive = json_response(StatusCode::OK, &json!({ "active": false }));
    let Some(claims) = claims(server, token, request).await? else { return Ok(inactive) };
    if !may_ask(&tables, &contract, &claims) {
        facts.note = Some("of a token that is not the client's business".to_owned());
        return Ok(inactive);
    }
    if let Err(why) = server.plane.admits(&claims, request.at) {
        facts.note = Some(why);
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

/// The profile of a client that may ask at all: one that is registered, and proved that it is.
fn asking<'a>(
    tables: &'a Tables,
    request: &Request,
    proven: &Proven,
) -> Result<Contract<'a>, Denied> {
    if !proven.is_confidential {
        return Err(client::unknown().because("only who proves who it is may ask"));
    }
    let not_allowed = |detail: &'static str| Denied::new(Code::UnauthorizedClient, detail);
    let Origin::Declared(profile) = &proven.client.origin else {
        return Err(not_allowed("only registered clients may ask whether a token is good"));
    };
    let contract = tables.contract(profile, request.at);
    contract.ok_or_else(|| not_allowed("the profile gets no tokens"))
}

/// Whether a token is the client's own, or good for what its profile may ask about.
fn may_ask(tables: &Tables, contract: &Contract<'_>, claims: &Map<String, Value>) -> bool {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let audience = text("aud").and_then(|it| tables.resources.audience(it));
    let is_meant = |it: &Audience| match it {
        Audience::Door => true,
        Audience::Collection(_) => audience.as_ref().is_some_and(|of| of.covers(it)),
    };
    text("client_id") == Some(contract.profile.id.as_str())
        || contract.terms.introspects.iter().any(is_meant)
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
        types: &[TYPE],
        algorithms: &["EdDSA", "ES256"],
        lifetime_max: LIFETIME_MAX,
    };
    token.verify(&terms, &keys, request.at).await.ok().map(|it| it.claims)
}
