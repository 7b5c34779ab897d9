//! Keys that sign notes, and their public halves, as the text that C2SP signed-note gives them.

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Secret;

use super::ID_BYTES;

/// The byte that means Ed25519.
const ED25519_BYTE: u8 = 1;

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The id in it is not of this key and name.
    #[error("its name and id do not belong to its key")]
    Id,
    /// It is of another shape.
    #[error("it is no Ed25519 key as C2SP signed-note writes it: NAME+ID+BASE64")]
    Shape,
}

/// What checks the notes of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: [u8; 32],
}

impl VerifyingKey {
    /// Reads `NAME+ID+BASE64`.
    ///
    /// # Errors
    /// [`KeyError`]
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, key) = parts(text)?;
        let this = Self { name: name.to_owned(), key };
        if this.id_text() == id { Ok(this) } else { Err(KeyError::Id) }
    }

    /// Whose key it is: the name of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn id(&self) -> [u8; ID_BYTES] {
        let text = [self.name.as_bytes(), b"\n", &[ED25519_BYTE], &self.key].concat();
        let digest = digest(&SHA256, &text);
        digest.as_ref().first_chunk().copied().unwrap_or_default()
    }

    fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id()))
    }

    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key).verify(text, signature).is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519_BYTE], &self.key[..]].concat();
        write!(f, "{}+{}+{}", self.name, self.id_text(), STANDARD.encode(key))
    }
}

/// What signs the notes of one log.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// What the text of one begins with.
    pub const PREFIX: &'static str = "PRIVATE+KEY+";

    /// A new key for the log called `name`, as the text by which it is kept.
    ///
    /// # Errors
    /// [`KeyError::Shape`] where the name cannot stand in a note, or no random bytes are to be had.
    pub fn generate(name: &str) -> Result<Secret<String>, KeyError> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_| KeyError::Shape)?;
        Self::write(name, &seed).map(Secret::new)
    }

    fn write(name: &str, seed: &[u8; 32]) -> Result<String, KeyError> {
        let this = Self::from_seed(name, seed)?;
        let key = STANDARD.encode([&[ED25519_BYTE], &seed[..]].concat());
        let text = format!("{}{name}+{}+{key}", Self::PREFIX, this.verifying.id_text());
        Self::parse(&text).map(|_| text)
    }

    /// Reads `PRIVATE+KEY+NAME+ID+BASE64`.
    ///
    /// # Errors
    /// [`KeyError`]
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, seed) = parts(text.strip_prefix(Self::PREFIX).ok_or(KeyError::Shape)?)?;
        let this = Self::from_seed(name, &seed)?;
        if this.verifying.id_text() == id { Ok(this) } else { Err(KeyError::Id) }
    }

    /// The key that follows from 32 bytes of chance.
    ///
    /// # Errors
    /// [`KeyError::Shape`]
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Shape)?;
        let key = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Shape)?;
        Ok(Self { pair, verifying: VerifyingKey { name: name.to_owned(), key } })
    }

    /// Its public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.pair.sign(text).as_ref().to_vec()
    }

    /// A key that is always the same.
    #[cfg(test)]
    pub(crate) fn fixed(name: &str, seed: u8) -> Self {
        Self::from_seed(name, &[seed; 32]).unwrap()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("verifying", &self.verifying).finish_non_exhaustive()
    }
}

/// Name, id and the 32 bytes of a key.
fn parts(text: &str) -> Result<(&str, &str, [u8; 32]), KeyError> {
    let mut parts = text.trim_end_matches('\n').splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Shape);
    };
    if name.is_empty() || name.chars().any(|it| it.is_whitespace() || it.is_control()) {
        return Err(KeyError::Shape);
    }
    let key = STANDARD.decode(key).map_err(|_| KeyError::Shape)?;
    match key.split_first() {
        Some((&ED25519_BYTE, key)) => Ok((name, id, key.try_into().map_err(|_| KeyError::Shape)?)),
        Some(_) | None => Err(KeyError::Shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let text = SigningKey::write("onedoor-1", &[7; 32]).unwrap();
        let key = SigningKey::parse(&text).unwrap();
        let public = key.verifying_key().to_string();
        assert_eq!(VerifyingKey::parse(&public).unwrap(), key.verifying_key());
        assert!(!format!("{key:?}").contains("BwcHBw"), "the seed is not shown");
        assert_eq!(VerifyingKey::parse(&public.replace("onedoor-1", "x")), Err(KeyError::Id));
        for bad in ["", "a+b", "a+00000000+AQID", &text, "a b+00000000+AQ=="] {
            assert_eq!(VerifyingKey::parse(bad), Err(KeyError::Shape), "{bad}");
        }
        assert!(SigningKey::generate("a b").is_err() && SigningKey::generate("a+b").is_err());
        assert!(SigningKey::generate("a").is_ok());
    }

    #[test]
    fn a_key_made_elsewhere_is_read() {
        // From the documentation of golang.org/x/mod/sumdb/note, whose format this is.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(VerifyingKey::parse(text).unwrap().to_string(), text);
    }
}
