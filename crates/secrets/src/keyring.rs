//! Key-encryption keys by id: one that seals, and older ones that still open.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey},
    rand,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use model::Secret;
use zeroize::Zeroizing;

use crate::Error;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// Most keys in a keyring: more are a mistake.
const KEYS_MAX: usize = 32;

/// Key-encryption keys. The first seals; all of them open. What holds it sees at once what
/// [`Keyring::replace`] makes of it.
pub struct Keyring(ArcSwap<Ring>);

/// The keys at one time.
struct Ring {
    current: Arc<Key>,
    others: Vec<Arc<Key>>,
}

pub(crate) struct Key {
    pub(crate) id: Box<str>,
    pub(crate) key: LessSafeKey,
}

impl Keyring {
    /// Reads lines of `ID BASE64`, 32 bytes each. Empty lines, and lines that begin with `#`, mean nothing.
    ///
    /// # Errors
    /// [`Error::Keyring`] where there is no key, a line is none, or an id stands twice.
    pub fn parse(text: &Secret<String>) -> Result<Self, Error> {
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in (1..).zip(text.expose().lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong =
                |reason: &'static str| Error::Keyring { line: number, reason: reason.into() };
            let key = Key::parse(line).map_err(wrong)?;
            if keys.iter().any(|it| it.id == key.id) {
                return Err(wrong("this id stands twice: give each key an id of its own"));
            }
            if keys.len() == KEYS_MAX {
                return Err(wrong("too many keys: take out those that seal nothing any more"));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter().map(Arc::new);
        let Some(current) = keys.next() else {
            let reason = "there is no key: write a line \"ID BASE64\" with 32 random bytes";
            return Err(Error::Keyring { line: 0, reason: reason.into() });
        };
        Ok(Self(ArcSwap::from_pointee(Ring { current, others: keys.collect() })))
    }

    /// Has the keys of `by` from now on.
    pub fn replace(&self, by: &Self) {
        self.0.store(by.0.load_full());
    }

    /// A keyring with one new random key, and the text to keep it by.
    ///
    /// # Errors
    /// [`Error::Keyring`] where the id is none, or the system gives no random bytes.
    pub fn generate(id: &str) -> Result<(Self, Secret<String>), Error> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(&mut *bytes).map_err(|_| Error::Keyring {
            line: 0,
            reason: "the system gives no random bytes".into(),
        })?;
        let encoded = Zeroizing::new(STANDARD.encode(*bytes));
        // Of its full size from the start: a string that grows leaves copies behind.
        let mut text =
            String::with_capacity(id.len().saturating_add(encoded.len()).saturating_add(2));
        for part in [id, " ", encoded.as_str(), "\n"] {
            text.push_str(part);
        }
        let text = Secret::new(text);
        Ok((Self::parse(&text)?, text))
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn current(&self) -> String {
        self.0.load().current.id.to_string()
    }

    /// The ids of all keys, the one that seals first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.0.load().keys().map(|it| it.id.to_string()).collect()
    }

    pub(crate) fn sealing(&self) -> Arc<Key> {
        Arc::clone(&self.0.load().current)
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Key>> {
        self.0.load().keys().find(|it| &*it.id == id).map(Arc::clone)
    }
}

impl Ring {
    fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Key {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let (id, encoded) = line
            .split_once(char::is_whitespace)
            .ok_or("write an id, a space and a key in base64")?;
        if !model::id::is_slug(id) {
            return Err(
                "the id of a key is 1 to 63 of a-z, 0-9, - and _, and begins with a letter or a digit",
            );
        }
        let bytes = STANDARD.decode(encoded.trim_start()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| "the key is not in base64")?;
        if bytes.len() != KEY_BYTES {
            return Err("a key has 32 bytes: make one with `openssl rand -base64 32`");
        }
        if bytes.iter().all(|it| Some(it) == bytes.first()) {
            return Err(
                "the key is one byte over and over: make one with `openssl rand -base64 32`",
            );
        }
        let key =
            UnboundKey::new(&AES_256_GCM_SIV, &bytes).map_err(|_| "the key cannot be used")?;
        Ok(Self { id: id.into(), key: LessSafeKey::new(key) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn the_first_key_seals_and_all_are_found() {
        let text = format!("# keys\n\nnew-2 {ONE}\n old-1\t {ONE} \n");
        let keyring = Keyring::parse(&Secret::new(text)).unwrap();
        assert_eq!(keyring.current(), "new-2");
        assert_eq!(keyring.ids(), ["new-2", "old-1"]);
        assert!(keyring.find("old-1").is_some() && keyring.find("older").is_none());
        assert_eq!(format!("{keyring:?}"), r#"["new-2", "old-1"]"#);
    }

    #[test]
    fn a_broken_keyring_is_refused_with_its_line_and_without_its_text() {
        let same = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
        for (text, line, want) in [
            (String::new(), 0, "no key"),
            ("# only\n".to_owned(), 0, "no key"),
            (format!("a {ONE}\nb"), 2, "an id, a space"),
            (format!("A {ONE}"), 1, "the id of a key"),
            ("a c2hvcnQ=".to_owned(), 1, "32 bytes"),
            ("a hunter2!".to_owned(), 1, "base64"),
            (format!("a {same}"), 1, "over and over"),
            (format!("a {ONE}\na {ONE}"), 2, "stands twice"),
        ] {
            let error = Keyring::parse(&Secret::new(text)).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}:")), "{error}");
            assert!(error.contains(want), "{error}");
            assert!(!error.contains("hunter2") && !error.contains(ONE), "{error}");
        }
    }

    #[test]
    fn a_generated_keyring_is_read_again_and_never_comes_twice() {
        let (keyring, text) = Keyring::generate("k1").unwrap();
        let (_, other) = Keyring::generate("k1").unwrap();
        assert_eq!(Keyring::parse(&text).unwrap().current(), keyring.current());
        assert_ne!(text.expose(), other.expose());
        Keyring::generate("not a slug").unwrap_err();
    }
}
