//! The lines of a segment as bytes, whether it is packed or not.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom},
    path::Path,
};

use super::{broken, is_packed, member::Member, packed_path};

/// How much is read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// The lines of a segment as bytes.
#[derive(Debug)]
pub(crate) enum Source {
    /// As they were written.
    Plain(BufReader<File>),
    /// Packed.
    Packed(Unpacked),
}

/// What was unpacked of a file.
#[derive(Debug)]
pub(crate) struct Unpacked {
    file: BufReader<File>,
    text: Vec<u8>,
    /// Where that begins among the lines.
    start: u64,
    /// How much of it was read.
    read: usize,
}

impl Source {
    /// Opens the segment at `path`; the packed one, where it was packed just now.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let open = |path: &Path| Ok(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?));
        if is_packed(path) {
            return open(path).map(Self::packed);
        }
        match open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // What the plain one says is told, where there is neither.
                open(&packed_path(path)).map(Self::packed).map_err(|_: io::Error| error)
            }
            other => other.map(Self::Plain),
        }
    }

    /// Opens a packed segment, whatever it is called.
    pub(super) fn open_packed(path: &Path) -> io::Result<Self> {
        Ok(Self::packed(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?)))
    }

    fn packed(file: BufReader<File>) -> Self {
        Self::Packed(Unpacked { file, text: Vec::new(), start: 0, read: 0 })
    }

    /// How many bytes the lines are.
    pub(crate) fn length(&mut self) -> io::Result<u64> {
        match self {
            Self::Plain(file) => Ok(file.get_ref().metadata()?.len()),
            Self::Packed(unpacked) => unpacked.length(),
        }
    }

    /// Goes to a place within the lines.
    pub(crate) fn go_to(&mut self, place: u64) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.seek(SeekFrom::Start(place)).map(drop),
            Self::Packed(unpacked) => unpacked.go_to(place),
        }
    }
}

impl Unpacked {
    /// Goes over the heads alone.
    fn length(&mut self) -> io::Result<u64> {
        let at = self.file.stream_position()?;
        self.file.rewind()?;
        let mut length = 0_u64;
        while let Some(member) = Member::head(&mut self.file)? {
            length = length.saturating_add(u64::from(member.holds));
            self.pass(member)?;
        }
        self.file.seek(SeekFrom::Start(at))?;
        Ok(length)
    }

    fn go_to(&mut self, place: u64) -> io::Result<()> {
        if let Some(read) = self.within(place) {
            self.read = read;
            return Ok(());
        }
        self.file.rewind()?;
        (self.text, self.read, self.start) = (Vec::new(), 0, 0);
        let mut start = 0_u64;
        while let Some(member) = Member::head(&mut self.file)? {
            let end = start.saturating_add(u64::from(member.holds));
            if place < end {
                self.text = member.unpack(&mut self.file)?;
                self.start = start;
                self.read = usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX);
                return Ok(());
            }
            self.pass(member)?;
            start = end;
        }
        Ok(())
    }

    /// Where a place stands in what was unpacked last.
    fn within(&self, place: u64) -> Option<usize> {
        let read = usize::try_from(place.checked_sub(self.start)?).ok()?;
        (read < self.text.len()).then_some(read)
    }

    fn pass(&mut self, member: Member) -> io::Result<()> {
        let rest = i64::try_from(member.rest()).map_err(|_| broken("a member is too long"))?;
        self.file.seek_relative(rest)
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Unpacked {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.read >= self.text.len() {
            let Some(member) = Member::head(&mut self.file)? else { break };
            let before = u64::try_from(self.text.len()).unwrap_or(u64::MAX);
            self.start = self.start.saturating_add(before);
            self.text = member.unpack(&mut self.file)?;
            self.read = 0;
        }
        Ok(self.text.get(self.read..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.read = self.read.saturating_add(count);
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Packed(unpacked) => unpacked.read(buffer),
        }
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(file) => file.fill_buf(),
            Self::Packed(unpacked) => unpacked.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match self {
            Self::Plain(file) => file.consume(count),
            Self::Packed(unpacked) => unpacked.consume(count),
        }
    }
}
