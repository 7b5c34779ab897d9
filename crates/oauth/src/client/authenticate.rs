//! Does who asks prove to be the client? One way at a time (RFC 6749 section 2.3).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::AUTHORIZATION;
use identity::{
    api_key,
    assertion::{Assertion, AssertionTerms, CLIENT_TYPES, VerificationKeys},
    replay,
};
use model::{
    CredentialId, How, KeyHash, KeySource, LastUse, PepperId, ProfileId, Proof, Secret, Timestamp,
    Way,
};

use super::{Client, Origin, Proven, certificate, find, keys, unknown};
use crate::{
    Request, Server,
    error::{Code, Denied},
    form::Form,
    possession::Held,
    throttle::Guess,
};

/// The one type of assertion there is (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead the end of an assertion may be.
const ASSERTION_LIFETIME_MAX: Duration = Duration::from_secs(10 * 60);

/// What an assertion may be signed by.
pub(crate) const ALGORITHMS: &[&str] =
    &["EdDSA", "ES256", "ES384", "PS256", "PS384", "PS512", "RS256"];

/// What a client shows.
enum Shown<'a> {
    Assertion(&'a str),
    Nothing,
    Secret(Secret<String>),
}

/// The client that sends `form`, and what it proved.
///
/// # Errors
/// `invalid_request` where it is shown in two ways, `invalid_client` where it is not proved.
pub(crate) async fn authenticate(
    server: &Server,
    request: &Request,
    form: &Form,
) -> Result<Proven, Denied> {
    let (id, shown) = shown(request, form)?;
    let (source, client) = (request.peer, &*id);
    let attempt = match shown {
        // To check a signature is work.
        Shown::Assertion(_) => {
            Some(server.throttle.attempt(Guess::Assertion { source, client }, request.at)?)
        }
        Shown::Nothing | Shown::Secret(_) => None,
    };
    let proven = prove(server, request, client, &shown).await;
    match &proven {
        Err(denied) if denied.code == Code::InvalidClient => {
            // Nobody finds a secret of 256 bits: the right one gets in, whatever was shown before it.
            if matches!(shown, Shown::Secret(_)) && !denied.is_right {
                let guess = Guess::WrongSecret { source, client };
                server.throttle.attempt(guess, request.at).map(drop)?;
            }
        }
        Ok(_) | Err(_) => attempt.into_iter().for_each(|it| it.give_back(request.at)),
    }
    // Also one that the connection shows.
    if let Ok(Proven { credential: Some(credential), .. }) = &proven {
        let how = Some(How { way: Way::TokenRequest, from: source });
        server.plane.note_use(credential, LastUse { at: request.at, how });
    }
    proven
}

async fn prove(
    server: &Server,
    request: &Request,
    id: &str,
    shown: &Shown<'_>,
) -> Result<Proven, Denied> {
    let client = find(server, id, request).await?;
    if matches!(shown, Shown::Nothing)
        && let Some(credential) = certificate::prove(server, request, &client)?
    {
        let held = Held::read(server, request)?;
        return Ok(Proven { client, credential, is_confidential: true, held });
    }
    let credential = match &client.origin {
        Origin::Declared(profile) => registered(server, request, (&client, profile), shown).await?,
        Origin::CommandLine | Origin::Document { .. } | Origin::Dynamic { .. } => {
            unregistered(server, request, &client, shown).await?;
            None
        }
    };
    let is_confidential = !matches!(shown, Shown::Nothing);
    let held = Held::read(server, request)?;
    Ok(Proven { client, credential, is_confidential, held })
}

