//! Does a text look like a secret, whatever it is called?

use super::name::is_secret_name;
use crate::text;

/// As much of a text is looked at. No more than a part of it is ever kept.
const LOOKED_AT_BYTES: usize = 4096;

/// How well-known kinds of secret begin, and how long the shortest of them is.
const PREFIXES: &[(&str, usize)] = &[
    ("AIza", 30),
    ("AKIA", 20),
    ("ASIA", 20),
    ("SG.", 20),
    ("eyJ", 20), // `{"` in base64: the header of a JWT
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("hf_", 20),
    ("npm_", 20),
    ("odk_", 8), // our own keys, broken ones too
    ("pypi-", 20),
    ("rk_live_", 16),
    ("sk-", 20),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("ya29.", 16),
];

/// Schemes of the `Authorization` header, in lower case.
const SCHEMES: &[&str] = &["basic", "bearer", "digest", "dpop"];
/// Shortest word after a scheme that is a credential and not prose.
const CREDENTIAL_BYTES_MIN: usize = 8;

/// Digits in a card number.
const CARD_DIGITS_MIN: usize = 13;
const CARD_DIGITS_MAX: usize = 19;

/// Whether a text holds something that looks like a secret.
///
/// Tokens and keys of known kinds, `Bearer …`, PEM blocks, `password=…`, addresses with a
/// password, card numbers (by their check digit) and social security numbers.
#[must_use]
pub fn is_secret_text(whole: &str) -> bool {
    if is_short_word(whole) {
        return false;
    }
    let text = text::start(whole, LOOKED_AT_BYTES);
    text.contains("-----BEGIN ")
        || has_known_word(text)
        || has_assignment(text)
        || has_user_info(text)
        || has_card_number(text)
        || has_social_security_number(text)
}

/// Too short for a token or a card, and without a sign that could assign: most ids and numbers.
fn is_short_word(text: &str) -> bool {
    text.len() < 12 && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// A word that begins as a known kind of secret does, or follows the name of a scheme.
fn has_known_word(text: &str) -> bool {
    let mut follows_scheme = false;
    for word in text.split(|it: char| !is_of_token(it)).filter(|it| !it.is_empty()) {
        let is_known = PREFIXES
            .iter()
            .any(|(prefix, bytes_min)| word.len() >= *bytes_min && word.starts_with(prefix));
        if is_known || (follows_scheme && word.len() >= CREDENTIAL_BYTES_MIN) {
            return true;
        }
        follows_scheme = SCHEMES.iter().any(|it| word.eq_ignore_ascii_case(it));
    }
    false
}

fn is_of_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '~' | '+')
}

/// `password=x`, `"token": "x"`, `secret: x`: a secret name with a value behind it.
fn has_assignment(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find([':', '=']) {
        let (before, after) = rest.split_at(at);
        rest = after.get(1..).unwrap_or_default();
        let before = before.trim_end_matches(is_quote_or_blank);
        let name = before.rsplit(|it: char| !is_of_token(it)).next().unwrap_or_default();
        let value = rest.trim_start_matches(is_quote_or_blank);
        let has_value = value.starts_with(|it: char| is_of_token(it));
        if has_value && !name.is_empty() && is_secret_name(name) {
            return true;
        }
    }
    false
}

fn is_quote_or_blank(character: char) -> bool {
    matches!(character, '"' | '\'' | '\\' | ' ' | '\t')
}

/// `scheme://user:password@host`.
fn has_user_info(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', '\n']).next().unwrap_or_default();
        authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

fn has_card_number(text: &str) -> bool {
    text.split(|it: char| !it.is_ascii_digit() && it != ' ' && it != '-')
        .any(|it| is_card_number(it.bytes().filter(u8::is_ascii_digit)))
}

/// Whether these digits are a card number: length, issuer and check digit (Luhn) fit.
pub(super) fn is_card_number(digits: impl Iterator<Item = u8>) -> bool {
    let mut card = [0_u8; CARD_DIGITS_MAX];
    let mut count = 0_usize;
    for digit in digits {
        let Some(place) = card.get_mut(count).filter(|_| digit.is_ascii_digit()) else {
            return false;
        };
        *place = digit.saturating_sub(b'0');
        count = count.saturating_add(1);
    }
    let Some(card) = card.get(..count).filter(|it| it.len() >= CARD_DIGITS_MIN) else {
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

/// `123-45-6789`, standing alone.
fn has_social_security_number(text: &str) -> bool {
    text.split(|it: char| !it.is_ascii_alphanumeric() && it != '-').any(|word| {
        word.len() == 11
            && word.bytes().enumerate().all(|(index, byte)| match index {
                3 | 6 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_known_by_its_look() {
        for text in [
            "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
            "my token is eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln, keep it",
            "odk_7gh3kd9fj2",
            "Bearer abcdef012345",
            "authorization: basic dXNlcjpwYXNz",
            "-----BEGIN PRIVATE KEY-----\nMIIE",
            "ghp_0123456789abcdefghij",
            "sk-proj-0123456789abcdefghij",
            "AKIAIOSFODNN7EXAMPLE",
            "https://x.example/cb?state=1&access_token=abc",
            "{\"password\": \"hunter2\"}",
            "{\\\"password\\\":\\\"hunter2\\\"}",
            "secret=x",
            "postgres://app:pw@db/orders",
            "4111111111111111",
            "card 4111-1111-1111-1111 please",
            "3782 822463 10005",
            "my number is 123-45-6789.",
        ] {
            assert!(is_secret_text(text), "{text}");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in [
            "",
            "a bearer of good news",
            "basic needs",
            "4111111111111112",
            "1795392000123456",
            "018f4a3e-7c1d-7b3a-9e59-1f2d3c4b5a69",
            "123-456-7890",
            "https://shop.example/orders/42?page=2",
            "mail ann@example.com",
            "token",
            "password:",
            "sk-small",
            "2026-11-23T10:30:00Z",
        ] {
            assert!(!is_secret_text(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in "\\PC{0,80}|[\\x00-\\x7f]{0,200}") {
            let _ = is_secret_text(&text);
        }

        #[test]
        fn a_token_is_found_wherever_it_stands(before in "[a-z ]{0,40}", after in "[a-z ]{0,40}") {
            let text = format!("{before} odk_0123456789abcdef {after}");
            prop_assert!(is_secret_text(&text));
        }
    }
}
