//! The parts of one segment, in a file of their own that only grows.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    sync::Arc,
};

use super::{
    Span,
    block::{self, Block},
    body::Body,
    draft,
    header::{HEADER_BYTES, Header, tail_of},
};
use crate::{
    checksum::crc32c,
    packed::{Places, read_at},
};

/// A part: some thousand lines, and what can be found in them.
#[derive(Debug)]
pub(crate) struct Part {
    header: Header,
    /// Its file, and where it begins there; none where it could not be written.
    place: Option<(Arc<Path>, u64)>,
}

impl Part {
    /// Whether a line of it may be of these seconds.
    pub(crate) fn overlaps(&self, seconds: (u32, u32)) -> bool {
        self.header.seconds.0 <= seconds.1 && seconds.0 <= self.header.seconds.1
    }

    /// Its tables. None where they are not on the disk, or not as they were written: then all of its
    /// lines are to be looked at.
    pub(crate) fn body(&self) -> Option<Body> {
        let (path, start) = self.place.as_ref()?;
        // Opened each time: a log may have thousands of segments, and a process has few descriptors.
        let file = File::open(path).ok()?;
        let header = read_at(&file, *start, HEADER_BYTES).ok()?;
        let bytes =
            read_at(&file, start.saturating_add(HEADER_BYTES), self.header.body_bytes()).ok()?;
        // Another file may have come in its place.
        let is_it = Header::read(&header) == Some(self.header)
            && u64::try_from(bytes.len()) == Ok(self.header.body_bytes())
            && crc32c(&bytes) == self.header.body;
        if is_it { Body::new(bytes, &self.header) } else { None }
    }

    /// Whether there is a file that its tables should be in.
    pub(crate) fn has_body(&self) -> bool {
        self.place.is_some()
    }
}

/// Lines of a segment that are looked at together.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// The number of its first line.
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// Where they begin and end in the segment.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The part that says what is in them; none where they are too new.
    pub(crate) part: Option<Arc<Part>>,
}

impl Unit {
    /// The number behind that of its last line.
    pub(crate) fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }
}

/// The parts of one segment, as far as there are any.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The number of the segment's first line.
    first: u64,
    list: Vec<Arc<Part>>,
    path: Arc<Path>,
    /// How much of the file is right.
    bytes: u64,
    /// Whether the file can be written.
    is_writable: bool,
}

impl Parts {
    /// Reads what is in the file at `path`. From the first header that is none or does not go on where
    /// the one before ended, the file is cut off; where it is of another segment, all of it.
    pub(crate) fn load(path: &Path, first: u64, segment: &Places) -> Self {
        let (file, is_writable) = match open(path) {
            Ok(file) => (Some(file), true),
            Err(_) => (File::open(path).ok(), false),
        };
        let mut parts = Self { first, list: Vec::new(), path: path.into(), bytes: 0, is_writable };
        let Some(file) = file else { return parts };
        let length = file.metadata().map_or(0, |it| it.len());
        while parts.read_next(&file, length) {}
        if parts.list.last().is_some_and(|it| !is_of(&it.header, segment)) {
            parts.list.clear();
            parts.bytes = 0;
        }
        if parts.bytes < length {
            parts.is_writable &= file.set_len(parts.bytes).is_ok();
        }
        parts
    }

    /// Reads the header behind those that were read.
    fn read_next(&mut self, file: &File, length: u64) -> bool {
        let header = read_at(file, self.bytes, HEADER_BYTES).ok();
        let Some(header) = header.and_then(|it| Header::read(&it)) else { return false };
        let end = self.bytes.saturating_add(HEADER_BYTES).saturating_add(header.body_bytes());
        let goes_on = (header.first, header.start) == self.reached()
            && header.start < header.end
            && header.count > 0
            && end <= length;
        if goes_on {
            self.list.push(Arc::new(Part { header, place: self.place() }));
            self.bytes = end;
        }
        goes_on
    }

