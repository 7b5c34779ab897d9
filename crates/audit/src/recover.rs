//! Where a log goes on after a start: behind its last whole record, if nothing else is wrong with it.

mod hole;
mod sealed;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, ErrorKind, Read as _},
    path::Path,
    sync::Arc,
};

use foldhash::fast::RandomState;
use model::{RequestId, Timestamp};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    Checkpoint, Damage, DamageKind, Error, EventId, Keys, VerifyingKey,
    chain::Chain,
    end::End,
    frame, keys,
    lines::{LINE_BYTES_MAX, Lines, Next},
    seal,
    segment::{self, Header, Segment},
    verify::CHECKPOINTS,
};

/// Calls that were begun and have no outcome, by the number of their intent.
// Ids are of the door's own making, so the hash need not withstand callers.
pub(crate) type Open = HashMap<RequestId, u64, RandomState>;

/// Where a log goes on.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) chain: Chain,
    /// The segment that is gone on with, how much of it is good, and when it was begun.
    pub(crate) last: Option<(Segment, u64, Timestamp)>,
    pub(crate) open: Open,
    /// Files that were begun and got no record.
    pub(crate) empty: Vec<Segment>,
    /// Segments that were recorded and sealed to go, and are still there.
    pub(crate) left: Vec<Segment>,
    /// So many bytes of a record that was not written whole stand behind the last one.
    pub(crate) tail_bytes: u64,
    /// Whether there may be whole records among them, behind pages that the disk lost.
    pub(crate) has_hole: bool,
    /// How many records were signed for.
    pub(crate) signed: u64,
    /// The last record; none where there is none.
    pub(crate) latest: Option<Latest>,
}

/// What matters of the last record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latest {
    pub(crate) time: Timestamp,
    /// Whether it says that the log ends in order.
    pub(crate) is_end: bool,
}

/// Looks where the log in `folder` goes on. Changes nothing.
///
/// The last segment is read whole. Of those before it, first and last lines: whether all of it is
/// right, `onedoor audit verify` tells.
pub(crate) fn recover(folder: &Path, key: &VerifyingKey) -> Result<Recovered, Error> {
    let read = |source| Error::Open { path: folder.to_owned(), source: Arc::new(source) };
    let damaged = |damage| Error::Damaged { path: folder.to_owned(), damage };
    let keys = Keys::read(folder, key).map_err(read)?;
    if let Some(damage) = &keys.damage {
        return Err(damaged(damage.clone()));
    }
    if !keys.is_last(key) {
        return Err(damaged(keys::replaced(&keys)));
    }
    let signed = last_checkpoint(folder, &keys).map_err(read)?.map_err(damaged)?;
    let seals = seal::read(folder, &keys).map_err(read)?.map_err(damaged)?;
    let mut segments = segment::list(folder).map_err(read)?;
    let mut recovered = Recovered {
        chain: Chain::begin(key.name()),
        last: None,
        open: Open::default(),
        empty: Vec::new(),
        left: Vec::new(),
        tail_bytes: 0,
        has_hole: false,
        signed: signed.map_or(0, |it| it.size),
        latest: None,
    };
    // What was signed for was on the disk, and so was all before it.
    let changed = keys.changes.last().map_or(0, |it| it.size);
    let covered = recovered.signed.max(changed);
    let is_lost = |it: &Segment| it.first >= covered && hole::is_at(&it.path, 0).unwrap_or(false);
    while let Some(last) = segments.pop_if(|it| is_without_line(it).unwrap_or(false) || is_lost(it))
    {
        let bytes = last.path.metadata().map_err(read)?.len();
        recovered.has_hole |= is_lost(&last);
        recovered.tail_bytes = recovered.tail_bytes.saturating_add(bytes);
        recovered.empty.push(last);
    }
    link_all(&segments).map_err(read)?.map_err(damaged)?;
    if let Some(last) = segments.last() {
        let signed = (signed, covered);
        walk(&mut recovered, last, key.name(), signed).map_err(read)?.map_err(damaged)?;
    }
    let left = sealed::left(&segments, &seals, key.name()).map_err(read)?;
    match signed.filter(|it| it.size > recovered.chain.next()) {
        Some(checkpoint) => {
            let seq = recovered.chain.next();
            let detail = format!("{} records were signed, and {seq} are there", checkpoint.size);
            Err(damaged(Damage { seq, kind: DamageKind::Truncated, detail }))
        }
        None => Ok(Recovered { left: left.map_err(damaged)?, ..recovered }),
    }
}

