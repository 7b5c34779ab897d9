//! Who sends what a trusted proxy passes on. Nobody else is believed about that.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

use super::connection::Ends;
use crate::{Entrance, Settings};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How trusted proxies say who sends what they pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forwarding {
    /// By the header `Forwarded` (RFC 7239).
    Forwarded,
    /// By the PROXY protocol, version 2, before anything else on a connection.
    ProxyProtocol,
    /// By the header `X-Forwarded-For`.
    #[default]
    XForwardedFor,
}

/// Who sent a request: the peer of its connection, but where that is a trusted proxy, the nearest that
/// is none.
///
/// # Errors
/// Where the proxy says it in a way that has no meaning.
pub(super) fn sender(
    settings: &Settings,
    ends: &Ends,
    headers: &HeaderMap,
) -> Result<SocketAddr, &'static str> {
    let networks = &settings.trusted_proxies;
    if !is_proxy(settings, ends) {
        return Ok(ends.peer);
    }
    let hops = match settings.forwarding {
        // Said at the beginning of the connection.
        Forwarding::ProxyProtocol => return Ok(ends.peer),
        Forwarding::Forwarded => {
            lines(headers, &FORWARDED)?.map(elements).collect::<Option<Vec<_>>>()
        }
        Forwarding::XForwardedFor => Some(lines(headers, &X_FORWARDED_FOR)?.map(list).collect()),
    };
    let hops = hops.ok_or("the header Forwarded is broken")?;
    // From the nearest on: whatever stands behind one that is not trusted, that one may have made up.
    let mut sender = ends.peer;
    for hop in hops.iter().flatten().rev() {
        sender = address(hop).ok_or("a trusted proxy names no address that the request is from")?;
        if !is_trusted(networks, sender.ip()) {
            break;
        }
    }
    Ok(sender)
}

/// Whether who connected is a proxy that is believed.
pub(super) fn is_proxy(settings: &Settings, ends: &Ends) -> bool {
    // First, since most doors have none.
    !settings.trusted_proxies.is_empty()
        && ends.entrance != Entrance::Management
        && is_trusted(&settings.trusted_proxies, ends.peer.ip())
}

fn is_trusted(networks: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    networks.iter().any(|it| it.contains(&peer))
}

/// The lines of a header, in the order in which proxies have added to them.
fn lines<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<impl Iterator<Item = &'a str>, &'static str> {
    let lines: Result<Vec<_>, _> = headers.get_all(name).iter().map(|it| it.to_str()).collect();
    lines.map(Vec::into_iter).map_err(|_| "what a trusted proxy says is not ASCII")
}

fn list(line: &str) -> Vec<String> {
    line.split(',').map(|it| it.trim().to_owned()).collect()
}

/// The `for` of each element of a line, empty for one that has none; nothing where it can be read in
/// two ways: what a stranger began must not swallow what a proxy added.
fn elements(line: &str) -> Option<Vec<String>> {
    let mut elements = vec![String::new()];
    let mut rest = line.trim();
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric());
        if name.eq_ignore_ascii_case("for") {
            let hop = elements.last_mut().filter(|it| it.is_empty())?;
            hop.push_str(value);
        }
        let after = after.trim_start();
        match after.chars().next() {
            _ if !is_name => return None,
            None => return Some(elements),
            Some(',') => elements.push(String::new()),
            Some(';') => {}
            Some(_) => return None,
        }
        rest = after.get(1..)?.trim_start();
    }
}

/// A token or a quoted text, and what is behind it.
fn value(text: &str) -> Option<(&str, &str)> {
    let (value, after) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_at(text.find([';', ',', ' ', '\t']).unwrap_or(text.len())),
    };
    // No address needs an escape.
    let is_plain = !value.is_empty() && !value.contains(['"', '\\', '=']);
    is_plain.then_some((value, after))
}

/// Reads an address, with a port or without.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, 0),
        Err(_) => text.parse().ok()?,
    };
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn is_from(forwarding: Forwarding, lines: &[&str]) -> Result<String, &'static str> {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|it| it.parse().unwrap());
        let mut headers = HeaderMap::new();
        let name = match forwarding {
            Forwarding::Forwarded => FORWARDED,
            Forwarding::ProxyProtocol | Forwarding::XForwardedFor => X_FORWARDED_FOR,
        };
        for line in lines {
            headers.append(&name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let settings = Settings {
            trusted_proxies: networks.into(),
            forwarding,
            ..crate::settings::for_tests()
        };
        let ends = Ends {
            local: "192.0.2.1:80".parse().unwrap(),
            peer: "10.0.0.1:5".parse().unwrap(),
            entrance: Entrance::Public,
            encryption: None,
        };
        sender(&settings, &ends, &headers).map(|it| it.ip().to_string())
    }

    #[test]
    fn the_nearest_that_is_no_proxy_sends() {
        for (lines, want) in [
            (&[][..], Some("10.0.0.1")),
            (&["192.0.2.7"], Some("192.0.2.7")),
            (&["203.0.113.9, 192.0.2.7"], Some("192.0.2.7")),
            (&["nonsense, 192.0.2.7, 10.0.0.2,10.0.0.3"], Some("192.0.2.7")),
            (&["203.0.113.9", "192.0.2.7", "10.0.0.2"], Some("192.0.2.7")),
            (&["10.0.0.9, 10.0.0.2"], Some("10.0.0.9")),
            (&["192.0.2.7:4711"], Some("192.0.2.7")),
            (&["[2001:db9::1]:4711, 2001:db8::1"], Some("2001:db9::1")),
            (&["::ffff:192.0.2.7"], Some("192.0.2.7")),
            (&["unknown"], None),
            (&["192.0.2.7, unknown, 10.0.0.2"], None),
            (&["192.0.2.7,"], None),
            (&[""], None),
            (&["192.0.2.7 192.0.2.8"], None),
            (&["é"], None),
        ] {
            assert_eq!(
                is_from(Forwarding::XForwardedFor, lines).ok().as_deref(),
                want,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn what_a_stranger_begins_does_not_swallow_what_a_proxy_adds() {
        for (lines, want) in [
            (&["for=192.0.2.7"][..], Some("192.0.2.7")),
            (&["for=203.0.113.9, For=192.0.2.7;proto=https;by=10.0.0.2"], Some("192.0.2.7")),
            (&["by=10.0.0.2; for=\"192.0.2.7:4711\""], Some("192.0.2.7")),
            (&["for=\"[2001:db9::1]:4711\", for=10.0.0.2"], Some("2001:db9::1")),
            (&["for=_hidden", "for=192.0.2.7"], Some("192.0.2.7")),
            (&["host=\"a, for=1.1.1.1\", for=192.0.2.7"], None),
            (&["host=\"a, b\", for=192.0.2.7"], Some("192.0.2.7")),
            (&["for=\"203.0.113.9, for=192.0.2.7"], None),
            (&["host=\", for=192.0.2.7;by=\"10.0.0.2\""], None),
            (&["for=\"a\\\", for=192.0.2.7"], None),
            (&["for=192.0.2.7;for=203.0.113.9"], None),
            (&["for=unknown"], None),
            (&["proto=https"], None),
            (&["for"], None),
            (&["for = 192.0.2.7"], None),
        ] {
            assert_eq!(is_from(Forwarding::Forwarded, lines).ok().as_deref(), want, "{lines:?}");
        }
    }
}
