//! Sinks of this machine: a file that is rotated, and a stream such as the standard output.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{Accepted, Batch, Failure, Shape, Sink};
use crate::end::End;

/// A file of lines. One that is full is renamed to `NAME.1`, that one to `NAME.2`, and so on.
#[derive(Debug)]
pub struct Rotated {
    path: PathBuf,
    shape: Shape,
    /// How large it grows, and how many older ones are kept.
    bytes_max: u64,
    kept: u32,
    file: Option<(File, u64)>,
}

impl Rotated {
    /// The file at `path`, which grows to `bytes_max` and beside which `kept` older ones are kept.
    #[must_use]
    pub fn new(path: PathBuf, shape: Shape, (bytes_max, kept): (u64, u32)) -> Self {
        Self { path, shape, bytes_max, kept, file: None }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
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
    let length = file.metadata()?.len().saturating_sub(End::read(path)?.tail_bytes());
    file.set_len(length)?;
    Ok((file, length))
}

impl Sink for Rotated {
    async fn deliver(&mut self, batch: Batch<'_>) -> Result<Accepted, Failure> {
        let written = self.write(&lines(batch, self.shape));
        let shown = self.path.display();
        written.map_err(|it| Failure::Again(format!("{shown} cannot be written: {it}")))?;
        Ok(Accepted::all(batch))
    }
}

/// A stream of lines: acknowledged when it was written, for there is nobody to ask.
#[derive(Debug)]
pub struct Stream<W> {
    out: W,
    shape: Shape,
}

impl<W: Write + Send> Stream<W> {
    /// Lines go to `out`.
    pub fn new(out: W, shape: Shape) -> Self {
        Self { out, shape }
    }
}

impl<W: Write + Send> Sink for Stream<W> {
    async fn deliver(&mut self, batch: Batch<'_>) -> Result<Accepted, Failure> {
        let bytes = lines(batch, self.shape);
        let written = self.out.write_all(&bytes).and_then(|()| self.out.flush());
        written.map_err(|it| Failure::Again(format!("it cannot be written: {it}")))?;
        Ok(Accepted::all(batch))
    }
}

fn lines(batch: Batch<'_>, shape: Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in batch.lines {
        bytes.extend(shape(&line.json));
        bytes.push(b'\n');
    }
    bytes
}
