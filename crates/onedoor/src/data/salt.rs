//! The file of the salt: the key of the hashes that stand in records for values. Readable by us alone.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, anyhow, bail};
use audit::Salt;
use identity::api_key::{SecureRandom as _, SystemRandom};
use model::Secret;

use super::{
    create_private,
    pepper::{hex, unhex},
};

/// Largest file that is read: 64 hexadecimal digits and a line end, with room.
const FILE_BYTES_MAX: u64 = 1024;

/// Reads the salt in `path`; makes one where there is none.
///
/// # Errors
/// Where it cannot be made or read, is broken, or can be read by others.
pub(super) fn open(path: &Path) -> anyhow::Result<Salt> {
    let shown = path.display();
    if !path.try_exists().with_context(|| format!("cannot look at {shown}"))? {
        create(path).with_context(|| format!("cannot make {shown}"))?;
    }
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at {shown}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{shown} can be read by others (mode {mode:o}): chmod 600 it; if others did read it, remove it, and new hashes are made under another one"
        );
    }
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        bail!("{shown} is no salt: restore it from a backup, or remove it for a new one");
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let text = Secret::new(text);
    let bytes = Secret::new(unhex(text.expose().trim()).unwrap_or_default());
    let Ok(bytes) = <&[u8; Salt::BYTES]>::try_from(bytes.expose().as_slice()) else {
        bail!(
            "{shown} is no salt, which has 64 hexadecimal digits: restore it from a backup, or remove it for a new one"
        );
    };
    Ok(Salt::new(bytes))
}

/// Another process may make one at the same time: whoever comes second takes the first's.
fn create(path: &Path) -> anyhow::Result<()> {
    let mut bytes = vec![0; Salt::BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("no random bytes are to be had"))?;
    let bytes = Secret::new(bytes);
    let text = Secret::new(hex(bytes.expose()));
    match create_private(path, text.expose().as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn hash(path: &Path) -> String {
        open(path).unwrap().hash(b"ann", Timestamp::from_seconds(0))
    }

    #[test]
    fn a_salt_is_made_once_and_for_us_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("audit.salt");
        let first = hash(&path);
        assert_eq!(first, hash(&path));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        assert_ne!(first, hash(&path));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("mode 640"));
    }

    #[test]
    fn a_broken_salt_is_refused_and_not_shown() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("audit.salt");
        for text in ["", "zz", "hunter2", &"ab".repeat(31), &"ab".repeat(33), &"a".repeat(2000)] {
            drop(fs::remove_file(&path));
            create_private(&path, text.as_bytes()).unwrap();
            let error = format!("{:#}", open(&path).unwrap_err());
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
