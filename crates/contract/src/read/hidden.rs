//! Which parameters are never an argument: those that prove who is calling, or steer a connection.

use std::collections::{BTreeSet, HashSet};

use model::request::reserved::is_reserved;
use serde_json::Value;

use crate::reference::References;

/// Headers that the request's own body, answer or trace decide, in lower case.
const HEADERS: [&str; 8] = [
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-type",
    "date",
    "set-cookie",
    "traceparent",
    "tracestate",
];

/// Names that say "credential" in a header or a query, without their case, dashes and underscores.
const CREDENTIALS: [&str; 13] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authkey",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "jwt",
    "secretkey",
    "sessiontoken",
    "subscriptionkey",
];

/// The names of a document's parameters that are never shown.
#[derive(Debug, Default)]
pub(crate) struct Hidden<'a> {
    headers: HashSet<String>,
    queries: BTreeSet<&'a str>,
}

impl<'a> Hidden<'a> {
    /// Adds what the document's security schemes name.
    pub(crate) fn read(root: &'a Value, references: References<'a>) -> Self {
        let mut hidden = Self::default();
        let schemes = root.pointer("/components/securitySchemes").and_then(Value::as_object);
        for scheme in schemes.into_iter().flat_map(|it| it.values()) {
            let Ok(scheme) = references.resolve(scheme) else { continue };
            let text = |key: &str| scheme.get(key).and_then(Value::as_str);
            match (text("type"), text("in"), text("name")) {
                (Some("apiKey"), Some("header"), Some(name)) => {
                    hidden.headers.insert(name.to_ascii_lowercase());
                }
                (Some("apiKey"), Some("query"), Some(name)) => {
                    hidden.queries.insert(name);
                }
                _ => {}
            }
        }
        hidden
    }

    /// Whether a header called `name` is never an argument.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        is_reserved(&name)
            || HEADERS.contains(&name.as_str())
            || self.headers.contains(&name)
            || is_credential(&name)
    }

    /// The names of query parameters that the document's security schemes own.
    pub(crate) fn queries(&self) -> impl Iterator<Item = &'a str> {
        self.queries.iter().copied()
    }

    /// Whether a header called `name` carries a credential.
    pub(crate) fn is_credential_header(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let is_known = matches!(name.as_str(), "authorization" | "cookie" | "proxy-authorization");
        is_known || self.headers.contains(&name) || is_credential(&name)
    }

    /// Whether a query parameter called `name` is never an argument.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.queries.contains(name) || is_credential(name)
    }
}

/// Whether the name says that the value is a credential, whatever the document says of it.
pub(crate) fn is_credential(name: &str) -> bool {
    let mut name: String = name.chars().filter(|it| !matches!(it, '-' | '_' | '.')).collect();
    name.make_ascii_lowercase();
    let name = name.strip_prefix('x').filter(|it| CREDENTIALS.contains(it)).unwrap_or(&name);
    CREDENTIALS.contains(&name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_credential_is_never_an_argument() {
        let root = json!({"components": {"securitySchemes": {
            "a": {"type": "apiKey", "in": "header", "name": "X-Shop-Door"},
            "b": {"type": "apiKey", "in": "query", "name": "door"},
            "c": {"$ref": "#/nowhere"}, "d": 1
        }}});
        let hidden = Hidden::read(&root, References::new(&root));
        for name in
            ["x-shop-door", "Authorization", "X-API-Key", "api_key", "X-Forwarded-For", "Te"]
        {
            assert!(hidden.has_header(name), "{name}");
        }
        for name in ["door", "api_key", "apikey", "access_token", "Client-Secret"] {
            assert!(hidden.has_query(name), "{name}");
        }
        for name in ["key", "page_token", "next", "Idempotency-Key", "If-Match", "xml"] {
            assert!(!hidden.has_header(name) && !hidden.has_query(name), "{name}");
        }
    }
}
