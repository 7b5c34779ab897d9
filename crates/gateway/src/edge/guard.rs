//! What is checked before any surface looks: host, origin, framing. Against browsers led astray
//! (DNS rebinding, cross-site requests) and against requests that two servers read in two ways.

use std::net::SocketAddr;

use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use model::{Refusal, RefusalKind};

use super::{connection::Ends, host};
use crate::{Entrance, Gateway, Settings, pipeline::Arrival};

/// A request that no surface gets to see.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) refusal: Refusal,
}

/// Longest method; the longest that is registered has 17 bytes.
const METHOD_BYTES_MAX: usize = 32;

/// Headers of which a request may hold one at the most.
// Not the length: hyper refuses lengths that differ, and drops one beside a transfer coding.
const SINGLE: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::ORIGIN,
    header::AUTHORIZATION,
];

/// The hosts by which a door was said to be reached, as texts: most requests name one of them to the byte.
#[derive(Debug)]
pub(crate) struct Given(Box<[Box<str>]>);

impl Given {
    /// Those of these settings. What is no host names nobody, whoever says the same.
    pub(crate) fn of(settings: &Settings) -> Self {
        let hosts = given(settings).filter(|it| host::host_name(it).is_some());
        Self(hosts.map(Into::into).collect())
    }

    /// Whether the request says one host, and that is one of these.
    fn has<B>(&self, request: &Request<B>) -> bool {
        let said = match (request.uri().authority(), request.headers().get(header::HOST)) {
            (Some(target), None) => target.as_str().as_bytes(),
            (None, Some(said)) => said.as_bytes(),
            (Some(_), Some(_)) | (None, None) => return false,
        };
        self.0.iter().any(|it| it.as_bytes() == said)
    }
}

/// Checks what holds for every request that arrived over a connection with these `ends`.
///
/// # Errors
/// The first thing that is wrong, with the status that says so.
pub(super) fn check<B>(gateway: &Gateway, ends: &Ends, request: &Request<B>) -> Result<(), Fault> {
    let (settings, headers) = (&gateway.settings, request.headers());
    if headers.len() > settings.headers_max {
        let detail = format!("there are more than {} header fields", settings.headers_max);
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(fault(status, RefusalKind::TooLarge, detail));
    }
    let is_repeated = |it: &&HeaderName| headers.get_all(*it).iter().nth(1).is_some();
    // Most requests repeat no header at all.
    if headers.len() > headers.keys_len()
        && let Some(name) = SINGLE.iter().find(is_repeated)
    {
        return Err(malformed(format!("there is more than one {name} header")));
    }
    // Another coding before it would be lost on the way, and the upstream read other bytes than were sent.
    if headers.get(header::TRANSFER_ENCODING).is_some_and(|it| !is_chunked(it)) {
        return Err(malformed("the only transfer coding that is served is chunked"));
    }
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        let detail = format!("the method {} is not served", request.method());
        return Err(fault(StatusCode::METHOD_NOT_ALLOWED, RefusalKind::MethodNotAllowed, detail));
    }
    if request.method().as_str().len() > METHOD_BYTES_MAX {
        return Err(malformed("the method is no method"));
    }
    // First by its bytes; what is other than that may still be one of ours.
    if gateway.given.has(request) { Ok(()) } else { check_host(settings, ends, request) }
}

/// Checks that the certificate of the connection is still what it was at the handshake: a connection
/// can outlive it.
///
/// # Errors
/// Where it has expired meanwhile.
pub(super) fn check_certificate(arrival: &Arrival) -> Result<(), Fault> {
    if arrival.certificate().is_none_or(|it| arrival.at < it.expires) {
        return Ok(());
    }
    let detail = "the client certificate of this connection has expired: connect with a new one";
    Err(fault(StatusCode::UNAUTHORIZED, RefusalKind::Unauthenticated, detail))
}

fn is_chunked(value: &HeaderValue) -> bool {
    value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
}

fn check_host<B>(settings: &Settings, ends: &Ends, request: &Request<B>) -> Result<(), Fault> {
    let Some(name) = host::named(request).map_err(malformed)? else { return Ok(()) };
    if is_served(settings, ends, name) {
        return Ok(());
    }
    let detail = format!("the host \"{name}\" is not served here: add it to allowed_hosts");
    Err(fault(StatusCode::MISDIRECTED_REQUEST, RefusalKind::Malformed, detail))
}

/// Whether this door is meant by `name`.
fn is_served(settings: &Settings, ends: &Ends, name: &str) -> bool {
    if given(settings).any(|it| host::is_called(it, name)) {
        return true;
    }
    let own_url = match ends.entrance {
        Entrance::Management => &settings.management_url,
        Entrance::Everything | Entrance::Public => &settings.public_url,
    };
    let has_names = own_url.is_some() || !settings.allowed_hosts.is_empty();
    host::is_itself(ends.local, has_names, name)
}

