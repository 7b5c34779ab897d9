//! `auth:` of an upstream: how the door shows there who it is, out of which secret.

use model::{Injection, SecretId};
use serde_json::Value;

use crate::{
    address, field::Field, reader::Reader, references::Target, report::shown, writer::Writer,
};

#[derive(Clone, Copy)]
enum Kind {
    Basic,
    Bearer,
    ClientCertificate,
    ClientCredentials,
    Header,
    Query,
}

const KINDS: &[(&str, Kind)] = &[
    ("basic", Kind::Basic),
    ("bearer", Kind::Bearer),
    ("client_certificate", Kind::ClientCertificate),
    ("client_credentials", Kind::ClientCredentials),
    ("header", Kind::Header),
    ("query", Kind::Query),
];
/// All keys but `kind`.
const KEYS: &[&str] =
    &["secret", "username", "token_url", "client_id", "scopes", "resource", "name"];
/// Headers that say how a message is read, or where it goes: no place for a secret.
const FRAMING: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-request-id",
];

/// Reads how the door shows who it is.
pub(super) fn read(field: Field<'_>) -> Option<Injection> {
    field.mapping(|it| {
        let kinds =
            "write kind: basic, bearer, client_certificate, client_credentials, header or query";
        let Some(kind) = it.required("kind", kinds).and_then(|it| it.one_of(KINDS)) else {
            // Which other keys it may have hangs on the kind: no fault for any of them.
            for key in KEYS {
                it.optional(key);
            }
            return None;
        };
        let secret = it.required("secret", "name a secret: the file secrets/ID.yaml");
        let secret = secret.and_then(|it| {
            let secret = it.parse(SecretId::parse)?;
            it.refer(Target::Secret(secret.clone()));
            Some(secret)
        });
        read_kind(kind, secret, it)
    })?
}

fn read_kind(kind: Kind, secret: Option<SecretId>, it: &mut Reader<'_>) -> Option<Injection> {
    match kind {
        Kind::Basic => {
            let username = it.required("username", "write who the door is there");
            let username = username.and_then(|it| it.parse(parse_username))?;
            Some(Injection::Basic { username, password: secret? })
        }
        Kind::Bearer => Some(Injection::Bearer { token: secret? }),
        Kind::ClientCertificate => Some(Injection::ClientCertificate { certificate: secret? }),
        Kind::ClientCredentials => read_client_credentials(secret, it),
        Kind::Header => {
            let name = it.required("name", "write the header's name: x-api-key");
            let name = name.and_then(|it| it.parse(parse_header))?;
            Some(Injection::Header { name, value: secret? })
        }
        Kind::Query => {
            let name = it.required("name", "write the parameter's name: api_key");
            let name = name.and_then(|it| it.parse(parse_parameter))?;
            Some(Injection::Query { name, value: secret? })
        }
    }
}

fn read_client_credentials(secret: Option<SecretId>, it: &mut Reader<'_>) -> Option<Injection> {
    let token_url = it.required("token_url", "write the token endpoint: https://…");
    let token_url = token_url.and_then(|it| it.parse(address::trusted));
    let client_id = it.required("client_id", "write who the door is there");
    let client_id = client_id.and_then(|it| it.text());
    let absent = "name a scope, or leave the key away for the server's usual";
    let scopes = it.optional("scopes");
    let scopes = scopes.map(|it| it.filled_set(absent, |it| it.parse(parse_scope)));
    let resource = it.optional("resource").map(|it| it.parse(parse_resource));
    let resource = match resource {
        Some(resource) => Some(resource?),
        None => None,
    };
    Some(Injection::ClientCredentials {
        token_url: token_url?,
        client_id: client_id?.to_owned(),
        client_secret: secret?,
        scopes: scopes.unwrap_or_else(|| Some(Vec::new()))?,
        resource,
    })
}

/// A user's name, which ends at the first colon (RFC 7617 section 2).
fn parse_username(text: &str) -> Result<String, String> {
    if text.contains(':') {
        return Err("the name of a user has no colon: write it without".to_owned());
    }
    Ok(text.to_owned())
}

/// A field name (RFC 9110 section 5.1), in lower case.
fn parse_header(text: &str) -> Result<String, String> {
    let is_token = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
    if text.len() > 64 || !text.bytes().all(is_token) {
        return Err(format!("{} is not the name of a header: write x-api-key", shown(text)));
    }
    let name = text.to_ascii_lowercase();
    if FRAMING.contains(&&*name) || name.starts_with("x-onedoor-") {
        let help = "name the header in which the upstream expects its key";
        return Err(format!("the header {name} belongs to HTTP or to the door: {help}"));
    }
    Ok(name)
}

fn parse_parameter(text: &str) -> Result<String, String> {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.~".contains(&it);
    if text.len() > 64 || !text.bytes().all(is_plain) {
        let help = "use 1 to 64 of a-z, A-Z, 0-9, -, _, . and ~";
        return Err(format!("{} is not the name of a parameter: {help}", shown(text)));
    }
    Ok(text.to_owned())
}

/// One scope (RFC 6749 section 3.3).
fn parse_scope(text: &str) -> Result<String, String> {
    if text.bytes().all(|it| it.is_ascii_graphic() && it != b'"' && it != b'\\') {
        return Ok(text.to_owned());
    }
    Err(format!("{} is not one scope: name each by itself, without spaces", shown(text)))
}

/// An absolute URI without a fragment (RFC 8707 section 2).
fn parse_resource(text: &str) -> Result<String, String> {
    let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|it: char| it.is_ascii_alphabetic()) && !rest.is_empty()
    });
    if has_scheme && !text.contains('#') && text.bytes().all(|it| it.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!("{} is not a resource: write https://api.example.com/orders", shown(text)))
}

/// How the door shows who it is, as it is read.
pub(super) fn write(injection: &Injection) -> Value {
    let mut written = Writer::new();
    let kind = match injection {
        Injection::Basic { .. } => "basic",
        Injection::Bearer { .. } => "bearer",
        Injection::ClientCertificate { .. } => "client_certificate",
        Injection::ClientCredentials { .. } => "client_credentials",
        Injection::Header { .. } => "header",
        Injection::Query { .. } => "query",
    };
    written.put("kind", kind);
    match injection {
        Injection::Bearer { token: _ } | Injection::ClientCertificate { certificate: _ } => {}
        Injection::Basic { username, password: _ } => written.put("username", username.as_str()),
        Injection::Header { name, value: _ } | Injection::Query { name, value: _ } => {
            written.put("name", name.as_str());
        }
        Injection::ClientCredentials {
            token_url,
            client_id,
            client_secret: _,
            scopes,
            resource,
        } => {
            written.put("token_url", token_url.as_str());
            written.put("client_id", client_id.as_str());
            written.put_list("scopes", scopes);
            written.put_some("resource", resource.as_deref());
        }
    }
    written.put("secret", injection.secret().as_str());
    written.value()
}
