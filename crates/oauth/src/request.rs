//! One request to the authorization server.

use std::{fmt, net::IpAddr};

use audit::Carrier;
use bytes::Bytes;
use http::{HeaderMap, Method};
use model::{ClientCertificate, RequestId, Timestamp};

/// One request to the authorization server. Its body is whole and bounded.
pub struct Request {
    /// Names it.
    pub id: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// Who sent it.
    pub peer: IpAddr,
    /// What carried it, for its record.
    pub carrier: Carrier,
    /// The client certificate of its connection, which was verified.
    pub certificate: Option<ClientCertificate>,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Request {
    /// The value of the cookie `name`; none where it is not there, or there twice.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(http::header::COOKIE).into_iter();
        let pairs = lines.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(';'));
        let mut found = pairs.filter_map(|it| it.trim().split_once('=')).filter(|it| it.0 == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }
}

/// Without what may hold a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
