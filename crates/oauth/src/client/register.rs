//! Clients that register themselves (RFC 7591): where an admission lets such clients in at all.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use identity::{
    api_key::{self, SystemRandom},
    assertion::VerificationKeys,
};
use model::{GrantType, KeyHash, KeyKind, KeySource, Registration, Rehash, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Client, Origin, bindings, certificate, keys, unknown};
use crate::{
    Request, Server,
    error::{Code, Denied, json_response},
    facts::Facts,
    throttle::Effort,
};

/// Most registrations of an hour, by everybody: each costs a row.
const REGISTRATIONS_PER_HOUR_MAX: u64 = 500;
const REDIRECTS_MAX: usize = 16;
const TEXT_BYTES_MAX: usize = 1_024;
const PROOF_BYTES_MAX: usize = 16 * 1024;
const HOUR: Duration = Duration::from_secs(3600);
/// How long a secret is good (RFC 7591 section 3.2.1). None is renewed: a client that is still there
/// registers anew.
const SECRET_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// What a client can register for.
const GRANTS: [GrantType; 3] =
    [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode];
/// What one gets that does not say.
const USUAL_GRANTS: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];
/// What a client can ask of its tokens: kept as it says it.
const BINDINGS: [&str; 2] =
    ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"];
/// The ways to prove itself that need nothing besides, and the one by keys that it names. There are
/// those by certificates besides.
const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];
const BY_KEY: &str = "private_key_jwt";
/// The member of metadata that says which it is.
const METHOD: &str = "token_endpoint_auth_method";

/// What is kept of a registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Registered {
    name: String,
    redirect_uris: Vec<String>,
    software: Option<String>,
    /// What it registered for, out of [`GRANTS`].
    #[serde(default = "usual_grants")]
    grants: Vec<String>,
    /// The hash of its secret, as credentials have it.
    secret: Option<String>,
    /// What its tokens are to be bound by, in the words of its metadata.
    #[serde(default)]
    bound: Vec<String>,
    /// What it proves itself by, where that is a certificate or a key: what of its metadata says so.
    #[serde(default, alias = "certificate")]
    proof: Map<String, Value>,
}

/// The client that registered itself as `id`.
///
/// # Errors
/// `invalid_client` where there is none, with status 429 where such were looked for too often.
pub(super) async fn find(server: &Server, id: &str, request: &Request) -> Result<Client, Denied> {
    let now = request.at;
    let Some(found) = server.store.registration(id).await? else {
        let look = Effort::LookUp { source: request.peer, code: Code::InvalidClient };
        server.throttle.spend(look, now)?;
        return Err(unknown().because("nobody registered as this"));
    };
    let Registered { name, redirect_uris, software, grants, secret, bound, proof } =
        serde_json::from_str(&found.body).map_err(|it| {
            Denied::new(Code::ServerError, "the registration cannot be read").because(it)
        })?;
    let secret = match secret.as_deref().map(KeyHash::parse) {
        Some(None) => return Err(unknown().because("its secret cannot be read")),
        Some(Some(hash)) => Some((hash, secret_end(found.created))),
        None => None,
    };
    // To ask for one that cannot prove itself any more does not keep it.
    let is_over = secret.as_ref().is_some_and(|(_, end)| *end <= now);
    if !is_over && found.used.is_none_or(|it| it.plus(HOUR) < now) {
        server.store.note_registration_use(id, now).await?;
    }
    let certificates = match certificate::method(&proof) {
        Some(method) => certificate::marks(&proof, method),
        None => Ok(Vec::new()),
    };
    let certificates = certificates.map_err(|it| unknown().because(it))?;
    let is_by_key = proof.get(METHOD).is_some_and(|it| it == BY_KEY);
    let source = is_by_key.then(|| keys::source(|it| proof.get(it))).transpose();
    let keys = source.map_err(|it| unknown().because(it))?;
    let is_registered = |it: &GrantType| grants.iter().any(|of| of == it.parameter());
    let grants = GRANTS.into_iter().filter(is_registered).collect();
    let origin = Origin::Dynamic { software, grants, secret, certificates, keys };
    let bindings = bindings(|it| bound.iter().any(|of| of == it));
    Ok(Client { id: id.to_owned(), name, redirect_uris, origin, bindings })
}

