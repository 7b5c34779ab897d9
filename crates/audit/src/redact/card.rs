//! Where in a text is the number of a payment card?

use std::ops::Range;

/// Digits in a card number.
const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;
/// How many blanks, dashes or dots in a row may stand within one.
const BREAK_BYTES_MAX: usize = 2;

/// The first card number in `text`, as a range of bytes.
pub(super) fn first(text: &str) -> Option<Range<usize>> {
    // Most texts end here: one that is worth looking at has enough digits.
    if text.bytes().filter(u8::is_ascii_digit).count() < DIGITS_MIN {
        return None;
    }
    let groups = groups(text);
    groups.iter().enumerate().find_map(|(index, first)| {
        let run = groups.get(index..).unwrap_or_default();
        longest(text, run).map(|end| first.start..end)
    })
}

/// The digits of a card number as they stand in `text`.
pub(super) fn digits(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit)
}

/// Digits that stand together.
fn groups(text: &str) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.bytes().enumerate().filter(|(_, it)| it.is_ascii_digit()) {
        let end = at.saturating_add(1);
        match groups.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ => groups.push(at..end),
        }
    }
    groups
}

/// Where the longest card number ends that begins with the first of `groups`.
fn longest(text: &str, groups: &[Range<usize>]) -> Option<usize> {
    let (mut begin, mut end, mut count, mut found) = (None, None, 0_usize, None);
    for group in groups {
        if end.is_some_and(|end| !is_break(text.get(end..group.start))) {
            break;
        }
        count = count.saturating_add(group.len());
        if count > DIGITS_MAX {
            break;
        }
        end = Some(group.end);
        let from = *begin.get_or_insert(group.start);
        if text.get(from..group.end).is_some_and(|it| is_number(digits(it))) {
            found = end;
        }
    }
    found
}

fn is_break(between: Option<&str>) -> bool {
    between.is_some_and(|it| {
        it.len() <= BREAK_BYTES_MAX && it.bytes().all(|it| matches!(it, b' ' | b'-' | b'.'))
    })
}

/// Whether these digits are a card number: length, issuer and check digit (Luhn) fit.
pub(super) fn is_number(digits: impl Iterator<Item = u8>) -> bool {
    let mut card = [0_u8; DIGITS_MAX];
    let mut count = 0_usize;
    for digit in digits {
        let Some(place) = card.get_mut(count).filter(|_| digit.is_ascii_digit()) else {
            return false;
        };
        *place = digit.saturating_sub(b'0');
        count = count.saturating_add(1);
    }
    let Some(card) = card.get(..count).filter(|it| it.len() >= DIGITS_MIN) else {
        return false;
    };
    is_of_issuer(card) && check_sum(card).is_multiple_of(10)
}

/// Without this, every tenth long number would be taken for a card: times in microseconds, too.
fn is_of_issuer(card: &[u8]) -> bool {
    match card {
        [4, ..] | [5, 1..=5, ..] | [2, 2..=7, ..] => true, // Visa, Mastercard
        [3, 4 | 7, ..] | [3, 0 | 5 | 6 | 8, ..] => true,   // American Express, Diners Club, JCB
        [6, 0 | 2 | 4 | 5, ..] => true,                    // Discover, UnionPay
        _ => false,
    }
}

fn check_sum(card: &[u8]) -> u32 {
    card.iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit @ 0..=4) => digit.saturating_mul(2),
            (_, digit) => digit.saturating_mul(2).saturating_sub(9),
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_card_number_is_found_where_it_stands() {
        for (text, want) in [
            ("4111111111111111", "4111111111111111"),
            ("card 4111-1111-1111-1111 please", "4111-1111-1111-1111"),
            ("3782 822463 10005", "3782 822463 10005"),
            ("order 12 4111 1111 1111 1111", "4111 1111 1111 1111"),
            ("4111 1111 1111 1111 12/29 123", "4111 1111 1111 1111"),
            ("x4111.1111.1111.1111y", "4111.1111.1111.1111"),
            ("4111  1111  1111  1111", "4111  1111  1111  1111"),
            ("é4111111111111111é", "4111111111111111"),
        ] {
            assert_eq!(first(text).and_then(|it| text.get(it)), Some(want), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            "",
            "4111111111111112",
            "1795392000123456",
            "41111111111111111111111",
            "4111/1111/1111/1111",
            "018f4a3e-7c1d-7b3a-9e59-1f2d3c4b5a69",
            "+49 30 1234567, +49 30 7654321",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in "[0-9 .é-]{0,200}|\\PC{0,60}") {
            if let Some(found) = first(&text) {
                prop_assert!(is_number(digits(text.get(found).unwrap())));
            }
        }
    }
}
