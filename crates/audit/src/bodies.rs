//! Bodies of calls, kept beside the log, each sealed under the key of its subject.
//!
//! Who destroys that key destroys them, and the log stays as it was: a record has no more of a body than
//! its hash. Nothing keeps any yet.

mod file;
mod frame;
mod keys;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use model::{Caller, RequestId, Timestamp};

use file::DayFile;
use frame::Frame;
use keys::Keys;

pub use file::Reference;

/// Largest body that is kept.
pub const BODY_BYTES_MAX: usize = 16 << 20;

/// Where sealed bodies are, and the keys that open them.
#[derive(Debug)]
pub struct Bodies {
    folder: PathBuf,
    keys: Keys,
    /// What is written to today.
    today: Mutex<Option<DayFile>>,
}

/// Whose body it is: the user that a call was made for, else the profile that called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// The person called `user` in records.
    #[must_use]
    pub fn user(user: &str) -> Self {
        Self(format!("user:{user}"))
    }

    /// A client's profile.
    #[must_use]
    pub fn profile(profile: &str) -> Self {
        Self(format!("profile:{profile}"))
    }

    /// Whose the bodies of this caller's calls are.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        match &caller.user {
            Some(user) => Self::user(user),
            None => Self::profile(caller.profile.as_str()),
        }
    }
}

/// Which body of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What came with the request.
    Request,
    /// What was answered.
    Response,
}

/// Why a body cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The key of its subject was destroyed.
    #[error("the key of its subject was destroyed, and nothing opens it any more")]
    Destroyed,
    /// The disk failed.
    #[error("bodies cannot be kept in or read from {}: {source}", path.display())]
    Disk {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing there, or it was purged.
    #[error("there is no such body")]
    Missing,
    /// What is there is not what was sealed.
    #[error("it is not what was sealed: it was changed, or belongs to another record")]
    Tampered,
    /// The system gives no random bytes, or the body is too large.
    #[error("it cannot be sealed")]
    Unsealable,
}

impl Bodies {
    /// Opens the folder, made for its owner only where it is missing.
    ///
    /// # Errors
    /// [`BodyError::Disk`]
    pub fn open(folder: &Path) -> Result<Self, BodyError> {
        let keys = folder.join("keys");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&keys)
            .map_err(|source| BodyError::Disk { path: keys.clone(), source })?;
        Ok(Self { folder: folder.to_owned(), keys: Keys::new(keys), today: Mutex::default() })
    }

    /// Seals a body of the call `id` and keeps it. It is on the disk when this returns. Blocks.
    ///
    /// # Errors
    /// [`BodyError::Disk`] and [`BodyError::Unsealable`]
    pub fn keep(
        &self,
        subject: &Subject,
        (id, at): (RequestId, Timestamp),
        which: Which,
        body: &[u8],
    ) -> Result<Reference, BodyError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(BodyError::Unsealable);
        }
        let key = self.keys.of(subject)?;
        let frame = Frame::seal(&key, (id, which), body)?;
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = DayFile::of(&self.folder, at, today.take())?;
        let written = file.append(&frame);
        // After a failure the file is opened again, behind what it left.
        if written.is_ok() {
            *today = Some(file);
        }
        written
    }

    /// Opens the body that a record of the call `id` refers to. Blocks.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn read(
        &self,
        id: RequestId,
        reference: &Reference,
    ) -> Result<(Which, Vec<u8>), BodyError> {
        let frame = Frame::parse(&reference.read(&self.folder)?)?;
        let key = self.keys.find(&frame.subject, &frame.key)?.ok_or(BodyError::Destroyed)?;
        frame.open(&key, id)
    }

    /// Destroys the key of `subject`: whatever was kept of it cannot be read any more. What is kept from
    /// now on has a new key. Says whether there was one. Blocks.
    ///
    /// # Errors
    /// [`BodyError::Disk`]
    pub fn destroy(&self, subject: &Subject) -> Result<bool, BodyError> {
        self.keys.destroy(subject)
    }
}

#[cfg(test)]
mod tests;
