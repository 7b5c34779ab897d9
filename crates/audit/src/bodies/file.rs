//! The file of a day, to which sealed bodies are appended, and how one is found in it again.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use model::Timestamp;

use super::{BodyError, frame::Frame};
use crate::text::hex;

/// Longest frame: a body of 16 MiB and what goes with it.
const FRAME_BYTES_MAX: u64 = (16 << 20) + 1024;

/// Where a sealed body is, and what it is: this is what a record holds of it. `DAY-FROM-LENGTH-SHA256`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    day: String,
    from: u64,
    length: u64,
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
            let (day, from, length, digest) =
                (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let is_day = day.len() == 8 && day.bytes().all(|it| it.is_ascii_digit());
            let is_digest = digest.len() == 64 && digest.bytes().all(|it| it.is_ascii_hexdigit());
            let (from, length) = (from.parse().ok()?, length.parse().ok()?);
            let is_one = is_day && is_digest && length <= FRAME_BYTES_MAX && parts.next().is_none();
            is_one.then(|| Self { day: day.to_owned(), from, length, digest: digest.to_owned() })
        };
        read().ok_or(BodyError::Missing)
    }

    /// What is there, if it is still what was written.
    pub(super) fn read(&self, folder: &Path) -> Result<Vec<u8>, BodyError> {
        let path = path(folder, &self.day);
        let read = || {
            let mut bytes = vec![0; usize::try_from(self.length).unwrap_or(0)];
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
        let Self { day, from, length, digest } = self;
        write!(f, "{day}-{from}-{length}-{digest}")
    }
}

/// The file of one day, by which it can be purged.
#[derive(Debug)]
pub(super) struct DayFile {
    day: String,
    path: PathBuf,
    file: File,
    end: u64,
}

impl DayFile {
    /// The file of the day of `at`: `known`, where it is that.
    pub(super) fn of(folder: &Path, at: Timestamp, known: Option<Self>) -> Result<Self, BodyError> {
        let day: String = at.to_string().chars().take(10).filter(|it| *it != '-').collect();
        if let Some(known) = known.filter(|it| it.day == day) {
            return Ok(known);
        }
        let path = path(folder, &day);
        let open = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            // What a crash left of a frame stays: nothing refers to it.
            let end = file.seek(SeekFrom::End(0))?;
            File::open(folder)?.sync_all()?;
            Ok((file, end))
        };
        let (file, end) =
            open().map_err(|source| BodyError::Disk { path: path.clone(), source })?;
        Ok(Self { day, path, file, end })
    }

    /// Appends it; it is on the disk then.
    pub(super) fn append(&mut self, frame: &Frame) -> Result<Reference, BodyError> {
        let bytes = frame.to_bytes();
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(|source| BodyError::Disk { path: self.path.clone(), source })?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let digest = hex(digest(&SHA256, &bytes).as_ref());
        let reference = Reference { day: self.day.clone(), from: self.end, length, digest };
        self.end = self.end.saturating_add(length);
        Ok(reference)
    }
}

fn path(folder: &Path, day: &str) -> PathBuf {
    folder.join(format!("{day}.sealed"))
}
