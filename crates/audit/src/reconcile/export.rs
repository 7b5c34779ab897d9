//! What a sink holds, as a file: looked through once, then read in the order of the log.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom},
    ops::Range,
    path::Path,
};

use super::list;
use crate::{Held, lines::LINE_BYTES_MAX};

/// Where in the file which record is. 16 bytes for each.
#[derive(Debug)]
pub(super) struct Export {
    file: BufReader<File>,
    /// The number and the place of each line, in the order of the numbers.
    places: Vec<(u64, u64)>,
    /// How many of those were looked at or passed over.
    taken: usize,
    /// The numbers of those that were passed over: of no record, or of another log.
    passed: Vec<u64>,
    /// How many lines are no record, and where they stand.
    pub(super) unreadable: u64,
    pub(super) bad_lines: Vec<u64>,
}

impl Export {
    /// Looks through the file.
    pub(super) fn index(path: &Path) -> io::Result<Self> {
        let file = BufReader::new(File::open(path)?);
        let mut export = Self {
            file,
            places: Vec::new(),
            taken: 0,
            passed: Vec::new(),
            unreadable: 0,
            bad_lines: Vec::new(),
        };
        let mut number = 0_u64;
        loop {
            let at = export.file.stream_position()?;
            let line = read(&mut export.file)?;
            if line.is_empty() {
                break;
            }
            number = number.saturating_add(1);
            match held(&line) {
                Some(held) => export.places.push((held.seq, at)),
                None if line.trim_ascii().is_empty() => {}
                None => {
                    export.unreadable = export.unreadable.saturating_add(1);
                    list(&mut export.bad_lines, number);
                }
            }
        }
        export.places.sort_unstable();
        Ok(export)
    }

    /// What it holds of record `seq` of this log; asked for in the order of the log.
    pub(super) fn take(&mut self, seq: u64, log: &str) -> io::Result<Vec<Held>> {
        let mut taken = Vec::new();
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
            let is_ours = |it: &Held| it.log.as_deref().is_none_or(|it| it == log);
            match held(&read(&mut self.file)?).filter(is_ours) {
                Some(held) => taken.push(held),
                None => self.passed.push(found),
            }
        }
        Ok(taken)
    }

    /// The numbers of lines in the span that are of no record that was asked for.
    pub(super) fn rest(&self, span: &Range<u64>) -> impl Iterator<Item = u64> {
        let left = self.places.get(self.taken..).unwrap_or_default().iter().map(|it| it.0);
        self.passed.iter().copied().chain(left).filter(|it| span.contains(it))
    }
}

/// What a line is of; nothing where it is of no record, or too long for one.
fn held(line: &[u8]) -> Option<Held> {
    let is_short = u64::try_from(line.len()).is_ok_and(|it| it <= LINE_BYTES_MAX);
    Held::read(std::str::from_utf8(line).ok().filter(|_| is_short)?)
}

/// The next line with its newline; nothing at the end. Of one that is too long, its beginning.
fn read(file: &mut BufReader<File>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    file.by_ref().take(LINE_BYTES_MAX.saturating_add(1)).read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        file.skip_until(b'\n')?;
    }
    Ok(line)
}
