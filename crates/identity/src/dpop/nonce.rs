//! Nonces that need no memory: a MAC over the time, in steps.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{Secret, Timestamp};

use crate::api_key::Pepper;

/// A nonce is accepted in its step and the next one: for 5 to 10 minutes.
const STEP_SECONDS: i64 = 5 * 60;

const KEY_BYTES_MIN: usize = 32;

const NONCE_BYTES: usize = 16;

/// Keeps these MACs apart from others under the same key.
const PURPOSE: &[u8] = b"onedoor dpop nonce";

/// Of what the key is made under a pepper.
const DERIVED: &str = "onedoor dpop nonce key";

/// Makes and knows nonces. Replicas that share the key accept each other's.
pub struct NonceMaker(Source);

/// Where its key is.
enum Source {
    Key(Box<hmac::Key>),
    /// Made of the pepper: there are as many as there are peppers.
    Pepper(Pepper),
}

impl NonceMaker {
    /// Takes the key's bytes; none where there are fewer than 32.
    #[must_use]
    pub fn new(key: &Secret<Vec<u8>>) -> Option<Self> {
        let bytes = key.expose();
        (bytes.len() >= KEY_BYTES_MIN).then(|| Self(Source::Key(Box::new(self::key(bytes)))))
    }

    /// Takes a key that is made of the pepper: replicas share it, and no API key has such a text. Where
    /// there are older peppers, nonces that were made under them are known still.
    #[must_use]
    pub fn under(pepper: &Pepper) -> Self {
        Self(Source::Pepper(pepper.clone()))
    }

    /// The nonce to use from `now` on: 22 characters that are safe in a header.
    #[must_use]
    pub fn issue(&self, now: Timestamp) -> String {
        let step = step(now);
        match &self.0 {
            Source::Key(own) => nonce(own, step),
            Source::Pepper(pepper) => nonce(&key(&pepper.hash(DERIVED).hmac), step),
        }
    }

    /// Whether `nonce` may be used `now`.
    #[must_use]
    pub fn check(&self, nonce: &str, now: Timestamp) -> bool {
        match &self.0 {
            Source::Key(own) => is_of(own, nonce, now),
            Source::Pepper(pepper) => {
                let known = |_: &_, hmac: &[u8; 32]| is_of(&key(hmac), nonce, now).then_some(());
                pepper.find(DERIVED, known).is_some()
            }
        }
    }
}

fn key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

fn is_of(key: &hmac::Key, shown: &str, now: Timestamp) -> bool {
    let now = step(now);
    // The next one too: the clock of the replica that issued it may be ahead.
    [now, now.saturating_sub(1), now.saturating_add(1)].into_iter().any(|step| {
        let want = nonce(key, step);
        constant_time::verify_slices_are_equal(shown.as_bytes(), want.as_bytes()).is_ok()
    })
}

fn nonce(key: &hmac::Key, step: i64) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(PURPOSE);
    context.update(&step.to_be_bytes());
    let tag = context.sign();
    URL_SAFE_NO_PAD.encode(tag.as_ref().get(..NONCE_BYTES).unwrap_or_default())
}

fn step(now: Timestamp) -> i64 {
    now.as_seconds().div_euclid(STEP_SECONDS)
}

impl fmt::Debug for NonceMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceMaker(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_five_to_ten_minutes_wherever_the_key_is() {
        let at = Timestamp::from_seconds;
        let maker = |byte| NonceMaker::new(&Secret::new(vec![byte; 32])).unwrap();
        let (one, replica, stranger) = (maker(1), maker(1), maker(2));
        let nonce = one.issue(at(3_000));
        assert_eq!((nonce.len(), one.issue(at(3_299))), (22, nonce.clone()));
        for (now, want) in
            [(2_699, false), (2_700, true), (3_299, true), (3_599, true), (3_600, false)]
        {
            assert_eq!(replica.check(&nonce, at(now)), want, "{now}");
            assert!(!stranger.check(&nonce, at(now)));
        }
        for bad in ["", "x", nonce.get(..21).unwrap(), &format!("{nonce}A"), &"x".repeat(1 << 20)] {
            assert!(!one.check(bad, at(3_000)));
        }
        assert!(NonceMaker::new(&Secret::new(vec![1; 31])).is_none());
    }
}
