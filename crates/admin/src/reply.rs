//! What an operation answers: a value, and what HTTP says besides.

use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

/// An answer, and the version of what it shows.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    pub(crate) value: T,
    /// For `ETag` (RFC 9110 section 8.8.3), with its quotes.
    pub(crate) etag: Option<String>,
}

impl<T> Reply<T> {
    /// An answer without a version.
    pub(crate) fn of(value: T) -> Self {
        Self { value, etag: None }
    }

    /// An answer with the version `etag`.
    pub(crate) fn versioned(value: T, etag: String) -> Self {
        Self { value, etag: Some(etag) }
    }
}

impl<T: Serialize> Reply<T> {
    /// The same as JSON.
    ///
    /// # Errors
    /// `Internal` where the value cannot be written.
    pub(crate) fn into_json(self) -> Result<Reply<Value>, Failure> {
        let Self { value, etag } = self;
        let value = serde_json::to_value(value).map_err(|error| Failure::internal(&error))?;
        Ok(Reply { value, etag })
    }
}
