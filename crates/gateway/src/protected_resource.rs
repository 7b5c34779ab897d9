//! What a client needs to know to get a token for what it asked for (RFC 9728): a document, and the
//! way to it in every challenge.

use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use identity::dpop;
use model::TokenBinding;
use serde_json::{Map, Value, json};

use crate::{Entrance, Gateway, Snapshot, authorization::WELL_KNOWN};

const DOCUMENT: &str = "/oauth-protected-resource";
const MCP: &str = "/mcp";

/// The path of the resource that a request is for: an MCP endpoint, a collection's base, or the
/// door itself, whose path is empty.
fn resource<'a>(snapshot: &'a Snapshot, path: &'a str) -> &'a str {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path == MCP || is_endpoint(path) {
        return path;
    }
    let bases = snapshot.shelves().filter(|it| !it.is_local()).map(|it| it.base.as_str());
    let around = bases.filter(|base| {
        path.strip_prefix(*base).is_some_and(|it| it.is_empty() || it.starts_with('/'))
    });
    around.max_by_key(|it| it.len()).filter(|it| *it != "/").unwrap_or("")
}

/// Of any name: whether there is such a collection is not told to strangers.
fn is_endpoint(path: &str) -> bool {
    let of_mcp = path.strip_prefix(MCP).and_then(|it| it.strip_prefix('/'));
    of_mcp.is_some_and(model::id::is_slug)
}

/// The collection of a resource; none where it is the door.
fn collection<'a>(snapshot: &'a Snapshot, resource: &'a str) -> Option<&'a str> {
    let of_mcp = resource.strip_prefix(MCP).and_then(|it| it.strip_prefix('/'));
    of_mcp.or_else(|| {
        let mut shelves = snapshot.shelves().filter(|it| !resource.is_empty() && !it.is_local());
        shelves.find(|it| it.base == resource).map(|it| it.id().as_str())
    })
}

/// The document at `path`; none where that is no such path, or nobody gives tokens for this door.
pub(crate) fn document(gateway: &Gateway, snapshot: &Snapshot, path: &str) -> Option<Value> {
    let asked = path.strip_prefix(WELL_KNOWN)?.strip_prefix(DOCUMENT)?;
    let asked = asked.strip_suffix('/').unwrap_or(asked);
    let resource = resource(snapshot, asked);
    if resource != asked {
        return None;
    }
    let servers = servers(gateway, snapshot);
    let url = gateway.settings.public_url.as_ref().filter(|_| !servers.is_empty())?;
    let mut document = Map::new();
    document.insert("resource".to_owned(), json!(format!("{url}{resource}")));
    document.insert("authorization_servers".to_owned(), json!(servers));
    document.insert("bearer_methods_supported".to_owned(), json!(["header"]));
    document.insert("dpop_signing_alg_values_supported".to_owned(), json!(dpop::ALGORITHMS));
    if snapshot.binding == Some(TokenBinding::Dpop) {
        document.insert("dpop_bound_access_tokens_required".to_owned(), json!(true));
    }
    if gateway.settings.asks_for_certificates {
        document.insert("tls_client_certificate_bound_access_tokens".to_owned(), json!(true));
    }
    if let Some(collection) = collection(snapshot, resource) {
        let scopes = json!([format!("collection:{collection}")]);
        document.insert("scopes_supported".to_owned(), scopes);
    }
    Some(Value::Object(document))
}

fn servers<'a>(gateway: &'a Gateway, snapshot: &'a Snapshot) -> Vec<&'a str> {
    match &gateway.live.own_issuer {
        Some(own) => vec![&**own.url()],
        None => snapshot.issuers.iter().map(|it| &**it).collect(),
    }
}

/// Adds to a challenge where the document is, and which scope would do.
pub(crate) fn complete(gateway: &Gateway, entrance: Entrance, path: &str, headers: &mut HeaderMap) {
    if entrance == Entrance::Management {
        return;
    }
    let Some(begun) = headers.get(WWW_AUTHENTICATE).and_then(|it| it.to_str().ok()) else {
        return;
    };
    let snapshot = gateway.snapshot();
    let Some(url) = gateway.settings.public_url.as_ref() else { return };
    if servers(gateway, &snapshot).is_empty() {
        return;
    }
    let resource = resource(&snapshot, path);
    let mut challenge =
        format!("{begun}, resource_metadata=\"{url}{WELL_KNOWN}{DOCUMENT}{resource}\"");
    if let Some(collection) = collection(&snapshot, resource).filter(|_| !begun.contains("scope="))
    {
        challenge.push_str(", scope=\"collection:");
        challenge.push_str(collection);
        challenge.push('"');
    }
    if let Ok(value) = HeaderValue::try_from(challenge) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
}
