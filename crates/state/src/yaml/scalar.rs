//! What a plain word of YAML means: the core schema of YAML 1.2 (section 10.3.2), a bit stricter.

use serde_json::Number;

use crate::node::Content;

/// What the unquoted `text` means. `no`, `on`, `007`, `1_000` and times are text.
///
/// # Errors
/// A number that JSON does not have.
pub(super) fn resolve(text: &str) -> Result<Content, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Content::Null),
        "true" | "True" | "TRUE" => return Ok(Content::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Content::Bool(false)),
        _ => {}
    }
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err("a number that is not finite");
    }
    let Some(number) = number(text, is_negative, digits) else {
        return Ok(Content::Text(text.to_owned()));
    };
    number.map(Content::Number).ok_or("a number out of range")
}

/// The number that this is, if it is one; none within where JSON has no such number.
fn number(text: &str, is_negative: bool, digits: &str) -> Option<Option<Number>> {
    // Signs belong to decimal numbers alone.
    if text == digits {
        for (prefix, radix) in [("0x", 16), ("0o", 8)] {
            if let Some(digits) = text.strip_prefix(prefix)
                && !digits.is_empty()
                && digits.chars().all(|it| it.is_digit(radix))
            {
                return Some(u64::from_str_radix(digits, radix).ok().map(Number::from));
            }
        }
    }
    if !is_decimal(digits) {
        return None;
    }
    if digits.bytes().all(|it| it.is_ascii_digit()) {
        let whole = if is_negative {
            text.parse::<i64>().ok().map(Number::from)
        } else {
            digits.parse::<u64>().ok().map(Number::from)
        };
        if whole.is_some() {
            return Some(whole);
        }
    }
    Some(text.parse::<f64>().ok().and_then(Number::from_f64))
}

/// `12`, `1.5`, `1.`, `.5`, `1e3`, `1.5E-3`, without a zero in front that means nothing.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let exponent = exponent.map(|it| it.strip_prefix(['+', '-']).unwrap_or(it));
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !(whole.len() > 1 && whole.starts_with('0'))
        && exponent.is_none_or(|it| !it.is_empty() && is_digits(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_word_means_what_it_looks_like() {
        for text in [
            "no",
            "on",
            "y",
            "007",
            "-007",
            "00.5",
            "1_000",
            "12:30:45",
            "2027-01-31",
            "0x",
            "0o8",
            "-0x1",
            "1e",
            "e1",
            ".",
            "-",
            "+",
            "-.",
            "1.2.3",
            "0b1",
            "nUll",
            "１",
        ] {
            assert_eq!(resolve(text), Ok(Content::Text(text.to_owned())), "{text}");
        }
        for (text, want) in [
            ("0", Number::from(0)),
            ("+12", Number::from(12)),
            ("-12", Number::from(-12)),
            ("18446744073709551615", Number::from(u64::MAX)),
            ("-9223372036854775808", Number::from(i64::MIN)),
            ("18446744073709551616", Number::from_f64(18_446_744_073_709_551_616.0).unwrap()),
            ("0x1F", Number::from(31)),
            ("0o17", Number::from(15)),
            ("1.5", Number::from_f64(1.5).unwrap()),
            ("1.", Number::from_f64(1.0).unwrap()),
            ("-.5", Number::from_f64(-0.5).unwrap()),
            ("+1.5E+3", Number::from_f64(1500.0).unwrap()),
        ] {
            assert_eq!(resolve(text), Ok(Content::Number(want)), "{text}");
        }
        for text in [".inf", "-.INF", ".nan", "1e999", "0xffffffffffffffffff"] {
            assert!(resolve(text).is_err(), "{text}");
        }
    }
}
