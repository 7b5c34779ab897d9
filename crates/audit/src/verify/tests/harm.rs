//! What can be done to a log, by accident or on purpose.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::{forger::forge, segments};
use crate::packed::{Source, is_packed, pack, packed_path};
use crate::{chain::Chain, frame, keys::KEYS, seal::SEALED, segment::Header, verify::CHECKPOINTS};

/// What is done to a log.
#[derive(Debug, Clone)]
pub(super) enum Harm {
    Flip {
        file: prop::sample::Index,
        byte: prop::sample::Index,
        bit: u32,
    },
    FlipCheckpoint {
        byte: prop::sample::Index,
        bit: u32,
    },
    Delete {
        line: prop::sample::Index,
    },
    Insert {
        line: prop::sample::Index,
        at: prop::sample::Index,
    },
    Swap {
        one: prop::sample::Index,
        other: prop::sample::Index,
    },
    Truncate {
        file: prop::sample::Index,
        byte: prop::sample::Index,
    },
    /// Another text, and all hashes behind it made anew, as who has no key could.
    Rehash {
        line: prop::sample::Index,
    },
    /// An old segment in the place of another.
    Replay {
        from: prop::sample::Index,
        to: prop::sample::Index,
    },
    /// A segment of another log.
    Mix {
        file: prop::sample::Index,
    },
    FlipSeal {
        byte: prop::sample::Index,
        bit: u32,
    },
    /// A sealed root is taken away.
    Unseal {
        line: prop::sample::Index,
    },
    /// One stands where another was, which is lost or stands in its place.
    Reseal {
        from: prop::sample::Index,
        to: prop::sample::Index,
        is_swap: bool,
    },
    FlipKeys {
        byte: prop::sample::Index,
        bit: u32,
    },
    /// That one key follows another is taken away.
    Unkey {
        line: prop::sample::Index,
    },
    /// What was signed for another log stands where a checkpoint was.
    MixCheckpoint {
        line: prop::sample::Index,
    },
    /// Another text, with all hashes behind it, and no checkpoint that would tell.
    Unsign {
        line: prop::sample::Index,
    },
    /// The log as an old checkpoint has it, which is the last one that is left.
    Rollback {
        line: prop::sample::Index,
    },
    /// Another text, and all that was signed signed anew, as only who has the keys can.
    Forge {
        line: prop::sample::Index,
    },
}

impl Harm {
    /// How many kinds there are.
    pub(super) const KINDS: usize = 18;
}

/// Each kind, somewhere.
pub(super) fn harms() -> [BoxedStrategy<Harm>; Harm::KINDS] {
    let index = any::<prop::sample::Index>;
    let place = || (index(), 0..8_u32);
    let pair = || (index(), index());
    [
        (index(), index(), 0..8_u32)
            .prop_map(|(file, byte, bit)| Harm::Flip { file, byte, bit })
            .boxed(),
        place().prop_map(|(byte, bit)| Harm::FlipCheckpoint { byte, bit }).boxed(),
        index().prop_map(|line| Harm::Delete { line }).boxed(),
        pair().prop_map(|(line, at)| Harm::Insert { line, at }).boxed(),
        pair().prop_map(|(one, other)| Harm::Swap { one, other }).boxed(),
        pair().prop_map(|(file, byte)| Harm::Truncate { file, byte }).boxed(),
        index().prop_map(|line| Harm::Rehash { line }).boxed(),
        pair().prop_map(|(from, to)| Harm::Replay { from, to }).boxed(),
        index().prop_map(|file| Harm::Mix { file }).boxed(),
        place().prop_map(|(byte, bit)| Harm::FlipSeal { byte, bit }).boxed(),
        index().prop_map(|line| Harm::Unseal { line }).boxed(),
        (pair(), any::<bool>())
            .prop_map(|((from, to), is_swap)| Harm::Reseal { from, to, is_swap })
            .boxed(),
        place().prop_map(|(byte, bit)| Harm::FlipKeys { byte, bit }).boxed(),
        index().prop_map(|line| Harm::Unkey { line }).boxed(),
        index().prop_map(|line| Harm::MixCheckpoint { line }).boxed(),
        index().prop_map(|line| Harm::Unsign { line }).boxed(),
        index().prop_map(|line| Harm::Rollback { line }).boxed(),
        index().prop_map(|line| Harm::Forge { line }).boxed(),
    ]
}

