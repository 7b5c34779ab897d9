//! The query of a request, in its one form.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Ambiguity, decode};

/// Longest query, in bytes, in its canonical form.
const BYTES_MAX: usize = 16 * 1024;

/// What stays as it is in a name or a value. `+` does not: it means a space to some and itself to others.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b'?');

/// A query in canonical form: pairs in their order, each decoded as a form and encoded again.
///
/// A plus sign is a space and is sent as `%20`, so that every reader takes it for one.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Query {
    text: String,
    pairs: Vec<(String, Option<String>)>,
}

impl Query {
    /// Brings the text behind the question mark to canonical form.
    ///
    /// # Errors
    /// [`Ambiguity`] where it is broken or holds control characters.
    pub fn parse(raw: &str) -> Result<Self, Ambiguity> {
        if raw.len() > BYTES_MAX {
            return Err(Ambiguity::TooLong);
        }
        let mut query = Self::default();
        for pair in raw.split('&').filter(|it| !it.is_empty()) {
            match pair.split_once('=') {
                Some((name, value)) => {
                    query.push(decode(name, true)?, Some(decode(value, true)?))?;
                }
                None => query.push(decode(pair, true)?, None)?,
            }
        }
        Ok(query)
    }

    /// Adds a pair of texts that are not encoded; without a value, a bare name.
    ///
    /// # Errors
    /// [`Ambiguity`] where the query gets too long or a text holds a control character.
    pub fn push(&mut self, name: String, value: Option<String>) -> Result<(), Ambiguity> {
        let texts = [Some(&name), value.as_ref()];
        // Line ends are legal in a value; they stay encoded and harm nobody.
        let is_control = |it: char| it.is_control() && !matches!(it, '\n' | '\r' | '\t');
        if texts.into_iter().flatten().any(|it| it.contains(is_control)) {
            return Err(Ambiguity::ControlCharacter);
        }
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.extend(utf8_percent_encode(&name, ENCODED));
        if let Some(value) = &value {
            self.text.push('=');
            self.text.extend(utf8_percent_encode(value, ENCODED));
        }
        self.pairs.push((name, value));
        if self.text.len() > BYTES_MAX { Err(Ambiguity::TooLong) } else { Ok(()) }
    }

    /// The canonical text, encoded, without the question mark; empty where there is no query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pairs, decoded, in their order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, Option<String>)] {
        &self.pairs
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_queries_get_equal_text() {
        for (raw, want) in [
            ("", ""),
            ("a=1&b=2", "a=1&b=2"),
            ("b=2&a=1", "b=2&a=1"),
            ("&&a=1&", "a=1"),
            ("a=x+y", "a=x%20y"),
            ("a=x%20y", "a=x%20y"),
            ("a=x%2By", "a=x%2By"),
            ("a", "a"),
            ("a=", "a="),
            ("a=1=2", "a=1%3D2"),
            ("filter[name]=x", "filter%5Bname%5D=x"),
            ("q=%c3%a9", "q=%C3%A9"),
            ("t=10:30", "t=10:30"),
            ("a=%2561", "a=%2561"),
        ] {
            assert_eq!(Query::parse(raw).unwrap().as_str(), want, "{raw:?}");
        }
    }

    #[test]
    fn broken_queries_are_refused() {
        use Ambiguity as A;
        for (raw, want) in [
            ("a=%", A::InvalidEncoding),
            ("a=%f", A::InvalidEncoding),
            ("%gg", A::InvalidEncoding),
            ("a=%ff", A::InvalidUtf8),
            ("a=%00", A::ControlCharacter),
            ("a=\u{e9}", A::IllegalCharacter),
            ("a=b c", A::IllegalCharacter),
        ] {
            assert_eq!(Query::parse(raw), Err(want), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn pairs_survive_the_round_trip(pairs in prop::collection::vec(("\\PC{1,6}", "\\PC{0,6}"), 0..4)) {
            let mut query = Query::default();
            for (name, value) in &pairs {
                query.push(name.clone(), Some(value.clone())).unwrap();
            }
            prop_assert_eq!(Query::parse(query.as_str()).unwrap(), query);
        }
    }
}
