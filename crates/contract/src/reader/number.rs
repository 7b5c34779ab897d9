//! Numbers, exactly: nothing is rounded, so that nothing slips past a condition by a digit.

/// The value of a JSON number times ten to the power of `places`; none where that is no integer of
/// 64 bits.
pub(super) fn scaled(text: &str, places: u8) -> Option<i64> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction_len = i64::try_from(fraction.len()).ok()?;
    let mut shift = exponent.checked_sub(fraction_len)?.checked_add(i64::from(places))?;
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    let dropped = digits.len().checked_sub(significant.len())?;
    shift = shift.checked_add(i64::try_from(dropped).ok()?)?;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // With its sign from the first digit on: the least integer has no opposite.
    let mut value: i64 = 0;
    for digit in significant.bytes().map(|it| i64::from(it & 0xf)) {
        let digit = if is_negative { digit.checked_neg()? } else { digit };
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    let power = 10_i64.checked_pow(u32::try_from(shift).ok()?)?;
    value.checked_mul(power)
}

/// Whether a text is a number in the one way in which every server reads it: digits without zeros
/// before them, and a point between some of them.
// Not JSON's way: of `1e3` in a query, some read 1.
pub(super) fn is_plain(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let has_one_reading = whole == "0" || !whole.starts_with('0');
    is_number(whole) && has_one_reading && fraction.is_none_or(is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_read_exactly_or_not_at_all() {
        for (text, places, want) in [
            ("0", 0, Some(0)),
            ("-0", 0, Some(0)),
            ("0e99999", 0, Some(0)),
            ("1000", 0, Some(1000)),
            ("1e3", 0, Some(1000)),
            ("1E+3", 0, Some(1000)),
            ("1000.0", 0, Some(1000)),
            ("10.5e1", 0, Some(105)),
            ("12000e-3", 0, Some(12)),
            ("1.5", 0, None),
            ("1000.00000000000000000001", 0, None),
            ("9223372036854775807", 0, Some(i64::MAX)),
            ("-9223372036854775808", 0, Some(i64::MIN)),
            ("9223372036854775808", 0, None),
            ("92233720368547758070e-1", 0, Some(i64::MAX)),
            ("1e19", 0, None),
            ("1e999999999999999999999", 0, None),
            ("1e-999999999", 0, None),
            ("1.5", 4, Some(15_000)),
            ("1e-4", 4, Some(1)),
            ("1e-5", 4, None),
            ("0.12345", 4, None),
            ("0.12340", 4, Some(1234)),
            ("922337203685477.5807", 4, Some(i64::MAX)),
            ("922337203685477.5808", 4, None),
            ("", 0, None),
            ("1x", 0, None),
            (".", 0, None),
        ] {
            assert_eq!(scaled(text, places), want, "{text}");
        }
    }

    #[test]
    fn a_number_in_a_text_has_one_reading() {
        for text in ["0", "7", "-7", "10", "0.5", "-1.25"] {
            assert!(is_plain(text), "{text}");
        }
        for text in
            ["", "-", "+1", "01", "00", "1e3", "1.", ".5", " 1", "1 ", "1_000", "0x1", "१", "--1"]
        {
            assert!(!is_plain(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_integer_survives(value in any::<i64>(), zeros in 0_usize..4) {
            let text = format!("{value}.{}", "0".repeat(zeros.max(1)));
            prop_assert_eq!(scaled(&text, 0), Some(value));
            let text = format!("{value}{}e-{zeros}", "0".repeat(zeros));
            prop_assert_eq!(scaled(&text, 0), Some(value));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,12}|\\PC{0,6}") {
            let _ = (scaled(&text, 4), is_plain(&text));
        }
    }
}
