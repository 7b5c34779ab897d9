//! What is checked before any surface looks: host, origin, framing. Against browsers led astray
//! (DNS rebinding, cross-site requests) and against requests that two servers read in two ways.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Version, header};
use model::{Refusal, RefusalKind};

use crate::Settings;

/// A request that no surface gets to see.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) refusal: Refusal,
}

/// Headers of which a request may hold one at the most.
const SINGLE: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::ORIGIN,
    header::AUTHORIZATION,
];

/// Checks what holds for every request to a listener on `local`.
///
/// # Errors
/// The first thing that is wrong, with the status that says so.
pub(super) fn check<B>(
    settings: &Settings,
    local: SocketAddr,
    request: &Request<B>,
) -> Result<(), Fault> {
    let headers = request.headers();
    if let Some(name) = SINGLE.iter().find(|it| headers.get_all(*it).iter().nth(1).is_some()) {
        return Err(malformed(format!("there is more than one {name} header")));
    }
    if headers.contains_key(header::TRANSFER_ENCODING)
        && headers.contains_key(header::CONTENT_LENGTH)
    {
        return Err(malformed("transfer-encoding and content-length contradict each other"));
    }
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        let detail = format!("the method {} is not served", request.method());
        return Err(fault(StatusCode::METHOD_NOT_ALLOWED, RefusalKind::MethodNotAllowed, detail));
    }
    check_host(settings, local, request)?;
    check_origin(settings, local, headers)
}

fn check_host<B>(
    settings: &Settings,
    local: SocketAddr,
    request: &Request<B>,
) -> Result<(), Fault> {
    let named = match request.headers().get(header::HOST) {
        Some(value) => Some(value.to_str().map_err(|_| malformed("the host is not ASCII"))?),
        None => None,
    };
    // RFC 9112 section 3.2.2: an absolute target and the Host header must not differ; HTTP/2 has :authority.
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    let host = match (target, named) {
        (Some(target), Some(named)) if !target.eq_ignore_ascii_case(named) => {
            return Err(malformed("the request names two hosts"));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) if request.version() == Version::HTTP_10 => return Ok(()),
        (None, None) => return Err(malformed("there is no host header")),
    };
    let name = without_port(host);
    let is_known = settings.allowed_hosts.iter().any(|it| it.eq_ignore_ascii_case(name))
        || settings.public_url.as_deref().is_some_and(|it| host_of(it).eq_ignore_ascii_case(name));
    let is_open = settings.allowed_hosts.is_empty()
        && settings.public_url.is_none()
        && !local.ip().to_canonical().is_loopback();
    if is_known || is_open || (local.ip().to_canonical().is_loopback() && is_loopback(name)) {
        return Ok(());
    }
    let detail = format!("the host \"{name}\" is not served here");
    Err(fault(StatusCode::MISDIRECTED_REQUEST, RefusalKind::Malformed, detail))
}

fn check_origin(settings: &Settings, local: SocketAddr, headers: &HeaderMap) -> Result<(), Fault> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("null");
    let is_known = settings.allowed_origins.iter().any(|it| it == origin)
        || settings.public_url.as_deref().is_some_and(|it| origin_of(it) == origin);
    if is_known || (local.ip().to_canonical().is_loopback() && is_loopback(host_of(origin))) {
        return Ok(());
    }
    let detail = "this origin is not allowed";
    Err(fault(StatusCode::FORBIDDEN, RefusalKind::Forbidden, detail))
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

/// `host` of `host`, `host:port` and `[v6]:port`.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(inside, _)| inside),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// The host of a URL or an origin; empty where there is none.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    without_port(rest.split_once('/').map_or(rest, |(authority, _)| authority))
}

/// The origin of a URL: all before the path.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |it| it.saturating_add(3));
    let end = url.get(start..).and_then(|it| it.find('/')).map(|it| it.saturating_add(start));
    end.and_then(|it| url.get(..it)).unwrap_or(url)
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|it| it.to_canonical().is_loopback())
}
