//! Sinks of this machine: a file that is rotated, and a stream such as the standard output.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use audit::{
    Shaped,
    ship::{Accepted, Failure, Line, whole_bytes},
};

/// A file of lines. One that is full is renamed to `NAME.1`, that one to `NAME.2`, and so on.
#[derive(Debug)]
pub(crate) struct Rotated {
    path: PathBuf,
    /// How large it grows, and how many older ones are kept.
    bytes_max: u64,
    kept: u32,
    file: Option<(File, u64)>,
}

impl Rotated {
    /// The file at `path`, which grows to `bytes_max` and beside which `kept` older ones are kept.
    pub(crate) fn new(path: PathBuf, (bytes_max, kept): (u64, u32)) -> Self {
        Self { path, bytes_max, kept, file: None }
    }

    /// Appends all of them, on the disk when this returns.
    pub(crate) fn write(&mut self, events: &[(&Line, Shaped)]) -> Result<Accepted, Failure> {
        let written = self.append(&lines(events));
        let shown = self.path.display();
        written.map_err(|it| Failure::Again(format!("{shown} cannot be written: {it}")))?;
        Ok(Accepted { count: events.len(), refused: Vec::new() })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let (file, length) = match self.file.take() {
            Some(open) => open,
            None => open(&self.path)?,
        };
        let (mut file, length) = match length.saturating_add(more) > self.bytes_max && length > 0 {
            true => {
                drop(file);
                self.rotate()?;
                open(&self.path)?
            }
            false => (file, length),
        };
        // What is written in part is taken away again: it is written as a whole next time.
        file.write_all(bytes).and_then(|()| file.sync_data()).inspect_err(|_| {
            file.set_len(length).ok();
        })?;
        self.file = Some((file, length.saturating_add(more)));
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        let name = |number: u32| match number {
            0 => self.path.clone(),
            _ => PathBuf::from(format!("{}.{number}", self.path.display())),
        };
        if self.kept == 0 {
            return fs::remove_file(&self.path);
        }
        for number in (0..self.kept).rev() {
            match fs::rename(name(number), name(number.saturating_add(1))) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }
}

/// Opens the file to append to it, without a line that a crash left in part.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let length = whole_bytes(path)?;
    file.set_len(length)?;
    Ok((file, length))
}

/// A stream of lines: acknowledged when it was written, for there is nobody to ask.
#[derive(Debug)]
pub(crate) struct Stream<W>(W);

impl<W: Write> Stream<W> {
    /// Lines go to `out`.
    pub(crate) fn new(out: W) -> Self {
        Self(out)
    }

    /// Writes all of them.
    pub(crate) fn write(&mut self, events: &[(&Line, Shaped)]) -> Result<Accepted, Failure> {
        let written = self.0.write_all(&lines(events)).and_then(|()| self.0.flush());
        written.map_err(|it| Failure::Again(format!("it cannot be written: {it}")))?;
        Ok(Accepted { count: events.len(), refused: Vec::new() })
    }
}

fn lines(events: &[(&Line, Shaped)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (_, shaped) in events {
        bytes.extend_from_slice(&shaped.bytes);
        bytes.push(b'\n');
    }
    bytes
}
