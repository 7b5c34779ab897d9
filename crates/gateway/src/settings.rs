//! What the data plane needs to know besides the tables: bounds and names.

use std::time::Duration;

use ipnet::IpNet;
use model::Rate;

use crate::Forwarding;

/// Bounds and names of a gateway. Every size is in bytes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.example.com`: what callers reach us by, without a slash at the end.
    pub public_url: Option<String>,
    /// `http://127.0.0.1:8081`: what operators reach management by, where it listens apart.
    pub management_url: Option<String>,
    /// Values of `Host` that are accepted besides the public URL's and, on loopback, loopback names.
    /// Where there is neither, a listener off loopback accepts its address and loopback names.
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` that are accepted besides the public URL's and, on loopback, loopback ones.
    pub allowed_origins: Vec<String>,
    /// Proxies in front of the listener for consumers that are believed about who sends what they pass on.
    pub trusted_proxies: Vec<IpNet>,
    /// How they say it.
    pub forwarding: Forwarding,
    /// Whether callers can show client certificates.
    pub asks_for_certificates: bool,
    /// Largest body of a REST request.
    pub request_body_bytes_max: u64,
    /// Largest message on the MCP surface, and largest body that is held for a guard.
    pub message_bytes_max: usize,
    /// Longest answer of a tool; what is longer is cut with a marker.
    pub tool_answer_bytes_max: usize,
    /// Most tools on one page of a list.
    pub tools_page_max: usize,
    /// Most header fields of a request.
    pub headers_max: usize,
    /// Largest head of a request.
    pub header_bytes_max: usize,
    /// Longest wait for the head of a request.
    pub header_timeout: Duration,
    /// Longest wait for a whole message on the MCP surface, and for a caller that does not take what is sent.
    pub message_timeout: Duration,
    /// Most connections at once.
    pub connections_max: usize,
    /// How long open calls may go on after a stop.
    pub drain_timeout: Duration,
    /// The rate of a profile for which no limit is declared.
    pub default_rate: Rate,
}

/// Those of a test that is about one of them.
#[cfg(test)]
pub(crate) fn for_tests() -> Settings {
    Settings {
        public_url: None,
        management_url: None,
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        trusted_proxies: Vec::new(),
        forwarding: Forwarding::default(),
        asks_for_certificates: false,
        request_body_bytes_max: 1 << 20,
        message_bytes_max: 1 << 20,
        tool_answer_bytes_max: 4096,
        tools_page_max: 100,
        headers_max: 100,
        header_bytes_max: 64 * 1024,
        header_timeout: Duration::from_secs(5),
        message_timeout: Duration::from_secs(5),
        connections_max: 1024,
        drain_timeout: Duration::from_secs(1),
        default_rate: Rate::parse("1000/s").expect("it is a rate"),
    }
}
