//! Who gives tokens for a door? Asked of the door itself, by its address alone (RFC 9728, RFC 8414).

use anyhow::{Context as _, anyhow};
use http::{Uri, header::WWW_AUTHENTICATE};
use serde_json::Value;

use crate::{
    management::BASE,
    remote::{Failure, failure::visible, wire::Wire},
};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";

/// Who gives tokens, and where.
#[derive(Debug)]
pub(super) struct Found {
    /// What the tokens are for: management, as the door calls it.
    pub(super) resource: String,
    pub(super) issuer: String,
    pub(super) device: String,
    pub(super) token: String,
    pub(super) revocation: Option<String>,
}

/// Who gives tokens for the management at `url`.
///
/// # Errors
/// Where that is no management of a door, nobody gives tokens for it, or one of them says that it is
/// somebody else.
pub(super) fn find(wire: &Wire, url: &str) -> Result<Found, Failure> {
    let (resource, issuer) = resource(wire, url)?;
    let (origin, path) = split(&issuer)?;
    let at = format!("{origin}{SERVER}{path}");
    let metadata = document(wire, &at)?;
    // RFC 8414 section 3.3: else it could hand our tokens to another.
    if text(&metadata, "issuer")? != issuer {
        return Err(stopped(format!("{} is not about {}", visible(&at), visible(&issuer))));
    }
    Ok(Found {
        device: text(&metadata, "device_authorization_endpoint")?.to_owned(),
        token: text(&metadata, "token_endpoint")?.to_owned(),
        revocation: text(&metadata, "revocation_endpoint").ok().map(ToOwned::to_owned),
        resource,
        issuer,
    })
}

/// What tokens for `url` are for, and who gives them.
fn resource(wire: &Wire, url: &str) -> Result<(String, String), Failure> {
    let answer = wire.get(&format!("{url}{BASE}/whoami"))?;
    let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    let at = challenges.filter_map(|it| metadata_url(it.to_str().ok()?)).next();
    let Some(at) = at.filter(|_| answer.status() == 401) else {
        return Err(stopped(format!(
            "{url} does not say who gives tokens for it: is it where a Onedoor listens for management, and is [oauth] on? Where it does not listen on loopback, it needs public_url under [management]"
        )));
    };
    let metadata = document(wire, &at)?;
    let resource = text(&metadata, "resource")?;
    let (origin, path) = split(resource)?;
    // RFC 9728 section 3.3: a door that names another as the resource would get tokens for that one.
    if at != format!("{origin}{RESOURCE}{path}") || !is_same(&origin, url) {
        return Err(stopped(format!(
            "{url} says that it is {}: give that as --url, or set public_url under [management] of that door",
            visible(resource)
        )));
    }
    let servers = metadata.get("authorization_servers").and_then(Value::as_array);
    let server = servers.and_then(|it| it.first()).and_then(Value::as_str);
    let server =
        server.ok_or_else(|| stopped(format!("{} names nobody who gives tokens", visible(&at))))?;
    Ok((resource.to_owned(), server.to_owned()))
}

/// The URL of the metadata that a challenge names.
fn metadata_url(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("resource_metadata=\"")?;
    rest.split_once('"').map(|(url, _)| url.to_owned())
}

fn document(wire: &Wire, url: &str) -> Result<Value, Failure> {
    let answer = wire.get(url)?;
    let shown = visible(url);
    if answer.status() != 200 {
        return Err(stopped(format!(
            "{shown} answered {} instead of 200",
            answer.status().as_u16()
        )));
    }
    Ok(serde_json::from_slice(answer.body()).with_context(|| format!("{shown} is no JSON"))?)
}

fn text<'a>(document: &'a Value, name: &str) -> Result<&'a str, Failure> {
    let found = document.get(name).and_then(Value::as_str);
    found.ok_or_else(|| stopped(format!("the metadata of who gives tokens has no {name}")))
}

/// The origin of `url`, and its path, which is empty where it is a slash.
fn split(url: &str) -> Result<(String, String), Failure> {
    let broken = || stopped(format!("{} is no address", visible(url)));
    let uri: Uri = url.parse().map_err(|_| broken())?;
    let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(broken)?;
    let path = if uri.path() == "/" { "" } else { uri.path() };
    Ok((format!("{scheme}://{authority}"), path.to_owned()))
}

/// Whether both are the same origin. However this machine is called, it is this machine.
fn is_same(one: &str, other: &str) -> bool {
    let parts = |url: &str| {
        let uri: Uri = url.parse().ok()?;
        let host = uri.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let is_loopback = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
        let scheme = uri.scheme_str()?.to_owned();
        let usual = if scheme == "https" { 443 } else { 80 };
        let host = if is_loopback { "localhost".to_owned() } else { host };
        Some((scheme, host, uri.port_u16().unwrap_or(usual)))
    };
    let parts = (parts(one), parts(other));
    parts.0.is_some() && parts.0 == parts.1
}

fn stopped(text: String) -> Failure {
    Failure::Stopped(anyhow!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_the_same_by_all_its_names_and_nothing_else_is() {
        for (one, other, want) in [
            ("http://127.0.0.1:8081", "http://localhost:8081", true),
            ("http://[::1]:8081", "http://localhost:8081/", true),
            ("https://Manage.example", "https://manage.example:443", true),
            ("http://127.0.0.1:8081", "http://127.0.0.1:8082", false),
            ("http://127.0.0.1:8081", "https://127.0.0.1:8081", false),
            ("https://manage.example", "https://evil.example", false),
            ("https://manage.example", "https://manage.example.evil", false),
            ("here", "here", false),
        ] {
            assert_eq!(is_same(one, other), want, "{one} {other}");
        }
    }

    #[test]
    fn the_way_to_the_metadata_stands_anywhere_in_a_challenge() {
        let url = Some("https://a.example/x".to_owned());
        let way = "resource_metadata=\"https://a.example/x\"";
        assert_eq!(metadata_url(&format!("Bearer realm=\"onedoor\", {way}, scope=\"a\"")), url);
        assert_eq!(metadata_url(&format!("Bearer {way}")), url);
        for none in ["Bearer realm=\"onedoor\"", "Bearer resource_metadata=\"https", ""] {
            assert_eq!(metadata_url(none), None, "{none}");
        }
    }
}
