//! Does a text look like a secret, whatever it is called?

use std::iter;

use super::{card, name::is_secret_name, prefix::begins_secret};
use crate::text;

/// As much of a text is looked at. No more than a part of it is ever kept.
pub(super) const LOOKED_AT_BYTES: usize = 4096;

/// How often a text is decoded: a URL may stand within another, and that within a third.
const DECODED_MAX: usize = 3;

/// Schemes of the `Authorization` header, in lower case.
const SCHEMES: &[&str] = &["basic", "bearer", "digest", "dpop"];
/// Shortest word after a scheme that is a credential and not prose.
const CREDENTIAL_BYTES_MIN: usize = 8;
/// Shortest JWT: a header of some bytes, claims and a signature.
const WEB_TOKEN_BYTES_MIN: usize = 40;

/// Whether a text holds something that no sentence of a record may hold.
///
/// Tokens and keys of known kinds, `Bearer …`, PEM blocks, `password=…`, addresses with a
/// password, card numbers (by their check digit) and social security numbers.
#[must_use]
pub fn is_secret_text(text: &str) -> bool {
    holds_secret(text) || card::first(text::start(text, LOOKED_AT_BYTES)).is_some()
}

/// The same without card numbers, of which a part may be kept.
pub(super) fn holds_secret(whole: &str) -> bool {
    if is_short_word(whole) {
        return false;
    }
    let text = text::start(whole, LOOKED_AT_BYTES);
    is_in(text) || decoded(text).any(|it| is_in(&it) || card::first(&it).is_some())
}

/// What a text is in the writing of a URL: decoded once, twice and so on, as long as that changes it.
pub(super) fn decoded(text: &str) -> impl Iterator<Item = String> {
    iter::successors(decoded_once(text), |it| decoded_once(it)).take(DECODED_MAX)
}

fn decoded_once(text: &str) -> Option<String> {
    let decoded = text.contains('%').then(|| percent_decoded(text));
    decoded.filter(|it| it != text)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let hex = others.first_chunk().filter(|_| *first == b'%');
        let hex = hex.and_then(|it: &[u8; 2]| str::from_utf8(it).ok());
        match hex.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = others.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_in(text: &str) -> bool {
    has_block(text)
        || has_known_word(text)
        || has_web_token(text)
        || has_assignment(text)
        || has_user_info(text)
        || has_social_security_number(text)
}

/// A key in PEM, `OpenPGP` or as `PuTTY` has it.
fn has_block(text: &str) -> bool {
    text.contains("-----BEGIN ") || text.contains("PuTTY-User-Key-File")
}

/// Too short for a token or a card, and without a sign that could assign: most ids and numbers.
fn is_short_word(text: &str) -> bool {
    text.len() < 12 && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// A word, or a part of one, that begins as a known kind of secret does; or the credential behind the
/// name of a scheme.
fn has_known_word(text: &str) -> bool {
    let mut follows_scheme = false;
    for word in text.split(|it: char| !is_of_token(it)).filter(|it| !it.is_empty()) {
        if follows_scheme && word.len() >= CREDENTIAL_BYTES_MIN {
            return true;
        }
        follows_scheme = SCHEMES.iter().any(|it| word.eq_ignore_ascii_case(it));
        let mut is_inside = false;
        for (at, byte) in word.bytes().enumerate() {
            let begins_secret = || begins_secret(word.get(at..).unwrap_or_default(), is_of_token);
            if !is_inside && begins_secret() {
                return true;
            }
            is_inside = byte.is_ascii_alphanumeric();
        }
    }
    false
}

/// A JWT or JWE that does not begin as most do: parts in base64url with a dot between, of which the
/// first is JSON.
fn has_web_token(text: &str) -> bool {
    text.split(|it: char| !is_of_token(it)).any(|word| {
        let is_json = matches!(word.as_bytes(), [b'e', b'w'..=b'z' | b'0'..=b'9', ..]);
        let dots = word.bytes().filter(|it| *it == b'.').count();
        is_json && word.len() >= WEB_TOKEN_BYTES_MIN && matches!(dots, 2 | 4)
    })
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
            "my-odk_7gh3kd9fj2",
            "password%3Dhunter2",
            "password%253Dhunter2",
            "password%25253Dhunter2",
            "q=4111%25201111%25201111%25201111",
            "q=4111%201111%201111%201111",
            "x.ghp_0123456789abcdefghij",
            "ods_0123456789abcdefghijkl",
            "https://hooks.slack.com/services/T0/B0/xoxb-0123456789abcdef",
            "ewogImFsZyI6IkVTMjU2In0.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ",
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "https://x.example/cb?state=1&access_token=abc",
            "{\"password\": \"hunter2\"}",
            "{\\\"password\\\":\\\"hunter2\\\"}",
            "secret=x",
            "session:close",
            "GET /token:abc123",
            "GET /token:abcdefghijklmnopq",
            "GET /password:letmein",
            "GET /token:abc=",
            "GET /token: abc",
            "postgres://app:pw@db/orders",
            "4111111111111111",
            "card 4111-1111-1111-1111 please",
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
            "odd_numbers",
            "100% of %zz and 5%",
            "risk-management-overview-of-2026",
            "e0.example.com and some-more.example.org",
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
