//! The keys of subjects: a sealed file each, which is all that there is of one.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use aws_lc_rs::{hmac, rand};
use model::{Secret, hex};
use zeroize::Zeroizing;

use super::{BodyError, Subject};
use crate::journal::{private, sync_folder};

/// The name of a subject's file. It says nothing about who that is, also to whoever can guess.
pub(super) type SubjectId = [u8; 16];
/// Which of a subject's keys: after one was destroyed there may be another.
pub(super) type KeyId = [u8; 16];

const SECRET_BYTES: usize = 32;
/// The file of what names are made with.
const NAMES: &str = "names";
/// The file of the lock.
const LOCK: &str = "lock";
/// What the file of a key is called that is being destroyed.
const GONE: &str = "gone";
/// What a file is called that is being written.
const DRAFT: &str = "draft";

/// Seals the keys of subjects, so that who has their files alone has none of them.
///
/// The floor is crossed here: what seals the door's other secrets is beside the log.
pub trait Wrap: fmt::Debug + Send + Sync {
    /// Seals `secret`; it opens as this `name` alone.
    ///
    /// # Errors
    /// Why it cannot.
    fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, String>;

    /// Opens what was sealed as this `name`.
    ///
    /// # Errors
    /// Why it cannot.
    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, String>;

    /// The id of the key that this is sealed under.
    ///
    /// # Errors
    /// Where it is nothing that was sealed.
    fn key(&self, sealed: &[u8]) -> Result<String, String>;

    /// The same under what seals now; none where it is that already.
    ///
    /// # Errors
    /// Why it cannot.
    fn rewrap(&self, name: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String>;
}

/// The key of a subject.
pub(super) struct Key {
    pub(super) subject: SubjectId,
    pub(super) id: KeyId,
    pub(super) secret: Zeroizing<[u8; SECRET_BYTES]>,
}

/// All keys, in a folder. None is remembered: another process may destroy it.
#[derive(Debug)]
pub(super) struct Keys {
    folder: PathBuf,
    wrap: Box<dyn Wrap>,
    names: OnceLock<hmac::Key>,
}

impl Keys {
    /// The keys in `folder`. What a crash left of a destroyed one, or of one that was written, is removed.
    pub(super) fn open(folder: PathBuf, wrap: Box<dyn Wrap>) -> Result<Self, BodyError> {
        let keys = Self { folder, wrap, names: OnceLock::new() };
        let is_left = |it: &PathBuf| it.extension().is_some_and(|it| it == GONE || it == DRAFT);
        if keys.files().map_err(|it| keys.disk(it))?.iter().any(is_left) {
            // With the lock, and looked at again: another process may be writing one.
            let _locked = keys.lock()?;
            let left = keys.files().map_err(|it| keys.disk(it))?;
            let mut left = left.iter().filter(|it| is_left(it));
            left.try_for_each(|it| erase(it)).map_err(|it| keys.disk(it))?;
        }
        Ok(keys)
    }

    /// What the file of `subject` is called.
    pub(super) fn id(&self, subject: &Subject) -> Result<SubjectId, BodyError> {
        let names = match self.names.get() {
            Some(names) => names,
            None => {
                let names = self.names()?;
                self.names.get_or_init(|| names)
            }
        };
        let name = hmac::sign(names, &subject.bytes());
        Ok(name.as_ref().first_chunk().copied().unwrap_or_default())
    }

    /// The key of this subject; a new one where it has none.
    pub(super) fn of(&self, subject: SubjectId) -> Result<Key, BodyError> {
        if let Some(key) = self.read(subject)? {
            return Ok(key);
        }
        let _locked = self.lock()?;
        // Another process may have made it meanwhile.
        if let Some(key) = self.read(subject)? {
            return Ok(key);
        }
        let bytes = random::<{ size_of::<KeyId>() + SECRET_BYTES }>()?;
        self.write(&hex(&subject), &bytes[..])?;
        parse(subject, &bytes[..])
    }

    /// This key of this subject, unless it was destroyed.
    pub(super) fn find(&self, subject: &SubjectId, id: &KeyId) -> Result<Option<Key>, BodyError> {
        Ok(self.read(*subject)?.filter(|it| it.id == *id))
    }