/// Registers a client.
///
/// # Errors
/// `access_denied` where nobody is let in this way, `temporarily_unavailable` where too many were
/// of late, and what is wrong with its metadata.
pub(crate) async fn register(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    if !server.tables().admits(Registration::Dynamic) {
        let detail = "clients do not register themselves here: an operator has to admit them";
        return Err(Denied::new(Code::AccessDenied, detail));
    }
    let metadata: Map<String, Value> =
        serde_json::from_slice(&request.body).map_err(|_| invalid("the body is no json object"))?;
    let mut registered = read(&metadata)?;
    let method = text(&metadata, METHOD)?.unwrap_or("client_secret_basic");
    registered.proof = proof(server, &metadata, method)?;
    check_rate(server, request).await?;
    let has_secret = ["client_secret_basic", "client_secret_post"].contains(&method);
    let made = has_secret
        .then(|| api_key::make(KeyKind::ClientSecret, &server.pepper, &SystemRandom::new()))
        .transpose();
    let made =
        made.map_err(|it| Denied::new(Code::ServerError, "no secret can be made now").because(it))?;
    registered.secret = made.as_ref().map(|(_, hash)| hash.text());
    let id = format!("{}{}", Registration::DYNAMIC_PREFIX, uuid::Uuid::new_v4().simple());
    facts.note = Some(format!("{id} as \"{}\"", registered.name.escape_debug()));
    let body = serde_json::to_string(&registered).unwrap_or_default();
    server.store.put_registration(&id, &body, request.at).await?;
    let responses: &[&str] = if is_sent_back(&registered.grants) { &["code"] } else { &[] };
    let mut answer = json!({
        "client_id": id,
        "client_id_issued_at": request.at.as_seconds(),
        "client_name": registered.name,
        "redirect_uris": registered.redirect_uris,
        "grant_types": registered.grants,
        "response_types": responses,
        METHOD: method,
    });
    if let Some(members) = answer.as_object_mut() {
        members.extend(registered.bound.into_iter().map(|it| (it, json!(true))));
        members.extend(registered.proof);
    }
    if let (Some((secret, _)), Some(members)) = (made, answer.as_object_mut()) {
        members.insert("client_secret".to_owned(), json!(secret.expose()));
        let end = secret_end(request.at).as_seconds();
        members.insert("client_secret_expires_at".to_owned(), json!(end));
    }
    Ok(json_response(StatusCode::CREATED, &answer))
}

/// What of its metadata says by what a client proves itself that has no secret; nothing where it has
/// one, or proves nothing.
fn proof(
    server: &Server,
    metadata: &Map<String, Value>,
    method: &str,
) -> Result<Map<String, Value>, Denied> {
    if METHODS.contains(&method) {
        return Ok(Map::new());
    }
    if method == BY_KEY {
        let source = keys::source(|it| metadata.get(it)).map_err(invalid)?;
        if let KeySource::Inline(set) = &source {
            VerificationKeys::inline(set).map_err(invalid)?;
        }
    } else if server.asks_for_certificates && certificate::METHODS.contains(&method) {
        certificate::marks(metadata, method).map_err(invalid)?;
    } else {
        return Err(invalid("token_endpoint_auth_method is none of those that are supported"));
    }
    let mut kept = metadata.clone();
    kept.retain(|name, _| is_proof(name));
    match json!(kept).to_string().len() > PROOF_BYTES_MAX {
        true => Err(invalid("what it says of its certificates or keys is too long")),
        false => Ok(kept),
    }
}

/// Whether a member of metadata says by what a client proves itself.
fn is_proof(name: &str) -> bool {
    certificate::NAMES.contains(&name) || ["jwks", "jwks_uri", METHOD].contains(&name)
}

/// Whether there is room for another registration, of this source and at all.
async fn check_rate(server: &Server, request: &Request) -> Result<(), Denied> {
    server.throttle.spend(Effort::Registration { source: request.peer }, request.at)?;
    let of_late = server.store.count_registrations(request.at.minus(HOUR)).await?;
    if of_late >= REGISTRATIONS_PER_HOUR_MAX {
        let detail = "too many clients registered themselves of late: try again later";
        return Err(Denied::new(Code::TemporarilyUnavailable, detail).after(HOUR.as_secs()));
    }
    Ok(())
}

