//! Is a log, or a copy of one, what was written? Offline: files and a public key are all it needs.

mod signed;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

pub use signed::{CHECKPOINTS, Outside};
pub(crate) use signed::{Signed, notes, notes_in};

use crate::{
    Checkpoint, Damage, DamageKind, Hash, Keys, ProofError, VerifyingKey,
    chain::Chain,
    keys::Signers,
    lines::{Lines, Next},
    seal::{self, Seal},
    segment::{self, Header, Segment},
    tree::Paths,
};

/// What a log was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The first record that is there.
    pub first: u64,
    /// The record behind the last one that is right.
    pub next: u64,
    /// How many segments there are.
    pub segments: usize,
    /// How many sealed roots vouch for the records before the first that is there.
    pub sealed: usize,
    /// How many checkpoints were checked.
    pub checkpoints: usize,
    /// How many records the newest good checkpoint vouches for.
    pub signed: u64,
    /// So many bytes of a line that is not whole stand at the very end.
    pub tail_bytes: u64,
    /// The first thing that is wrong.
    pub damage: Option<Damage>,
}

/// Why a log could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum Unchecked {
    /// There is no segment.
    #[error("{folder} holds no segment of a log")]
    Empty {
        /// Which folder.
        folder: String,
    },
    /// It cannot be read.
    #[error("{folder} cannot be read: {source}")]
    Read {
        /// Which folder.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
    /// The checkpoint from elsewhere is about records that are not there any more: whoever removed
    /// them may have made up what follows.
    #[error(
        "{folder} begins with record {first}, and the checkpoint is for {size} records: give one that is not older than its beginning"
    )]
    Before {
        /// Which folder.
        folder: String,
        /// For how many records the checkpoint is.
        size: u64,
        /// The first record that is there.
        first: u64,
    },
    /// Its records fit together, but nobody signed them.
    #[error("{folder} has no checkpoint that is signed by this key: give one with --checkpoint")]
    Unsigned {
        /// Which folder.
        folder: String,
    },
}

/// Checks the log in `folder` from its first record to its last, and every checkpoint beside it.
///
/// With a checkpoint that was kept `outside`, it also finds what whoever has the signing key could
/// do, and an end that was cut off together with its checkpoints.
///
/// # Errors
/// [`Unchecked`]
pub fn verify(
    folder: &Path,
    key: &VerifyingKey,
    outside: Option<&Outside>,
) -> Result<Report, Unchecked> {
    verify_from(folder, key, outside, None)
}

/// The same, where what stands before record `from` is not looked at: the first segment that begins
/// with it, or behind it, says where the log goes on there.
///
/// # Errors
/// [`Unchecked`]
pub fn verify_from(
    folder: &Path,
    key: &VerifyingKey,
    outside: Option<&Outside>,
    from: Option<u64>,
) -> Result<Report, Unchecked> {
    let shown = || folder.display().to_string();
    let read = |source| Unchecked::Read { folder: shown(), source };
    // First what was signed: a log that grows meanwhile has all of that, and more.
    let (keys, signed) = Signed::gather(folder, key, outside).map_err(read)?;
    let mut segments = segment::list(folder).map_err(read)?;
    let walk = match from {
        Some(from) => {
            segments.retain(|it| it.first >= from);
            Walk::amid(&segments, (&keys, signed))
        }
        None => Walk::begin(folder, &segments, (&keys, signed)),
    };
    let mut walk = walk.map_err(read)?.ok_or_else(|| Unchecked::Empty { folder: shown() })?;
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index.saturating_add(1) == segments.len();
        walk.segment(segment, is_last, &mut |_, _, _| {}).map_err(read)?;
    }
    let report = walk.report(segments.len());
    if report.damage.is_none() && report.checkpoints == 0 {
        return Err(Unchecked::Unsigned { folder: shown() });
    }
    let passed_over = outside.map(|it| it.0.size).filter(|it| *it < report.first);
    match passed_over.filter(|_| report.damage.is_none()) {
        Some(size) => Err(Unchecked::Before { folder: shown(), size, first: report.first }),
        None => Ok(report),
    }
}

