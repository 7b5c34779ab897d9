//! The keyring: the keys under which the data keys of secrets are sealed.

use std::{env, path::Path};

use anyhow::Context as _;
use model::Secret;
use secrets::Keyring;

use super::private::{self, Advice};

/// The variable that may hold it.
const VARIABLE: &str = "ONEDOOR_KEYRING";
/// The name of the systemd credential that may hold it.
const CREDENTIAL: &str = "onedoor-keyring";
/// The id of the first key.
const FIRST_ID: &str = "k1";
const ADVICE: Advice = Advice {
    bytes_max: 64 * 1024,
    wrong: "is no keyring: restore it from a backup",
    seen: "add a new key at its top and change every secret",
};

/// The keyring of the environment, else of systemd, else of the file `path`.
#[expect(clippy::disallowed_methods, reason = "a key need not stand in a file")]
pub(super) fn open(path: &Path, is_needed: bool) -> anyhow::Result<Option<Keyring>> {
    if let Ok(text) = env::var(VARIABLE) {
        let text = Secret::new(text);
        return Keyring::parse(&text)
            .map(Some)
            .with_context(|| format!("{VARIABLE} is no keyring"));
    }
    if let Some(folder) = env::var_os("CREDENTIALS_DIRECTORY") {
        let credential = Path::new(&folder).join(CREDENTIAL);
        if credential.try_exists().unwrap_or(false) {
            return read(&credential).map(Some);
        }
    }
    if is_needed {
        private::ensure(path, || Ok(Keyring::generate(FIRST_ID)?.1))?;
    } else if !path.try_exists().with_context(|| format!("cannot look at {}", path.display()))? {
        return Ok(None);
    }
    read(path).map(Some)
}

fn read(path: &Path) -> anyhow::Result<Keyring> {
    let text = private::read(path, &ADVICE)?;
    Keyring::parse(&text).with_context(|| format!("{} is no keyring", path.display()))
}
