//! Any place of a segment, packed or not.

use std::{
    fs::File,
    io::{self, ErrorKind, Read as _},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::Source;

/// A segment that is read here and there.
#[derive(Debug)]
pub(crate) enum Places {
    /// As it was written.
    Plain(File),
    /// Packed: what was unpacked last is kept for whoever reads on.
    Packed(Mutex<Source>),
}

impl Places {
    /// Opens the segment at `path`; the packed one, where it was packed just now.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(match Source::open(path)? {
            Source::Plain(file) => Self::Plain(file.into_inner()),
            packed @ Source::Packed(_) => Self::Packed(Mutex::new(packed)),
        })
    }

    /// How many bytes its lines are.
    pub(crate) fn length(&self) -> io::Result<u64> {
        match self {
            Self::Plain(file) => Ok(file.metadata()?.len()),
            Self::Packed(source) => source.lock().unwrap_or_else(PoisonError::into_inner).length(),
        }
    }

    /// What stands there among its lines, or as much of it as there is.
    pub(crate) fn read_at(&self, start: u64, bytes: u64) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(file) => read_at(file, start, bytes),
            Self::Packed(source) => {
                let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
                source.go_to(start)?;
                let mut out = Vec::new();
                source.by_ref().take(bytes).read_to_end(&mut out)?;
                Ok(out)
            }
        }
    }
}

/// What stands there, or as much of it as there is.
pub(crate) fn read_at(file: &File, start: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut out = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    let mut read = 0;
    while let Some(rest) = out.get_mut(read..).filter(|it| !it.is_empty()) {
        let at = start.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(more) => read = read.saturating_add(more),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    out.truncate(read);
    Ok(out)
}
