//! Header values that hold any text: `=?base64?…?=` around what is not plain ASCII.

use std::borrow::Cow;

const BEFORE: &str = "=?base64?";
const AFTER: &str = "?=";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text that a value stands for; none where it is marked as base64 and is not.
#[must_use]
pub fn decode(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix(BEFORE).and_then(|it| it.strip_suffix(AFTER)) {
        None => Some(Cow::Borrowed(value)),
        Some(inside) => String::from_utf8(from_base64(inside)?).ok().map(Cow::Owned),
    }
}

/// The value that stands for a text.
#[must_use]
pub fn encode(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|it| matches!(it, b' '..=b'~'));
    let has_blanks = text.starts_with(' ') || text.ends_with(' ');
    let looks_encoded = text.starts_with(BEFORE) && text.ends_with(AFTER);
    if is_plain && !has_blanks && !looks_encoded {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{BEFORE}{}{AFTER}", to_base64(text.as_bytes())))
    }
}

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().chain([&0, &0]).take(3).fold(0, |it, &byte| it << 8 | u32::from(byte));
        for (position, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let index = usize::try_from(group >> shift & 63).unwrap_or_default();
            // One byte fills two characters, two fill three, three fill four.
            let letter = ALPHABET.get(index).filter(|_| position <= chunk.len());
            text.push(char::from(*letter.unwrap_or(&b'=')));
        }
    }
    text
}

/// Only the one spelling that [`to_base64`] writes, so that two values never mean one text.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for chunk in text.as_bytes().chunks(4) {
        let mut group = 0_u32;
        for &letter in chunk {
            let digit = ALPHABET.iter().position(|&it| it == letter);
            let digit = digit.or_else(|| (letter == b'=').then_some(0))?;
            group = group << 6 | u32::try_from(digit).ok()?;
        }
        let [_, decoded @ ..] = group.to_be_bytes();
        let padding = chunk.iter().filter(|&&it| it == b'=').count();
        bytes.extend(decoded.iter().take(3_usize.checked_sub(padding)?));
    }
    (to_base64(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_is_read_in_one_way_only() {
        let table = [
            ("get_order", Some("get_order")),
            ("=?base64?Z2V0?=", Some("get")),
            ("=?base64?Z2U=?=", Some("ge")),
            ("=?base64?Zw==?=", Some("g")),
            ("=?base64??=", Some("")),
            ("=?base64?PT9iYXNlNjQ/Wnc9PT89?=", Some("=?base64?Zw==?=")),
            // Look-alikes are literal: the markers are case-sensitive and must both be there.
            ("=?BASE64?Z2V0?=", Some("=?BASE64?Z2V0?=")),
            ("=?base64?Z2V0", Some("=?base64?Z2V0")),
            ("=?base64?=", Some("=?base64?=")),
            ("x=?base64?Z2V0?=", Some("x=?base64?Z2V0?=")),
            // Broken or not canonical.
            ("=?base64?Z2U?=", None),
            ("=?base64?Zh==?=", None),
            ("=?base64?Z===?=", None),
            ("=?base64?====?=", None),
            ("=?base64?Z2V0====?=", None),
            ("=?base64?Zw==Zw==?=", None),
            ("=?base64?Z2 0?=", None),
            ("=?base64?Z2-_?=", None),
            ("=?base64?/w==?=", None),
        ];
        for (value, want) in table {
            assert_eq!(decode(value).as_deref(), want, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_fits_a_header(text in any::<String>()) {
            let value = encode(&text).into_owned();
            prop_assert!(value.bytes().all(|it| matches!(it, b' '..=b'~')));
            prop_assert!(http::HeaderValue::from_str(&value).is_ok());
            let decoded = decode(&value);
            prop_assert_eq!(decoded.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn no_two_values_mean_the_same_encoded_text(inside in "[A-Za-z0-9+/=]{0,12}") {
            let value = format!("{BEFORE}{inside}{AFTER}");
            if let Some(text) = decode(&value) {
                prop_assert_eq!(format!("{BEFORE}{}{AFTER}", to_base64(text.as_bytes())), value);
            }
        }
    }
}
