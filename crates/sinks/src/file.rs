//! Sinks of this machine: a file that is rotated, and the standard output.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use audit::{
    Shaped,
    ship::{Accepted, Failure, Line, whole_bytes},
};
use tokio::task::spawn_blocking;

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
        let written = self.append(&lines(events), sync_folder);
        let shown = self.path.display();
        written.map_err(|it| Failure::Again(format!("{shown} cannot be written: {it}")))?;
        Ok(Accepted { count: events.len(), refused: Vec::new() })
    }

    /// `name` brings to the disk what the folder says of the file.
    fn append(&mut self, bytes: &[u8], name: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // The disk may lack the name of one that was opened just now, whoever made it: a process that
        // was killed may have done that.
        let mut is_named = self.file.is_some();
        let (file, length) = match self.file.take() {
            Some(open) => open,
            None => open(&self.path)?,
        };
        let (mut file, length) = match length.saturating_add(more) > self.bytes_max && length > 0 {
            true => {
                drop(file);
                self.rotate()?;
                is_named = false;
                open(&self.path)?
            }
            false => (file, length),
        };
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        let written = if is_named { written } else { written.and_then(|()| name(&self.path)) };
        // What is not safe is taken away again: it is written as a whole next time.
        written.inspect_err(|_| {
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

/// Has the disk hold the names beside `path`: without them it would have lost what it holds of the files.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// The standard output.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    /// Whether a line may have been broken off. Shared with writes that nobody waits for any more.
    is_within_line: Arc<AtomicBool>,
}

impl Printed {
    /// Writes lines: acknowledged when they were written, for there is nobody to ask.
    pub(crate) async fn write(&self, events: &[(&Line, Shaped)]) -> Result<Accepted, Failure> {
        let (bytes, is_within_line) = (lines(events), Arc::clone(&self.is_within_line));
        // Apart: into a pipe that nobody reads this never ends, and whoever waits for it has to be able
        // to give up.
        let written =
            spawn_blocking(move || print(&mut io::stdout().lock(), &bytes, &is_within_line));
        let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|it| Failure::Again(format!("it cannot be written: {it}")))?;
        Ok(Accepted { count: events.len(), refused: Vec::new() })
    }
}

/// Writes lines, and ends one before that was broken off: what comes again is glued to none.
fn print(out: &mut impl Write, lines: &[u8], is_within_line: &AtomicBool) -> io::Result<()> {
    // Until all is written: how much of it an error left there nobody says.
    if is_within_line.swap(true, Ordering::SeqCst) {
        out.write_all(b"\n")?;
    }
    out.write_all(lines).and_then(|()| out.flush())?;
    is_within_line.store(false, Ordering::SeqCst);
    Ok(())
}

fn lines(events: &[(&Line, Shaped)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (_, shaped) in events {
        bytes.extend_from_slice(&shaped.bytes);
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_name_is_on_the_disk_before_a_line_is_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let (named, fails) = (Cell::new(0), Cell::new(false));
        let name = |it: &Path| {
            assert_eq!(it, path);
            named.set(named.get() + 1);
            if fails.get() { Err(io::Error::other("lost")) } else { sync_folder(it) }
        };
        let open = || Rotated::new(path.clone(), (20, 2));
        let mut file = open();
        let check = |file: &mut Rotated, line: &[u8], want: u32| {
            let result = file.append(line, name);
            assert_eq!(named.replace(0), want, "{result:?}");
            result
        };
        check(&mut file, b"first\n", 1).unwrap();
        check(&mut file, b"second\n", 0).unwrap();
        // One that is there already may have been made by a process that was killed.
        file = open();
        check(&mut file, b"third\n", 1).unwrap();
        fails.set(true);
        check(&mut file, b"rotated\n", 1).unwrap_err();
        check(&mut file, b"rotated\n", 1).unwrap_err();
        fails.set(false);
        check(&mut file, b"rotated\n", 1).unwrap();
        check(&mut file, b"last\n", 0).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"rotated\nlast\n");
        assert_eq!(fs::read(folder.path().join("out.jsonl.1")).unwrap(), b"first\nsecond\nthird\n");
    }

    /// A pipe that has room for so many bytes.
    struct Pipe {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(io::Error::other("full"));
            }
            self.room = self.room.saturating_sub(count);
            self.taken.extend_from_slice(bytes.split_at(count).0);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_comes_again_is_not_glued_to_a_line_that_was_broken_off() {
        let mut out = Pipe { taken: Vec::new(), room: 9 };
        let is_within_line = AtomicBool::default();
        print(&mut out, b"first\nsecond\n", &is_within_line).unwrap_err();
        print(&mut out, b"first\nsecond\n", &is_within_line).unwrap_err();
        out.room = 100;
        print(&mut out, b"first\nsecond\n", &is_within_line).unwrap();
        print(&mut out, b"third\n", &is_within_line).unwrap();
        assert_eq!(out.taken, b"first\nsec\nfirst\nsecond\nthird\n");
    }

    #[test]
    fn a_path_without_a_folder_is_in_this_one() {
        sync_folder(Path::new("out.jsonl")).unwrap();
    }
}
