//! Text of a bounded length.

use std::borrow::Cow;

/// `text`, or as much of it as fits into `bytes_max` and a mark that says how long it was.
pub(crate) fn cut(text: &str, bytes_max: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let kept = start(text, bytes_max);
    Cow::Owned(format!("{kept}{}", cut_mark(text)))
}

/// What stands behind the beginning of `text` where not all of it is kept.
pub(crate) fn cut_mark(text: &str) -> String {
    format!("[cut, {} bytes in all]", text.len())
}

/// The longest beginning of `text` within `bytes_max` that ends between two characters.
pub(crate) fn start(text: &str, bytes_max: usize) -> &str {
    let end = text.floor_char_boundary(bytes_max);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_falls_between_characters_and_says_how_much_there_was() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc[cut, 4 bytes in all]");
        assert_eq!(cut("aéé", 2), "a[cut, 5 bytes in all]");
        assert_eq!(start("é", 0), "");
    }
}
