//! How a log is, in numbers, for whoever watches it. Reads the folder, so it may take a while.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use super::{
    Journal, Room,
    medium::{Directory, Medium},
};
use crate::segment;

/// How a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// How many records were written. Numbers begin with 0.
    pub written: u64,
    /// How many of them are on the disk.
    pub synced: u64,
    /// How many of them the last checkpoint covers.
    pub signed: u64,
    /// Whether nothing can be recorded, so that calls are refused.
    pub is_closed: bool,
    /// Whether the last checkpoint could not be kept.
    pub is_unsigned: bool,
    /// How many segments were given up since the start, because a sync of them failed.
    pub poisoned: u64,
    /// What the disk holds; nothing where the log is in memory, or the disk hangs or says nothing.
    pub disk: Option<Disk>,
}

/// What a disk holds of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// How many segments there are.
    pub segments: u64,
    /// How large all of them are.
    pub bytes: u64,
    /// How much room is set aside for what has to be recorded when there is none.
    pub reserve_bytes: u64,
    /// How much room is left.
    pub free_bytes: u64,
}

impl Journal {
    /// Whether it is closed and nobody was told so since: true once each time that it closes, for whoever
    /// says it where records cannot.
    #[must_use]
    pub fn take_closing(&self) -> bool {
        let mut state = self.shared.lock();
        state.closed.as_mut().is_some_and(|it| !std::mem::replace(&mut it.is_said, true))
    }

    /// How it is.
    #[must_use]
    pub fn condition(&self) -> Condition {
        // Whoever asks a disk that hangs would hang as well.
        let is_hung = self.shared.lock().errands.is_hung;
        let disk = match &self.shared.medium {
            Medium::Directory(it) if !is_hung => read(it, Path::new(&*self.shared.name)).ok(),
            Medium::Directory(_) | Medium::Memory(_) => None,
        };
        let state = self.shared.lock();
        Condition {
            written: state.written.next(),
            synced: state.synced.next(),
            signed: state.signed.0,
            is_closed: state.closed.is_some(),
            is_unsigned: state.unsigned.is_some(),
            poisoned: state.poisoned,
            disk,
        }
    }
}

fn read(directory: &Directory, folder: &Path) -> io::Result<Disk> {
    let (mut segments, mut bytes) = (0_u64, 0_u64);
    for segment in segment::list(folder)? {
        // One may be packed, or go, just now.
        let Ok(metadata) = segment.path.metadata() else { continue };
        segments = segments.saturating_add(1);
        bytes = bytes.saturating_add(metadata.len());
    }
    let reserve_bytes = directory.reserve_bytes()?;
    let free_bytes = Room::of(folder).ok_or(ErrorKind::Unsupported)?.free_bytes;
    Ok(Disk { segments, bytes, reserve_bytes, free_bytes })
}
