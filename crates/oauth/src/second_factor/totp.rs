//! Codes that an authenticator app makes (RFC 6238): SHA-1, six digits, every 30 seconds. No app can do
//! less, and several can do no more.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use model::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// How long the secret is: as long as what SHA-1 makes (RFC 4226 section 4).
pub(super) const SECRET_BYTES: usize = 20;

/// How long a step is, in seconds.
const STEP_SECONDS: i64 = 30;

/// How many digits a code has.
pub(super) const DIGITS: usize = 6;

/// How many steps a clock may be early or late.
const SKEW: i64 = 1;

/// The step whose code this is, of those that are good `now`; none where it is of none of them.
pub(super) fn step(secret: &[u8], typed: &str, now: Timestamp) -> Option<i64> {
    let current = now.as_seconds().div_euclid(STEP_SECONDS);
    let steps = current.saturating_sub(SKEW)..=current.saturating_add(SKEW);
    // All of them, whichever it is: how long it takes says nothing.
    let is_of =
        |it: &i64| verify_slices_are_equal(code(secret, *it).as_bytes(), typed.as_bytes()).is_ok();
    steps.fold(None, |found, it| if is_of(&it) { Some(it) } else { found })
}

/// The code of a step (RFC 4226 section 5.3).
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let hash = tag.as_ref();
    let offset = usize::from(hash.last().copied().unwrap_or_default() & 0xf);
    let word = hash.iter().skip(offset).take(4).fold(0_u32, |all, it| (all << 8) | u32::from(*it));
    let number = (word & 0x7fff_ffff).checked_rem(1_000_000).unwrap_or_default();
    format!("{number:0DIGITS$}")
}

/// The address that an app reads: the door and the account stand in it, and the secret.
pub(super) fn address(door: &str, account: &str, secret: &[u8]) -> String {
    let issuer = door.split_once("://").map_or(door, |it| it.1);
    let (issuer, account) = (
        utf8_percent_encode(issuer, NON_ALPHANUMERIC),
        utf8_percent_encode(account, NON_ALPHANUMERIC),
    );
    let secret = base32(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )
}

/// As apps take it by hand (RFC 4648 section 6), without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |five: u32| {
        let index = usize::try_from(five & 31).unwrap_or_default();
        char::from(LETTERS.get(index).copied().unwrap_or(b'A'))
    };
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        // Twelve bits at most: what is above was written.
        held = ((held & 15) << 8) | u32::from(*byte);
        bits = bits.saturating_add(8);
        while bits >= 5 {
            bits = bits.saturating_sub(5);
            text.push(letter(held >> bits));
        }
    }
    if bits > 0 {
        text.push(letter(held << 5_u32.saturating_sub(bits)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238 appendix B: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, want) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(code(SECRET, seconds / STEP_SECONDS), want);
            assert_eq!(step(SECRET, want, now), Some(seconds / STEP_SECONDS));
        }
    }

    #[test]
    fn a_code_is_good_one_step_early_and_late_and_no_more() {
        let (good, at) =
            (code(SECRET, 100), |step: i64| Timestamp::from_seconds(step.saturating_mul(30)));
        for (now, want) in [(98, None), (99, Some(100)), (101, Some(100)), (102, None)] {
            assert_eq!(step(SECRET, &good, at(now)), want, "{now}");
        }
        for bad in ["", "12345", &format!("{good}0"), "abcdef"] {
            assert_eq!(step(SECRET, bad, at(100)), None, "{bad}");
        }
    }

    /// RFC 4648 section 10.
    #[test]
    fn base32_is_that_of_the_standard() {
        for (bytes, want) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), want);
        }
    }

    #[test]
    fn the_address_names_door_and_account() {
        assert_eq!(
            address("https://door.example:8443", "ann", SECRET),
            "otpauth://totp/door%2Eexample%3A8443:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=door%2Eexample%3A8443&algorithm=SHA1&digits=6&period=30"
        );
    }
}
