//! For which host a request is, and whether a listener is meant by that: a web page that leads a browser
//! here by a name of its own (DNS rebinding) must get nothing.

use std::net::{IpAddr, SocketAddr};

use http::{Request, StatusCode, Version, header};

/// Checks that a request which came to `local` is for a listener that was given `names`, and no others.
///
/// # Errors
/// The status that says so: 421 for another host, 400 where none can be told.
pub fn check_host<B>(
    names: &[String],
    local: SocketAddr,
    request: &Request<B>,
) -> Result<(), StatusCode> {
    let name = named(request).map_err(|_| StatusCode::BAD_REQUEST)?;
    let is_meant = |name| {
        names.iter().any(|it| is_called(it, name)) || is_itself(local, !names.is_empty(), name)
    };
    if name.is_none_or(is_meant) { Ok(()) } else { Err(StatusCode::MISDIRECTED_REQUEST) }
}

/// The name of the host that a request is for; none where HTTP/1.0 says none.
///
/// # Errors
/// Why it cannot be told.
pub(super) fn named<B>(request: &Request<B>) -> Result<Option<&str>, &'static str> {
    let said = match request.headers().get(header::HOST) {
        Some(value) => Some(value.to_str().map_err(|_| "the host is not ASCII")?),
        None => None,
    };
    // RFC 9112 section 3.2.2: an absolute target and the Host header must not differ; HTTP/2 has :authority.
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    let host = match (target, said) {
        (Some(target), Some(said)) if !target.eq_ignore_ascii_case(said) => {
            return Err("the request names two hosts");
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) if request.version() == Version::HTTP_10 => return Ok(None),
        (None, None) => return Err("there is no host header"),
    };
    host_name(host).map(Some).ok_or("the host is no name and no address")
}

/// Whether a listener at `local` is meant by `name`, which nobody has given it.
pub(super) fn is_itself(local: SocketAddr, has_names: bool, name: &str) -> bool {
    let local = local.ip().to_canonical();
    // Where nobody has said by which names it is reached, it is by none that somebody else can give it.
    let is_address = || name.parse::<IpAddr>().is_ok_and(|it| it.to_canonical() == local);
    (!has_names && is_address()) || ((!has_names || local.is_loopback()) && is_loopback(name))
}

/// Whether `given`, with a port or without, is this name.
pub(super) fn is_called(given: &str, name: &str) -> bool {
    host_name(given).is_some_and(|it| it.eq_ignore_ascii_case(name))
}

/// The name or address in `name`, `name:port`, `[v6]` and `[v6]:port`.
///
/// Anything but a name and a port would be read one way here and another way by a browser.
pub(super) fn host_name(host: &str) -> Option<&str> {
    let (name, behind) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, behind) = rest.split_once(']')?;
            name.parse::<std::net::Ipv6Addr>().ok()?;
            (name, behind)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |it: &str| it.parse::<u16>().is_ok() && it.bytes().all(|it| it.is_ascii_digit());
    let is_of_name = |it: u8| it.is_ascii_alphanumeric() || b"-._:".contains(&it);
    let has_end = behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port);
    let name = name.strip_suffix('.').unwrap_or(name);
    Some(name).filter(|it| has_end && !it.is_empty() && it.bytes().all(is_of_name))
}

pub(super) fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|it| it.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_a_port_and_nothing_else() {
        for (host, want) in [
            ("localhost", Some("localhost")),
            ("LocalHost:80", Some("LocalHost")),
            ("api.example.com.", Some("api.example.com")),
            ("[::1]", Some("::1")),
            ("[::1]:8080", Some("::1")),
            ("127.0.0.1:1", Some("127.0.0.1")),
            ("localhost:x@evil.com", None),
            ("[::1]evil.com", None),
            ("a@b", None),
            ("", None),
            ("localhost:", None),
            ("localhost:99999", None),
            ("a b", None),
            ("a/b", None),
        ] {
            assert_eq!(host_name(host), want, "{host}");
        }
    }
}
