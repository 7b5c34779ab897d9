//! Lines of a segment, one after the other, checked against the chain as far as it goes.

use std::{
    io::{self, BufRead as _, Read as _},
    path::Path,
};

use crate::{
    Damage, DamageKind, Hash,
    chain::Chain,
    frame::{self, Frame},
    packed::{Source, is_broken},
};

/// Longest line that is read. A record is shorter by far; a header may name many calls.
pub(crate) const LINE_BYTES_MAX: u64 = 16 << 20;

/// Lines of one file.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: Source,
    name: String,
    line: Vec<u8>,
    /// How much of it is the body of its frame.
    body_bytes: usize,
    /// Where the last line that was right ends.
    good_bytes: u64,
}

/// What comes next in a file.
pub(crate) enum Next {
    /// A record that the chain leads to, with this hash.
    Record(Hash),
    /// So many bytes without a newline, and then nothing more.
    Tail(u64),
    /// Nothing more.
    End,
    /// Something else.
    Damage(Damage),
}

impl Lines {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let reader = Source::open(path)?;
        Ok(Self { reader, name, line: Vec::new(), body_bytes: 0, good_bytes: 0 })
    }

    /// Where the last line that was right ends.
    pub(crate) fn good_bytes(&self) -> u64 {
        self.good_bytes
    }

    /// Goes back to where a line that was right ended: what follows is read anew, for it may have grown.
    pub(crate) fn back_to(&mut self, good_bytes: u64) -> io::Result<()> {
        self.good_bytes = good_bytes;
        self.reader.go_to(good_bytes)
    }

    /// The first line, without a look at the chain that it goes on with.
    pub(crate) fn first(path: &Path) -> io::Result<Option<Vec<u8>>> {
        let mut lines = Self::open(path)?;
        let is_whole = match lines.read() {
            Err(error) if is_broken(&error) => false,
            other => other?,
        };
        Ok(frame::read(&lines.line).filter(|_| is_whole).map(|it| frame::json(it.body)))
    }

    /// The next record, which is put into `chain`.
    pub(crate) fn next(&mut self, chain: &mut Chain) -> io::Result<Next> {
        let is_whole = match self.read() {
            Err(error) if is_broken(&error) => {
                let what = "cannot be unpacked any further";
                return Ok(Next::Damage(self.damage(chain.next(), DamageKind::Modified, what)));
            }
            other => other?,
        };
        let bytes = u64::try_from(self.line.len()).unwrap_or(u64::MAX);
        if !is_whole && bytes == 0 {
            return Ok(Next::End);
        }
        if !is_whole && bytes < LINE_BYTES_MAX {
            return Ok(Next::Tail(bytes));
        }
        let seq = chain.next();
        let Some(Frame { seq: found, body, hash }) = frame::read(&self.line) else {
            return Ok(Next::Damage(self.damage(seq, DamageKind::Modified, "holds a broken line")));
        };
        if found != seq {
            let kind = match found < seq || self.comes_later(seq)? {
                true => DamageKind::Reorder,
                false => DamageKind::Gap,
            };
            let what = format!("goes on with record {found}");
            return Ok(Next::Damage(self.damage(seq, kind, &what)));
        }
        self.body_bytes = body.len();
        if !chain.accept(body, hash) {
            let what = "holds a line with another hash than its chain leads to";
            return Ok(Next::Damage(self.damage(seq, DamageKind::Modified, what)));
        }
        self.good_bytes = self.good_bytes.saturating_add(bytes).saturating_add(1);
        Ok(Next::Record(hash))
    }

    /// The record that came last, as JSON of its own.
    pub(crate) fn json(&self) -> Vec<u8> {
        frame::json(self.line.get(..self.body_bytes).unwrap_or_default())
    }

    /// The line that came last.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }

    pub(crate) fn damage(&self, seq: u64, kind: DamageKind, what: &str) -> Damage {
        let detail = format!("{} {what}, behind byte {}", self.name, self.good_bytes);
        Damage { seq, kind, detail }
    }

    /// Whether record `seq` stands further down in this file.
    fn comes_later(&mut self, seq: u64) -> io::Result<bool> {
        let line = std::mem::take(&mut self.line);
        let mut is_there = false;
        loop {
            let is_line = match self.read() {
                Err(error) if is_broken(&error) => false,
                other => other?,
            };
            if is_there || !is_line {
                break;
            }
            is_there = frame::read(&self.line).is_some_and(|it| it.seq == seq);
        }
        self.line = line;
        Ok(is_there)
    }

    /// Reads a line, and whether it has its end.
    fn read(&mut self) -> io::Result<bool> {
        self.line.clear();
        (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
        let is_whole = self.line.last() == Some(&b'\n');
        if is_whole {
            self.line.pop();
        }
        Ok(is_whole)
    }
}
