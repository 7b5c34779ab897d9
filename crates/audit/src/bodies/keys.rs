//! The keys of subjects: a file each, which is all that there is of one.

use std::{
    collections::HashMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use zeroize::Zeroizing;

use super::{BodyError, Subject};
use crate::text::hex;

/// The name of a subject's file: it says nothing about who that is.
pub(super) type SubjectId = [u8; 32];
/// Which of a subject's keys: after one was destroyed there may be another.
pub(super) type KeyId = [u8; 16];

const KEY_BYTES: usize = 32;
/// Most keys that are remembered.
const KNOWN_MAX: usize = 1024;

/// The key of a subject.
pub(super) struct Key {
    pub(super) subject: SubjectId,
    pub(super) id: KeyId,
    pub(super) secret: Zeroizing<[u8; KEY_BYTES]>,
}

/// All keys, in a folder.
pub(super) struct Keys {
    folder: PathBuf,
    /// Those that were used. Locked while a file is made or destroyed.
    known: Mutex<HashMap<SubjectId, Arc<Key>>>,
}

impl Keys {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    /// The key of `subject`; a new one where it has none.
    pub(super) fn of(&self, subject: &Subject) -> Result<Arc<Key>, BodyError> {
        let id = subject_id(subject);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(&id) {
            return Ok(Arc::clone(key));
        }
        let path = self.path(&id);
        let key = match read(&path, id).map_err(|it| disk(&path, it))? {
            Some(key) => key,
            None => make(&path, id)?,
        };
        let key = Arc::new(key);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(id, Arc::clone(&key));
        Ok(key)
    }

    /// This key of this subject, unless it was destroyed.
    pub(super) fn find(&self, subject: &SubjectId, id: &KeyId) -> Result<Option<Key>, BodyError> {
        let _locked = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(subject);
        let key = read(&path, *subject).map_err(|it| disk(&path, it))?;
        Ok(key.filter(|it| it.id == *id))
    }

    /// Destroys the key of `subject`, if it has one.
    pub(super) fn destroy(&self, subject: &Subject) -> Result<bool, BodyError> {
        let id = subject_id(subject);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&id);
        let path = self.path(&id);
        match erase(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(disk(&path, error)),
        }
    }

    fn path(&self, id: &SubjectId) -> PathBuf {
        self.folder.join(hex(id))
    }
}

fn subject_id(subject: &Subject) -> SubjectId {
    let digest = digest(&SHA256, subject.0.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

fn read(path: &Path, subject: SubjectId) -> io::Result<Option<Key>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let parts = bytes.split_first_chunk().and_then(|(id, rest)| Some((id, rest.first_chunk()?)));
    let (id, secret) = parts.ok_or_else(|| io::Error::other("it is no key"))?;
    Ok(Some(Key { subject, id: *id, secret: Zeroizing::new(*secret) }))
}

/// On the disk before anything is sealed under it.
fn make(path: &Path, subject: SubjectId) -> Result<Key, BodyError> {
    let mut key = Key { subject, id: KeyId::default(), secret: Zeroizing::default() };
    let filled = rand::fill(&mut key.id).and_then(|()| rand::fill(&mut *key.secret));
    filled.map_err(|_| BodyError::Unsealable)?;
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let bytes = Zeroizing::new([&key.id[..], &*key.secret].concat());
        file.write_all(&bytes)?;
        file.sync_all()?;
        sync_folder(path)
    };
    if let Err(error) = written() {
        // Half a key would be in the way of a whole one.
        fs::remove_file(path).ok();
        return Err(disk(path, error));
    }
    Ok(key)
}

/// Overwrites the file before it goes, which helps on disks that write in place.
fn erase(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(&[0; KEY_BYTES + 16])?;
    file.sync_all()?;
    // What is left if it cannot be removed must not be taken for a key.
    file.set_len(0)?;
    file.sync_all()?;
    fs::remove_file(path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn disk(path: &Path, source: io::Error) -> BodyError {
    BodyError::Disk { path: path.to_owned(), source }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("folder", &self.folder).finish_non_exhaustive()
    }
}
