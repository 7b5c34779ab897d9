//! The end of an API key: a CRC-32 in base 62, so that a mistyped key is told from an unknown one.

/// 62^6 is above 2^32.
pub(super) const CHARS: usize = 6;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const TABLE: [u32; 256] = table();

/// The digit for `value` modulo 62.
pub(super) fn digit(value: u32) -> char {
    char::from(byte(value))
}

/// The checksum of `text`, most significant digit first.
pub(super) fn of(text: &[u8]) -> [u8; CHARS] {
    let mut rest = crc32(text);
    let mut digits = [b'0'; CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = byte(rest);
        rest /= 62;
    }
    digits
}

fn byte(value: u32) -> u8 {
    let place = usize::try_from(value % 62).unwrap_or(0);
    ALPHABET.get(place).copied().unwrap_or(b'0')
}

/// CRC-32 as in Ethernet, gzip and PNG.
fn crc32(text: &[u8]) -> u32 {
    let crc = text.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        let entry = TABLE.get(usize::from(low ^ byte)).copied().unwrap_or(0);
        (crc >> 8) ^ entry
    });
    !crc
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "runs while compiling, and the index ends at the table's length"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_common_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn the_largest_checksum_fits() {
        assert_eq!(u64::from(u32::MAX) / 62_u64.pow(6), 0);
        assert_eq!(of(b"").as_slice(), b"000000");
    }
}
