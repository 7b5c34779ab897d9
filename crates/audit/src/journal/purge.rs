//! Segments that go. That they do is recorded, and their roots are sealed, before their files are removed:
//! the log can be checked as before, and a crash at any place between leaves nothing that cannot.

use std::{io, ops::Range, path::Path, sync::PoisonError};

use model::Timestamp;
use serde::Deserialize;

use super::{Journal, medium::Medium};
use crate::{
    Damage, DamageKind, Error, EventId, Outcome, SigningKey, VerifyingKey,
    seal::{self, Seal},
    segment::{self, Segment},
    verify::{Signed, Walk},
};

/// Which segments are to go, and who says so.
#[derive(Debug, Clone, Copy)]
pub struct Purge<'a> {
    /// All closed segments whose records are before this one.
    pub before: u64,
    /// Who asked for it and who agreed, or which rule: it is recorded.
    pub why: &'a str,
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// Its records.
    pub records: Range<u64>,
    /// How many segments that were.
    pub segments: usize,
    /// How many bytes their lines took.
    pub bytes: u64,
}

/// Why nothing went, or not all.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// Something is wrong with what is to go.
    #[error(
        "what is to go is damaged, {0}: it is evidence, and is kept; `onedoor audit verify` says more"
    )]
    Damaged(Damage),
    /// What the disk says.
    #[error("the audit log cannot be read, or its files cannot be changed: {0}")]
    Disk(#[from] io::Error),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] Error),
    /// It is in memory.
    #[error("this log is kept in memory: nothing can be purged")]
    Memory,
    /// There is no such segment.
    #[error("no closed segment ends before record {before}: nothing is purged")]
    Nothing {
        /// Before which record they were to end.
        before: u64,
    },
    /// It is not signed for yet.
    #[error("no checkpoint covers the records before {until} yet: try again in some seconds")]
    Unsigned {
        /// The record behind those that were to go.
        until: u64,
    },
}

/// A segment that goes, and what is kept of it.
struct Going {
    segment: Segment,
    seal: Seal,
    /// Whether that is kept already: something went wrong when it was to go before.
    is_sealed: bool,
}

impl Journal {
    /// Removes the oldest segments, after all of them was checked, recorded and sealed. The segment that
    /// is written to stays in any case. Blocks this thread while they are read.
    ///
    /// # Errors
    /// [`PurgeError`]. With [`PurgeError::Disk`] some may have gone; the next purge or the next start
    /// removes the others.
    pub fn purge(&self, purge: Purge<'_>) -> Result<Purged, PurgeError> {
        let _alone = self.purging.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &*self.shared;
        let (Medium::Directory(directory), Some(key)) = (&shared.medium, shared.key()) else {
            return Err(PurgeError::Memory);
        };
        let going = going(Path::new(&*shared.name), &key.verifying_key(), purge.before)?;
        let purged = Purged::of(&going).ok_or(PurgeError::Nothing { before: purge.before })?;
        let until = purged.records.end;
        if shared.lock().signed.0 < until {
            return Err(PurgeError::Unsigned { until });
        }
        let Purge { before: _, why } = purge;
        self.note(EventId::AuditPurge, &format!("{}: {why}", told(&purged, &going)))?;
        let removed = directory.seal(&lines(&going, &key)?).and_then(|()| {
            let segments: Vec<_> = going.iter().map(|it| &it.segment).collect();
            directory.remove(&segments)
        });
        match removed {
            Ok(()) => {
                self.note(
                    EventId::AuditPurged,
                    &format!("the log begins with record {until} now"),
                )?;
                Ok(purged)
            }
            Err(error) => {
                self.fail(EventId::AuditPurgeFailed, &error.to_string())?;
                Err(error.into())
            }
        }
    }

    pub(super) fn note(&self, event: EventId, note: &str) -> Result<(), Error> {
        self.append(&self.shared.about(event, note, Outcome::Answered))
    }

    pub(super) fn fail(&self, event: EventId, note: &str) -> Result<(), Error> {
        self.append(&self.shared.about(event, note, Outcome::Failed))
    }
}

impl Purged {
    fn of(going: &[Going]) -> Option<Self> {
        let records = going.first()?.seal.first..going.last()?.seal.after.next();
        let bytes = going.iter().map(|it| it.seal.bytes).sum();
        Some(Self { records, segments: going.len(), bytes })
    }
}

/// What goes, for people.
fn told(purged: &Purged, going: &[Going]) -> String {
    let Purged { records, segments, bytes } = purged;
    let last = records.end.saturating_sub(1);
    let time = going
        .first()
        .zip(going.last())
        .map(|(first, last)| format!(", from {} to {}", first.seal.time.0, last.seal.time.1));
    let time = time.unwrap_or_default();
    format!("records {} to {last} in {segments} segments of {bytes} bytes{time}", records.start)
}

/// The lines of what is to be kept and is not yet.
fn lines(going: &[Going], key: &SigningKey) -> io::Result<String> {
    let mut text = String::new();
    for Going { seal, .. } in going.iter().filter(|it| !it.is_sealed) {
        text.push_str(&serde_json::to_string(&seal.sign(key)).map_err(io::Error::other)?);
        text.push('\n');
    }
    Ok(text)
}

/// Reads the segments that end before record `before`, and what is to be kept of them. What is not as it
/// was written and signed does not go.
fn going(folder: &Path, key: &VerifyingKey, before: u64) -> Result<Vec<Going>, PurgeError> {
    let (keys, signed) = Signed::gather(folder, key, None)?;
    let seals = seal::read(folder, &keys)?.map_err(PurgeError::Damaged)?;
    let sealed = seals.last().map_or(0, |it| it.after.next());
    let segments = segment::list(folder)?;
    let closed = segments.iter().zip(segments.iter().skip(1));
    let mut going = Vec::new();
    let walk = Walk::begin(folder, &segments, (&keys, signed))?;
    let mut walk = walk.ok_or(PurgeError::Nothing { before })?;
    for (segment, next) in closed.take_while(|(_, next)| next.first <= before) {
        let seal = read(&mut walk, segment)?;
        if let Some(damage) = walk.damage.take() {
            return Err(PurgeError::Damaged(damage));
        }
        let seq = seal.after.next();
        if next.first != seq {
            let detail = format!("{} ends before {} begins", segment.name(), next.name());
            return Err(PurgeError::Damaged(Damage { seq, kind: DamageKind::Gap, detail }));
        }
        going.push(Going { segment: segment.clone(), is_sealed: seal.first < sealed, seal });
    }
    Ok(going)
}

/// Walks through a segment.
fn read(walk: &mut Walk<'_>, segment: &Segment) -> io::Result<Seal> {
    let (first, before) = (walk.chain.next(), walk.chain.last());
    let (mut begun, mut last, mut bytes) = (None, Vec::new(), 0_u64);
    walk.segment(segment, false, &mut |_, _, line| {
        begun = begun.or_else(|| time(line));
        last.clear();
        last.extend_from_slice(line);
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        bytes = bytes.saturating_add(length).saturating_add(1);
    })?;
    let begun = begun.unwrap_or(Timestamp::from_seconds(0));
    let time = (begun, time(&last).unwrap_or(begun));
    Ok(Seal { first, before, after: walk.chain.clone(), time, bytes })
}

/// What matters of a line here.
#[derive(Deserialize)]
struct Brief {
    time: String,
}

fn time(line: &[u8]) -> Option<Timestamp> {
    let Brief { time } = serde_json::from_slice(line).ok()?;
    Timestamp::parse(&time).ok()
}
