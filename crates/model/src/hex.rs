//! Bytes as hexadecimal digits, in small letters.

/// The bytes as digits, two of each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    // The capacity is final: growing would leave copies behind, perhaps of a secret.
    let mut digits = Vec::with_capacity(bytes.len().saturating_mul(2));
    push_hex(&mut digits, bytes);
    // Digits are ASCII.
    String::from_utf8(digits).unwrap_or_default()
}

/// Adds the digits of the bytes to `out`.
// Room first, and then pair by pair: every record has some, and to push each digit costs four times as much.
pub fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start.saturating_add(bytes.len().saturating_mul(2)), 0);
    let (pairs, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>();
    pairs.iter_mut().zip(bytes).for_each(|(pair, byte)| *pair = hex_digits(*byte));
}

/// The two digits of a byte.
// Worked out and not looked up: so it is done for many bytes at a time, and takes as long for each.
#[must_use]
pub fn hex_digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0xf].map(|it| match it {
        0..=9 => b'0' | it,
        _ => b'a'.wrapping_add(it).wrapping_sub(10),
    })
}

/// 32 bytes from 64 digits, in small letters or large ones; none where the text is something else.
#[must_use]
pub fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes = pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?));
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits_that_read_back() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        let expected: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        assert_eq!(hex(&bytes), expected);
        let mut behind = b"x".to_vec();
        push_hex(&mut behind, &bytes);
        assert_eq!(behind, format!("x{expected}").into_bytes());
        assert_eq!(hex(&[]), "");
        for part in bytes.as_chunks::<32>().0 {
            assert_eq!(parse_hex(&hex(part)), Some(*part));
            assert_eq!(parse_hex(&hex(part).to_uppercase()), Some(*part));
        }
        let digits = hex(&[0; 32]);
        for wrong in
            ["", digits.split_at(1).1, &format!("{digits}0"), &digits.replacen('0', "g", 1)]
        {
            assert_eq!(parse_hex(wrong), None, "{wrong}");
        }
    }
}
