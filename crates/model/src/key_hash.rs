//! What is kept of a key or a client secret: its HMAC, and under which pepper that was made.

use std::fmt;

use crate::{PepperId, hex, parse_hex};

/// What is kept of a key or a client secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyHash {
    /// Which pepper.
    pub pepper: PepperId,
    /// The HMAC-SHA-256 of the whole key under it.
    pub hmac: [u8; 32],
}

/// A hash under an older pepper, and one of the same key under the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehash {
    /// What is kept.
    pub from: KeyHash,
    /// What is to be kept instead.
    pub to: KeyHash,
}

impl KeyHash {
    /// A hash under the first pepper.
    #[must_use]
    pub fn first(hmac: [u8; 32]) -> Self {
        Self { pepper: PepperId::first(), hmac }
    }

    /// Reads `p2:` and 64 hexadecimal digits. Those alone are under the first pepper, which had no
    /// name. None where it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (pepper, digits) = match text.split_once(':') {
            Some((pepper, digits)) => (PepperId::parse(pepper).ok()?, digits),
            None => (PepperId::first(), text),
        };
        Some(Self { pepper, hmac: parse_hex(digits)? })
    }

    /// As [`KeyHash::parse`] reads it: under the first pepper without its name, as ever.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { pepper, hmac } = self;
        let mut text =
            if *pepper == PepperId::first() { String::new() } else { format!("{pepper}:") };
        text.push_str(&hex(hmac));
        text
    }
}

impl fmt::Debug for KeyHash {
    // Not the HMAC: whoever reads a log has no need of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({})", self.pepper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written_and_never_shown() {
        let digits = "0a".repeat(32);
        let first = KeyHash::parse(&digits).unwrap();
        assert_eq!(
            (first.pepper.as_str(), first.hmac, first.text()),
            ("p1", [10; 32], digits.clone())
        );
        let second = KeyHash::parse(&format!("p2:{digits}")).unwrap();
        assert_eq!((second.pepper.as_str(), second.hmac), ("p2", [10; 32]));
        assert_eq!(second.text(), format!("p2:{digits}"));
        assert_ne!(first, second);
        assert_eq!(KeyHash::parse(&format!("p1:{digits}")), Some(first));
        assert_eq!(format!("{second:?}"), "KeyHash(p2)");
        for wrong in ["", "p2", "p2:", "p 2:00", ":", &format!(":{digits}"), &format!("{digits}0")]
        {
            assert_eq!(KeyHash::parse(wrong), None, "{wrong}");
        }
    }
}
