//! What is common to every call: how it arrived, and the id that names it.

use std::fmt;

use serde::Serialize;

/// How a call arrived. An attribute of the call, never a second rule book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// A `tools/call` of the Model Context Protocol.
    Mcp,
    /// A plain HTTP request.
    Rest,
}

impl Surface {
    /// The word for it in state, records and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Rest => "rest",
        }
    }
}

/// Names one request, in the answer, the record and towards the upstream. Sorts by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(uuid::Uuid);

impl RequestId {
    /// The header that carries it, in the answer and towards the upstream.
    // A constant: the name is not read again for each request.
    pub const HEADER: http::HeaderName = http::HeaderName::from_static("x-request-id");

    /// Takes a version 7 UUID that the caller made.
    #[must_use]
    pub fn new(id: uuid::Uuid) -> Self {
        Self(id)
    }

    /// Reads what [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id as the value of a header.
    #[must_use]
    pub fn header_value(self) -> http::HeaderValue {
        let mut text = uuid::Uuid::encode_buffer();
        let text = self.0.as_hyphenated().encode_lower(&mut text);
        // Hexadecimal digits and dashes always fit a header.
        http::HeaderValue::from_str(text).unwrap_or(http::HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = uuid::Uuid::encode_buffer();
        serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut text))
    }
}
