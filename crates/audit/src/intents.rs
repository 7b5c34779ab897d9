//! Calls that were begun, read back from some place in the log on: for who counts them again.

use std::{io, path::Path};

use model::{ClientId, CollectionId, OperationId, ProfileId, Timestamp};
use serde::Deserialize;

use crate::{
    DamageKind, WalkError,
    chain::Chain,
    lines::{Lines, Next},
    segment::{self, Header, Segment},
};

/// From where on a log is read: from the later of the two.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// The number of the first record.
    pub record: u64,
    /// The time from when on records are wanted. Some of the same segment come before it.
    pub time: Timestamp,
}

/// A call that was begun: whose, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// When it came.
    pub time: Timestamp,
    /// The client.
    pub client: ClientId,
    /// The profile.
    pub profile: ProfileId,
    /// The collection of the operation.
    pub collection: CollectionId,
    /// The operation.
    pub operation: OperationId,
}

/// Shows the calls that were begun `since` in the log in `folder` to `look`, in their order.
///
/// Segments before that are not read. Behind a damage it goes on with the next segment, which [`crate::walk()`] does
/// not: what was begun there counts all the same.
///
/// # Errors
/// [`WalkError::Damaged`], where all was shown but the rest of the segments that are damaged;
/// [`WalkError::Read`].
pub fn intents(folder: &Path, since: Since, mut look: impl FnMut(Intent)) -> Result<(), WalkError> {
    let segments = segment::list(folder)?;
    let first = first(&segments, since)?;
    let mut damage = None;
    for segment in segments.iter().skip(first) {
        // By its own header: what a disk lost before it is no fault here.
        let header = Lines::first(&segment.path)?.and_then(|it| Header::read(&it));
        let mut lines = Lines::open(&segment.path)?;
        let Some(header) = header else {
            // Without a whole line it is one that a crash left as it was begun.
            if !matches!(lines.next(&mut Chain::begin(""))?, Next::Tail(_) | Next::End) {
                let what = "does not begin with its header";
                let found = lines.damage(segment.first, DamageKind::Modified, what);
                damage = damage.or(Some(found));
            }
            continue;
        };
        let mut chain = header.chain();
        loop {
            let seq = chain.next();
            match lines.next(&mut chain)? {
                Next::Record(_) if seq >= since.record => {
                    read(&lines.json()).into_iter().for_each(&mut look);
                }
                Next::Record(_) => {}
                // The end of what was written, or of what the disk has.
                Next::Tail(_) | Next::End => break,
                Next::Damage(found) => {
                    damage = damage.or(Some(found));
                    break;
                }
            }
        }
    }
    damage.map_or(Ok(()), |it| Err(WalkError::Damaged(it)))
}

/// The place of the first segment that may hold what is wanted.
fn first(segments: &[Segment], since: Since) -> io::Result<usize> {
    let by_number = segments.iter().rposition(|it| it.first <= since.record).unwrap_or_default();
    let mut place = by_number;
    for (next, segment) in segments.iter().enumerate().skip(by_number.saturating_add(1)) {
        // The clock may have been behind for one of them: from the first that is too late on, all are read.
        if segment.begun()?.is_none_or(|it| it > since.time) {
            break;
        }
        place = next;
    }
    Ok(place)
}

/// What matters of a record here.
#[derive(Debug, Deserialize)]
struct Brief<'a> {
    time: &'a str,
    kind: &'a str,
    #[serde(borrow, default)]
    client: Option<&'a str>,
    #[serde(borrow, default)]
    profile: Option<&'a str>,
    #[serde(borrow, default)]
    collection: Option<&'a str>,
    #[serde(borrow, default)]
    operation: Option<&'a str>,
}

/// The intent that a record is; none where it is another.
fn read(json: &[u8]) -> Option<Intent> {
    let brief: Brief<'_> = serde_json::from_slice(json).ok()?;
    let Brief { time, kind, client, profile, collection, operation } = brief;
    if kind != "intent" {
        return None;
    }
    let collection = CollectionId::parse(collection?).ok()?;
    let name = operation?.strip_prefix(collection.as_str())?.strip_prefix('.')?;
    Some(Intent {
        time: Timestamp::parse(time).ok()?,
        client: ClientId::parse(client?).ok()?,
        profile: ProfileId::parse(profile?).ok()?,
        operation: OperationId::new(&collection, name).ok()?,
        collection,
    })
}
