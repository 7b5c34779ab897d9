//! API keys and client secrets: made once, shown once, and known afterwards only by their HMAC.

mod checksum;
mod pepper;

pub use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::{KeyHash, KeyKind, PepperId, Secret};
use zeroize::Zeroize;

pub use self::pepper::{Pepper, is_of};

/// What every API key begins with, so that people and secret scanners know one when they see it.
pub const PREFIX: &str = "odk_";

/// What every client secret of the door's making begins with.
pub const SECRET_PREFIX: &str = "ods_";

/// 62^43 is just above 2^256.
const RANDOM_CHARS: usize = 43;
const BODY_BYTES: usize = PREFIX.len() + RANDOM_CHARS;
const KEY_BYTES: usize = BODY_BYTES + checksum::CHARS;

/// Why there is no pepper or no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The pepper is guessable.
    #[error("the pepper has {bytes} bytes: use at least {} random ones", Pepper::BYTES_MIN)]
    PepperTooShort {
        /// How long it is.
        bytes: usize,
    },
    /// Two peppers have one id.
    #[error("pepper {id} stands twice: give each an id of its own")]
    PepperTwice {
        /// The id.
        id: PepperId,
    },
    /// No pepper, or too many.
    #[error(
        "there are {count} peppers: have 1 to 8, and take out those under which nothing is hashed"
    )]
    Peppers {
        /// How many.
        count: usize,
    },
    /// The system gave no random bytes.
    #[error("the system's random generator failed: no api key was made")]
    Random,
}

/// Makes a key of this kind and the hash to keep of it, under the newest pepper.
///
/// # Errors
/// [`Error::Random`] where `random` fails.
pub fn make(
    kind: KeyKind,
    pepper: &Pepper,
    random: &dyn SecureRandom,
) -> Result<(Secret<String>, KeyHash), Error> {
    let key = text(prefix(kind), random)?;
    let hash = pepper.hash(&key);
    Ok((Secret::new(key), hash))
}

/// A new text of 256 random bits behind `prefix`, with its checksum.
pub(crate) fn text(prefix: &str, random: &dyn SecureRandom) -> Result<String, Error> {
    // The capacity is final: growing would leave copies of the key behind.
    let mut key = String::with_capacity(KEY_BYTES);
    key.push_str(prefix);
    let mut bytes = [0; 64];
    while key.len() < BODY_BYTES {
        random.fill(&mut bytes).map_err(|_| Error::Random)?;
        let missing = BODY_BYTES.saturating_sub(key.len());
        // 248 is the last multiple of 62 in a byte: above it some characters would be likelier.
        let digits = bytes.iter().filter(|it| **it < 248).take(missing);
        key.extend(digits.map(|it| checksum::digit(u32::from(*it))));
    }
    bytes.zeroize();
    let check = checksum::of(key.as_bytes());
    key.extend(check.iter().copied().map(char::from));
    Ok(key)
}

/// Whether `text` can be an API key at all: its prefix, length, alphabet and checksum are right.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    kind(text) == Some(KeyKind::ApiKey)
}

/// Whether `text` has the beginning and the length of an API key: then it is worth a look-up.
pub(crate) fn is_likely(text: &str) -> bool {
    text.starts_with(PREFIX) && text.len() == KEY_BYTES
}

/// What `text` is by its prefix; none where its length, alphabet or checksum are not right.
#[must_use]
pub fn kind(text: &str) -> Option<KeyKind> {
    [KeyKind::ApiKey, KeyKind::ClientSecret].into_iter().find(|it| is_whole(text, prefix(*it)))
}

/// Whether `text` begins with `prefix`, and its length, alphabet and checksum are right.
pub(crate) fn is_whole(text: &str, prefix: &str) -> bool {
    let Some((body, check)) = text.as_bytes().split_last_chunk::<{ checksum::CHARS }>() else {
        return false;
    };
    text.starts_with(prefix)
        && text.len() == KEY_BYTES
        && body.iter().skip(prefix.len()).all(u8::is_ascii_alphanumeric)
        && checksum::of(body) == *check
}

fn prefix(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::ApiKey => PREFIX,
        // As long as the other, so that both are known by their length.
        KeyKind::ClientSecret => SECRET_PREFIX,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pepper(byte: u8) -> Pepper {
        Pepper::new(&Secret::new(vec![byte; 32])).unwrap()
    }

    #[test]
    fn an_issued_key_is_well_formed_and_its_hmac_is_of_the_whole_key() {
        let pepper = pepper(7);
        let (key, hash) = make(KeyKind::ApiKey, &pepper, &SystemRandom::new()).unwrap();
        let key = key.expose();
        assert!(is_well_formed(key), "{key}");
        assert_eq!((key.len(), key.get(..4)), (53, Some("odk_")));
        assert_eq!(hash, pepper.hash(key));
        assert_ne!(hash, self::pepper(8).hash(key), "the pepper does not matter");
        assert_ne!(hash, pepper.hash(key.get(..52).unwrap()), "the last character does not matter");
    }

    #[test]
    fn a_client_secret_has_a_prefix_of_its_own_and_is_no_api_key() {
        let (secret, _) = make(KeyKind::ClientSecret, &pepper(7), &SystemRandom::new()).unwrap();
        let secret = secret.expose();
        assert_eq!((secret.len(), secret.get(..4)), (53, Some("ods_")));
        assert_eq!((kind(secret), is_well_formed(secret)), (Some(KeyKind::ClientSecret), false));
        // The checksum is over the prefix too: neither can be passed off as the other.
        assert_eq!(kind(&secret.replacen("ods_", "odk_", 1)), None);
    }

    #[test]
    fn no_two_keys_are_alike() {
        let pepper = pepper(7);
        let random = SystemRandom::new();
        let keys: std::collections::BTreeSet<String> = (0..1000)
            .map(|_| make(KeyKind::ApiKey, &pepper, &random).unwrap().0.expose().clone())
            .collect();
        assert_eq!(keys.len(), 1000);
    }

    #[test]
    fn any_changed_character_breaks_the_checksum() {
        let (key, _) = make(KeyKind::ApiKey, &pepper(7), &SystemRandom::new()).unwrap();
        for at in 0..key.expose().len() {
            let mut bytes = key.expose().clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(!is_well_formed(&changed), "{at}: {changed}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(text in ".{0,80}") {
            prop_assert!(!is_well_formed(&text));
        }
    }
}
