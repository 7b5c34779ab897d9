//! Files of a log: segments named by their first record, each with a first line that says where it goes on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    EventId, Hash,
    chain::Chain,
    frame::number,
    lines::Lines,
    packed::{is_packed, packed_path},
    tree::Edge,
};

/// The version of the format, which docs/audit-log.md describes.
pub(crate) const FORMAT: u32 = 1;
/// What the first record of a segment is called.
pub(crate) const EVENT: &str = EventId::AuditSegment.as_str();
/// Digits of a file's name.
const NAME_DIGITS: usize = 20;

/// A segment's file, and the number that it is named by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
}

impl Segment {
    /// The segment in `folder` that begins with record `first`.
    pub(crate) fn new(folder: &Path, first: u64) -> Self {
        Self { first, path: folder.join(format!("{first:0NAME_DIGITS$}.jsonl")) }
    }

    /// The same, packed.
    pub(crate) fn packed(&self) -> Self {
        Self { first: self.first, path: packed_path(&self.path) }
    }

    /// Whether it is packed: then nothing is written to it any more.
    pub(crate) fn is_packed(&self) -> bool {
        is_packed(&self.path)
    }

    /// When it was begun; none where it has no whole first line.
    pub(crate) fn begun(&self) -> io::Result<Option<Timestamp>> {
        let brief = Lines::first(&self.path)?.and_then(|it| serde_json::from_slice(&it).ok());
        Ok(brief.and_then(|Brief { time }| Timestamp::parse(&time).ok()))
    }

    /// Its file's name.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// What a first line says of its time.
#[derive(Deserialize)]
struct Brief {
    time: String,
}

/// The segments in `folder`, in their order. Other files are passed over; of a segment that is there
/// both packed and not, the one that is not packed counts.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let plain = name.to_str().map(|it| it.strip_suffix(".gz").unwrap_or(it));
        let digits = plain.and_then(|it| it.strip_suffix(".jsonl"));
        // Always twenty digits, so the zeros before a number are no fault.
        let first = digits
            .filter(|it| it.len() == NAME_DIGITS)
            .and_then(|it| number(it.trim_start_matches('0').as_bytes()).or(zero(it)));
        let segment = first.map(|first| Segment::new(folder, first));
        let is_packed = plain != name.to_str();
        segments.extend(segment.map(|it| if is_packed { it.packed() } else { it }));
    }
    segments.sort_by_key(|it| (it.first, it.is_packed()));
    segments.dedup_by_key(|it| it.first);
    Ok(segments)
}

fn zero(digits: &str) -> Option<u64> {
    digits.bytes().all(|it| it == b'0').then_some(0)
}

/// What the first line of a segment says besides its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The log it belongs to.
    pub(crate) origin: String,
    /// The hash of the record before it.
    pub(crate) before: Hash,
    /// The tree as it was before it.
    pub(crate) edge: Edge,
    /// Calls that were begun before it and have no outcome yet: the number and the id of each.
    pub(crate) open: Vec<(u64, String)>,
    /// The first record before it that may be missing, since a sync failed.
    pub(crate) unsynced_from: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Members {
    #[serde(default, skip_serializing)]
    seq: u64,
    #[serde(default, skip_serializing)]
    event: String,
    format: u32,
    origin: String,
    prev: String,
    tree: Vec<String>,
    open: Vec<(u64, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsynced_from: Option<u64>,
}

impl Header {
    /// The header of a segment that goes on where `chain` is.
    pub(crate) fn new(origin: &str, chain: &Chain) -> Self {
        Self {
            origin: origin.to_owned(),
            before: chain.last(),
            edge: chain.edge().clone(),
            open: Vec::new(),
            unsynced_from: None,
        }
    }

    /// Its members, as a line has them between its braces.
    pub(crate) fn members(&self, at: Timestamp) -> Vec<u8> {
        let Self { origin, before, edge, open, unsynced_from } = self;
        let members = Members {
            seq: 0,
            event: String::new(),
            format: FORMAT,
            origin: origin.clone(),
            prev: before.to_string(),
            tree: edge.subtrees().iter().map(ToString::to_string).collect(),
            open: open.clone(),
            unsynced_from: *unsynced_from,
        };
        // Texts and numbers in memory: there is nothing that could fail.
        let json = serde_json::to_string(&members).unwrap_or_default();
        let json = json.trim_start_matches('{').trim_end_matches('}');
        format!("\"time\":\"{at}\",\"kind\":\"log\",\"event\":\"{EVENT}\",{json}").into_bytes()
    }

    /// Reads the record `json` of a first line; `None` where it is none, or says what cannot be.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let members: Members = serde_json::from_slice(json).ok()?;
        let Members { seq, event, format, origin, prev, tree, open, unsynced_from } = members;
        let subtrees: Option<_> = tree.iter().map(|it| Hash::from_hex(it.as_bytes())).collect();
        let edge = Edge::new(seq, subtrees?)?;
        let before = Hash::from_hex(prev.as_bytes())?;
        let is_ours = event == EVENT && format == FORMAT;
        is_ours.then_some(Self { origin, before, edge, open, unsynced_from })
    }

    /// The chain that goes on with this header.
    pub(crate) fn chain(&self) -> Chain {
        Chain::resume(self.before, self.edge.clone())
    }

    /// Whether it goes on where `chain` is.
    pub(crate) fn continues(&self, chain: &Chain, origin: &str) -> bool {
        self.origin == origin && self.before == chain.last() && self.edge == *chain.edge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;

    #[test]
    fn a_header_reads_back_and_goes_on_where_its_chain_was() {
        let mut chain = Chain::begin("log");
        for body in [&b"a"[..], b"b", b"c"] {
            chain.extend(body);
        }
        let header = Header {
            open: vec![(2, "x".to_owned())],
            unsynced_from: Some(1),
            ..Header::new("log", &chain)
        };
        let mut line = Vec::new();
        let before = chain.clone();
        frame::write(&mut line, &mut chain, &header.members(Timestamp::from_seconds(0)));
        line.pop();
        let read = Header::read(&frame::json(frame::read(&line).unwrap().body)).unwrap();
        assert_eq!(read, header);
        assert_eq!(read.chain(), before);
        assert!(read.continues(&before, "log") && !read.continues(&before, "other"));
        assert!(!read.continues(&chain, "log"));
        let text = String::from_utf8(frame::json(frame::read(&line).unwrap().body)).unwrap();
        assert!(Header::read(text.replace("\"format\":1", "\"format\":2").as_bytes()).is_none());
        assert!(Header::read(text.replace("\"seq\":3", "\"seq\":4").as_bytes()).is_none());
    }

    #[test]
    fn segments_are_listed_in_their_order_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "00000000000000000100.jsonl",
            "00000000000000000000.jsonl",
            "99.jsonl",
            "00000000000000000100.jsonl.gz",
            "00000000000000000050.jsonl.gz",
            "00000000000000000060.jsonl.gz.new",
            "0000000000000000000x.jsonl",
            "checkpoints",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = list(folder.path()).unwrap();
        let found: Vec<_> = found.iter().map(|it| (it.first, it.is_packed())).collect();
        assert_eq!(found, [(0, false), (50, true), (100, false)]);
    }
}
