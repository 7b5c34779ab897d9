//! Where in a text is an e-mail address?

use std::ops::Range;

/// How the sign in the middle is written: by itself, and as a URL has it.
const SIGNS: [&str; 2] = ["@", "%40"];
/// Longest name and longest domain that are looked at (RFC 5321 section 4.5.3.1), with room.
const PART_BYTES_MAX: usize = 320;

/// The first address in `text`, as a range of bytes.
pub(super) fn first(text: &str) -> Option<Range<usize>> {
    // Most texts end here, without the byte that each sign begins with: to get ready for looking for
    // a sign takes longer than to read a short text.
    if text.bytes().any(|it| matches!(it, b'@' | b'%')) { search(text) } else { None }
}

fn search(text: &str) -> Option<Range<usize>> {
    SIGNS.iter().filter_map(|sign| first_with(text, sign)).min_by_key(|it| it.start)
}

/// The parts of an address: before the sign, the sign, behind it.
pub(super) fn parts(address: &str) -> Option<(&str, &str, &str)> {
    SIGNS.iter().find_map(|sign| {
        let at = address.rfind(sign)?;
        let (name, rest) = address.split_at_checked(at)?;
        let (sign, domain) = rest.split_at_checked(sign.len())?;
        Some((name, sign, domain))
    })
}

fn first_with(text: &str, sign: &str) -> Option<Range<usize>> {
    text.match_indices(sign).find_map(|(at, _)| {
        let behind = at.saturating_add(sign.len());
        // The domain first: of many signs in a row none has one, and then nothing else is read.
        let domain = domain_bytes(text.get(behind..)?);
        let name = if domain > 0 { name_bytes(text.get(..at)?) } else { 0 };
        (name > 0).then(|| at.saturating_sub(name)..behind.saturating_add(domain))
    })
}

/// How many bytes of the end of `before` are a name.
fn name_bytes(before: &str) -> usize {
    if let Some(quoted) = before.strip_suffix('"') {
        // "any thing"@example.com
        return match quoted.rfind('"') {
            Some(open) => before.len().saturating_sub(open),
            None => 1,
        };
    }
    let bytes = before.chars().rev().take_while(|it| is_of_name(*it)).map(char::len_utf8);
    bytes.scan(0, sum_within).last().unwrap_or(0)
}

/// How many bytes of the beginning of `behind` are a domain with a dot in it.
fn domain_bytes(behind: &str) -> usize {
    let bytes = behind.chars().take_while(|it| is_of_domain(*it)).map(char::len_utf8);
    let end = bytes.scan(0, sum_within).last().unwrap_or(0);
    let domain = behind.get(..end).unwrap_or_default();
    // Its last label has a letter: without one it is a version, as in `lodash@4.17.21`. What is behind that
    // label is of the sentence, as a full stop is.
    let (before, last) = domain.split_at(domain.rfind(char::is_alphabetic).unwrap_or(0));
    let last = last.split('.').next().unwrap_or_default();
    let end = before.len().saturating_add(last.len());
    let domain = domain.get(..end).unwrap_or_default().trim_end_matches('-');
    let is_one = domain.split_once('.').is_some_and(|(first, _)| !first.is_empty());
    if is_one { domain.len() } else { 0 }
}

fn sum_within(sum: &mut usize, bytes: usize) -> Option<usize> {
    *sum = sum.saturating_add(bytes);
    (*sum <= PART_BYTES_MAX).then_some(*sum)
}

/// Without `=`, `&`, `?` and `/`, which may be in a name but more often stand before one.
fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || "!#$%'*+-^_`{|}~.".contains(character)
}

fn is_of_domain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_found_where_it_stands() {
        for (text, want) in [
            ("ann@example.com", "ann@example.com"),
            ("mail Ann.B+x@mail.example.com, please", "Ann.B+x@mail.example.com"),
            ("write to ann@example.com.", "ann@example.com"),
            ("<ann@example.com>", "ann@example.com"),
            ("@ and ann@x.de", "ann@x.de"),
            ("to=ann%40example.com&x=1", "ann%40example.com"),
            ("\"a b\"@example.com", "\"a b\"@example.com"),
            ("jürgen@bücher.example", "jürgen@bücher.example"),
            ("a@b.c@d.e", "a@b.c"),
            ("ann@example.com.2 of them", "ann@example.com"),
            ("ann@4.17.example", "ann@4.17.example"),
            ("ann@b.c1-", "ann@b.c1"),
        ] {
            assert_eq!(first(text).and_then(|it| text.get(it)), Some(want), "{text}");
        }
    }

    #[test]
    fn other_texts_are_left_alone() {
        for text in ["", "@", "a@b", "@example.com", "a @ b.c", "5 @ 3.50", "a@.com", "100%"] {
            assert_eq!(first(text), None, "{text}");
        }
        for version in ["lodash@4.17.21", "pkg@1.2.3.", "pkg%401.2.3", "a@b.1", "a@.1.2"] {
            assert_eq!(first(version), None, "{version}");
        }
    }

    #[test]
    fn an_address_has_its_parts() {
        assert_eq!(parts("a%40b.c"), Some(("a", "%40", "b.c")));
        assert_eq!(parts("\"@\"@b.c"), Some(("\"@\"", "@", "b.c")));
        assert_eq!(parts("a"), None);
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in "[a-c@.%40\" é]{0,60}|\\PC{0,60}") {
            prop_assert_eq!(first(&text), search(&text));
            if let Some(found) = first(&text) {
                prop_assert!(parts(text.get(found).unwrap()).is_some());
            }
        }
    }
}
