//! Where segments are: a folder, or memory.

mod directory;
mod memory;
mod outside;

use std::io;

pub(crate) use directory::{Directory, lock, private, sync_folder};
pub use memory::Memory;

/// Where segments are.
#[derive(Debug)]
pub(crate) enum Medium {
    Directory(Directory),
    Memory(Memory),
}

impl Medium {
    /// Begins the segment whose first record is `first`; what is written from now on goes there.
    ///
    /// What was written before must be on the disk already. Where this fails, the segment before stays
    /// the one that is written to.
    pub(crate) fn begin(&self, first: u64, bytes: u64) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.begin(first, bytes),
            Self::Memory(memory) => memory.begin(first),
        }
    }

    /// Writes behind what is there, as a rule with one system call.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.write(bytes),
            Self::Memory(memory) => memory.write(bytes),
        }
    }

    /// Takes away what the segment holds behind its first `bytes`.
    pub(crate) fn cut(&self, bytes: u64) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.cut(bytes),
            Self::Memory(memory) => memory.cut(bytes),
        }
    }

    /// Has the disk hold what was written.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.sync(),
            Self::Memory(memory) => memory.sync(),
        }
    }

    /// Keeps a checkpoint beside the segments, and where else it is to go.
    pub(crate) fn keep(&self, note: &str) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.keep(note),
            Self::Memory(memory) => memory.keep(),
        }
    }

    /// Gives the room that was set aside to whoever writes next.
    pub(crate) fn use_reserve(&self) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.use_reserve(),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Sets room aside, where there is none.
    pub(crate) fn set_reserve(&self) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.set_reserve(),
            Self::Memory(memory) => memory.set_reserve(),
        }
    }
}