fn read(metadata: &Map<String, Value>) -> Result<Registered, Denied> {
    let uris = metadata.get("redirect_uris").and_then(Value::as_array);
    let uris = uris.map(Vec::as_slice).unwrap_or_default();
    let grants = named_grants(metadata)?;
    // Who shows a code on a device is sent nowhere.
    if uris.len() > REDIRECTS_MAX || (uris.is_empty() && is_sent_back(&grants)) {
        return Err(redirect_fault("name 1 to 16 redirect_uris"));
    }
    let read = |it: &Value| {
        let uri = it.as_str().ok_or_else(|| redirect_fault("a redirect uri is no text"))?;
        model::redirect::check(uri).map_err(redirect_fault)?;
        Ok(uri.to_owned())
    };
    let redirect_uris = uris.iter().map(read).collect::<Result<Vec<_>, Denied>>()?;
    let name = text(metadata, "client_name")?.unwrap_or("a client without a name").to_owned();
    let software = text(metadata, "software_id")?.map(str::to_owned);
    let bound = BINDINGS.into_iter().filter(|it| metadata.get(*it) == Some(&Value::Bool(true)));
    let bound = bound.map(str::to_owned).collect();
    let (secret, proof) = (None, Map::new());
    Ok(Registered { name, redirect_uris, software, grants, secret, bound, proof })
}

/// What it registers for: of what it names, what there is. The rest is left away, and the answer says so
/// (RFC 7591 section 3.2.1).
fn named_grants(metadata: &Map<String, Value>) -> Result<Vec<String>, Denied> {
    let Some(named) = metadata.get("grant_types").and_then(Value::as_array) else {
        return Ok(usual_grants());
    };
    let is_named = |it: &GrantType| named.iter().any(|named| named == it.parameter());
    let grants: Vec<_> = GRANTS.into_iter().filter(is_named).collect();
    // What renews a token gives none.
    match grants.iter().any(|it| *it != GrantType::RefreshToken) {
        true => Ok(grants.into_iter().map(|it| it.parameter().to_owned()).collect()),
        false => Err(invalid("grant_types has no authorization_code, and none of a device")),
    }
}

fn usual_grants() -> Vec<String> {
    USUAL_GRANTS.map(|it| it.parameter().to_owned()).to_vec()
}

/// Whether people are sent back to who registered for these.
fn is_sent_back(grants: &[String]) -> bool {
    grants.iter().any(|it| it == GrantType::AuthorizationCode.parameter())
}

fn text<'a>(metadata: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Denied> {
    match metadata.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= TEXT_BYTES_MAX => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} is no text, or is too long"))),
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Denied {
    Denied::new(Code::InvalidClientMetadata, detail)
}

fn redirect_fault(detail: impl Into<std::borrow::Cow<'static, str>>) -> Denied {
    Denied::new(Code::InvalidRedirectUri, detail)
}

/// When the secret ends of a client that registered itself then.
pub(super) fn secret_end(registered: Timestamp) -> Timestamp {
    registered.plus(SECRET_LIFE)
}

/// What a client that registered itself is called, and when its secret ends where it was given one;
/// nothing of one that cannot be read.
pub(crate) fn name_and_end(registration: &store::Registration) -> (String, Option<Timestamp>) {
    let Ok(registered) = serde_json::from_str::<Registered>(&registration.body) else {
        return (String::new(), None);
    };
    let end = registered.secret.map(|_| secret_end(registration.created));
    (registered.name, end)
}

/// What a registration keeps of a secret.
pub(super) fn hash(body: &str) -> Option<KeyHash> {
    let registered: Registered = serde_json::from_str(body).ok()?;
    KeyHash::parse(&registered.secret?)
}

/// The registration with its new hash, unless it has another than the one that was looked at.
pub(super) fn rehashed(body: &str, rehash: &Rehash) -> Option<String> {
    let registered: Registered = serde_json::from_str(body).ok()?;
    let known = registered.secret.as_deref().and_then(KeyHash::parse);
    let secret = known.filter(|it| *it == rehash.from).map(|_| rehash.to.text())?;
    serde_json::to_string(&Registered { secret: Some(secret), ..registered }).ok()
}
