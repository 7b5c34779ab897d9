//! What lies outside, as this server reaches it: providers that sign people in.

use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use model::{Secret, SecretId};

/// An answer that is on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, String>> + Send + 'a>>;

/// What lies outside. The floor is crossed here: the one egress client and the values of secrets are
/// beside.
pub trait Outside: fmt::Debug + Send + Sync {
    /// Sends a small request to an absolute URL that a declared issuer wrote. The answer has any
    /// status; it is bounded in size and time.
    fn send(&self, request: Request<Bytes>) -> Sending<'_>;

    /// What shows that the door is the client `client_id` of somebody: `Basic` with a declared secret
    /// (RFC 6749 section 2.3.1).
    ///
    /// # Errors
    /// Why it cannot be shown: the secret has no value, or none that fits.
    fn basic(&self, client_id: &str, secret: &SecretId) -> Result<HeaderValue, String>;

    /// The value of a declared secret, where it has one: for who takes it in a form alone.
    fn secret(&self, id: &SecretId) -> Option<Secret<Vec<u8>>>;
}
