//! Has this JSON text exactly one reading? Checked whole, before anything in it is believed.
//!
//! `serde_json` decides what is JSON; here it is asked to refuse what other parsers would read
//! differently. What passes is read again by typed readers, which then cannot disagree.

mod check;

use std::borrow::Cow;

use serde_json::value::RawValue;

/// How deep arrays and objects may be nested.
pub const DEPTH_MAX: usize = 64;

/// How many values one text may hold.
pub const VALUES_MAX: usize = 100_000;

/// Why a text is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It begins with U+FEFF.
    #[error("the text begins with a byte order mark: leave it out")]
    ByteOrderMark,
    /// An object names a member twice.
    #[error("the key {0:?} occurs twice in one object")]
    DuplicateKey(String),
    /// An integer that most parsers would round.
    #[error("the integer {0} does not fit 64 bits: send it as a string")]
    Integer(String),
    /// It is not UTF-8.
    #[error("the text is not UTF-8 (byte {0})")]
    NotUtf8(usize),
    /// A key that our own parser gives a meaning of its own.
    #[error("the key {0:?} is reserved")]
    ReservedKey(String),
    /// It is not JSON.
    #[error("the text is not JSON: {0}")]
    Syntax(String),
    /// Arrays and objects are nested too deep.
    #[error("the text is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// It holds too many values.
    #[error("the text holds more than {VALUES_MAX} values")]
    TooManyValues,
}

impl Fault {
    /// Whether it is no JSON at all, rather than JSON that is refused.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        match self {
            Self::ByteOrderMark | Self::NotUtf8(_) | Self::Syntax(_) => true,
            Self::DuplicateKey(_)
            | Self::Integer(_)
            | Self::ReservedKey(_)
            | Self::TooDeep
            | Self::TooManyValues => false,
        }
    }
}

/// What to do with an integer beyond 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Integers {
    /// Let it pass: the text goes on as it is.
    Any,
    /// Refuse it: it will be read, and would be rounded.
    Fit64Bits,
}

/// Checks a text that will be read.
pub(crate) fn check(text: &[u8]) -> Result<&str, Fault> {
    check_with(text, Integers::Fit64Bits)
}

/// Takes a JSON text as it is, to be passed on inside an answer.
///
/// # Errors
/// [`Fault`] where a client might refuse the text, or read it in another way than we do.
pub fn passable(text: &[u8]) -> Result<&RawValue, Fault> {
    let text = check_with(text, Integers::Any)?;
    serde_json::from_str(text).map_err(|error| Fault::Syntax(error.to_string()))
}

fn check_with(text: &[u8], integers: Integers) -> Result<&str, Fault> {
    let text = str::from_utf8(text).map_err(|error| Fault::NotUtf8(error.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err(Fault::ByteOrderMark);
    }
    check::whole(text, integers)?;
    Ok(text)
}

/// The text of a JSON string; none for any other value.
pub(crate) fn string<'a>(value: &'a RawValue) -> Option<Cow<'a, str>> {
    let inside = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(value.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

/// Whether the value is an object.
pub(crate) fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// Whether the value is null.
pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The beginning of a client's text, short enough for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARACTERS_MAX: usize = 64;
    let mut short: String = text.chars().take(CHARACTERS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
