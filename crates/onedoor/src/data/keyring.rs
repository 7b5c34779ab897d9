//! The keyring: the keys under which the data keys of secrets are sealed.

use std::{env, fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, bail};
use model::Secret;
use secrets::Keyring;

use super::create_private;

/// The variable that may hold it.
const VARIABLE: &str = "ONEDOOR_KEYRING";
/// The name of the systemd credential that may hold it.
const CREDENTIAL: &str = "onedoor-keyring";
/// The id of the first key.
const FIRST_ID: &str = "k1";
/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024;

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
    if !path.try_exists().with_context(|| format!("cannot look at {}", path.display()))? {
        if !is_needed {
            return Ok(None);
        }
        create(path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    read(path).map(Some)
}

fn read(path: &Path) -> anyhow::Result<Keyring> {
    let shown = path.display();
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at {shown}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{shown} can be read by others (mode {mode:o}): chmod 600 it; if others did read it, add a new key at its top and change every secret"
        );
    }
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        bail!("{shown} is no keyring: restore it from a backup");
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let text = Secret::new(text);
    Keyring::parse(&text).with_context(|| format!("{shown} is no keyring"))
}

/// Another process may make one at the same time: whoever comes second takes the first's.
fn create(path: &Path) -> anyhow::Result<()> {
    let (_, text) = Keyring::generate(FIRST_ID)?;
    match create_private(path, text.expose().as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other?),
    }
}
