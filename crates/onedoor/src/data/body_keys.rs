//! What seals the keys of those whose bodies are kept: the keyring, as all that is sealed here.

use std::sync::{Arc, OnceLock};

use audit::bodies::Wrap;
use model::{Secret, SecretId};
use secrets::{Keyring, Sealed};

use super::DataFolder;

/// What the values are called by; there is one version of each.
const ID: &str = "audit-body-keys";
const VERSION: u32 = 1;

/// Seals keys of bodies by the keyring, which is made when the first of them is.
#[derive(Debug)]
pub(crate) struct BodyKeys {
    data: DataFolder,
    keyring: OnceLock<Arc<Keyring>>,
}

impl BodyKeys {
    pub(super) fn new(data: DataFolder, keyring: Option<Arc<Keyring>>) -> Self {
        Self { data, keyring: keyring.map_or_else(OnceLock::new, OnceLock::from) }
    }

    fn keyring(&self) -> Result<&Keyring, String> {
        if let Some(keyring) = self.keyring.get() {
            return Ok(keyring);
        }
        let opened = self.data.keyring(true).map_err(|error| format!("{error:#}"))?;
        let opened = opened.ok_or("there is no keyring")?;
        Ok(self.keyring.get_or_init(|| Arc::new(opened)))
    }
}

impl Wrap for BodyKeys {
    fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, String> {
        let secret = Secret::new(secret.to_vec());
        let sealed = secrets::seal(self.keyring()?, &id()?, VERSION, name, &secret);
        sealed.map(written).map_err(|error| error.to_string())
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, String> {
        let opened = secrets::open(self.keyring()?, &id()?, VERSION, name, &read(sealed)?);
        opened.map_err(|error| error.to_string())
    }

    fn key(&self, sealed: &[u8]) -> Result<String, String> {
        Ok(read(sealed)?.key)
    }

    fn rewrap(&self, name: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let rewrapped = secrets::rewrap(self.keyring()?, &id()?, VERSION, name, &read(sealed)?);
        rewrapped.map(|it| it.map(written)).map_err(|error| error.to_string())
    }
}

fn id() -> Result<SecretId, String> {
    SecretId::parse(ID).map_err(|error| error.to_string())
}

/// The id of the key-encryption key, a line end, and what is sealed under it.
fn written(sealed: Sealed) -> Vec<u8> {
    let Sealed { key, bytes } = sealed;
    [key.as_bytes(), b"\n", &bytes].concat()
}

fn read(bytes: &[u8]) -> Result<Sealed, String> {
    let mut parts = bytes.splitn(2, |it| *it == b'\n');
    let key = parts.next().and_then(|it| std::str::from_utf8(it).ok());
    let (key, bytes) = key.zip(parts.next()).ok_or("it is no sealed key")?;
    Ok(Sealed { key: key.to_owned(), bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> BodyKeys {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let keyring = Keyring::parse(&Secret::new(text.to_owned())).unwrap();
        BodyKeys::new(data, Some(Arc::new(keyring)))
    }

    #[test]
    fn a_key_opens_under_its_own_name_and_comes_under_the_newest_key() {
        let (_, one) = Keyring::generate("k1").unwrap();
        let (_, two) = Keyring::generate("k2").unwrap();
        let old = keys(one.expose());
        let sealed = old.seal("name", b"secret").unwrap();
        assert_eq!(old.open("name", &sealed).unwrap().expose(), b"secret");
        assert_eq!(old.key(&sealed).unwrap(), "k1");
        old.open("other", &sealed).unwrap_err();
        old.open("name", b"k1").unwrap_err();
        assert_eq!(old.rewrap("name", &sealed).unwrap(), None);
        let both = keys(&format!("{}{}", two.expose(), one.expose()));
        let rewrapped = both.rewrap("name", &sealed).unwrap().unwrap();
        assert_eq!(both.key(&rewrapped).unwrap(), "k2");
        let new = keys(two.expose());
        assert_eq!(new.open("name", &rewrapped).unwrap().expose(), b"secret");
        let error = new.open("name", &sealed).unwrap_err();
        assert!(error.contains("k1"), "{error}");
    }

    #[test]
    fn a_keyring_is_made_with_the_first_key_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(folder.path()).unwrap();
        let keys = BodyKeys::new(data.clone(), None);
        assert!(!data.keyring_file().exists());
        let sealed = keys.seal("name", b"secret").unwrap();
        let again = BodyKeys::new(data, None);
        assert_eq!(again.open("name", &sealed).unwrap().expose(), b"secret");
    }
}