    /// Destroys the key of this subject for good, and says whether there was one.
    pub(super) fn destroy(&self, subject: &SubjectId) -> Result<bool, BodyError> {
        let _locked = self.lock()?;
        let path = self.folder.join(hex(subject));
        let gone = path.with_extension(GONE);
        let destroy = || {
            // A copy that a crash left as the file was written anew: it would open as well.
            let draft = path.with_extension(DRAFT);
            if draft.try_exists()? {
                erase(&draft)?;
            }
            // First its name: from here on nobody finds it, whatever happens.
            match fs::rename(&path, &gone) {
                Ok(()) => sync_folder(&self.folder)?,
                // One that could not be erased before is tried again.
                Err(error) if error.kind() == ErrorKind::NotFound && gone.try_exists()? => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
            erase(&gone).map(|()| true)
        };
        destroy().map_err(|it| self.disk(it))
    }

    /// Whether the folder can be written to.
    pub(super) fn try_to_write(&self) -> Result<(), BodyError> {
        let _locked = self.lock()?;
        super::file::try_to_write(&self.folder)
    }

    /// Brings all files under what seals them now.
    pub(super) fn rewrap(&self) -> Result<u64, BodyError> {
        let mut rewrapped = 0_u64;
        for path in self.sealed()? {
            let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
            // With the lock, so that none comes back that is destroyed meanwhile.
            let _locked = self.lock()?;
            let Some(sealed) = read(&path).map_err(|it| self.disk(it))? else { continue };
            if let Some(sealed) = self.wrap.rewrap(name, &sealed).map_err(BodyError::Wrap)? {
                self.replace(name, &sealed).map_err(|it| self.disk(it))?;
                rewrapped = rewrapped.saturating_add(1);
            }
        }
        Ok(rewrapped)
    }

    /// How many files are sealed under each key, by its id.
    pub(super) fn under_keys(&self) -> Result<BTreeMap<String, u64>, BodyError> {
        let mut counts = BTreeMap::new();
        for path in self.sealed()? {
            // One that was destroyed meanwhile needs no key.
            let Some(sealed) = read(&path).map_err(|it| self.disk(it))? else { continue };
            let key = self.wrap.key(&sealed).map_err(BodyError::Wrap)?;
            let count = counts.entry(key).or_insert(0_u64);
            *count = count.saturating_add(1);
        }
        Ok(counts)
    }

    /// The files whose content is sealed.
    fn sealed(&self) -> Result<Vec<PathBuf>, BodyError> {
        let mut files = self.files().map_err(|it| self.disk(it))?;
        files.retain(|it| it.extension().is_none() && !it.ends_with(LOCK));
        Ok(files)
    }

    /// What names are made with; made on first use.
    fn names(&self) -> Result<hmac::Key, BodyError> {
        let _locked = self.lock()?;
        let path = self.folder.join(NAMES);
        let secret = match read(&path).map_err(|it| self.disk(it))? {
            Some(sealed) => self.wrap.open(NAMES, &sealed).map_err(BodyError::Wrap)?,
            None => {
                let secret = random::<SECRET_BYTES>()?;
                self.write(NAMES, &secret[..])?;
                Secret::new(secret.to_vec())
            }
        };
        Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
    }

    fn read(&self, subject: SubjectId) -> Result<Option<Key>, BodyError> {
        let name = hex(&subject);
        let sealed = read(&self.folder.join(&name)).map_err(|it| self.disk(it))?;
        let Some(sealed) = sealed else { return Ok(None) };
        let bytes = self.wrap.open(&name, &sealed).map_err(BodyError::Wrap)?;
        parse(subject, bytes.expose()).map(Some)
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), BodyError> {
        let sealed = self.wrap.seal(name, secret).map_err(BodyError::Wrap)?;
        self.replace(name, &sealed).map_err(|it| self.disk(it))
    }

    /// On the disk before anything is sealed under it, whole or not at all.
    fn replace(&self, name: &str, sealed: &[u8]) -> io::Result<()> {
        let path = self.folder.join(name);
        let draft = path.with_extension(DRAFT);
        let mut file = private().write(true).create(true).truncate(true).open(&draft)?;
        file.write_all(sealed).and_then(|()| file.sync_all())?;
        fs::rename(&draft, &path)?;
        sync_folder(&self.folder)
    }

    /// Held while a file is made, changed or destroyed, by whichever process.
    fn lock(&self) -> Result<File, BodyError> {
        let lock = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let path = self.folder.join(LOCK);
            let file = private().write(true).create(true).truncate(false).open(path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|it| self.disk(it))
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => entries.map(|it| Ok(it?.path())).collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn disk(&self, source: io::Error) -> BodyError {
        BodyError::Disk { path: self.folder.clone(), source }
    }
}

fn parse(subject: SubjectId, bytes: &[u8]) -> Result<Key, BodyError> {
    let parts = bytes.split_first_chunk().and_then(|(id, rest)| Some((id, rest.first_chunk()?)));
    let (id, secret) = parts.ok_or_else(|| BodyError::Wrap("it is no key".to_owned()))?;
    Ok(Key { subject, id: *id, secret: Zeroizing::new(*secret) })
}

fn random<const BYTES: usize>() -> Result<Zeroizing<[u8; BYTES]>, BodyError> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    rand::fill(&mut *bytes).map_err(|_| BodyError::Unsealable)?;
    Ok(bytes)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Overwrites the file before it goes, which helps on disks that write in place.
fn erase(path: &Path) -> io::Result<()> {
    let mut file = private().write(true).open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    fs::remove_file(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}
