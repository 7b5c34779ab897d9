//! `HashiCorp` Vault and `OpenBao`: one field of one entry of a key-value engine, version 2.

use std::{collections::BTreeMap, time::Duration};

use model::{DeclaredSecret, Secret, SecretSource};
use serde::Deserialize;
use serde_json::Value;

use super::{Fetch, checked, no_value};
use crate::Error;

/// A field's value, and how long it may be used where that is said.
pub(super) struct Found {
    pub(super) value: Secret<Vec<u8>>,
    pub(super) lease: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    lease_duration: u64,
    data: Entry,
}

#[derive(Deserialize)]
struct Entry {
    data: BTreeMap<String, Value>,
}

/// Asks the vault of `declared` for its field.
pub(super) async fn ask(
    fetch: &dyn Fetch,
    declared: &DeclaredSecret,
    token: &Secret<Vec<u8>>,
) -> Result<Found, Error> {
    let id = &declared.id;
    let SecretSource::Vault { address, mount, path, field, namespace, token: _ } = &declared.source
    else {
        return Err(no_value(id, "vault", "is not where it is declared"));
    };
    let place = || format!("vault {address}, {mount}/{path}, field {field}");
    let wrong = |reason: &'static str| no_value(id, place(), reason);
    let token = str::from_utf8(token.expose()).map_err(|_| wrong("its token is no text"))?;
    let mut headers = vec![("x-vault-token", Secret::new(token.to_owned()))];
    if let Some(namespace) = namespace {
        headers.push(("x-vault-namespace", Secret::new(namespace.clone())));
    }
    let (mount, path) = (encoded(mount), encoded(path));
    let (Some(mount), Some(path)) = (mount, path) else {
        return Err(wrong("a part of the path is empty, \".\" or \"..\""));
    };
    let url = format!("{address}/v1/{mount}/data/{path}");
    let answer = fetch.get(&url, &headers).await.map_err(|it| no_value(id, place(), it))?;
    match answer.status {
        200 => read(answer.body.expose(), field, declared, place),
        403 => Err(wrong("the token may not read it (403)")),
        404 => Err(wrong("there is no such entry, or it was deleted (404)")),
        503 => Err(wrong("the vault is sealed or in maintenance (503)")),
        status => Err(no_value(id, place(), format!("status {status} instead of 200"))),
    }
}

fn read(
    body: &[u8],
    field: &str,
    declared: &DeclaredSecret,
    place: impl Fn() -> String,
) -> Result<Found, Error> {
    let wrong = |reason: &'static str| no_value(&declared.id, place(), reason);
    // The parser's own words could repeat what it read.
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| wrong("the answer is not that of a key-value engine, version 2"))?;
    let mut fields = answer.data.data;
    let value = match fields.remove(field) {
        Some(Value::String(text)) => Secret::new(text.into_bytes()),
        Some(_) => return Err(wrong("the field is no text")),
        None => return Err(wrong("the entry has no such field")),
    };
    let lease = Some(answer.lease_duration).filter(|it| *it > 0).map(Duration::from_secs);
    Ok(Found { value: checked(&declared.id, place, value)?, lease })
}

/// A path in a URL; none where a part of it would lead elsewhere.
fn encoded(path: &str) -> Option<String> {
    let mut encoded = String::with_capacity(path.len());
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return None;
        }
        if !encoded.is_empty() {
            encoded.push('/');
        }
        for byte in part.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    encoded.push(char::from(byte));
                }
                _ => encoded.extend(format!("%{byte:02X}").chars()),
            }
        }
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        for (path, want) in [
            ("kv/crm", Some("kv/crm")),
            ("a b/c?d#e%2f", Some("a%20b/c%3Fd%23e%252f")),
            ("../sys", None),
            ("a//b", None),
            ("/a", None),
            ("", None),
            ("a/.", None),
        ] {
            assert_eq!(encoded(path).as_deref(), want, "{path:?}");
        }
    }
}