/// The hosts that were given to the door, each as it was written.
fn given(settings: &Settings) -> impl Iterator<Item = &str> {
    let urls = [&settings.public_url, &settings.management_url].into_iter().flatten();
    settings.allowed_hosts.iter().map(String::as_str).chain(urls.filter_map(|it| authority_of(it)))
}

/// Checks that a page of this origin may have a browser send requests here.
///
/// # Errors
/// Where it may not.
pub(super) fn check_origin(
    settings: &Settings,
    local: SocketAddr,
    origin: &HeaderValue,
) -> Result<(), Fault> {
    let origin = origin.to_str().unwrap_or("null");
    let is_same = |it: &str| it.trim_end_matches('/').eq_ignore_ascii_case(origin);
    let is_known = settings.allowed_origins.iter().any(|it| is_same(it))
        || settings.public_url.as_deref().is_some_and(|it| is_same(origin_of(it)));
    let is_local = local.ip().to_canonical().is_loopback();
    let name = authority_of(origin).and_then(host::host_name);
    if is_known || (is_local && name.is_some_and(host::is_loopback)) {
        return Ok(());
    }
    let detail = "this origin is not allowed: add it to allowed_origins";
    Err(fault(StatusCode::FORBIDDEN, RefusalKind::Forbidden, detail))
}

/// Somebody that a proxy passes on whom it does not name as it should.
pub(super) fn unnamed(detail: &'static str) -> Fault {
    malformed(detail)
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    fault(StatusCode::BAD_REQUEST, RefusalKind::Malformed, detail)
}

fn fault(
    status: StatusCode,
    kind: RefusalKind,
    detail: impl Into<std::borrow::Cow<'static, str>>,
) -> Fault {
    Fault { status, refusal: Refusal::new(kind, detail) }
}

/// The authority of a URL or an origin of the web.
fn authority_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    Some(rest.split_once('/').map_or(rest, |(authority, _)| authority))
}

/// The origin of a URL: all before the path.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |it| it.saturating_add(3));
    let end = url.get(start..).and_then(|it| it.find('/')).map(|it| it.saturating_add(start));
    end.and_then(|it| url.get(..it)).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_loopback_the_door_has_its_address_and_the_names_that_it_was_given() {
        let url = |it: &str| Some(it.to_owned());
        let nothing = crate::settings::for_tests();
        let named = Settings { public_url: url("https://api.example.com"), ..nothing.clone() };
        let listed = Settings { allowed_hosts: vec!["door.lan".to_owned()], ..nothing.clone() };
        for (settings, local, served) in [
            (&nothing, "192.0.2.1:80", &["192.0.2.1", "localhost", "127.0.0.1"][..]),
            (&nothing, "[2001:db8::1]:80", &["2001:db8::1", "localhost", "127.0.0.1"]),
            (&nothing, "[::ffff:192.0.2.1]:80", &["192.0.2.1", "localhost", "127.0.0.1"]),
            (&nothing, "127.0.0.1:80", &["localhost", "127.0.0.1"]),
            (&named, "192.0.2.1:80", &["api.example.com"]),
            (&named, "127.0.0.1:80", &["api.example.com", "localhost", "127.0.0.1"]),
            (&listed, "192.0.2.1:80", &["door.lan"]),
        ] {
            let local = local.parse().unwrap();
            let (peer, entrance) = (local, Entrance::Public);
            let ends = Ends { local, peer, entrance, encryption: None };
            for name in [
                "192.0.2.1",
                "2001:db8::1",
                "localhost",
                "127.0.0.1",
                "api.example.com",
                "door.lan",
                "rebound.example",
                "192.0.2.2",
            ] {
                let want = served.contains(&name);
                assert_eq!(is_served(settings, &ends, name), want, "{name} at {local}");
            }
        }
    }

    #[test]
    fn a_host_is_known_by_its_bytes_where_it_was_given_just_so_and_is_said_once() {
        let given = Given::of(&Settings {
            public_url: Some("https://api.example.com:8443/x".to_owned()),
            allowed_hosts: vec!["door.lan".to_owned(), "a b".to_owned()],
            ..crate::settings::for_tests()
        });
        for (target, host, want) in [
            ("/", Some("api.example.com:8443"), true),
            ("/", Some("door.lan"), true),
            ("http://door.lan/", None, true),
            // Told the long way, where they are ours at all.
            ("/", Some("DOOR.lan"), false),
            ("/", Some("door.lan:80"), false),
            ("/", Some("a b"), false),
            ("http://door.lan/", Some("other.example"), false),
            ("/", None, false),
        ] {
            let mut request = Request::builder().uri(target);
            if let Some(host) = host {
                request = request.header(header::HOST, host);
            }
            assert_eq!(given.has(&request.body(()).unwrap()), want, "{target} {host:?}");
        }
    }

    #[test]
    fn only_the_web_has_origins() {
        for (origin, want) in [
            ("http://localhost:6274", Some("localhost")),
            ("https://[::1]", Some("::1")),
            ("http://localhost:1@evil.com", None),
            ("file://localhost", None),
            ("null", None),
        ] {
            assert_eq!(authority_of(origin).and_then(host::host_name), want, "{origin}");
        }
    }
}
