//! Makes a part of the index from lines. Pure.

use super::{
    Field,
    block::Block,
    field::BROKEN,
    header::{Header, tail_of},
    members::Members,
    posting,
};
use crate::{checksum::crc32c, frame};

/// The header and the body of the part for the lines of `block`, of which the first has the number
/// `first`.
pub(super) fn part(first: u64, start: u64, block: &Block) -> (Header, Vec<u8>) {
    let mut draft = Draft::default();
    for ordinal in 0..block.count() {
        draft.add(ordinal, block.line(ordinal).unwrap_or_default());
    }
    let Draft { seconds, mut terms } = draft;
    terms.sort_unstable();
    let known = || seconds.iter().flatten();
    let range = (known().min().copied(), known().max().copied());
    let mut body = Vec::new();
    for end in block.ends() {
        // A part has at most as many bytes as its one line.
        body.extend(u32::try_from(*end).unwrap_or(u32::MAX).to_le_bytes());
    }
    for second in &seconds {
        body.extend(second.unwrap_or(0).to_le_bytes());
    }
    let (count, postings) = write_terms(&mut body, &terms);
    let header = Header {
        first,
        start,
        end: block.end(),
        count: block.count(),
        seconds: (range.0.unwrap_or(u32::MAX), range.1.unwrap_or(0)),
        terms: count,
        postings,
        body: crc32c(&body),
        tail: tail_of(block.bytes()),
    };
    (header, body)
}

/// What was found in lines.
#[derive(Debug, Default)]
struct Draft {
    /// The second that each line is of; none where it is broken.
    seconds: Vec<Option<u32>>,
    /// Terms, each with the line it stands in.
    terms: Vec<(u64, u32)>,
}

impl Draft {
    fn add(&mut self, ordinal: u32, line: &[u8]) {
        let members = frame::read(line).and_then(|_| Members::read(line));
        let second = members.as_ref().and_then(Members::time).map(super::second);
        self.seconds.push(second);
        let Some(members) = members.filter(|_| second.is_some()) else {
            self.terms.push((BROKEN, ordinal));
            return;
        };
        let values = Field::ALL.iter().filter_map(|it| Some(it.term(&members.value(*it)?)));
        self.terms.extend(values.map(|it| (it, ordinal)));
    }
}

/// Writes the sorted terms: their hashes, then where each leads, then that.
fn write_terms(body: &mut Vec<u8>, terms: &[(u64, u32)]) -> (u32, u32) {
    let (mut hashes, mut entries, mut postings) = (0_u32, Vec::new(), Vec::new());
    let mut ordinals = Vec::new();
    for group in terms.chunk_by(|left, right| left.0 == right.0) {
        let Some((hash, _)) = group.first() else { continue };
        body.extend(hash.to_le_bytes());
        ordinals.clear();
        ordinals.extend(group.iter().map(|it| it.1));
        // Two members of one line may have the same number.
        ordinals.dedup();
        entries.extend(posting::write(&mut postings, &ordinals).to_le_bytes());
        hashes = hashes.saturating_add(1);
    }
    body.append(&mut entries);
    let bytes = u32::try_from(postings.len()).unwrap_or(u32::MAX);
    body.append(&mut postings);
    (hashes, bytes)
}
