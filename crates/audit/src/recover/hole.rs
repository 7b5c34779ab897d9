//! Pages of zeros in a segment: what a disk leaves that had taken later pages before earlier ones when the power went.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use crate::lines::LINE_BYTES_MAX;

/// What a disk takes or loses as a whole.
const PAGE_BYTES: u64 = 4096;

/// Whether the file at `path` lacks pages where its lines are no longer good, behind its first `good` bytes.
///
/// No line holds a zero byte. What was synced ends with a line: so zeros begin there, or with a page in the
/// middle of a line, and they end with a page. Whatever follows may be lines.
pub(super) fn is_at(path: &Path, good: u64) -> io::Result<bool> {
    let mut file = BufReader::new(File::open(path)?);
    file.seek(SeekFrom::Start(good))?;
    let mut begun = Vec::new();
    (&mut file).take(LINE_BYTES_MAX).read_until(0, &mut begun)?;
    let is_zero = begun.pop() == Some(0);
    let start = good.saturating_add(u64::try_from(begun.len()).unwrap_or(u64::MAX));
    if !is_zero || begun.contains(&b'\n') || !(begun.is_empty() || is_page(start)) {
        return Ok(false);
    }
    let mut end = start.saturating_add(1);
    loop {
        let buffer = file.fill_buf()?;
        let zeros = buffer.iter().take_while(|it| **it == 0).count();
        let is_over = buffer.is_empty() || zeros < buffer.len();
        file.consume(zeros);
        end = end.saturating_add(u64::try_from(zeros).unwrap_or(u64::MAX));
        if is_over {
            return Ok(is_page(end));
        }
    }
}

/// Whether a page begins there.
fn is_page(at: u64) -> bool {
    at.checked_rem(PAGE_BYTES) == Some(0)
}
