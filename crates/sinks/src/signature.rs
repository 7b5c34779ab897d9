//! Signatures as Standard Webhooks has them: `v1,` and the HMAC-SHA256 of id, time and body in base64.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Secret;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How long a key is, as the specification recommends.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const WRONG: &str = "is not whsec_ and 24 to 64 bytes in base64";

/// Signs a message: its id, the seconds since 1970 as text, and its body.
///
/// # Errors
/// What is wrong with the secret, without a word of it.
pub fn sign(
    secret: &Secret<Vec<u8>>,
    (id, timestamp, body): (&str, &str, &str),
) -> Result<String, &'static str> {
    let text = std::str::from_utf8(secret.expose()).map_err(|_| WRONG)?;
    let encoded = text.trim_end().strip_prefix(PREFIX).ok_or(WRONG)?;
    let key = Secret::new(STANDARD.decode(encoded).map_err(|_| WRONG)?);
    if !KEY_BYTES.contains(&key.expose().len()) {
        return Err(WRONG);
    }
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
    // No id and no time has a dot in it, so nothing reads in two ways.
    for part in [id, ".", timestamp, ".", body] {
        context.update(part.as_bytes());
    }
    Ok(format!("v1,{}", STANDARD.encode(context.sign().as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That of the specification's own libraries, in two parts so that nobody takes it for a live one.
    const KEY: &str = concat!("MfKQ9r8GKYqrTwjUPD8", "ILPZIo2LaLaSw");
    const MESSAGE: (&str, &str, &str) =
        ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");

    fn signed(secret: &str) -> Result<String, &'static str> {
        sign(&Secret::new(secret.as_bytes().to_vec()), MESSAGE)
    }

    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        let want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed(&format!("{PREFIX}{KEY}")).as_deref(), Ok(want));
        assert_eq!(signed(&format!("{PREFIX}{KEY}\n")).as_deref(), Ok(want));
    }

    #[test]
    fn what_is_no_secret_of_a_webhook_signs_nothing() {
        let long = format!("{PREFIX}{}", STANDARD.encode([7; 65]));
        let short = format!("{PREFIX}{}", STANDARD.encode([7; 23]));
        for secret in ["", "whsec_", KEY, "whsec_%%%", &long, &short] {
            assert_eq!(signed(secret), Err(WRONG), "{secret}");
        }
    }
}