/// The lines of `records` in `folder` with the hash before each, and their ways in the tree of `size`.
pub(crate) fn collect(
    folder: &Path,
    keys: &Keys,
    (size, records): (u64, &[u64]),
) -> Result<Collected, ProofError> {
    let shown = || folder.display().to_string();
    let read = |source| Unchecked::Read { folder: shown(), source };
    let segments = segment::list(folder).map_err(read)?;
    let walk = Walk::begin(folder, &segments, (keys, Signed::none())).map_err(read)?;
    let mut walk = walk.ok_or_else(|| Unchecked::Empty { folder: shown() })?;
    let (first, edge) = (walk.first, walk.chain.edge().clone());
    let wanted: BTreeSet<u64> = records.iter().copied().filter(|it| *it >= first).collect();
    let mut paths = Paths::new(edge, size, records);
    let (mut found, mut next) = (BTreeMap::new(), first);
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index.saturating_add(1) == segments.len();
        let keep = &mut |before: Hash, hash: Hash, line: &[u8]| {
            if wanted.contains(&next) {
                found.insert(next, (before, line.to_vec()));
            }
            paths.push(hash);
            next = next.saturating_add(1);
        };
        walk.segment(segment, is_last, keep).map_err(read)?;
    }
    match walk.damage {
        Some(damage) => Err(ProofError::Damaged { damage }),
        None => Ok(Collected { first, paths, found }),
    }
}

/// What proofs are made from.
pub(crate) struct Collected {
    /// The first record that is there.
    pub(crate) first: u64,
    pub(crate) paths: Paths,
    pub(crate) found: BTreeMap<u64, (Hash, Vec<u8>)>,
}

/// A walk through a log.
pub(crate) struct Walk<'a> {
    origin: &'a str,
    pub(crate) chain: Chain,
    first: u64,
    signed: Signed,
    /// How many sealed roots stand before the first record.
    sealed: usize,
    /// Those of segments that are still there, the last one first.
    seals: Vec<Seal>,
    tail_bytes: u64,
    pub(crate) damage: Option<Damage>,
}