/// The members of a header, for where `chain` is.
fn moved(mut members: String, header: &Header, chain: &Chain) -> String {
    members = members.replace(&header.before.to_string(), &chain.last().to_string());
    for (old, new) in header.edge.subtrees().iter().zip(chain.edge().subtrees()) {
        members = members.replace(&old.to_string(), &new.to_string());
    }
    members
}

/// A log as lines, each with the file it stands in.
pub(super) struct Text(pub(super) Vec<(PathBuf, Vec<u8>)>);

impl Text {
    pub(super) fn read(folder: &Path) -> Self {
        let mut lines = Vec::new();
        for path in segments(folder) {
            let bytes = unpacked(&path).unwrap();
            let whole = bytes.split_inclusive(|it| *it == b'\n');
            lines.extend(whole.map(|it| (path.clone(), it.to_vec())));
        }
        Self(lines)
    }

    pub(super) fn write(self) {
        let mut paths: Vec<_> = self.0.iter().map(|it| it.0.clone()).collect();
        paths.dedup();
        for path in paths {
            let lines = self.0.iter().filter(|it| it.0 == path);
            put(&path, &lines.flat_map(|it| it.1.clone()).collect::<Vec<_>>());
        }
    }

    /// Changes the record on `line`, and makes the frames of all behind it anew.
    pub(super) fn rehash(&mut self, line: usize) {
        let first = frame::read(self.0[0].1.strip_suffix(b"\n").unwrap()).unwrap();
        let mut chain = Header::read(&frame::json(first.body)).unwrap().chain();
        for (index, (_, text)) in self.0.iter_mut().enumerate() {
            let frame = frame::read(text.strip_suffix(b"\n").unwrap()).unwrap();
            let start = format!("{{\"seq\":{},", chain.next());
            let members = frame.body.strip_prefix(start.as_bytes()).unwrap();
            let mut members = String::from_utf8(members.to_vec()).unwrap();
            if index == line {
                members.push_str(",\"forged\":true");
            }
            if let Some(header) = Header::read(&frame::json(frame.body)) {
                members = moved(members, &header, &chain);
            }
            let mut out = Vec::new();
            frame::write(&mut out, &mut chain, members.as_bytes());
            *text = out;
        }
    }
}

/// Does it; false where that changes nothing.
pub(super) fn harm(folder: &Path, harm: &Harm, other_log: &Path) -> bool {
    let files = segments(folder);
    let mut text = Text::read(folder);
    let before: Vec<_> = text.0.iter().flat_map(|it| it.1.clone()).collect();
    let lines = text.0.len();
    match harm {
        Harm::Flip { file, byte, bit } => {
            let path = &files[file.index(files.len())];
            flip(path, byte, *bit);
            // A bit between two packed lines may mean nothing.
            return unpacked(path).is_none_or(|it| it != lines_of(&text, path));
        }
        Harm::FlipCheckpoint { byte, bit } => return flip(&folder.join(CHECKPOINTS), byte, *bit),
        Harm::Delete { line } => drop(text.0.remove(line.index(lines))),
        Harm::Insert { line, at } => {
            let inserted = text.0[line.index(lines)].1.clone();
            let at = at.index(lines);
            let file = text.0[at].0.clone();
            text.0.insert(at, (file, inserted));
        }
        Harm::Swap { one, other } => {
            let (one, other) = (one.index(lines), other.index(lines));
            let kept = text.0[one].1.clone();
            text.0[one].1 = std::mem::replace(&mut text.0[other].1, kept);
        }
        Harm::Truncate { file, byte } => {
            let path = &files[file.index(files.len())];
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..byte.index(bytes.len())]).unwrap();
            return true;
        }
        Harm::Rehash { line } => text.rehash(line.index(lines)),
        Harm::Replay { from, to } => {
            let (from, to) = (from.index(files.len()), to.index(files.len()));
            fs::copy(&files[from], &files[to]).unwrap();
            return from != to;
        }
        Harm::Mix { file } => {
            // Where the log was purged, the other one has no such segment.
            let (path, others) = (&files[file.index(files.len())], segments(other_log));
            fs::copy(&others[file.index(others.len())], path).unwrap();
            return true;
        }
        Harm::FlipSeal { .. } | Harm::Unseal { .. } | Harm::Reseal { .. } => {
            return harm_seals(&folder.join(SEALED), harm);
        }
        Harm::FlipKeys { byte, bit } => {
            let path = folder.join(KEYS);
            return path.exists() && flip(&path, byte, *bit);
        }
        Harm::Unkey { line } => return remove_line(&folder.join(KEYS), line),
        Harm::MixCheckpoint { line } => return mix_checkpoint(folder, line, other_log),
        Harm::Unsign { line } => {
            text.rehash(line.index(lines));
            fs::write(folder.join(CHECKPOINTS), "").unwrap();
        }
        Harm::Rollback { line } => return roll_back(folder, text, line.index(lines)),
        Harm::Forge { line } => {
            forge(folder, text, line.index(lines));
            return true;
        }
    }
    let after: Vec<_> = text.0.iter().flat_map(|it| it.1.clone()).collect();
    text.write();
    before != after
}

