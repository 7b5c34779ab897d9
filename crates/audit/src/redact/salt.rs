//! What values are hashed under in records: another key each day, so that hashes of two days tell nothing.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use model::{Timestamp, hex};

/// What the key of a day is derived with, before the day.
const DAY: &[u8] = b"onedoor audit salt 1 day ";
/// How much of a hash is written.
const HASH_BYTES: usize = 16;
/// How much of the key's own hash names it.
const ID_BYTES: usize = 2;

/// The secret that values are hashed under. Whoever has it can find out short values from their
/// hashes, so it never leaves its machine; who hashes values to look for them needs it.
pub struct Salt {
    id: String,
    key: hmac::Key,
    /// The key of the day that was asked for last.
    day: Mutex<Option<Arc<Day>>>,
}

/// The key of one day (UTC).
pub(crate) struct Day {
    /// Since 1970.
    number: i64,
    /// What stands before each of its hashes.
    prefix: String,
    key: hmac::Key,
}

impl Salt {
    /// How long the secret is.
    pub const BYTES: usize = 32;

    /// Takes the secret.
    #[must_use]
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let id = digest(&SHA256, &[b"onedoor audit salt 1 id ", &bytes[..]].concat());
        let id = hex(id.as_ref().get(..ID_BYTES).unwrap_or_default());
        Self { id, key, day: Mutex::default() }
    }

    /// The hash of `value` at that time: `hmac:ID-DAY:HEX`. The same value has the same one all day (UTC).
    #[must_use]
    pub fn hash(&self, value: &[u8], at: Timestamp) -> String {
        self.day(at).hash(value)
    }

    /// The key of the day of `at`.
    pub(crate) fn day(&self, at: Timestamp) -> Arc<Day> {
        let number = at.as_micros().div_euclid(24 * 60 * 60 * 1_000_000);
        let mut last = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(day) if day.number == number => Arc::clone(day),
            _ => Arc::clone(last.insert(Arc::new(self.new_day(number, at)))),
        }
    }

    fn new_day(&self, number: i64, at: Timestamp) -> Day {
        let date: String = at.to_string().chars().take(10).filter(|it| *it != '-').collect();
        let secret = hmac::sign(&self.key, &[DAY, date.as_bytes()].concat());
        Day {
            number,
            prefix: format!("hmac:{}-{date}:", self.id),
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()),
        }
    }
}

impl Day {
    /// The hash of `value`.
    pub(crate) fn hash(&self, value: &[u8]) -> String {
        let hash = hmac::sign(&self.key, value);
        let digits = hex(hash.as_ref().get(..HASH_BYTES).unwrap_or_default());
        [&*self.prefix, &*digits].concat()
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Salt").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_value_has_one_hash_a_day_and_another_the_next() {
        let salt = Salt::new(&[7; 32]);
        let hash = salt.hash(b"ann", at("2026-11-23T00:00:00Z"));
        assert_eq!(hash, salt.hash(b"ann", at("2026-11-23T23:59:59.999999Z")));
        assert_ne!(hash, salt.hash(b"bob", at("2026-11-23T23:59:59.999999Z")));
        assert_ne!(hash, salt.hash(b"ann", at("2026-11-24T00:00:00Z")));
        // Days may be asked for in any order.
        assert_eq!(hash, salt.hash(b"ann", at("2026-11-23T12:00:00Z")));
        assert!(hash.contains("-20261123:"), "{hash}");
        assert_eq!(hash.len(), "hmac:0000-20261123:".len() + 32);
    }

    #[test]
    fn another_secret_has_another_name_and_other_hashes_and_shows_nothing() {
        let (one, other) = (Salt::new(&[7; 32]), Salt::new(&[8; 32]));
        let time = at("2026-11-23T00:00:00Z");
        let parts = |it: &Salt| {
            let hash = it.hash(b"ann", time);
            hash.rsplit_once(':').map(|(id, hash)| (id.to_owned(), hash.to_owned())).unwrap()
        };
        let (one, other) = (parts(&one), parts(&other));
        assert!(one.0 != other.0 && one.1 != other.1);
        assert_eq!(
            format!("{:?}", Salt::new(&[7; 32])),
            format!("Salt {{ id: {:?}, .. }}", one.0.get(5..9).unwrap())
        );
    }
}
