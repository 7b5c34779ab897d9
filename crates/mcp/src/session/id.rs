//! A session's id: random, unguessable, and in one spelling only.

use std::fmt;

use http::{HeaderMap, HeaderValue};

use crate::{
    ProtocolError,
    headers::{self, SESSION_ID},
};

/// A session's id: 244 random bits, as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(u128, u128);

impl SessionId {
    /// A new one, from the operating system's randomness.
    pub(super) fn random() -> Self {
        Self(uuid::Uuid::new_v4().as_u128(), uuid::Uuid::new_v4().as_u128())
    }

    /// Reads the header of a request; none where there is none.
    ///
    /// # Errors
    /// [`ProtocolError`] with status 404 where the value is no id of ours, or 400 where there are
    /// two of them.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, ProtocolError> {
        let Some(text) = headers::single(headers, &SESSION_ID)? else { return Ok(None) };
        Self::parse(text).map(Some).ok_or_else(ProtocolError::session_not_found)
    }

    fn parse(text: &str) -> Option<Self> {
        // Only the spelling that we write: one session must not have two names.
        let is_ours = text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        let (high, low) =
            Some(text).filter(|it| is_ours && it.len() == 64)?.split_at_checked(32)?;
        Some(Self(u128::from_str_radix(high, 16).ok()?, u128::from_str_radix(low, 16).ok()?))
    }

    /// The value of the header `Mcp-Session-Id`.
    #[must_use]
    pub fn header_value(self) -> HeaderValue {
        // Hexadecimal digits always fit a header.
        HeaderValue::try_from(self.to_string()).unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}{:032x}", self.0, self.1)
    }
}

impl fmt::Debug for SessionId {
    /// Only its beginning: whoever reads a log should not be able to take part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}…", self.0 >> 96)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_in_its_own_spelling_only() {
        let id = SessionId::random();
        let text = id.to_string();
        assert_eq!(SessionId::parse(&text), Some(id));
        assert_eq!(id.header_value(), text.as_str());
        let upper = format!("A{}", text.get(1..).unwrap());
        let signed = format!("+{}", text.get(1..).unwrap());
        for bad in
            [&upper, &signed, text.get(1..).unwrap(), &format!("{text}0"), "", &"é".repeat(32)]
        {
            assert_eq!(SessionId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_id_does_not_show_itself_in_logs() {
        let id = SessionId::random();
        assert!(!format!("{id:?}").contains(&id.to_string()));
    }
}
