//! The cases: which server each measures, by which load, and what it is compared with.

use super::state::State;

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// nginx as a plain proxy: no key, no rule, no record.
    Nginx,
    /// The same over TLS 1.3.
    NginxTls,
    /// The same by HTTP/2.
    NginxHttp2,
    /// A REST call: key, roles, a rate and a quota, record.
    Rest,
    /// The same over TLS 1.3.
    RestTls,
    /// The same by HTTP/2.
    RestHttp2,
    /// The same, served from a store with 10 profiles more.
    RestFew,
    /// The same, served from a store with 100,000 profiles more.
    RestMany,
    /// The same operation as a tool call of MCP.
    Mcp,
    /// The REST call with a token of the door's own instead of a key.
    Token,
    /// No call: a client with a secret gets a token.
    Issue,
    /// HAProxy with a key, a rate and a record.
    Haproxy,
    /// Envoy with the same.
    Envoy,
}

/// A server that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proxy {
    Nginx,
    NginxTls,
    Haproxy,
    Envoy,
    Door(State),
    DoorTls,
}

/// How a server is asked for as much as it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// wrk, and the open loop at a fixed rate.
    Http,
    /// wrk over TLS.
    Https,
    /// h2load.
    Http2,
}

/// A case, the one that its CPU is compared with, and the most that the ratio may be.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) case: Case,
    pub(super) base: Case,
    pub(super) name: &'static str,
    pub(super) most: f64,
}

pub(super) const TARGETS: [Target; 7] = [
    target(Case::Rest, Case::Nginx, "REST call / bare nginx, CPU", 1.4),
    target(Case::Mcp, Case::Rest, "MCP tools/call / the same REST call, CPU", 1.5),
    target(Case::RestTls, Case::NginxTls, "REST call over TLS 1.3 / nginx with TLS, CPU", 1.3),
    target(Case::RestHttp2, Case::NginxHttp2, "REST call by HTTP/2 / nginx with HTTP/2, CPU", 1.2),
    target(Case::Rest, Case::Haproxy, "REST call / governed HAProxy, CPU", 1.0),
    target(Case::Rest, Case::Envoy, "REST call / governed Envoy, CPU", 0.35),
    target(Case::RestMany, Case::RestFew, "REST call among 100,000 profiles / 10, CPU", 1.1),
];

const fn target(case: Case, base: Case, name: &'static str, most: f64) -> Target {
    Target { case, base, name, most }
}

impl Case {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxTls => "nginx-tls",
            Self::NginxHttp2 => "nginx-http2",
            Self::Rest => "rest",
            Self::RestTls => "rest-tls",
            Self::RestHttp2 => "rest-http2",
            Self::RestFew => "rest-few",
            Self::RestMany => "rest-many",
            Self::Mcp => "mcp",
            Self::Token => "token",
            Self::Issue => "issue",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Nginx => "bare nginx, proxying only",
            Self::NginxTls => "nginx over TLS 1.3, proxying only",
            Self::NginxHttp2 => "nginx by HTTP/2, proxying only",
            Self::Rest => "onedoor, REST with everything on",
            Self::RestTls => "onedoor, REST over TLS 1.3 with everything on",
            Self::RestHttp2 => "onedoor, REST by HTTP/2 with everything on",
            Self::RestFew => "onedoor, REST among 10 profiles",
            Self::RestMany => "onedoor, REST among 100,000 profiles",
            Self::Mcp => "onedoor, MCP tools/call with everything on",
            Self::Token => "onedoor, REST with a token that is known",
            Self::Issue => "onedoor, a token for a client's secret",
            Self::Haproxy => "HAProxy with a key, a rate and a record",
            Self::Envoy => "Envoy with a key, a role, a rate and a record",
        }
    }

    /// The server that it measures.
    pub(super) fn proxy(self) -> Proxy {
        match self {
            Self::Nginx => Proxy::Nginx,
            Self::NginxTls | Self::NginxHttp2 => Proxy::NginxTls,
            Self::Rest | Self::Mcp | Self::Token | Self::Issue => Proxy::Door(State::Plain),
            Self::RestTls | Self::RestHttp2 => Proxy::DoorTls,
            Self::RestFew => Proxy::Door(State::FEW),
            Self::RestMany => Proxy::Door(State::MANY),
            Self::Haproxy => Proxy::Haproxy,
            Self::Envoy => Proxy::Envoy,
        }
    }

    pub(super) fn load(self) -> Load {
        match self {
            Self::NginxTls | Self::RestTls => Load::Https,
            Self::NginxHttp2 | Self::RestHttp2 => Load::Http2,
            Self::Nginx
            | Self::Rest
            | Self::RestFew
            | Self::RestMany
            | Self::Mcp
            | Self::Token
            | Self::Issue
            | Self::Haproxy
            | Self::Envoy => Load::Http,
        }
    }
}

impl Proxy {
    pub(super) fn is_door(self) -> bool {
        match self {
            Self::Door(_) | Self::DoorTls => true,
            Self::Nginx | Self::NginxTls | Self::Haproxy | Self::Envoy => false,
        }
    }
}
