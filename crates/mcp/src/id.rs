//! The id of a JSON-RPC request, given back exactly as it came.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json;

/// An id: a string or an integer, never null. `1` and `"1"` are two ids.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// An integer of at most 64 bits.
    Integer(i64),
    /// A string of at most [`Id::BYTES_MAX`] bytes.
    Text(Box<str>),
}

impl Id {
    /// How long a text may be.
    pub const BYTES_MAX: usize = 256;

    /// Reads an id from a checked JSON value.
    pub(crate) fn read(value: &RawValue) -> Result<Self, &'static str> {
        if let Some(text) = json::string(value) {
            return if text.len() <= Self::BYTES_MAX {
                Ok(Self::Text(text.into()))
            } else {
                Err("an id may have 256 bytes")
            };
        }
        // `1.0`, `1e2` and what exceeds 64 bits end here: they would come back in another form.
        let integer = value.get().parse().ok().filter(|_| value.get() != "-0");
        integer.map(Self::Integer).ok_or("an id is a string or an integer of 64 bits, never null")
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => fmt::Display::fmt(integer, f),
            Self::Text(text) => fmt::Debug::fmt(text, f),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
