//! The last lines of a file, without a look at all that stands before them.

use std::{
    io::{self, ErrorKind, Read as _},
    path::Path,
};

use crate::{lines::LINE_BYTES_MAX, packed::Source};

/// How much is read, as a rule.
const END_BYTES: u64 = 1 << 20;

/// The end of a file.
#[derive(Debug)]
pub(crate) struct End {
    bytes: Vec<u8>,
    /// Where its last whole line ends, without the newline; none where there is no line.
    line_end: Option<usize>,
}

impl End {
    /// Reads at least the last whole line.
    ///
    /// Fails with `InvalidData` where that is longer than any is.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let mut file = Source::open(path)?;
        let length = file.length()?;
        let mut bytes = Vec::new();
        for most in [END_BYTES, LINE_BYTES_MAX] {
            let start = length.saturating_sub(most);
            file.go_to(start)?;
            bytes.clear();
            (&mut file).take(most).read_to_end(&mut bytes)?;
            // The line between two newlines is whole.
            if start == 0 || bytes.iter().filter(|it| **it == b'\n').nth(1).is_some() {
                let line_end = bytes.iter().rposition(|it| *it == b'\n');
                return Ok(Self { bytes, line_end });
            }
        }
        let what = format!("{} ends in a line that is too long", path.display());
        Err(io::Error::new(ErrorKind::InvalidData, what))
    }

    /// The whole lines, the last one first. Where the file is longer than what was read of it, the
    /// one that comes out last is the end of a line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.line_end.and_then(|end| self.bytes.get(..end));
        whole.into_iter().flat_map(|it| it.rsplit(|byte| *byte == b'\n'))
    }

    /// How many bytes stand behind the last newline.
    pub(crate) fn tail_bytes(&self) -> u64 {
        let behind = self.line_end.map_or(0, |it| it.saturating_add(1));
        u64::try_from(self.bytes.len().saturating_sub(behind)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn end(content: &[u8]) -> io::Result<End> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        End::read(file.path())
    }

    #[test]
    fn lines_come_last_first_and_what_is_no_line_is_counted() {
        let end = |content: &str| {
            let end = end(content.as_bytes()).unwrap();
            let lines: Vec<_> =
                end.lines().map(|it| String::from_utf8(it.to_vec()).unwrap()).collect();
            (lines.join(","), end.tail_bytes())
        };
        assert_eq!(end(""), (String::new(), 0));
        assert_eq!(end("abc"), (String::new(), 3));
        assert_eq!(end("a\nb\n"), ("b,a".to_owned(), 0));
        assert_eq!(end("a\nb\ncd"), ("b,a".to_owned(), 2));
    }

    #[test]
    fn no_more_is_read_than_the_last_line_takes() {
        let short = end(&b"line\n".repeat(1 << 20)).unwrap();
        assert_eq!((short.lines().next(), short.bytes.len()), (Some(&b"line"[..]), 1 << 20));
        let long = [&b"x\n"[..], &[b'y'; 3 << 20], b"\n"].concat();
        assert_eq!(end(&long).unwrap().lines().next().unwrap().len(), 3 << 20);
        let error = end(&[b'y'; 17 << 20]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