impl<'a> Walk<'a> {
    /// A walk that begins behind what was sealed and is gone; none where there is no segment.
    pub(crate) fn begin(
        folder: &Path,
        segments: &[Segment],
        (keys, signed): (&'a Keys, Signed),
    ) -> io::Result<Option<Self>> {
        let Some(segment) = segments.first() else { return Ok(None) };
        let (mut seals, damage) = match seal::read(folder, keys)? {
            Ok(seals) => (seals, None),
            Err(damage) => (Vec::new(), Some(damage)),
        };
        // Segments that are sealed and still there were to go when the power went.
        let mut left =
            seals.split_off(seals.partition_point(|it| it.after.next() <= segment.first));
        left.reverse();
        let mut walk = Self::at(Chain::begin(keys.log_name()), keys.log_name(), signed);
        walk.damage = walk.signed.pass(walk.chain.edge());
        for Seal { after, .. } in &seals {
            walk.damage = walk.damage.take().or_else(|| walk.signed.pass(after.edge()));
            walk.chain.clone_from(after);
        }
        walk.damage = keys.damage.clone().or(damage).or(walk.damage);
        (walk.first, walk.sealed, walk.seals) = (walk.chain.next(), seals.len(), left);
        Ok(Some(walk))
    }

    /// A walk that begins where the first of some segments says; none where there is none.
    fn amid(segments: &[Segment], (keys, signed): (&'a Keys, Signed)) -> io::Result<Option<Self>> {
        let Some(segment) = segments.first() else { return Ok(None) };
        let origin = keys.log_name();
        let header = Lines::first(&segment.path)?.and_then(|it| Header::read(&it));
        // The header holds the tree as it was. A checkpoint vouches for it, as for all else.
        let chain = match header.filter(|it| segment.first > 0 && it.origin == origin) {
            Some(header) => header.chain(),
            None => Chain::begin(origin),
        };
        let mut walk = Self::at(chain, origin, signed);
        let passed = walk.signed.pass(walk.chain.edge());
        walk.damage = keys.damage.clone().or(passed);
        Ok(Some(walk))
    }

    fn at(chain: Chain, origin: &'a str, signed: Signed) -> Self {
        let (sealed, seals) = (0, Vec::new());
        let first = chain.next();
        Self { origin, chain, first, signed, sealed, seals, tail_bytes: 0, damage: None }
    }

    /// Goes through one segment, unless something was wrong before.
    pub(crate) fn segment(
        &mut self,
        segment: &Segment,
        is_last: bool,
        keep: &mut dyn FnMut(Hash, Hash, &[u8]),
    ) -> io::Result<()> {
        let mut lines = Lines::open(&segment.path)?;
        let mut begun = Some(self.chain.clone());
        while self.damage.is_none() {
            let before = (self.chain.last(), self.chain.next());
            let what = match lines.next(&mut self.chain)? {
                Next::Record(_)
                    if begun.take().is_some_and(|it| !self.is_headed(segment, &it, &lines)) =>
                {
                    "does not begin with the header that belongs there"
                }
                Next::Record(hash) => {
                    keep(before.0, hash, lines.line());
                    self.meet();
                    continue;
                }
                Next::Tail(bytes) if is_last => {
                    self.tail_bytes = bytes;
                    break;
                }
                Next::Tail(_) => "ends within a line",
                Next::End => break,
                Next::Damage(damage) => {
                    self.damage = Some(damage);
                    break;
                }
            };
            self.damage = Some(lines.damage(before.1, DamageKind::Modified, what));
        }
        Ok(())
    }

    fn is_headed(&self, segment: &Segment, before: &Chain, lines: &Lines) -> bool {
        let header = Header::read(&lines.json());
        before.next() == segment.first && header.is_some_and(|it| it.continues(before, self.origin))
    }

    /// Compares with what was sealed and signed for so many records.
    fn meet(&mut self) {
        if self.damage.is_some() {
            return;
        }
        let next = self.chain.next();
        if let Some(seal) = self.seals.pop_if(|it| it.after.next() <= next)
            && seal.after != self.chain
        {
            let (seq, kind) = (seal.first, DamageKind::Forged);
            let detail = format!("the records from {seq} to {next} are not those that were sealed");
            self.damage = Some(Damage { seq, kind, detail });
            return;
        }
        self.damage = self.signed.meet(self.chain.edge());
    }

    fn report(&mut self, segments: usize) -> Report {
        let next = self.chain.next();
        if let (None, Some(seal)) = (&self.damage, self.seals.first()) {
            let detail = format!("{} records were sealed, and {next} are there", seal.after.next());
            self.damage = Some(Damage { seq: next, kind: DamageKind::Truncated, detail });
        }
        if self.damage.is_none() {
            self.damage = self.signed.end(next);
        }
        Report {
            first: self.first,
            next,
            sealed: self.sealed,
            segments,
            checkpoints: self.signed.checked,
            signed: self.signed.size,
            tail_bytes: self.tail_bytes,
            damage: self.damage.take(),
        }
    }
}

impl Report {
    /// The newest good checkpoint's size and how many records stand behind it.
    #[must_use]
    pub fn unsigned(&self) -> u64 {
        self.next.saturating_sub(self.signed)
    }
}

/// The newest checkpoint beside the log in `folder`, as one of its keys signed it, of which `key` is one.
///
/// # Errors
/// What the disk says.
pub fn newest(folder: &Path, key: &VerifyingKey) -> io::Result<Option<String>> {
    let notes = notes(folder)?.into_iter().flatten().rev();
    let keys = Keys::read(folder, key)?;
    Ok(notes.into_iter().find(|it| Checkpoint::open(it, &keys).is_some()))
}

/// Reads a checkpoint that was kept elsewhere.
#[must_use]
pub fn outside(note: &str, signers: &dyn Signers) -> Option<Outside> {
    Checkpoint::open(note, signers).map(Outside)
}

#[cfg(test)]
mod tests;