/// By which credential a client proves itself that an operator registered; by none where it is public.
async fn registered(
    server: &Server,
    request: &Request,
    (client, profile): (&Client, &ProfileId),
    shown: &Shown<'_>,
) -> Result<Option<CredentialId>, Denied> {
    let tables = server.tables();
    match shown {
        Shown::Secret(secret) => {
            let found = server.pepper.find(secret.expose(), |pepper, hmac| {
                let mut credentials = tables.credentials(profile, request.at);
                credentials.find(|it| is_secret(&it.proof, pepper, hmac)).map(|it| it.id.clone())
            });
            let (id, rehash) = found.ok_or_else(|| unknown().because("the secret is wrong"))?;
            rehash.into_iter().for_each(|it| server.pepper.note(&id, it));
            Ok(Some(id))
        }
        Shown::Assertion(assertion) => {
            by_assertion(server, request, client, assertion).await.map(Some)
        }
        Shown::Nothing => {
            let contract = tables.contract(profile, request.at);
            match contract.is_some_and(|it| it.terms.is_public) {
                true => Ok(None),
                false => Err(unknown().because("the client is not public and showed nothing")),
            }
        }
    }
}

/// Whether any other client proves itself as it says of itself that it does.
async fn unregistered(
    server: &Server,
    request: &Request,
    client: &Client,
    shown: &Shown<'_>,
) -> Result<(), Denied> {
    match (&client.origin, shown) {
        (
            Origin::CommandLine | Origin::Dynamic { secret: None, keys: None, .. },
            Shown::Nothing,
        ) => Ok(()),
        (Origin::CommandLine, _) => {
            Err(unknown().because("the command line has nothing to prove itself by"))
        }
        (Origin::Dynamic { secret: Some(known), .. }, Shown::Secret(secret)) => {
            by_own_secret(server, request, client, known, secret)
        }
        (Origin::Dynamic { keys: Some(source), .. }, Shown::Assertion(assertion)) => {
            verify_by(server, request, client, assertion, source).await
        }
        (Origin::Document { metadata, .. }, shown) => {
            let method = metadata.get("token_endpoint_auth_method").and_then(|it| it.as_str());
            match (method, shown) {
                (None | Some("none"), Shown::Nothing) => Ok(()),
                (Some("private_key_jwt"), Shown::Assertion(assertion)) => {
                    let source = keys::source(|it| metadata.get(it));
                    let source = source.map_err(|it| unknown().because(it))?;
                    verify_by(server, request, client, assertion, &source).await
                }
                _ => Err(unknown().because("it did not prove itself as its document says")),
            }
        }
        (Origin::Declared(_) | Origin::Dynamic { .. }, _) => {
            Err(unknown().because("it did not prove itself as it registered"))
        }
    }
}

/// Whether a client shows the secret that it was given when it registered itself, and in time.
fn by_own_secret(
    server: &Server,
    request: &Request,
    client: &Client,
    (known, end): &(KeyHash, Timestamp),
    secret: &Secret<String>,
) -> Result<(), Denied> {
    let is_known = |pepper: &_, hmac: &_| api_key::is_of(known, pepper, hmac).then_some(());
    let found = server.pepper.find(secret.expose(), is_known);
    let ((), rehash) = found.ok_or_else(|| unknown().because("the secret is wrong"))?;
    // Only who has the right one is told, so that its program can help itself.
    if *end <= request.at {
        let detail = "the client secret has expired: register again";
        let denied = Denied::new(Code::InvalidClient, detail);
        return Err(denied.because(format!("it ended at {end}")).though_right());
    }
    rehash.into_iter().for_each(|it| server.outdated.note(&client.id, it));
    Ok(())
}

fn is_secret(proof: &Proof, pepper: &PepperId, hmac: &[u8; 32]) -> bool {
    match proof {
        Proof::ClientSecret { hash } => api_key::is_of(hash, pepper, hmac),
        Proof::ApiKey { .. }
        | Proof::External { .. }
        | Proof::Mtls { .. }
        | Proof::PrivateKeyJwt { .. } => false,
    }
}

