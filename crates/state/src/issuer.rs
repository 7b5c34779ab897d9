//! `issuers/ID.yaml`: somebody whose signed tokens are believed.

mod introspection;
mod sign_in;

use std::sync::Arc;

use model::{Issuer, IssuerId, KeySource, User};
use serde_json::Value;

use crate::{
    address,
    field::Field,
    reader::Reader,
    report::shown,
    writer::{self, Writer},
};

/// The signatures that can be checked with a public key. No HMAC: whoever can check one can make one.
const ALGORITHMS: &[(&str, &str)] = &[
    ("ES256", "ES256"),
    ("ES384", "ES384"),
    ("ES512", "ES512"),
    ("EdDSA", "EdDSA"),
    ("PS256", "PS256"),
    ("PS384", "PS384"),
    ("PS512", "PS512"),
    ("RS256", "RS256"),
    ("RS384", "RS384"),
    ("RS512", "RS512"),
];
/// The `typ` of access tokens (RFC 9068 section 2.1).
const USUAL_TYPE: &str = "at+jwt";
/// What only the private half of a key has, or a shared one (RFC 7518 section 6).
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Reads the issuer `id`.
pub(crate) fn read(id: IssuerId, root: Field<'_>) -> Option<Issuer> {
    let place = root.place();
    // What begins the names of people with an account of this door.
    if User::PREFIX.strip_suffix(':') == Some(id.as_str()) {
        let help = "give the issuer's file another name";
        root.fault("people of this door are called local:NAME", help);
        return None;
    }
    root.mapping(|it| {
        let issuer = it.required("issuer", "write the iss of its tokens, exactly");
        let issuer = issuer.and_then(|it| it.parse(address::trusted));
        let keys = read_keys(it, issuer.as_deref());
        let audiences = it.required("audiences", "name the aud of tokens that are meant for us");
        let audiences = audiences
            .and_then(|it| it.filled_set("name at least one", |it| it.text().map(str::to_owned)));
        let algorithms = it.required("algorithms", "name those it signs with: [ES256]");
        let algorithms =
            algorithms.and_then(|it| it.filled_set("name at least one", read_algorithm));
        let types = it.optional("types").map(|it| {
            it.filled_set("name at least one, or leave the key away for [at+jwt]", |it| {
                it.text().map(plain_type)
            })
        });
        let is_discovered = matches!(keys, Some(KeySource::Discovery) | None);
        let introspection = it.optional("introspection");
        let introspection = introspection.map(|it| introspection::read(it, is_discovered));
        let is_enabled = it.optional("enabled").and_then(|it| it.bool()).unwrap_or(true);
        let sign_in = it.optional("sign_in").map(|it| sign_in::read(&id, it));
        let sign_in = match sign_in {
            Some(sign_in) => Some(sign_in?),
            None => None,
        };
        Some(Issuer {
            issuer: issuer?,
            keys: keys?,
            audiences: audiences?,
            algorithms: algorithms?,
            types: types.unwrap_or_else(|| Some(vec![USUAL_TYPE.to_owned()]))?,
            introspection: match introspection {
                Some(introspection) => Some(introspection?),
                None => None,
            },
            sign_in,
            is_enabled,
            place,
            id,
        })
    })?
}

fn read_algorithm(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    if text.starts_with("HS") || text.eq_ignore_ascii_case("none") {
        let message = format!("{} proves nothing here", shown(text));
        field.fault(message, "name an algorithm with a public key: ES256, EdDSA, PS256, RS256");
        return None;
    }
    field.one_of(ALGORITHMS).map(str::to_owned)
}

/// A media type of a token as it is compared: lower case, without `application/`.
fn plain_type(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_prefix("application/").unwrap_or(&text).to_owned()
}

fn read_keys(it: &mut Reader<'_>, issuer: Option<&str>) -> Option<KeySource> {
    let sources = ["discovery", "jwks_url", "jwks"].map(|key| (key, it.optional(key)));
    let mut sources = sources.into_iter().filter_map(|(key, field)| Some((key, field?)));
    let Some((key, field)) = sources.next() else {
        let help = "write discovery: true, jwks_url: https://… or the keys themselves under jwks";
        it.field().fault("discovery, jwks_url or jwks is missing", help);
        return None;
    };
    if let Some((_, other)) = sources.next() {
        other.fault(format!("there is a {key} already"), "leave one of the two");
        return None;
    }
    match key {
        "discovery" => read_discovery(&field, issuer),
        "jwks_url" => field.parse(address::trusted).map(KeySource::Url),
        _ => read_key_set(&field),
    }
}

/// Reads public keys of a client: itself it has no metadata that would say where they are.
pub(crate) fn read_client_keys(it: &mut Reader<'_>) -> Option<KeySource> {
    match (it.optional("jwks_url"), it.optional("jwks")) {
        (Some(url), None) => url.parse(address::trusted).map(KeySource::Url),
        (None, Some(keys)) => read_key_set(&keys),
        (Some(_), Some(keys)) => {
            keys.fault("there is a jwks_url already", "leave one of the two");
            None
        }
        (None, None) => {
            let help = "write jwks_url: https://… or the keys themselves under jwks";
            it.field().fault("jwks_url or jwks is missing", help);
            None
        }
    }
}

fn read_discovery(field: &Field<'_>, issuer: Option<&str>) -> Option<KeySource> {
    if !field.bool()? {
        let help = "write true, or jwks_url or jwks instead";
        field.fault("there is no other way to its keys", help);
        return None;
    }
    // Its metadata would be behind a path that is put before the query, or behind it: nobody says which.
    if issuer.is_some_and(|it| it.contains('?')) {
        field.fault("an issuer with a query has no metadata", "write jwks_url: https://… instead");
        return None;
    }
    Some(KeySource::Discovery)
}

fn read_key_set(field: &Field<'_>) -> Option<KeySource> {
    let value = field.value();
    let keys = value.get("keys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if keys.is_empty() || !keys.iter().all(|it| it.get("kty").is_some_and(Value::is_string)) {
        field.fault("not a set of keys", "write {keys: [{kty: …}]} (RFC 7517 section 5)");
        return None;
    }
    if keys.iter().any(|key| PRIVATE_MEMBERS.iter().any(|it| key.get(it).is_some())) {
        field.fault("there is a private key in it", "replace that key, and write its public half");
        return None;
    }
    Some(KeySource::Inline(Arc::new(value)))
}

/// The document of an issuer.
#[must_use]
pub fn write_issuer(issuer: &Issuer) -> String {
    let Issuer {
        id,
        issuer,
        keys,
        audiences,
        algorithms,
        types,
        introspection,
        sign_in,
        is_enabled,
        place: _,
    } = issuer;
    let mut document = Writer::new();
    document.put("issuer", issuer.as_str());
    match keys {
        KeySource::Discovery => document.put("discovery", true),
        KeySource::Inline(keys) => document.put("jwks", Value::clone(keys)),
        KeySource::Url(url) => document.put("jwks_url", url.as_str()),
    }
    document.put("audiences", writer::list(audiences));
    document.put("algorithms", writer::list(algorithms));
    if types.as_slice() != [USUAL_TYPE] {
        document.put("types", writer::list(types));
    }
    document.put_some("introspection", introspection.as_ref().map(introspection::write));
    document.put_some("sign_in", sign_in.as_ref().map(|it| sign_in::write(id, it)));
    document.put_if(!is_enabled, "enabled", false);
    document.text()
}
