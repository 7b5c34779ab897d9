//! `[listen]`: where calls come in.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use gateway::Forwarding;
use ipnet::IpNet;

use super::{Reader, bounds, egress::parse_network};

/// Loopback unless said otherwise: a fresh door is not open to the network.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Where calls come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// The address and port to listen on.
    pub(crate) address: SocketAddr,
    /// How callers reach the door, without a slash at the end; from the address where none is given.
    pub(crate) public_url: Option<String>,
    /// Names by which callers may reach the door besides the public one.
    pub(crate) allowed_hosts: Vec<String>,
    /// Web pages from which callers may reach it: `https://app.example.com`.
    pub(crate) allowed_origins: Vec<String>,
    /// Proxies that are believed about who sends what they pass on.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How they say it.
    pub(crate) forwarding: Forwarding,
    /// Most connections at once.
    pub(crate) connections_max: usize,
    /// Longest wait for the head of a request.
    pub(crate) header_timeout: Duration,
    /// Longest wait between two parts of an MCP message.
    pub(crate) message_timeout: Duration,
    /// How long open calls may go on after a stop.
    pub(crate) drain_timeout: Duration,
}

impl Listen {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("listen");
        let seconds = |text: &str| bounds::duration(text, 1, 600);
        let listen = Self {
            address: table.take(reader, "address", parse_address).unwrap_or(ADDRESS),
            public_url: table.take(reader, "public_url", parse_origin),
            allowed_hosts: table.take_list(reader, "allowed_hosts", parse_host),
            allowed_origins: table.take_list(reader, "allowed_origins", parse_origin),
            trusted_proxies: table.take_list(reader, "trusted_proxies", parse_network),
            forwarding: table.take(reader, "forwarding", parse_forwarding).unwrap_or_default(),
            connections_max: table
                .take(reader, "connections_max", |it| bounds::count(it, 1, 1_000_000))
                .unwrap_or(10_000),
            header_timeout: table
                .take(reader, "header_timeout", seconds)
                .unwrap_or(Duration::from_secs(10)),
            message_timeout: table
                .take(reader, "message_timeout", seconds)
                .unwrap_or(Duration::from_secs(30)),
            drain_timeout: table
                .take(reader, "drain_timeout", seconds)
                .unwrap_or(Duration::from_secs(30)),
        };
        table.finish(reader);
        listen
    }
}

/// Reads `127.0.0.1:8080` or `[::1]:8080`.
///
/// # Errors
/// A sentence that says what an address looks like.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("\"{text}\" is not an address: write 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")
    })
}

/// Reads `https://api.example.com`: a scheme and a host, with a port or without.
pub(super) fn parse_origin(text: &str) -> Result<String, String> {
    let url = text.strip_suffix('/').unwrap_or(text);
    let is_origin = url.parse::<http::Uri>().is_ok_and(|it| {
        let authority = it.authority().is_some_and(|it| !it.as_str().contains('@'));
        let scheme = matches!(it.scheme_str(), Some("http" | "https"));
        authority && scheme && it.path() == "/" && it.query().is_none()
    });
    // `Uri` reads a fragment and drops it.
    if is_origin && !url.contains('#') {
        Ok(url.to_owned())
    } else {
        Err(format!("\"{text}\" is not a scheme and a host alone: write https://api.example.com"))
    }
}

fn parse_forwarding(text: &str) -> Result<Forwarding, String> {
    match text {
        "forwarded" => Ok(Forwarding::Forwarded),
        "proxy-protocol" => Ok(Forwarding::ProxyProtocol),
        "x-forwarded-for" => Ok(Forwarding::XForwardedFor),
        other => Err(format!(
            "\"{}\" is unknown: write x-forwarded-for, forwarded or proxy-protocol",
            other.escape_debug()
        )),
    }
}

/// Reads `api.example.com` or `api.example.com:8443`.
pub(super) fn parse_host(text: &str) -> Result<String, String> {
    let is_host = text.parse::<http::uri::Authority>().is_ok_and(|it| !it.as_str().contains('@'));
    if is_host {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("\"{text}\" is not a host: write api.example.com or api.example.com:8443"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for good in ["https://api.example.com", "http://127.0.0.1:8080/"] {
            assert_eq!(parse_origin(good).unwrap(), good.trim_end_matches('/'));
        }
        for bad in
            ["", "api.example.com", "https://a/b", "https://u:p@a", "https://a?x", "https://a#x"]
        {
            assert!(parse_origin(bad).is_err(), "{bad}");
        }
    }
}
