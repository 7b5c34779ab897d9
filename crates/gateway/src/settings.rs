//! What the data plane needs to know besides the tables: bounds and names.

use std::time::Duration;

use model::Rate;

/// Bounds and names of a gateway. Every size is in bytes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.example.com`: what callers reach us by, without a slash at the end.
    pub public_url: Option<String>,
    /// `http://127.0.0.1:8081`: what operators reach management by, where it listens apart.
    pub management_url: Option<String>,
    /// Values of `Host` that are accepted besides the public URL's and, on loopback, loopback names.
    /// Where this is empty and there is no public URL, a listener off loopback accepts any.
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` that are accepted besides the public URL's and, on loopback, loopback ones.
    pub allowed_origins: Vec<String>,
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
