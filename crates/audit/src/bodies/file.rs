//! The file beside a segment, to which sealed bodies are appended, and how one is found in it again.

use std::{
    fmt,
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use model::{BodyRule, hex};

use super::{BodyError, frame::Frame};
use crate::journal::{private, sync_folder};

/// The folder of the files, in that of the log.
pub(super) const FOLDER: &str = "bodies";

/// Longest frame: the longest body and what goes with it.
const FRAME_BYTES_MAX: usize = BodyRule::BYTES_MAX + 4096;

/// What is written to see whether anything can be.
const TRIED_BYTES: [u8; 4096] = [0; 4096];

/// Where a sealed body is, and what it is: `SEGMENT-FROM-LENGTH-SHA256`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    segment: u64,
    from: u64,
    length: usize,
    /// Of the whole frame.
    digest: String,
}

impl Reference {
    /// Reads what a record holds.
    ///
    /// # Errors
    /// [`BodyError::Missing`] where it is none.
    pub fn parse(text: &str) -> Result<Self, BodyError> {
        let read = || {
            let mut parts = text.split('-');
            let (segment, from, length, digest) =
                (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let is_digest = digest.len() == 64 && digest.bytes().all(|it| it.is_ascii_hexdigit());
            let length = length.parse().ok().filter(|it| *it <= FRAME_BYTES_MAX)?;
            let (segment, from) = (segment.parse().ok()?, from.parse().ok()?);
            let is_one = is_digest && parts.next().is_none();
            is_one.then(|| Self { segment, from, length, digest: digest.to_owned() })
        };
        read().ok_or(BodyError::Missing)
    }

    /// What is there, if it is still what was written.
    pub(super) fn read(&self, folder: &Path) -> Result<Vec<u8>, BodyError> {
        let path = path(folder, self.segment);
        let read = || {
            let mut bytes = vec![0; self.length];
            File::open(&path)?.read_exact_at(&mut bytes, self.from)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|source: io::Error| match source.kind() {
            ErrorKind::NotFound | ErrorKind::UnexpectedEof => BodyError::Missing,
            _ => BodyError::Disk { path: path.clone(), source },
        })?;
        let is_same = hex(digest(&SHA256, &bytes).as_ref()) == self.digest;
        if is_same { Ok(bytes) } else { Err(BodyError::Tampered) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, from, length, digest } = self;
        write!(f, "{segment}-{from}-{length}-{digest}")
    }
}

/// The file of one segment: it goes with that.
#[derive(Debug)]
pub(super) struct BodyFile {
    segment: u64,
    path: PathBuf,
    file: File,
    end: u64,
}

impl BodyFile {
    /// The file of the segment: `known`, where it is that.
    pub(super) fn of<'a>(
        folder: &Path,
        segment: u64,
        known: &'a mut Option<Self>,
    ) -> Result<&'a mut Self, BodyError> {
        // What another holds was synced with its batch.
        if known.as_ref().is_none_or(|it| it.segment != segment) {
            *known = Some(Self::open(folder, segment)?);
        }
        known.as_mut().ok_or(BodyError::Missing)
    }

    fn open(folder: &Path, segment: u64) -> Result<Self, BodyError> {
        let path = path(folder, segment);
        let open = || {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let mut file = private().write(true).create(true).truncate(false).open(&path)?;
            // What a crash left of a frame stays: nothing refers to it.
            let end = file.seek(SeekFrom::End(0))?;
            sync_folder(folder)?;
            Ok((file, end))
        };
        let (file, end) =
            open().map_err(|source| BodyError::Disk { path: path.clone(), source })?;
        Ok(Self { segment, path, file, end })
    }

    /// Appends it. It is on the disk after the next sync.
    pub(super) fn append(&mut self, frame: &Frame) -> Result<Reference, BodyError> {
        let bytes = frame.to_bytes();
        self.file.write_all(&bytes).map_err(|source| self.disk(source))?;
        let (segment, from, length) = (self.segment, self.end, bytes.len());
        self.end = from.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        let digest = hex(digest(&SHA256, &bytes).as_ref());
        Ok(Reference { segment, from, length, digest })
    }

    pub(super) fn sync(&self) -> Result<(), BodyError> {
        self.file.sync_data().map_err(|source| self.disk(source))
    }

    fn disk(&self, source: io::Error) -> BodyError {
        BodyError::Disk { path: self.path.clone(), source }
    }
}

/// Finds out whether bodies can be written.
pub(super) fn try_to_write(folder: &Path) -> Result<(), BodyError> {
    // No file of a key: what is called so is removed where one was left.
    let path = folder.join("tried.draft");
    let write = || {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = private().write(true).create(true).truncate(true).open(&path)?;
        file.write_all(&TRIED_BYTES).and_then(|()| file.sync_all())?;
        fs::remove_file(&path)
    };
    write().map_err(|source| BodyError::Disk { path: path.clone(), source })
}

/// Removes the bodies of a segment that is about to go. `log` is the folder of the log.
pub(crate) fn remove(log: &Path, segment: u64) -> io::Result<()> {
    let folder = log.join(FOLDER);
    match fs::remove_file(path(&folder, segment)) {
        Ok(()) => sync_folder(&folder),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.sealed"))
}
