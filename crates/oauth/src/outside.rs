//! What lies outside, as this server reaches it: providers that sign people in.

use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;
use http::{Request, Response};
use model::{Secret, SecretId};

/// An answer that is on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, String>> + Send + 'a>>;

/// What lies outside. The floor is crossed here: the one egress client and the values of secrets are
/// beside.
pub trait Outside: fmt::Debug + Send + Sync {
    /// Sends a small request to an absolute URL that a declared issuer wrote. The answer has any
    /// status; it is bounded in size and time.
    fn send(&self, request: Request<Bytes>) -> Sending<'_>;

    /// The value of a declared secret, where it has one.
    fn secret(&self, id: &SecretId) -> Option<Secret<Vec<u8>>>;
}
