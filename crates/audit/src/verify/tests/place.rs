//! Which record has to be named: by what was done to the files, not by what a verifier makes of them.

use std::{fs, io::Read as _, path::Path};

use super::{harm::Harm, key, other_key, segments};
use crate::{Checkpoint, frame, keys::KEYS, packed::Source, seal::SEALED, verify::CHECKPOINTS};

/// What stands in the folder of a log, line by line, whatever is wrong with it.
pub(super) struct Content {
    records: Vec<Vec<u8>>,
    checkpoints: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    seals: Vec<Vec<u8>>,
}

impl Content {
    pub(super) fn read(folder: &Path) -> Self {
        let records: Vec<_> = segments(folder).iter().flat_map(|it| readable(it)).collect();
        let notes = |name: &str| split(&fs::read(folder.join(name)).unwrap_or_default());
        let (checkpoints, keys, seals) = (notes(CHECKPOINTS), notes(KEYS), notes(SEALED));
        Self { records: split(&records), checkpoints, keys, seals }
    }

    /// The first record that is there.
    fn first(&self) -> u64 {
        frame::read(self.records[0].strip_suffix(b"\n").unwrap()).unwrap().seq
    }
}

/// The record that has to be named where `harm` made this of a log; none where nothing that is left tells
/// of it.
pub(super) fn place(
    harm: &Harm,
    (before, after): (&Content, &Content),
    note: Option<&str>,
) -> Option<u64> {
    let (first, signed) = (before.first(), signed(before, after, note));
    let whole = same(&before.records, &after.records);
    // The first that is another one, or is not there.
    let record = first.saturating_add(u64::try_from(whole).unwrap());
    // Behind the last that was signed for no more than so many, or that is gone and sealed.
    let vouched = |most: u64| signed.iter().copied().filter(|it| *it <= most).fold(first, u64::max);
    match harm {
        // What does not fit is found where it stands.
        Harm::Flip { .. }
        | Harm::Delete { .. }
        | Harm::Insert { .. }
        | Harm::Swap { .. }
        | Harm::Truncate { .. }
        | Harm::Replay { .. }
        | Harm::Mix { .. } => Some(record),
        // What fits is found by what was signed behind it. Which record it is, that does not tell: any
        // that nothing else vouches for.
        Harm::Rehash { .. } | Harm::Unsign { .. } => {
            let signed = signed.iter().copied().filter(|it| *it > record).min();
            match sealed(&after.seals, record) {
                Some((from, until)) if signed.is_none_or(|it| until <= it) => Some(from),
                _ => signed.map(|_| vouched(record)),
            }
        }
        // All that is beside the log vouches for it, as far as what was kept elsewhere.
        Harm::Forge { .. } => note.map(size),
        Harm::Rollback { .. } => {
            let mut told = signed.iter().copied().chain(after.seals.iter().map(|it| line_size(it)));
            told.any(|it| it > record).then_some(record)
        }
        Harm::FlipCheckpoint { .. } | Harm::MixCheckpoint { .. } => Some(vouched(u64::MAX)),
        Harm::FlipSeal { .. } | Harm::Unseal { .. } | Harm::Reseal { .. } => {
            Some(behind(&before.seals, same(&before.seals, &after.seals)))
        }
        Harm::FlipKeys { .. } => Some(behind(&before.keys, same(&before.keys, &after.keys))),
        // What was kept elsewhere is signed by the last key, which nothing leads to any more.
        Harm::Unkey { .. } => note.is_none().then(|| unkeyed(before, after)),
    }
}

/// How much the keys vouch for that are left where one was said to follow another.
fn unkeyed(before: &Content, after: &Content) -> u64 {
    let gone = same(&before.keys, &after.keys);
    let keys = [key(), other_key(3)].map(|it| it.verifying_key());
    let left = &keys[..=gone];
    let checkpoints = after.checkpoints.iter().filter_map(|it| {
        let note: String = serde_json::from_slice(it).unwrap();
        left.iter().find_map(|key| Checkpoint::open(&note, key)).map(|it| it.size)
    });
    let changes = before.keys[..gone].iter().map(|it| line_size(it));
    checkpoints.chain(changes).fold(before.first(), u64::max)
}

/// For how many records there is a signature that nobody touched.
fn signed(before: &Content, after: &Content, note: Option<&str>) -> Vec<u64> {
    let checkpoints = after.checkpoints.iter().filter(|it| before.checkpoints.contains(it));
    let changes = after.keys.iter().filter(|it| before.keys.contains(it));
    checkpoints.chain(changes).map(|it| line_size(it)).chain(note.map(size)).collect()
}

/// The first record of the sealed segment that this one is in, and the one behind it.
fn sealed(seals: &[Vec<u8>], record: u64) -> Option<(u64, u64)> {
    let index = seals.iter().position(|it| line_size(it) > record)?;
    Some((behind(seals, index), line_size(&seals[index])))
}

/// The record behind those that the first so many notes are about.
fn behind(notes: &[Vec<u8>], count: usize) -> u64 {
    count.checked_sub(1).map_or(0, |it| line_size(&notes[it]))
}

/// How many lines are the same before one is another, or not there.
fn same(before: &[Vec<u8>], after: &[Vec<u8>]) -> usize {
    before.iter().zip(after).take_while(|(one, other)| one == other).count()
}

fn line_size(line: &[u8]) -> u64 {
    size(&serde_json::from_slice::<String>(line).unwrap())
}

/// For how many records a note is.
fn size(note: &str) -> u64 {
    note.lines().nth(1).unwrap().parse().unwrap()
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|it| *it == b'\n').map(<[u8]>::to_vec).collect()
}

/// The lines of a segment, as far as they can be unpacked.
fn readable(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    // What was read before it broke stays.
    Source::open(path).unwrap().read_to_end(&mut text).ok();
    text
}