/// The lines of a segment, as they were read before.
fn lines_of(text: &Text, path: &Path) -> Vec<u8> {
    text.0.iter().filter(|it| it.0 == path).flat_map(|it| it.1.clone()).collect()
}

/// The lines of a segment; none where it cannot be unpacked.
fn unpacked(path: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    Source::open(path).unwrap().read_to_end(&mut text).ok().map(|_| text)
}

/// Puts these lines into a segment, packed where it was.
fn put(path: &Path, lines: &[u8]) {
    if !is_packed(path) {
        return fs::write(path, lines).unwrap();
    }
    let plain = path.with_extension("");
    fs::write(&plain, lines).unwrap();
    fs::rename(pack(&plain).unwrap(), packed_path(&plain)).unwrap();
    fs::remove_file(plain).unwrap();
}

/// Takes a line out of a file; false where there is no file.
fn remove_line(path: &Path, line: &prop::sample::Index) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    lines.remove(line.index(lines.len()));
    fs::write(path, lines.concat()).unwrap();
    true
}

fn mix_checkpoint(folder: &Path, line: &prop::sample::Index, other_log: &Path) -> bool {
    let [text, other] =
        [folder, other_log].map(|it| fs::read_to_string(it.join(CHECKPOINTS)).unwrap());
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    let index = line.index(lines.len());
    lines[index] = other.split_inclusive('\n').next_back().unwrap();
    fs::write(folder.join(CHECKPOINTS), lines.concat()).unwrap();
    true
}

/// Makes the log what it was when it ended with `last`, as far as checkpoints say; false where it does.
fn roll_back(folder: &Path, mut text: Text, last: usize) -> bool {
    let rest = last.saturating_add(1);
    let is_older = rest < text.0.len();
    let paths: Vec<_> = text.0.drain(rest..).map(|it| it.0).collect();
    let size =
        frame::read(text.0[last].1.strip_suffix(b"\n").unwrap()).unwrap().seq.saturating_add(1);
    let kept: BTreeSet<_> = text.0.iter().map(|it| it.0.clone()).collect();
    for path in paths.iter().filter(|it| !kept.contains(*it) && it.exists()) {
        fs::remove_file(path).unwrap();
    }
    text.write();
    let notes = fs::read_to_string(folder.join(CHECKPOINTS)).unwrap();
    let is_kept = |it: &&str| {
        let note: String = serde_json::from_str(it).unwrap();
        note.lines().nth(1).unwrap().parse::<u64>().unwrap() <= size
    };
    let notes: Vec<_> = notes.split_inclusive('\n').filter(is_kept).collect();
    fs::write(folder.join(CHECKPOINTS), notes.concat()).unwrap();
    is_older
}

/// Does it to the sealed roots; false where there is none.
fn harm_seals(path: &Path, harm: &Harm) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    match harm {
        Harm::FlipSeal { byte, bit } => return flip(path, byte, *bit),
        Harm::Unseal { line } => {
            let index = line.index(lines.len());
            let removed = lines.remove(index);
            let first = removed.split("\\nsealed ").nth(1).unwrap().split("\\n").next().unwrap();
            let segment = path.with_file_name(format!("{first:0>20}.jsonl"));
            // The last one, of a segment that is still there, tells nothing that is not there.
            if index == lines.len() && segment.exists() {
                return false;
            }
        }
        Harm::Reseal { from, to, is_swap } => {
            let (from, to) = (from.index(lines.len()), to.index(lines.len()));
            if *is_swap { lines.swap(from, to) } else { lines[to] = lines[from] }
        }
        _ => return false,
    }
    fs::write(path, lines.concat()).unwrap();
    lines.concat() != text
}

fn flip(path: &Path, byte: &prop::sample::Index, bit: u32) -> bool {
    let mut bytes = fs::read(path).unwrap();
    // The last newline of the checkpoints ends what may be cut off.
    let index = byte.index(bytes.len().saturating_sub(1));
    bytes[index] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
    true
}
