//! Answers too large for a model's context, cut with a marker that says so.

use std::borrow::Cow;

/// How long the whole answer is, of which a text may be only the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// Longer than this; nobody read further.
    BytesAbove(u64),
    /// Exactly this.
    Bytes(u64),
}

/// Keeps at most `bytes_max` bytes of a text, never half a character, and says what is missing.
///
/// The marker comes on top. A text that is whole and short enough stays as it is.
#[must_use]
pub fn truncate(text: &str, bytes_max: usize, whole: Whole) -> Cow<'_, str> {
    let is_whole = whole == Whole::Bytes(u64::try_from(text.len()).unwrap_or(u64::MAX));
    if is_whole && text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let (kept, _) = text.split_at(text.floor_char_boundary(bytes_max));
    let shown = kept.len();
    Cow::Owned(match whole {
        Whole::BytesAbove(bytes) => {
            format!("{kept}\n[cut: the first {shown} of more than {bytes} bytes]")
        }
        Whole::Bytes(bytes) => format!("{kept}\n[cut: the first {shown} of {bytes} bytes]"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_falls_between_characters_and_says_what_is_missing() {
        let table = [
            ("abc", 3, Whole::Bytes(3), "abc"),
            ("", 0, Whole::Bytes(0), ""),
            ("abcd", 3, Whole::Bytes(4), "abc\n[cut: the first 3 of 4 bytes]"),
            ("äöü", 3, Whole::Bytes(6), "ä\n[cut: the first 2 of 6 bytes]"),
            ("ä", 1, Whole::Bytes(2), "\n[cut: the first 0 of 2 bytes]"),
            ("abc", 9, Whole::Bytes(7), "abc\n[cut: the first 3 of 7 bytes]"),
            ("abc", 3, Whole::BytesAbove(3), "abc\n[cut: the first 3 of more than 3 bytes]"),
        ];
        for (text, bytes_max, whole, want) in table {
            assert_eq!(truncate(text, bytes_max, whole), want, "{text} {bytes_max} {whole:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_exceeds_the_bound_and_the_marker(text in any::<String>(), bytes_max in 0..64_usize) {
            let whole = Whole::Bytes(text.len() as u64);
            let cut = truncate(&text, bytes_max, whole);
            match cut.rsplit_once("\n[cut: ") {
                Some((kept, _)) if text.len() > bytes_max => {
                    prop_assert!(kept.len() <= bytes_max && text.starts_with(kept));
                }
                _ => prop_assert_eq!(&*cut, &*text),
            }
        }
    }
}
