//! Where lines end up: a file, the standard output, or memory.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, OpenOptionsExt},
    },
    path::Path,
};

use super::Memory;

/// Where lines end up.
#[derive(Debug)]
pub(super) enum Sink {
    File(File),
    Memory(Memory),
}

/// How far a write came.
pub(super) struct Written {
    /// So many bytes are in the sink.
    pub(super) bytes: usize,
    /// Whether that was all of them.
    pub(super) result: io::Result<()>,
}

impl Sink {
    /// Opens a file to append to, readable by its owner only if it is made here.
    ///
    /// A last line without its end (the process or the machine died in the middle of it) gets
    /// one, so that it spoils no other.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let is_pipe = path.metadata().is_ok_and(|it| it.file_type().is_fifo());
        // A pipe that is open for reading too would have no end for its reader.
        let file =
            OpenOptions::new().append(true).create(true).read(!is_pipe).mode(0o600).open(path)?;
        if file.metadata()?.is_file() && is_torn(&file)? {
            (&file).write_all(b"\n")?;
        }
        Ok(Self::File(file))
    }

    /// The standard output, past its buffer: a line must be gone when a write returns.
    pub(super) fn stdout() -> io::Result<Self> {
        Ok(Self::File(io::stdout().as_fd().try_clone_to_owned()?.into()))
    }

    /// Writes `bytes`, as a rule with one system call.
    pub(super) fn write(&self, bytes: &[u8]) -> Written {
        let mut rest = bytes;
        let result = loop {
            if rest.is_empty() {
                break Ok(());
            }
            match self.write_some(rest) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                // A signal may cut a write short. What is left of it fails or goes through now.
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        Written { bytes: bytes.len().saturating_sub(rest.len()), result }
    }

    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => (&*file).write(bytes),
            Self::Memory(memory) => memory.write(bytes),
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Self::File(file) => match file.sync_data() {
                // Terminals and pipes have nothing to sync.
                Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
                result => result,
            },
            Self::Memory(_) => Ok(()),
        }
    }
}

/// Whether the file ends within a line.
fn is_torn(mut file: &File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