type Checked<T> = io::Result<Result<T, Damage>>;

fn last_checkpoint(folder: &Path, keys: &Keys) -> Checked<Option<Checkpoint>> {
    let end = match End::read(&folder.join(CHECKPOINTS)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ok(None)),
        other => other?,
    };
    let Some(line) = end.lines().next() else { return Ok(Ok(None)) };
    let note = serde_json::from_slice::<String>(line).ok();
    let checkpoint = note.and_then(|it| Checkpoint::open(&it, keys));
    let detail = "its last checkpoint is not signed by the key of this door".to_owned();
    let bad = Damage { seq: 0, kind: DamageKind::BadSignature, detail };
    Ok(checkpoint.map(Some).ok_or(bad))
}

fn is_without_line(segment: &Segment) -> io::Result<bool> {
    // One that is packed was closed, and has lines.
    if segment.is_packed() {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    let read = File::open(&segment.path)?.take(LINE_BYTES_MAX).read_to_end(&mut bytes)?;
    // What was not read to its end may hold a line: it is not thrown away.
    let is_whole = u64::try_from(read).is_ok_and(|it| it < LINE_BYTES_MAX);
    Ok(is_whole && !bytes.contains(&b'\n'))
}

/// Reads the last segment, and takes over what it says.
fn walk(
    recovered: &mut Recovered,
    segment: &Segment,
    origin: &str,
    (signed, covered): (Option<Checkpoint>, u64),
) -> Checked<()> {
    let mut lines = Lines::open(&segment.path)?;
    let wrong = |lines: &Lines, kind, what: &str| lines.damage(segment.first, kind, what);
    let header = Lines::first(&segment.path)?.and_then(|it| Header::read(&it));
    let Some(header) = header else {
        return Ok(Err(wrong(&lines, DamageKind::Modified, "does not begin with a header")));
    };
    if header.origin != origin {
        let what = format!("is of the log {}, and the key is for {origin}", header.origin);
        return Ok(Err(wrong(&lines, DamageKind::Modified, &what)));
    }
    recovered.chain = header.chain();
    if recovered.chain.next() != segment.first {
        return Ok(Err(wrong(&lines, DamageKind::Modified, "is named for another record")));
    }
    for (seq, id) in header.open {
        recovered.open.extend(request(&id).map(|it| (it, seq)));
    }
    let mut begun = None;
    loop {
        let seq = recovered.chain.next();
        match lines.next(&mut recovered.chain)? {
            Next::Record(_) => {}
            Next::Tail(bytes) => {
                recovered.tail_bytes = recovered.tail_bytes.saturating_add(bytes);
                break;
            }
            Next::End => break,
            // Who could make it look so could as well have cut the end off.
            Next::Damage(_)
                if seq >= covered && hole::is_at(&segment.path, lines.good_bytes())? =>
            {
                let bytes = segment.path.metadata()?.len().saturating_sub(lines.good_bytes());
                recovered.tail_bytes = recovered.tail_bytes.saturating_add(bytes);
                recovered.has_hole = true;
                break;
            }
            Next::Damage(damage) => return Ok(Err(damage)),
        }
        let edge = recovered.chain.edge();
        if signed.is_some_and(|it| it.size == edge.size() && it.root != edge.root()) {
            return Ok(Err(wrong(&lines, DamageKind::Forged, "is not what was signed")));
        }
        let latest = follow(&mut recovered.open, seq, &lines.json());
        begun = begun.or(latest.map(|it| it.time));
        recovered.latest = latest;
    }
    let begun = begun.unwrap_or(Timestamp::from_seconds(0));
    // To what is packed nothing is added: another one begins.
    let last = (segment.clone(), lines.good_bytes(), begun);
    recovered.last = Some(last).filter(|it| !it.0.is_packed());
    Ok(Ok(()))
}

/// What matters of a record here.
#[derive(Debug, Deserialize)]
struct Brief {
    time: String,
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    event: Option<String>,
}

/// Keeps in mind which calls have no outcome yet; gives what matters of the record.
fn follow(open: &mut Open, seq: u64, json: &[u8]) -> Option<Latest> {
    let Brief { time, kind, id, event } = serde_json::from_slice(json).ok()?;
    match (&*kind, id.and_then(|it| request(&it))) {
        ("intent", Some(id)) => drop(open.insert(id, seq)),
        ("authorization" | "call", Some(id)) => drop(open.remove(&id)),
        (_, Some(_) | None) => {}
    }
    let is_end = kind == "log" && event.is_some_and(|it| it == EventId::AuditClosed.as_str());
    Timestamp::parse(&time).ok().map(|time| Latest { time, is_end })
}

fn request(id: &str) -> Option<RequestId> {
    Uuid::parse_str(id).ok().map(RequestId::new)
}

/// Whether each segment goes on where the one before it ends.
fn link_all(segments: &[Segment]) -> Checked<()> {
    let mut before = None;
    for segment in segments {
        // A sync of it failed and then the power went, so nothing of it is left. Then the next one tells
        // that it was given up, or does not go on.
        if Lines::first(&segment.path)?.is_none()
            && (is_without_line(segment)? || hole::is_at(&segment.path, 0)?)
        {
            continue;
        }
        if let Some(before) = before.replace(segment)
            && let Err(damage) = link(before, segment)?
        {
            return Ok(Err(damage));
        }
    }
    Ok(Ok(()))
}

/// Whether a segment goes on where the one before it ends.
fn link(before: &Segment, after: &Segment) -> Checked<()> {
    let header = Lines::first(&after.path)?.and_then(|it| Header::read(&it));
    let wrong = |what: &str| {
        let detail = format!("{} {what}", after.name());
        Ok(Err(Damage { seq: after.first, kind: DamageKind::Gap, detail }))
    };
    let Some(header) = header else { return wrong("does not begin with a header") };
    let (end, next) = (End::read(&before.path)?, header.chain().next());
    let last = match header.unsynced_from {
        None if end.tail_bytes() > 0 => None,
        None => end.lines().next().and_then(frame::read),
        // A disk that lost a part of it may have left anything behind what is still there.
        Some(_) => end.lines().find_map(frame::read),
    };
    let reached = last.map_or(before.first, |it| it.seq.saturating_add(1));
    let is_next = reached == next && last.is_some_and(|it| it.hash == header.before);
    // What a failed sync may have lost is written down, and no reason to serve nobody. No more is.
    let is_told = header.unsynced_from.is_some_and(|it| (it..next).contains(&reached));
    if is_next || is_told { Ok(Ok(())) } else { wrong("does not go on where the one before ends") }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use model::Clock;

    use super::*;
    use crate::{Journal, Kind, Levels, Outcome, Record, Rules, SigningKey};

    const ORIGIN: &str = "memory";
    const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

    /// A log whose sync failed for record 2, and the lines of its first segment.
    fn with_loss(folder: &Path, tool: &str) -> Vec<String> {
        let clock = Clock::fake(START);
        let rules = Rules { levels: Levels::Strict, ..Rules::default() };
        let (journal, memory) = Journal::memory_with(rules, clock.clone());
        let record =
            |tool| Record { tool: Some(tool), ..Record::new(START, Kind::Call, Outcome::Answered) };
        journal.append(&record("a")).unwrap();
        memory.fail_syncs();
        assert!(journal.append(&record(tool)).is_err());
        memory.mend();
        clock.advance(std::time::Duration::from_secs(1));
        journal.append(&record("c")).unwrap();
        memory.save(folder).unwrap();
        let text = fs::read_to_string(Segment::new(folder, 0).path).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    #[test]
    fn a_loss_is_accepted_as_far_as_it_was_told() {
        let folder = tempfile::tempdir().unwrap();
        let lines = with_loss(folder.path(), "b");
        assert_eq!(lines.len(), 3);
        let other = with_loss(tempfile::tempdir().unwrap().path(), "x");
        let key = SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap().verifying_key();
        let start = |content: &[&str]| {
            fs::write(Segment::new(folder.path(), 0).path, content.concat()).unwrap();
            recover(folder.path(), &key).map(|it| it.chain.next())
        };
        let [zero, one, two] = [0, 1, 2].map(|it| lines[it].as_str());
        for told in [&[zero, one, two][..], &[zero, one], &[zero, one, "{\"seq\":2,\"ti"]] {
            assert_eq!(start(told).unwrap(), 6, "{told:?}");
        }
        for untold in [&[zero][..], &[zero, one, &other[2]]] {
            let error = start(untold).unwrap_err().to_string();
            assert!(error.contains("gap at record 3"), "{untold:?}: {error}");
        }
    }
}
