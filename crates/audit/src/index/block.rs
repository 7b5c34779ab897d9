//! Some of the lines of a segment, as they stand there.

use std::io;

use crate::{lines::LINE_BYTES_MAX, packed::Places};

/// Most lines of a part. A test fills many with few lines.
pub(super) const LINES_MAX: usize = if cfg!(test) { 8 } else { 8192 };
/// Most bytes of a part, where it is more than one line.
pub(super) const BYTES_MAX: u64 = if cfg!(test) { 4 << 10 } else { 4 << 20 };

/// Lines that stand one behind the other in a segment.
#[derive(Debug)]
pub(crate) struct Block {
    start: u64,
    bytes: Vec<u8>,
    /// Where each line ends, with its newline.
    ends: Vec<usize>,
    is_full: bool,
}

impl Block {
    /// Reads whole lines between two places of a segment, as many as a part has at most.
    pub(crate) fn read(segment: &Places, start: u64, end: u64) -> io::Result<Self> {
        let there = end.saturating_sub(start);
        let mut bytes = segment.read_at(start, there.min(BYTES_MAX))?;
        let mut ends = ends(&bytes, LINES_MAX);
        let mut is_full = there > BYTES_MAX || ends.len() == LINES_MAX;
        if ends.is_empty() && there > BYTES_MAX {
            bytes = segment.read_at(start, there.min(LINE_BYTES_MAX))?;
            ends = self::ends(&bytes, 1);
            let is_endless = ends.is_empty() && is_length(&bytes, LINE_BYTES_MAX);
            // No line is that long: so much of it counts as one that is broken.
            ends.extend(is_endless.then_some(bytes.len()));
            is_full = !ends.is_empty();
        }
        bytes.truncate(ends.last().copied().unwrap_or(0));
        Ok(Self { start, bytes, ends, is_full })
    }

    /// Leaves only the first `lines`.
    pub(crate) fn keep(&mut self, lines: u64) {
        let lines = usize::try_from(lines).unwrap_or(usize::MAX);
        if lines < self.ends.len() {
            self.ends.truncate(lines);
            self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
            self.is_full = false;
        }
    }

    /// Whether it has as many lines as a part can have.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// How many lines there are.
    pub(crate) fn count(&self) -> u32 {
        // At most as many as a part has.
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// Where its last line ends in the segment.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    /// Its lines, with their newlines.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where its lines end, counted from its own beginning.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// The line with this place among its lines, without its newline.
    pub(crate) fn line(&self, ordinal: u32) -> Option<&[u8]> {
        let index = usize::try_from(ordinal).ok()?;
        let start = index.checked_sub(1).map_or(Some(0), |it| self.ends.get(it).copied())?;
        let line = self.bytes.get(start..*self.ends.get(index)?)?;
        Some(line.strip_suffix(b"\n").unwrap_or(line))
    }
}

fn ends(bytes: &[u8], most: usize) -> Vec<usize> {
    memchr::memchr_iter(b'\n', bytes).map(|it| it.saturating_add(1)).take(most).collect()
}

fn is_length(bytes: &[u8], length: u64) -> bool {
    u64::try_from(bytes.len()) == Ok(length)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(content: &[u8]) -> Places {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        Places::Plain(file)
    }

    fn lines(block: &Block) -> Vec<&[u8]> {
        (0..block.count()).map(|it| block.line(it).unwrap()).collect()
    }

    #[test]
    fn whole_lines_are_read_and_what_has_no_end_is_left() {
        let file = file(b"skip\na\n\nbc\nd");
        let mut block = Block::read(&file, 5, 100).unwrap();
        assert_eq!(lines(&block), [&b"a"[..], b"", b"bc"]);
        assert_eq!((block.end(), block.is_full(), block.line(3)), (11, false, None));
        block.keep(2);
        assert_eq!((lines(&block), block.end()), (vec![&b"a"[..], b""], 8));
        let empty = Block::read(&file, 11, 100).unwrap();
        assert_eq!((empty.count(), empty.end()), (0, 11));
    }

    #[test]
    fn a_part_is_bounded_by_lines_and_by_bytes() {
        let many = Block::read(&file(&b"a\n".repeat(LINES_MAX + 1)), 0, 100).unwrap();
        assert_eq!((many.ends.len(), many.is_full()), (LINES_MAX, true));
        let line = [&[b'x'; 1 << 10][..], b"\n"].concat();
        let content = line.repeat(5);
        let long = Block::read(&file(&content), 0, content.len() as u64).unwrap();
        assert_eq!((long.count(), long.is_full()), (3, true));
    }

    #[test]
    fn a_line_longer_than_a_part_is_read_and_one_longer_than_any_is_cut() {
        let line = [&[b'x'; 5 << 10][..], b"\n"].concat();
        let content = [&line[..], b"b\n"].concat();
        let block = Block::read(&file(&content), 0, content.len() as u64).unwrap();
        assert_eq!((block.count(), block.end()), (1, line.len() as u64));
        let endless = vec![b'x'; 17 << 20];
        let block = Block::read(&file(&endless), 0, endless.len() as u64).unwrap();
        assert_eq!((block.count(), block.end()), (1, LINE_BYTES_MAX));
    }
}
