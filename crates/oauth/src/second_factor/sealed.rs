//! The secret of a second factor, as the store keeps it: sealed, for one account.

use base64::{Engine, engine::general_purpose::STANDARD};
use model::{Secret, SecretId};
use secrets::Sealed;
use serde::{Deserialize, Serialize};

use super::broken;
use crate::{
    Server,
    error::{Code, Denied},
};

/// The name that all secrets of people are sealed under; the account is what each is sealed for.
const NAME: &str = "second-factors";

/// A secret that only this door can read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SealedSecret {
    key: String,
    /// In Base64.
    bytes: String,
}

impl SealedSecret {
    pub(super) fn read(text: &str) -> Result<Self, Denied> {
        serde_json::from_str(text).map_err(broken)
    }

    pub(super) fn text(&self) -> Result<String, Denied> {
        serde_json::to_string(self).map_err(broken)
    }

    pub(super) fn seal(
        server: &Server,
        account: &str,
        secret: &Secret<Vec<u8>>,
    ) -> Result<Self, Denied> {
        let sealed = secrets::seal(&server.keyring, &name()?, 1, account, secret);
        sealed.map(Self::of).map_err(broken)
    }

    /// The id of the key that seals it.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// What was sealed for `account`.
    ///
    /// # Errors
    /// Where it was for another, or the key is gone.
    pub(super) fn open(&self, server: &Server, account: &str) -> Result<Secret<Vec<u8>>, Denied> {
        let opened = secrets::open(&server.keyring, &name()?, 1, account, &self.sealed()?);
        opened.map_err(|error| {
            let detail = "your second factor cannot be read now: use a recovery code";
            Denied::new(Code::TemporarilyUnavailable, detail).because(error)
        })
    }

    /// The same under the current key, so that an older one can be taken away in time; none where it
    /// is under that already.
    pub(super) fn rewrapped(&self, server: &Server, account: &str) -> Result<Option<Self>, Denied> {
        let new = secrets::rewrap(&server.keyring, &name()?, 1, account, &self.sealed()?);
        Ok(new.map_err(broken)?.map(Self::of))
    }

    fn of(sealed: Sealed) -> Self {
        let Sealed { key, bytes } = sealed;
        Self { key, bytes: STANDARD.encode(bytes) }
    }

    fn sealed(&self) -> Result<Sealed, Denied> {
        let bytes = STANDARD.decode(&self.bytes).map_err(broken)?;
        Ok(Sealed { key: self.key.clone(), bytes })
    }
}

fn name() -> Result<SecretId, Denied> {
    SecretId::parse(NAME).map_err(broken)
}
