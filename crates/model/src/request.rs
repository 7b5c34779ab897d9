//! A request in the one form that is decided on and forwarded.

pub mod path;
pub mod query;
pub mod reserved;

use http::{HeaderMap, Method};

pub use path::Path;
pub use query::Query;

/// A request without its body, in canonical form: what policy sees and what the upstream gets.
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The path, below the collection's base.
    pub path: Path,
    /// The query.
    pub query: Query,
    /// The end-to-end headers that go on; no credential, no identity, no hop-by-hop header.
    pub headers: HeaderMap,
}

/// Why a path or a query has no single meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    /// A backslash, which some servers take for a slash.
    #[error("a backslash")]
    Backslash,
    /// A control character, raw or encoded.
    #[error("a control character")]
    ControlCharacter,
    /// A dot segment, raw or encoded.
    #[error("a \".\" or \"..\" segment")]
    DotSegment,
    /// A percent sign that survives decoding and looks like another encoding.
    #[error("a double percent-encoding")]
    DoubleEncoding,
    /// Two slashes in a row.
    #[error("an empty segment")]
    EmptySegment,
    /// A slash that is encoded.
    #[error("an encoded slash")]
    EncodedSlash,
    /// A character that must be encoded and is not.
    #[error("a character that must be percent-encoded")]
    IllegalCharacter,
    /// A percent sign without two hexadecimal digits.
    #[error("a broken percent-encoding")]
    InvalidEncoding,
    /// Bytes that are not UTF-8.
    #[error("bytes that are not UTF-8")]
    InvalidUtf8,
    /// It does not begin with a slash.
    #[error("no slash at the beginning")]
    NoSlash,
    /// A segment parameter (`;x=y`), which some servers cut off.
    #[error("a semicolon")]
    Semicolon,
    /// Longer than is accepted.
    #[error("too many bytes")]
    TooLong,
}

/// Decodes `%XX` once. What is left must be UTF-8 without controls and without a second encoding.
fn decode(text: &str, plus_is_space: bool) -> Result<String, Ambiguity> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => (high << 4) | low,
                _ => return Err(Ambiguity::InvalidEncoding),
            },
            b'+' if plus_is_space => b' ',
            // The grammar of RFC 3986 is ASCII; what else arrives raw, each server reads its own way.
            0x21..=0x7e => byte,
            _ => return Err(Ambiguity::IllegalCharacter),
        });
    }
    String::from_utf8(decoded).map_err(|_| Ambiguity::InvalidUtf8)
}

/// Whether `text` holds something that a second decoding would change.
fn is_encoded(text: &str) -> bool {
    text.as_bytes().windows(3).any(|it| match it {
        [b'%', high, low] => hex(*high).is_some() && hex(*low).is_some(),
        _ => false,
    })
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok())
}
