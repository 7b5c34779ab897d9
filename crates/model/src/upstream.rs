//! Where operations are carried out, and the secrets that the door shows there.

use std::time::Duration;

use crate::{SecretId, UpstreamId};

/// Where operations are carried out, over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// Its id; none where it is written inside of its one collection.
    pub id: Option<UpstreamId>,
    /// `http://host[:port][/prefix]` or `https://…`; no slash at the end.
    pub url: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait from the sent request to the head of the answer.
    pub answer_timeout: Duration,
    /// Longest silence within the body of an answer.
    pub idle_timeout: Duration,
    /// Longest wait for all of that body, where it goes to a tool.
    pub tool_body_timeout: Duration,
    /// Most connections open at once.
    pub connections_max: usize,
    /// How the door shows who it is; not at all where none.
    pub injection: Option<Injection>,
}

impl Upstream {
    /// An upstream with the default timeouts (5 s, 30 s, 60 s, 60 s) and connection bound (1,024).
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            id: None,
            url: url.trim_end_matches('/').to_owned(),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            tool_body_timeout: Duration::from_secs(60),
            connections_max: 1024,
            injection: None,
        }
    }
}

/// What the door puts into requests for an upstream. A caller can neither see nor replace it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Injection {
    /// HTTP basic authentication (RFC 7617).
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: SecretId,
    },
    /// `Authorization: Bearer` (RFC 6750 section 2.1).
    Bearer {
        /// The token.
        token: SecretId,
    },
    /// A client certificate, shown in the TLS handshake.
    ClientCertificate {
        /// PEM: the chain, leaf first, and its private key.
        certificate: SecretId,
    },
    /// A token by OAuth 2.0 client credentials (RFC 6749 section 4.4), fetched as needed.
    ClientCredentials {
        /// The authorization server's token endpoint.
        token_url: String,
        /// Who the door is there.
        client_id: String,
        /// Its secret there.
        client_secret: SecretId,
        /// What is asked for; the server's usual where empty.
        scopes: Vec<String>,
        /// For whom (RFC 8707, `resource`); unsaid where none.
        resource: Option<String>,
    },
    /// An API key in a header.
    Header {
        /// The header's name, in lower case.
        name: String,
        /// Its value.
        value: SecretId,
    },
    /// An API key in the query.
    Query {
        /// The parameter's name.
        name: String,
        /// Its value.
        value: SecretId,
    },
}

impl Injection {
    /// The secret that is needed.
    #[must_use]
    pub fn secret(&self) -> &SecretId {
        match self {
            Self::Basic { username: _, password: secret }
            | Self::Bearer { token: secret }
            | Self::ClientCertificate { certificate: secret }
            | Self::ClientCredentials { client_secret: secret, .. }
            | Self::Header { name: _, value: secret }
            | Self::Query { name: _, value: secret } => secret,
        }
    }
}
