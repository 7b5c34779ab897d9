//! What a record keeps of a sentence that may hold what a caller wrote.

use std::borrow::Cow;

use super::{
    REDACTED, email,
    value::{LOOKED_AT_BYTES, decoded, is_secret_text},
};
use crate::text;

/// The sentence; `[redacted]` in place of all of it where it holds a secret.
pub(crate) fn without_secrets(sentence: &str) -> &str {
    if is_secret_text(sentence) { REDACTED } else { sentence }
}

/// A sentence that a caller wrote, with `[redacted]` in place of each e-mail address, or of all of it where
/// it holds a secret.
// Not the hash of an address: the salt of hashes is not at hand wherever a record is made.
#[must_use]
pub fn without_addresses(sentence: &str) -> Cow<'_, str> {
    let sentence = without_secrets(sentence);
    if !holds_address(sentence) {
        return Cow::Borrowed(sentence);
    }
    let looked_at = text::start(sentence, LOOKED_AT_BYTES);
    let mut kept = String::with_capacity(looked_at.len());
    let mut rest = looked_at;
    while let Some(found) = email::first(rest) {
        kept.push_str(rest.get(..found.start).unwrap_or_default());
        kept.push_str(REDACTED);
        rest = rest.get(found.end..).unwrap_or_default();
    }
    kept.push_str(rest);
    // One that shows only when the whole is decoded has no place that could be told.
    if holds_address(&kept) {
        return Cow::Borrowed(REDACTED);
    }
    // What is behind goes: nothing moves up from where nobody looked.
    if looked_at.len() < sentence.len() {
        kept.push_str(&text::cut_mark(sentence));
    }
    Cow::Owned(kept)
}

/// Whether an e-mail address stands in a text, as it is or in the writing of a URL, within others too.
pub(super) fn holds_address(text: &str) -> bool {
    let text = text::start(text, LOOKED_AT_BYTES);
    email::first(text).is_some() || decoded(text).any(|it| email::first(&it).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_address_is_replaced_and_a_secret_leaves_nothing() {
        for (sentence, want) in [
            ("GET /customers/ann@example.com/orders", "GET /customers/[redacted]/orders"),
            ("GET /customers/ann%40example.com", "GET /customers/[redacted]"),
            ("GET /customers/%61nn%40example%2Ecom", "[redacted]"),
            ("GET /customers/ann%252540example.com", "[redacted]"),
            ("tools/call ann@example.com", "tools/call [redacted]"),
            ("from ann@example.com to ben@example.com.", "from [redacted] to [redacted]."),
            ("a@b.c@d.e", "[redacted]@d.e"),
            ("ann@example.com has odk_7gh3kd9fj2", "[redacted]"),
            ("card 4111-1111-1111-1111", "[redacted]"),
            ("unknown method \"jump\"", "unknown method \"jump\""),
            ("5 @ 3.50", "5 @ 3.50"),
        ] {
            assert_eq!(without_addresses(sentence), want, "{sentence}");
        }
    }

    #[test]
    fn nothing_moves_up_from_where_nobody_looked() {
        let sentence = format!("ann@example.com {}ben@example.com", "x".repeat(LOOKED_AT_BYTES));
        let kept = without_addresses(&sentence);
        assert!(kept.starts_with("[redacted] xx") && !kept.contains('@'), "{kept}");
        assert!(kept.ends_with("[cut, 4127 bytes in all]"), "{kept}");
    }

    proptest! {
        #[test]
        fn no_sentence_keeps_an_address(sentence in "([a-c@.%40\" é]{0,20}|ann@example.com|\\PC{0,8}){0,4}") {
            let kept = without_addresses(&sentence);
            prop_assert!(!holds_address(&kept), "{}: {}", sentence, kept);
        }
    }
}
