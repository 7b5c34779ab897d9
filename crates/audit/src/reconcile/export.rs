//! What a sink holds, as a file: looked through once, then read in the order of the log.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom},
    ops::Range,
    path::Path,
};

use serde::Deserialize;
use serde_json::Value;

use crate::lines::LINE_BYTES_MAX;

/// One line of the export.
#[derive(Debug)]
pub(super) struct Held(pub(super) Value);

/// Where in the file which record is. 16 bytes for each.
#[derive(Debug)]
pub(super) struct Export {
    file: BufReader<File>,
    /// The number and the place of each line, in the order of the numbers.
    places: Vec<(u64, u64)>,
    /// How many of those were looked at or passed over.
    taken: usize,
    /// The numbers of those that were passed over.
    passed: Vec<u64>,
    pub(super) unreadable: u64,
}

#[derive(Deserialize)]
struct Brief {
    seq: u64,
}

impl Export {
    /// Looks through the file.
    pub(super) fn index(path: &Path) -> io::Result<Self> {
        let file = BufReader::new(File::open(path)?);
        let mut export =
            Self { file, places: Vec::new(), taken: 0, passed: Vec::new(), unreadable: 0 };
        let mut at = 0_u64;
        loop {
            let line = read(&mut export.file)?;
            if line.is_empty() {
                break;
            }
            match serde_json::from_slice::<Brief>(&line) {
                Ok(Brief { seq }) => export.places.push((seq, at)),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => export.unreadable = export.unreadable.saturating_add(1),
            }
            at = at.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        }
        export.places.sort_unstable();
        Ok(export)
    }

    /// The lines of record `seq`; asked for in the order of the log.
    pub(super) fn take(&mut self, seq: u64) -> io::Result<Vec<Held>> {
        let mut held = Vec::new();
        while let Some((found, at)) = self.places.get(self.taken).copied() {
            if found > seq {
                break;
            }
            self.taken = self.taken.saturating_add(1);
            if found < seq {
                self.passed.push(found);
                continue;
            }
            // Relative, so that what is buffered serves where the export is in order.
            let here = self.file.stream_position()?;
            match i64::try_from(at).ok().zip(i64::try_from(here).ok()) {
                Some((at, here)) => self.file.seek_relative(at.saturating_sub(here))?,
                None => drop(self.file.seek(SeekFrom::Start(at))?),
            }
            let line = read(&mut self.file)?;
            held.push(Held(serde_json::from_slice(&line).unwrap_or_default()));
        }
        Ok(held)
    }

    /// The numbers of lines in the span that no record was asked for with.
    pub(super) fn rest(&self, span: &Range<u64>) -> impl Iterator<Item = u64> {
        let left = self.places.get(self.taken..).unwrap_or_default().iter().map(|it| it.0);
        self.passed.iter().copied().chain(left).filter(|it| span.contains(it))
    }
}

/// The next line with its newline; nothing at the end.
fn read(file: &mut BufReader<File>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    file.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok(line)
}
