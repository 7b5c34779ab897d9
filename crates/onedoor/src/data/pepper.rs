//! The file of the pepper: the keys of the HMACs in which API keys are kept. Readable by us alone.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use identity::api_key::Pepper;
use model::{PepperId, Secret};

use super::private::{self, Advice};

const ADVICE: Advice = Advice {
    // Some lines of an id and 64 hexadecimal digits, or longer ones.
    bytes_max: 8 * 1024,
    wrong: "is no pepper: restore it from a backup",
    seen: "remove it and issue every API key anew",
};

/// Reads the pepper in `path`; makes one where there is none.
///
/// # Errors
/// Where it cannot be made or read, is broken, or can be read by others.
pub(super) fn open(path: &Path) -> anyhow::Result<Pepper> {
    private::ensure(path, || private::random(Pepper::BYTES_MIN))?;
    read(path)
}

/// Reads the peppers in `path`, a line each, the newest first: an id and hexadecimal digits. The first
/// one that there ever was may stand without an id.
///
/// # Errors
/// Where it cannot be read, is broken, or can be read by others.
pub(super) fn read(path: &Path) -> anyhow::Result<Pepper> {
    let shown = path.display();
    let text = private::read(path, &ADVICE)?;
    let mut peppers = Vec::new();
    for (number, line) in (1..).zip(text.expose().lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself is not shown: it is the secret.
        let pepper = parse(line).ok_or_else(|| {
            anyhow!(
                "{shown}:{number} is no pepper: write an id, a space and 64 hexadecimal digits, or restore the file from a backup"
            )
        })?;
        peppers.push(pepper);
    }
    Pepper::of(&peppers).with_context(|| format!("{shown} is no pepper: restore it from a backup"))
}

fn parse(line: &str) -> Option<(PepperId, Secret<Vec<u8>>)> {
    let (id, digits) = match line.split_once(char::is_whitespace) {
        Some((id, digits)) => (PepperId::parse(id).ok()?, digits.trim_start()),
        None => (PepperId::first(), line),
    };
    Some((id, Secret::new(private::unhex(digits)?)))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::data::DataFolder;

    #[test]
    fn a_pepper_is_made_once_and_for_us_alone() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let hmac = |folder: &DataFolder| folder.pepper().unwrap().hash("odk_");
        let first = hmac(&DataFolder::open(&data).unwrap());
        assert_eq!(first, hmac(&DataFolder::open(&data).unwrap()));
        let mode = fs::metadata(data.join("pepper")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_to_string(data.join(".gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn a_new_pepper_stands_above_the_first_that_has_no_name() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pepper");
        let first = open(&path).unwrap();
        let old = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("# newest first\np2 {}\n\n{old}", "ab".repeat(32))).unwrap();
        let both = read(&path).unwrap();
        let ids: Vec<_> = both.ids().iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["p2", "p1"]);
        assert_eq!(both.hashes("odk_")[1], first.hash("odk_"));
    }

    #[test]
    fn a_pepper_that_others_can_read_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pepper");
        open(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("mode 640"));
    }

    #[test]
    fn a_broken_pepper_is_refused_and_not_shown() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pepper");
        for text in ["", "abc", "zz", "hunter2", "P 2", &"ab".repeat(31), &"a".repeat(9000)] {
            drop(fs::remove_file(&path));
            private::create(&path, text.as_bytes()).unwrap();
            let error = format!("{:#}", open(&path).unwrap_err());
            // The folder has a name by chance.
            let error = error.replace(&*root.path().to_string_lossy(), "");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
