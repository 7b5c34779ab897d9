//! The tables of a part: where each line ends, when it was, and in which lines a term stands.

use std::ops::Range;

use super::{field::BROKEN, header::Header, posting};

/// The tables of a part, whose checksum was right.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    count: usize,
    terms: usize,
}

impl Body {
    pub(super) fn new(bytes: Vec<u8>, header: &Header) -> Option<Self> {
        let count = usize::try_from(header.count).ok()?;
        let terms = usize::try_from(header.terms).ok()?;
        Some(Self { bytes, count, terms })
    }

    /// Lines that may have one of each list of terms. What has none of a list is not among them.
    pub(crate) fn candidates(&self, lists: &[Vec<u64>]) -> Option<Vec<u32>> {
        let mut found: Option<Vec<u32>> = None;
        for list in lists {
            let mut any = Vec::new();
            for term in list {
                any.append(&mut self.lines_with(*term)?);
            }
            any.sort_unstable();
            any.dedup();
            found = Some(match found {
                None => any,
                Some(before) => both(&before, &any),
            });
        }
        found.or_else(|| Some((0..u32::try_from(self.count).ok()?).collect()))
    }

    /// The lines that cannot be read.
    pub(crate) fn broken(&self) -> Option<Vec<u32>> {
        self.lines_with(BROKEN)
    }

    /// The second that a line is of.
    pub(crate) fn second(&self, ordinal: u32) -> Option<u32> {
        let index = usize::try_from(ordinal).ok()?;
        number(self.table(1)?, index)
    }

    /// Where a line begins and ends, with its newline, counted from the beginning of the part.
    pub(crate) fn span(&self, ordinal: u32) -> Option<Range<u64>> {
        let ends = self.table(0)?;
        let index = usize::try_from(ordinal).ok()?;
        let start = index.checked_sub(1).map_or(Some(0), |it| number(ends, it))?;
        Some(u64::from(start)..u64::from(number(ends, index)?))
    }

    fn lines_with(&self, term: u64) -> Option<Vec<u32>> {
        let lines = self.count.checked_mul(8)?;
        let entries = lines.checked_add(self.terms.checked_mul(8)?)?;
        let postings = entries.checked_add(self.terms.checked_mul(4)?)?;
        let (hashes, []) = self.bytes.get(lines..entries)?.as_chunks::<8>() else { return None };
        match hashes.binary_search_by_key(&term, |it| u64::from_le_bytes(*it)) {
            Ok(index) => {
                let entry = number(self.bytes.get(entries..postings)?, index)?;
                posting::read(self.bytes.get(postings..)?, entry)
            }
            Err(_) => Some(Vec::new()),
        }
    }

    /// The first or the second table of a number for each line.
    fn table(&self, index: usize) -> Option<&[u8]> {
        let bytes = self.count.checked_mul(4)?;
        let start = bytes.checked_mul(index)?;
        self.bytes.get(start..start.checked_add(bytes)?)
    }
}

fn number(table: &[u8], index: usize) -> Option<u32> {
    table.as_chunks::<4>().0.get(index).map(|it| u32::from_le_bytes(*it))
}

/// What two sorted lists have in common.
fn both(left: &[u32], right: &[u32]) -> Vec<u32> {
    let (few, many) = if left.len() < right.len() { (left, right) } else { (right, left) };
    few.iter().copied().filter(|it| many.binary_search(it).is_ok()).collect()
}