    /// Makes parts for what was added to the segment since, until `room` bytes of it were read; a part
    /// is made whole. Gives whether nothing is left of which there could be one.
    pub(crate) fn extend(
        &mut self,
        segment: &Places,
        span: &Span,
        room: &mut u64,
    ) -> io::Result<bool> {
        loop {
            let (next, start) = self.reached();
            let length = segment.length()?;
            let waiting = span.limit.saturating_sub(next);
            if waiting == 0 || !is_due(span, waiting, length.saturating_sub(start)) {
                return Ok(true);
            }
            if *room == 0 {
                return Ok(false);
            }
            let mut block = Block::read(segment, start, length)?;
            block.keep(waiting);
            if block.count() == 0 || !(block.is_full() || span.is_closed) {
                return Ok(true);
            }
            *room = room.saturating_sub(block.end().saturating_sub(start));
            let (header, body) = draft::part(next, start, &block);
            self.add(header, &body);
        }
    }

    /// All lines of the segment that are below the limit, in their order.
    pub(crate) fn units(&self, segment: &Places, span: &Span) -> io::Result<Vec<Unit>> {
        let mut units: Vec<_> = self.list.iter().map(Unit::from).collect();
        let length = segment.length()?;
        let (mut next, mut start) = self.reached();
        while next < span.limit {
            let mut block = Block::read(segment, start, length)?;
            block.keep(span.limit.saturating_sub(next));
            let (count, end) = (block.count(), block.end());
            if count == 0 {
                break;
            }
            units.push(Unit { first: next, count, start, end, part: None });
            (next, start) = (next.saturating_add(u64::from(count)), end);
        }
        Ok(units)
    }

    /// Whether parts cannot be written, or one could not be.
    pub(crate) fn is_lacking(&self) -> bool {
        !self.is_writable || self.list.iter().any(|it| !it.has_body())
    }

    /// The number and the place behind its last line.
    fn reached(&self) -> (u64, u64) {
        self.list.last().map_or((self.first, 0), |it| (it.header.next(), it.header.end))
    }

    fn add(&mut self, header: Header, body: &[u8]) {
        let bytes = [&header.write(), body].concat();
        let mut place = None;
        if self.is_writable {
            match self.append(&bytes) {
                Ok(()) => {
                    place = self.place();
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    self.bytes = self.bytes.saturating_add(length);
                }
                // A part that is missing in the file must stay the last one of it.
                Err(_) => self.is_writable = false,
            }
        }
        self.list.push(Arc::new(Part { header, place }));
    }

    /// Where the next part begins.
    fn place(&self) -> Option<(Arc<Path>, u64)> {
        Some((Arc::clone(&self.path), self.bytes))
    }

    /// Writes behind what is right in the file: all of it or, as far as the disk lets us, nothing.
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = open(&self.path)?;
        if file.metadata()?.len() != self.bytes {
            return Err(io::Error::other("it is not the file that was read"));
        }
        file.write_all(bytes).inspect_err(|_| drop(file.set_len(self.bytes)))
    }
}

impl From<&Arc<Part>> for Unit {
    fn from(part: &Arc<Part>) -> Self {
        let Header { first, start, end, count, .. } = part.header;
        Self { first, count, start, end, part: Some(Arc::clone(part)) }
    }
}

/// Whether lines that have no part yet should have one.
fn is_due(span: &Span, lines: u64, bytes: u64) -> bool {
    // Where nobody says how far the log goes, its lines are not counted: it is a copy, and does not grow.
    let is_many = span.limit != u64::MAX && lines >= block::LINES_MAX as u64;
    bytes > 0 && (span.is_closed || bytes >= block::BYTES_MAX || is_many)
}

/// Whether the last line of a part stands in the segment. Its hash depends on all lines before it.
fn is_of(header: &Header, segment: &Places) -> bool {
    let bytes = header.tail_bytes();
    let tail = segment.read_at(header.end.saturating_sub(bytes), bytes);
    tail.is_ok_and(|it| u64::try_from(it.len()) == Ok(bytes) && tail_of(&it) == header.tail)
}

/// The file, to be added to. Made for its owner only.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        // Where it is there, or cannot be made, the file tells.
        DirBuilder::new().mode(0o700).create(folder).ok();
    }
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// Takes the file away.
pub(super) fn remove(path: &Path) {
    // Where that fails, it is found to be odd again.
    fs::remove_file(path).ok();
}
