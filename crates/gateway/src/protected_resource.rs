//! What a client needs to know to get a token for what it asked for (RFC 9728): a document, and the
//! way to it in every challenge.

use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use identity::dpop;
use model::{CollectionId, TokenBinding};
use serde_json::{Map, Value, json};

use crate::{Entrance, Gateway, Snapshot, authorization::WELL_KNOWN};

const DOCUMENT: &str = "/oauth-protected-resource";
const MCP: &str = "/mcp";

/// The URL of the listener by which a request came, where anybody says what it is.
fn url(gateway: &Gateway, entrance: Entrance) -> Option<&str> {
    match entrance {
        Entrance::Management => gateway.settings.management_url.as_deref(),
        Entrance::Everything | Entrance::Public => gateway.settings.public_url.as_deref(),
    }
}

/// The path of the resource that a request is for: an MCP endpoint, a collection's base, or all that
/// its listener leads to, whose path is empty.
fn resource<'a>(snapshot: &'a Snapshot, entrance: Entrance, path: &'a str) -> &'a str {
    let path = path.strip_suffix('/').unwrap_or(path);
    if entrance == Entrance::Management {
        let is_endpoint = path == MCP || endpoint(path).is_some_and(CollectionId::is_own_name);
        return if is_endpoint { path } else { "" };
    }
    // Of any name: whether there is such a collection is not told to strangers.
    if path == MCP || endpoint(path).is_some_and(model::id::is_slug) {
        return path;
    }
    let bases = snapshot.shelves().filter(|it| !it.is_local()).map(|it| it.base.as_str());
    let around = bases.filter(|base| {
        path.strip_prefix(*base).is_some_and(|it| it.is_empty() || it.starts_with('/'))
    });
    around.max_by_key(|it| it.len()).filter(|it| *it != "/").unwrap_or("")
}

/// The name of the collection whose MCP endpoint is at `path`.
fn endpoint(path: &str) -> Option<&str> {
    path.strip_prefix(MCP).and_then(|it| it.strip_prefix('/'))
}

/// The collection of a resource; none where it is the door.
fn collection(snapshot: &Snapshot, entrance: Entrance, resource: &str) -> Option<CollectionId> {
    if entrance == Entrance::Management {
        return Some(CollectionId::own());
    }
    if let Some(name) = endpoint(resource) {
        return CollectionId::parse(name).ok();
    }
    let mut shelves = snapshot.shelves().filter(|it| !resource.is_empty() && !it.is_local());
    shelves.find(|it| it.base == resource).map(|it| it.id().clone())
}

/// The document at `path`; none where that is no such path, or nobody gives tokens for this door.
pub(crate) fn document(
    gateway: &Gateway,
    snapshot: &Snapshot,
    (entrance, path): (Entrance, &str),
) -> Option<Value> {
    let asked = path.strip_prefix(WELL_KNOWN)?.strip_prefix(DOCUMENT)?;
    let asked = asked.strip_suffix('/').unwrap_or(asked);
    let resource = resource(snapshot, entrance, asked);
    if resource != asked {
        return None;
    }
    let servers = servers(gateway, snapshot);
    let url = url(gateway, entrance).filter(|_| !servers.is_empty())?;
    let mut document = Map::new();
    document.insert("resource".to_owned(), json!(format!("{url}{resource}")));
    document.insert("authorization_servers".to_owned(), json!(servers));
    document.insert("bearer_methods_supported".to_owned(), json!(["header"]));
    document.insert("dpop_signing_alg_values_supported".to_owned(), json!(dpop::ALGORITHMS));
    if snapshot.binding == Some(TokenBinding::Dpop) {
        document.insert("dpop_bound_access_tokens_required".to_owned(), json!(true));
    }
    if gateway.settings.asks_for_certificates && entrance != Entrance::Management {
        document.insert("tls_client_certificate_bound_access_tokens".to_owned(), json!(true));
    }
    if let Some(collection) = collection(snapshot, entrance, resource) {
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
    let Some(begun) = headers.get(WWW_AUTHENTICATE).and_then(|it| it.to_str().ok()) else {
        return;
    };
    let snapshot = gateway.snapshot();
    let Some(url) = url(gateway, entrance) else { return };
    if servers(gateway, &snapshot).is_empty() {
        return;
    }
    let resource = resource(&snapshot, entrance, path);
    let mut challenge =
        format!("{begun}, resource_metadata=\"{url}{WELL_KNOWN}{DOCUMENT}{resource}\"");
    let collection = collection(&snapshot, entrance, resource);
    if let Some(collection) = collection.filter(|_| !begun.contains("scope=")) {
        challenge.push_str(", scope=\"collection:");
        challenge.push_str(collection.as_str());
        challenge.push('"');
    }
    if let Ok(value) = HeaderValue::try_from(challenge) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
}
