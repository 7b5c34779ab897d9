//! The key that signs the audit log. Made once, readable by us alone; its public half lies beside it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use audit::{Keys, SigningKey, VerifyingKey};

use super::private::{self, Advice};

const ADVICE: Advice = Advice {
    bytes_max: 1024,
    wrong: "holds no key that signs the audit log: restore it from a backup",
    seen: "move it and the audit log away, and a new log begins",
};

/// Reads the key in `path` that signs the log in `folder`; makes one where there is none, for a log with a
/// name of its own.
///
/// # Errors
/// Where it cannot be made or read, is broken, or can be read by others.
pub(super) fn open(path: &Path, folder: &Path) -> anyhow::Result<SigningKey> {
    let shown = path.display();
    NextKey::at(path).settle(folder).with_context(|| {
        format!("the key that was to follow {shown} can be neither taken nor removed")
    })?;
    private::ensure(path, || {
        let name = format!("onedoor-{}", uuid::Uuid::new_v4().simple());
        SigningKey::generate(&name).map_err(|error| anyhow!(error))
    })?;
    let key = read(path)?;
    let keys = Keys::read(folder, &key.verifying_key()).with_context(|| {
        format!("cannot read the keys of the audit log in {}", folder.display())
    })?;
    NextKey::at(path).publish(&keys.all())?;
    Ok(key)
}

fn read(path: &Path) -> anyhow::Result<SigningKey> {
    let text = private::read(path, &ADVICE)?;
    SigningKey::parse(text.expose()).with_context(|| format!("{} {}", path.display(), ADVICE.wrong))
}

/// A key that is to follow the one in a file. It lies beside that until the log says that it follows.
#[derive(Debug)]
pub(crate) struct NextKey {
    /// The one that it follows.
    current: PathBuf,
    path: PathBuf,
}

impl NextKey {
    fn at(current: &Path) -> Self {
        let mut name = current.file_name().unwrap_or_default().to_owned();
        name.push(".next");
        Self { current: current.to_owned(), path: current.with_file_name(name) }
    }

    /// Makes one for the log called `name` in `folder`. One that is there and follows already is put into
    /// its place first.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(crate) fn make(current: &Path, (name, folder): (&str, &Path)) -> anyhow::Result<Self> {
        let this = Self::at(current);
        this.settle(folder)?;
        let text = SigningKey::generate(name).map_err(|error| anyhow!(error))?;
        private::create(&this.path, text.expose().as_bytes())
            .with_context(|| format!("cannot make {}", this.path.display()))?;
        Ok(this)
    }

    /// The key itself.
    ///
    /// # Errors
    /// As where the current one is opened.
    pub(crate) fn key(&self) -> anyhow::Result<SigningKey> {
        read(&self.path)
    }

    /// Puts it into the place of the current one.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn take(&self) -> io::Result<()> {
        fs::rename(&self.path, &self.current)?;
        let parent = self.current.parent().filter(|it| !it.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Takes one that a crash left, where the log in `folder` says that it follows; removes it otherwise.
    fn settle(&self, folder: &Path) -> anyhow::Result<()> {
        if !self.path.try_exists()? {
            return Ok(());
        }
        let follows = match self.key() {
            Ok(key) => {
                let keys = Keys::read(folder, &key.verifying_key())?;
                keys.all().len() > 1 && keys.is_last(&key.verifying_key())
            }
            // One that was not written whole signed nothing. One that cannot be read may be the last.
            Err(error) => {
                let current = read(&self.current)?.verifying_key();
                if !Keys::read(folder, &current)?.is_last(&current) {
                    return Err(error);
                }
                false
            }
        };
        let settled = if follows { self.take() } else { self.remove() };
        Ok(settled?)
    }

    fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes the public halves of all keys beside the current one, the oldest first. Everybody may have
    /// them: who checks the log needs them.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn publish(&self, keys: &[VerifyingKey]) -> anyhow::Result<()> {
        let path = self.current.with_extension("pub");
        let text: String = keys.iter().map(|it| format!("{it}\n")).collect();
        if fs::read_to_string(&path).is_ok_and(|it| it == text) {
            return Ok(());
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use audit::{Journal, Location, Rules};
    use model::Clock;

    use super::*;

    fn open(path: &Path) -> anyhow::Result<SigningKey> {
        super::open(path, &path.with_file_name("audit"))
    }

    fn journal(path: &Path) -> Journal {
        let location = Location { folder: path.with_file_name("audit"), ..Location::default() };
        Journal::open(&location, (open(path).unwrap(), Rules::default()), Clock::system()).unwrap()
    }

    #[test]
    fn a_key_that_follows_is_taken_wherever_a_crash_left_it() {
        let root = tempfile::tempdir().unwrap();
        let (path, next) = (root.path().join("audit.key"), root.path().join("audit.key.next"));
        let first = journal(&path).verifying_key().unwrap();
        // Before the log says that it follows.
        let folder = root.path().join("audit");
        NextKey::make(&path, (first.name(), &folder)).unwrap();
        assert_eq!(open(&path).unwrap().verifying_key(), first);
        assert!(!next.exists());
        // And behind that.
        let door = journal(&path);
        let made = NextKey::make(&path, (first.name(), &folder)).unwrap();
        let second = made.key().unwrap().verifying_key();
        let lost = || Err(io::Error::other("the power went"));
        assert!(door.change_key(made.key().unwrap(), "a test", lost).is_err() && next.exists());
        drop(door);
        // Where it cannot be read now it is not taken for one that signed nothing.
        fs::set_permissions(&next, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(open(&path).is_err() && next.exists());
        fs::set_permissions(&next, fs::Permissions::from_mode(0o600)).unwrap();
        // And one that is to follow it does not take its place before it has that.
        NextKey::make(&path, (first.name(), &folder)).unwrap();
        assert_eq!(read(&path).unwrap().verifying_key(), second);
        assert_eq!(open(&path).unwrap().verifying_key(), second);
        assert!(!next.exists());
        let public = fs::read_to_string(root.path().join("audit.pub")).unwrap();
        assert_eq!(public, format!("{first}\n{second}\n"));
        drop(journal(&path));
        assert_eq!(audit::verify(&folder, &first, None).unwrap().damage, None);
    }

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
