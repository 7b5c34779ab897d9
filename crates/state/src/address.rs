//! HTTP addresses in state: of upstreams, issuers and their keys. Checked here, used elsewhere.
//!
//! No fault shows the address: a password may stand in it.

use std::net::{Ipv4Addr, Ipv6Addr};

use model::Path;

const FORM: &str = "write http://host:port/prefix or https://host";

/// An address, taken apart.
#[derive(Debug)]
struct Address<'a> {
    is_https: bool,
    host: String,
    is_loopback: bool,
    port: Option<u16>,
    /// From the first slash on; may be empty.
    path: &'a str,
    query: Option<&'a str>,
}

/// Reads the address of an upstream: `http://host[:port][/prefix]`, without a slash at the end.
///
/// # Errors
/// What is wrong, a colon, what to do.
pub(crate) fn upstream(text: &str) -> Result<String, String> {
    let Address { is_https, host, is_loopback: _, port, path, query } = Address::parse(text)?;
    if query.is_some() {
        return Err("the address has a query: leave it away, callers send the query".to_owned());
    }
    let path = path.trim_end_matches('/');
    let scheme = if is_https { "https" } else { "http" };
    let port = port.map_or_else(String::new, |it| format!(":{it}"));
    Ok(format!("{scheme}://{host}{port}{path}"))
}

/// Checks an address that tokens are trusted by: `https`, or `http` on this machine.
///
/// # Errors
/// What is wrong, a colon, what to do.
pub(crate) fn trusted(text: &str) -> Result<String, String> {
    let address = Address::parse(text)?;
    if address.is_https || address.is_loopback {
        // Kept as it is: `iss` is compared byte by byte.
        Ok(text.to_owned())
    } else {
        Err("http to another machine can be changed on the way: write https://".to_owned())
    }
}

/// Reads the address that a secret is sent to or comes from: as [`upstream`], and [`trusted`].
///
/// # Errors
/// What is wrong, a colon, what to do.
pub(crate) fn trusted_base(text: &str) -> Result<String, String> {
    trusted(text).and_then(|it| upstream(&it))
}

impl<'a> Address<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| format!("the address has no scheme: {FORM}"))?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(format!("the scheme is neither http nor https: {FORM}")),
        };
        if !text.bytes().all(|it| it.is_ascii_graphic() && it != b'\\') {
            let help = "write it percent-encoded, and the host in its xn-- form";
            return Err(format!("the address has characters outside of ASCII: {help}"));
        }
        if rest.contains('#') {
            return Err("the address has a fragment: leave away what begins with #".to_owned());
        }
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            let help = "leave it away, credentials do not belong into addresses";
            return Err(format!("the address has a user or a password: {help}"));
        }
        if !path.is_empty() && Path::parse(path).map_or(true, |it| it.as_str() != path) {
            return Err("the path is not in canonical form: write it without //, .. and needless \
                        percent-encoding"
                .to_owned());
        }
        let (host, port) = split_port(authority)?;
        let (host, is_loopback) = checked_host(host)?;
        Ok(Self { is_https, host, is_loopback, port, path, query })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let split = match authority.rsplit_once(']') {
        Some((_, "")) | None if !authority.contains(':') || authority.ends_with(']') => None,
        _ => authority.rsplit_once(':'),
    };
    let Some((host, port)) = split else { return Ok((authority, None)) };
    match port.parse::<u16>() {
        // `+80` and `080` are read in two ways.
        Ok(number) if number > 0 && number.to_string() == port => Ok((host, Some(number))),
        _ => Err("the port is not a number from 1 to 65535: write host:port".to_owned()),
    }
}

/// The host in lower case, and whether it is this machine.
fn checked_host(host: &str) -> Result<(String, bool), String> {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|it| it.parse::<Ipv6Addr>().ok());
        return match address {
            Some(address) => Ok((format!("[{address}]"), address.is_loopback())),
            None => Err("the host is not an IPv6 address: write http://[::1]:port".to_owned()),
        };
    }
    let host = host.to_ascii_lowercase();
    let last = host.rsplit('.').next().unwrap_or_default();
    // What ends in a number is an address to some resolvers: 127.1, 0x7f.1, 2130706433.
    if last.parse::<u64>().is_ok() || last.starts_with("0x") {
        return match host.parse::<Ipv4Addr>() {
            Ok(address) => Ok((host, address.is_loopback())),
            Err(_) => Err("the host is not an IPv4 address: write 192.0.2.1 or a name".to_owned()),
        };
    }
    let is_name = (1..=253).contains(&host.len())
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
        });
    if is_name {
        let is_loopback = host == "localhost";
        Ok((host, is_loopback))
    } else {
        Err(format!("the host is not a name: {FORM}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_has_one_form() {
        for (text, want) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://API.example.com/v1/", "https://api.example.com/v1"),
            ("http://[::1]:80/", "http://[::1]:80"),
            ("http://[0:0::1]", "http://[::1]"),
            ("http://orders_1.svc", "http://orders_1.svc"),
        ] {
            assert_eq!(upstream(text).as_deref(), Ok(want), "{text}");
        }
        for bad in [
            "",
            "orders",
            "orders:8080",
            "ftp://orders",
            "HTTP://orders",
            "http://",
            "http:///x",
            "http://user:hunter2@orders",
            "http://orders?x=1",
            "http://orders#x",
            "http://orders/a/../b",
            "http://orders//a",
            "http://orders\\a",
            "http://orders:0",
            "http://orders:080",
            "http://orders:65536",
            "http://orders:",
            "http://a..b",
            "http://a b",
            "http://ördérs",
            "http://[::1",
            "http://[::1]x",
            "http://::1",
            "http://127.1",
            "http://0x7f.1",
            "http://2130706433",
            "http://1.2.3.4.5",
        ] {
            let error = upstream(bad).unwrap_err();
            assert!(error.contains(": ") && !error.contains("hunter2"), "{bad}: {error}");
        }
    }

    #[test]
    fn trust_needs_https_except_on_this_machine() {
        for good in [
            "https://issuer.example/realms/a?x=y",
            "http://localhost:8080/jwks",
            "http://127.0.0.2/",
            "http://[::1]/keys",
        ] {
            assert_eq!(trusted(good).as_deref(), Ok(good));
        }
        for bad in ["http://issuer.example", "http://localhost.example", "http://10.0.0.1"] {
            assert!(trusted(bad).unwrap_err().contains("https"), "{bad}");
        }
    }
}
