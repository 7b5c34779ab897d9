//! Base64 to bytes: both alphabets, padded or not, and nothing else.

/// The bytes that `text` stands for; none where it is not base64 (RFC 4648 sections 4 and 5).
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len().checked_sub(digits.len())?;
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len().saturating_mul(3) / 4);
    for group in digits.as_bytes().chunks(4) {
        let mut bits: u32 = 0;
        for digit in group {
            bits = (bits << 6) | u32::from(value(*digit)?);
        }
        let [_, high, middle, low] = match group.len() {
            4 => bits.to_be_bytes(),
            3 => (bits << 6).to_be_bytes(),
            2 => (bits << 12).to_be_bytes(),
            // Six bits are no byte.
            _ => return None,
        };
        let kept = group.len().checked_sub(1)?;
        // Bits that no byte holds must be zero, or two texts would stand for the same bytes.
        let dropped = [high, middle, low];
        if dropped.iter().skip(kept).any(|it| *it != 0) {
            return None;
        }
        bytes.extend(dropped.iter().take(kept));
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => digit.checked_sub(b'A'),
        b'a'..=b'z' => digit.checked_sub(b'a')?.checked_add(26),
        b'0'..=b'9' => digit.checked_sub(b'0')?.checked_add(52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_rfc_are_decoded() {
        for (text, want) in [
            ("", Some("")),
            ("Zg==", Some("f")),
            ("Zg", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9v", Some("foo")),
            ("Zm9vYg==", Some("foob")),
            ("Zm9vYmE", Some("fooba")),
            ("Zm9vYmFy", Some("foobar")),
            ("Pj4_", Some(">>?")),
            ("Pj4/", Some(">>?")),
            ("Z", None),
            ("Zg=", None),
            ("Zm9v====", None),
            ("Zh==", None),
            ("Zm 9v", None),
            ("Zm9v\n", None),
            ("Z=g=", None),
        ] {
            assert_eq!(decode(text).as_deref(), want.map(str::as_bytes), "{text:?}");
        }
    }
}
