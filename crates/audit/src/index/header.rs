//! What stands before a part of the index: which lines it is of, and whether it is whole.

use super::field::fingerprint;
use crate::checksum::crc32c;

/// What a part begins with. The number is that of the form: another form has another number, and parts
/// of an older one are made anew.
const MAGIC: &[u8; 8] = b"odindex2";
/// How long a header is.
pub(super) const HEADER_BYTES: u64 = 68;
/// So much of the end of a line is kept in mind: its hash stands there, which depends on all before.
const TAIL_BYTES: usize = 96;

/// What stands before a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The number of its first line.
    pub(super) first: u64,
    /// Where its lines begin and end in the segment.
    pub(super) start: u64,
    pub(super) end: u64,
    /// How many lines.
    pub(super) count: u32,
    /// The first and the last second that a line is of.
    pub(super) seconds: (u32, u32),
    /// How many terms its table has, and how many bytes their postings.
    pub(super) terms: u32,
    pub(super) postings: u32,
    /// The checksum of what follows the header.
    pub(super) body: u32,
    /// A fingerprint of the end of its last line.
    pub(super) tail: u64,
}

impl Header {
    pub(super) fn write(&self) -> Vec<u8> {
        let Self { first, start, end, count, seconds, terms, postings, body, tail } = *self;
        let mut out = MAGIC.to_vec();
        for number in [first, start, end, tail] {
            out.extend(number.to_le_bytes());
        }
        for number in [count, seconds.0, seconds.1, terms, postings, body] {
            out.extend(number.to_le_bytes());
        }
        out.extend(crc32c(&out).to_le_bytes());
        out
    }

    /// Reads a header; `None` where it is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (checked, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c(checked) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (longs, shorts) = checked.strip_prefix(MAGIC)?.split_at_checked(32)?;
        let (longs, []) = longs.as_chunks::<8>() else { return None };
        let (shorts, []) = shorts.as_chunks::<4>() else { return None };
        let [first, start, end, tail] = *longs else { return None };
        let [count, from, to, terms, postings, body] = *shorts else { return None };
        Some(Self {
            first: u64::from_le_bytes(first),
            start: u64::from_le_bytes(start),
            end: u64::from_le_bytes(end),
            count: u32::from_le_bytes(count),
            seconds: (u32::from_le_bytes(from), u32::from_le_bytes(to)),
            terms: u32::from_le_bytes(terms),
            postings: u32::from_le_bytes(postings),
            body: u32::from_le_bytes(body),
            tail: u64::from_le_bytes(tail),
        })
    }

    /// How long the body is that follows.
    pub(super) fn body_bytes(&self) -> u64 {
        // Two numbers for each line; a hash and an entry for each term.
        let tables = u64::from(self.count)
            .saturating_mul(8)
            .saturating_add(u64::from(self.terms).saturating_mul(12));
        tables.saturating_add(u64::from(self.postings))
    }

    /// The number behind that of its last line.
    pub(super) fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// How much of the end of its last line its fingerprint is of.
    pub(super) fn tail_bytes(&self) -> u64 {
        self.end.saturating_sub(self.start).min(TAIL_BYTES as u64)
    }
}

/// The fingerprint of the end of lines.
pub(super) fn tail_of(lines: &[u8]) -> u64 {
    let cut = lines.len().saturating_sub(TAIL_BYTES);
    fingerprint(lines.get(cut..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        first: 1,
        start: 2,
        end: 3,
        count: 4,
        seconds: (5, 6),
        terms: 7,
        postings: 8,
        body: 9,
        tail: 10,
    };

    #[test]
    fn it_reads_back_and_with_another_byte_it_is_none() {
        let bytes = HEADER.write();
        assert_eq!(bytes.len() as u64, HEADER_BYTES);
        assert_eq!(Header::read(&bytes), Some(HEADER));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(Header::read(&other), None, "{at}");
        }
        assert_eq!(Header::read(&bytes[1..]), None);
        assert_eq!(HEADER.body_bytes(), 4 * 8 + 7 * 12 + 8);
    }
}