/// The id that the client gives itself, and what it shows for it.
fn shown<'a>(request: &Request, form: &'a Form) -> Result<(String, Shown<'a>), Denied> {
    let two = || Denied::new(Code::InvalidRequest, "the client is shown in more than one way");
    let basic = basic(request)?;
    let (secret, assertion) = (form.get("client_secret"), form.get("client_assertion"));
    match (basic, secret, assertion) {
        (Some((id, secret)), None, None) => {
            if form.get("client_id").is_some_and(|it| it != id) {
                return Err(two());
            }
            Ok((id, Shown::Secret(secret)))
        }
        (None, Some(secret), None) => {
            let id = form.required("client_id")?;
            Ok((id.to_owned(), Shown::Secret(Secret::new(secret.to_owned()))))
        }
        (None, None, Some(assertion)) => {
            if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                let detail = format!("client_assertion_type is not {ASSERTION_TYPE}");
                return Err(Denied::new(Code::InvalidRequest, detail));
            }
            let parsed = Assertion::parse(assertion).map_err(|it| unknown().because(it))?;
            let id = parsed.subject().ok_or_else(|| unknown().because("it has no sub"))?;
            if form.get("client_id").is_some_and(|it| it != id) {
                return Err(two());
            }
            Ok((id.to_owned(), Shown::Assertion(assertion)))
        }
        (None, None, None) => Ok((form.required("client_id")?.to_owned(), Shown::Nothing)),
        _ => Err(two()),
    }
}

/// Id and secret of `Authorization: Basic` (RFC 6749 section 2.3.1): both are encoded as in a form.
fn basic(request: &Request) -> Result<Option<(String, Secret<String>)>, Denied> {
    let mut values = request.headers.get_all(AUTHORIZATION).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    let broken = || unknown().because("the authorization header is no basic credential");
    let text = value.to_str().map_err(|_| broken())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(broken)?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("basic") {
        return Err(broken());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| broken())?;
    let decoded = String::from_utf8(decoded).map_err(|_| broken())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(broken)?;
    let plain = |it: &str| {
        let spaced = it.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|_| broken())
    };
    Ok(Some((plain(id)?, Secret::new(plain(secret)?))))
}

async fn by_assertion(
    server: &Server,
    request: &Request,
    client: &Client,
    assertion: &str,
) -> Result<CredentialId, Denied> {
    let Origin::Declared(profile) = &client.origin else { return Err(unknown()) };
    let tables = server.tables();
    let credentials = tables.credentials(profile, request.at);
    let candidates: Vec<_> =
        credentials.filter_map(|it| Some((it.id.clone(), tables.keys(&it.id)?.clone()))).collect();
    let mut last = unknown().because("it has no key to sign with");
    for (id, keys) in candidates {
        match verify(server, request, client, assertion, &keys).await {
            Ok(()) => return Ok(id),
            Err(denied) => last = denied,
        }
    }
    Err(last)
}

async fn verify_by(
    server: &Server,
    request: &Request,
    client: &Client,
    assertion: &str,
    source: &KeySource,
) -> Result<(), Denied> {
    let keys = server.stranger_keys.of(source).map_err(|it| unknown().because(it))?;
    verify(server, request, client, assertion, &keys).await
}

async fn verify(
    server: &Server,
    request: &Request,
    client: &Client,
    assertion: &str,
    keys: &VerificationKeys,
) -> Result<(), Denied> {
    let refused = |why: &dyn std::fmt::Display| unknown().because(why);
    let parsed = Assertion::parse(assertion).map_err(|it| refused(&it))?;
    let issuer = server.url();
    // The issuer's own name is what FAPI asks for; many send the address of the endpoint.
    let endpoint = format!("{issuer}{}", request.path);
    let token_endpoint = format!("{issuer}/oauth/token");
    let terms = AssertionTerms {
        issuer: &client.id,
        audiences: &[issuer, &endpoint, &token_endpoint],
        types: CLIENT_TYPES,
        algorithms: ALGORITHMS,
        lifetime_max: ASSERTION_LIFETIME_MAX,
    };
    let verified = parsed.verify(&terms, keys, request.at).await.map_err(|it| refused(&it))?;
    if verified.subject.as_deref() != Some(client.id.as_str()) {
        return Err(refused(&"sub is not the client"));
    }
    let jti = verified.jti.ok_or_else(|| refused(&"it has no jti"))?;
    let seen = server.proofs.first(replay::digest(&client.id, &jti), verified.expires, request.at);
    seen.await.map_err(|it| refused(&it))
}
