//! The file of the salt: the key of the hashes that stand in records for values. Readable by us alone.

use std::path::Path;

use anyhow::bail;
use audit::Salt;
use model::Secret;

use super::private::{self, Advice};

const ADVICE: Advice = Advice {
    bytes_max: 1024,
    wrong: "is no salt, which has 64 hexadecimal digits: restore it from a backup, or remove it for a new one",
    seen: "remove it, and new hashes are made under another one",
};

/// Reads the salt in `path`; makes one where there is none.
///
/// # Errors
/// Where it cannot be made or read, is broken, or can be read by others.
pub(super) fn open(path: &Path) -> anyhow::Result<Salt> {
    private::ensure(path, || private::random(Salt::BYTES))?;
    read(path)
}

/// Reads the salt in `path`.
///
/// # Errors
/// Where it cannot be read, is broken, or can be read by others.
pub(super) fn read(path: &Path) -> anyhow::Result<Salt> {
    let text = private::read(path, &ADVICE)?;
    let bytes = Secret::new(private::unhex(text.expose().trim()).unwrap_or_default());
    let Ok(bytes) = <&[u8; Salt::BYTES]>::try_from(bytes.expose().as_slice()) else {
        bail!("{} {}", path.display(), ADVICE.wrong);
    };
    Ok(Salt::new(bytes))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

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
            private::create(&path, text.as_bytes()).unwrap();
            let error = format!("{:#}", open(&path).unwrap_err());
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
