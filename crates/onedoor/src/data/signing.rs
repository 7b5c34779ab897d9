//! The key that signs the audit log. Made once, readable by us alone; its public half lies beside it.

use std::{fs, io, path::Path};

use anyhow::{Context as _, anyhow};
use audit::SigningKey;

use super::private::{self, Advice};

const ADVICE: Advice = Advice {
    bytes_max: 1024,
    wrong: "holds no key that signs the audit log: restore it from a backup",
    seen: "move it and the audit log away, and a new log begins",
};

/// Reads the key in `path`; makes one where there is none, for a log with a name of its own.
///
/// # Errors
/// Where it cannot be made or read, is broken, or can be read by others.
pub(super) fn open(path: &Path) -> anyhow::Result<SigningKey> {
    let shown = path.display();
    private::ensure(path, || {
        let name = format!("onedoor-{}", uuid::Uuid::new_v4().simple());
        SigningKey::generate(&name).map_err(|error| anyhow!(error))
    })?;
    let text = private::read(path, &ADVICE)?;
    let key = SigningKey::parse(text.expose())
        .with_context(|| format!("{shown} holds no key that signs the audit log"))?;
    publish(path, &key).with_context(|| format!("cannot write the public half of {shown}"))?;
    Ok(key)
}

/// Everybody may have it: who checks the log needs it.
fn publish(path: &Path, key: &SigningKey) -> io::Result<()> {
    let (path, text) = (path.with_extension("pub"), format!("{}\n", key.verifying_key()));
    let is_there = fs::read_to_string(&path).is_ok_and(|it| it == text);
    if is_there { Ok(()) } else { fs::write(path, text) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_us_alone_and_its_public_half_is_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("audit.key");
        let first = open(&path).unwrap().verifying_key();
        assert_eq!(open(&path).unwrap().verifying_key(), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let public = fs::read_to_string(root.path().join("audit.pub")).unwrap();
        assert_eq!(public, format!("{first}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("mode 640"));
    }

    #[test]
    fn a_broken_key_is_refused_and_not_shown() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("audit.key");
        for text in ["", "hunter2", "PRIVATE+KEY+a+00000000+hunter2", &"a".repeat(5000)] {
            drop(fs::remove_file(&path));
            private::create(&path, text.as_bytes()).unwrap();
            let error = format!("{:#}", open(&path).unwrap_err());
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
