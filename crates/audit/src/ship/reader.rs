//! The log as a sink reads it: record after record, over segments, while it grows.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{Line, Told, cursor::Cursor};
use crate::{
    Damage,
    chain::Chain,
    lines::{Lines, Next},
    segment::{self, Header, Segment},
};

/// Why the next record cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the log cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("the log is damaged, {0}: `onedoor audit verify` says more")]
    Damaged(Damage),
    #[error("record {0} is not in the log, and was on the disk: `onedoor audit verify` says more")]
    Missing(u64),
}

/// Where a reader stands.
#[derive(Debug)]
pub(super) struct Reader {
    folder: PathBuf,
    lines: Lines,
    chain: Chain,
    origin: String,
    /// Records that it passed over, since the disk had lost them.
    lost: Option<Told>,
}

impl Reader {
    /// A reader whose next record is the one of the cursor, and what is to be told of that; none
    /// where there is no record yet.
    pub(super) fn open(
        folder: &Path,
        cursor: Option<&Cursor>,
    ) -> Result<Option<(Self, Option<Told>)>, Broken> {
        let segments = segment::list(folder)?;
        let Some(first) = segments.first() else { return Ok(None) };
        let Some(cursor) = cursor else { return begin(folder, first, None) };
        if cursor.next < first.first {
            let lost = Told::Lost { from: cursor.next, until: first.first };
            return begin(folder, first, Some(lost));
        }
        let why = match Self::holding(folder, &segments, cursor.next)? {
            Some(mut reader) => {
                reader.walk(cursor.next)?;
                match reader.chain.next() {
                    next if next < cursor.next => {
                        let wanted = cursor.next;
                        format!("the log ends before record {wanted}, up to which was delivered")
                    }
                    _ if reader.chain.last() != cursor.last => {
                        "what was delivered last is not in this log".to_owned()
                    }
                    _ => return Ok(Some((reader, None))),
                }
            }
            None => return Ok(None),
        };
        begin(folder, first, Some(Told::Restarted { why }))
    }

    /// A reader in the segment that holds record `next`, or ends before it. One without a whole line holds
    /// none: it was begun just now, or the disk lost all of it.
    fn holding(folder: &Path, segments: &[Segment], next: u64) -> io::Result<Option<Self>> {
        for segment in segments.iter().rev().filter(|it| it.first <= next) {
            if let Some(reader) = Self::at(folder, segment)? {
                return Ok(Some(reader));
            }
        }
        Ok(None)
    }

    /// A reader before the first record of a segment; none where that has no whole line yet.
    fn at(folder: &Path, segment: &Segment) -> io::Result<Option<Self>> {
        let header = Lines::first(&segment.path)?.and_then(|it| Header::read(&it));
        let Some(header) = header else { return Ok(None) };
        let (chain, lines) = (header.chain(), Lines::open(&segment.path)?);
        let folder = folder.to_owned();
        Ok(Some(Self { folder, lines, chain, origin: header.origin, lost: None }))
    }

    /// Reads on to record `until`, or as far as records go.
    fn walk(&mut self, until: u64) -> io::Result<()> {
        while self.chain.next() < until
            && matches!(self.lines.next(&mut self.chain)?, Next::Record(_))
        {}
        self.lines.back_to(self.lines.good_bytes())
    }

    /// The name of the log.
    pub(super) fn log(&self) -> &str {
        &self.origin
    }

    /// Where it stands.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { next: self.chain.next(), last: self.chain.last() }
    }

    /// What is to be told of records that it passed over.
    pub(super) fn take_lost(&mut self) -> Option<Told> {
        self.lost.take()
    }

    /// The next record, if it is before `safe`: then it must be there.
    pub(super) fn next(&mut self, safe: u64) -> Result<Option<Line>, Broken> {
        while self.chain.next() < safe {
            let (seq, before) = (self.chain.next(), self.chain.last());
            let damage = match self.lines.next(&mut self.chain)? {
                Next::Record(hash) => {
                    let json = self.lines.line().to_vec();
                    return Ok(Some(Line { seq, before, hash, json }));
                }
                Next::Tail(_) | Next::End => None,
                Next::Damage(damage) => Some(damage),
            };
            self.lines.back_to(self.lines.good_bytes())?;
            match (self.go_on()?, damage) {
                (true, _) => {}
                (false, Some(damage)) => return Err(Broken::Damaged(damage)),
                (false, None) => return Err(Broken::Missing(seq)),
            }
        }
        Ok(None)
    }

    /// Goes on with the segment behind, if there is one that begins here. Says whether to read on.
    fn go_on(&mut self) -> Result<bool, Broken> {
        let next = self.chain.next();
        let segments = segment::list(&self.folder)?;
        // The one that is read begins before `next`, unless nothing was read of it.
        let is_behind = |it: &&Segment| it.first >= next && self.lines.good_bytes() > 0;
        let mut found = None;
        for behind in segments.iter().filter(is_behind) {
            // One of which the disk lost all is passed over: the one behind it tells that.
            if let Some(first) = Lines::first(&behind.path)? {
                found = Some((behind, first));
                break;
            }
        }
        let Some((behind, first)) = found else { return Ok(false) };
        let Some(header) = Header::read(&first) else { return Ok(false) };
        let is_told = header.unsynced_from.is_some_and(|it| it <= next) && behind.first > next;
        if is_told && self.has_more()? {
            return Ok(true);
        }
        if !is_told && !header.continues(&self.chain, &self.origin) {
            return Ok(false);
        }
        if is_told {
            self.lost = Some(Told::Lost { from: next, until: behind.first });
        }
        self.lines = Lines::open(&behind.path)?;
        self.chain = header.chain();
        Ok(true)
    }

    /// Whether a record was written behind what was read, before the segment was given up.
    fn has_more(&mut self) -> io::Result<bool> {
        let at = self.lines.good_bytes();
        let is_record = matches!(self.lines.next(&mut self.chain.clone())?, Next::Record(_));
        // It is read again with the chain itself.
        self.lines.back_to(at)?;
        Ok(is_record)
    }
}

fn begin(
    folder: &Path,
    first: &Segment,
    told: Option<Told>,
) -> Result<Option<(Reader, Option<Told>)>, Broken> {
    Ok(Reader::at(folder, first)?.map(|it| (it, told)))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use model::{Clock, Timestamp};

    use super::*;
    use crate::{Journal, Kind, Levels, Outcome, Record, Rules};

    #[test]
    fn a_segment_of_which_the_disk_lost_all_is_passed_over_and_told() {
        let clock = Clock::fake(Timestamp::from_seconds(1_795_392_000));
        let segment_age = Duration::from_millis(500);
        let rules = Rules { levels: Levels::Strict, segment_age, ..Rules::default() };
        let (journal, memory) = Journal::memory_with(rules, clock.clone());
        let append = |journal: &Journal| {
            clock.advance(Duration::from_secs(1));
            journal.append(&Record::new(clock.now(), Kind::Call, Outcome::Answered))
        };
        append(&journal).unwrap();
        // The disk holds the segment before, and nothing of the one that begins.
        memory.fail_syncs_after(1);
        assert!(append(&journal).is_err());
        memory.mend();
        append(&journal).unwrap();
        let folder = tempfile::tempdir().unwrap();
        memory.save(folder.path()).unwrap();
        let segments = segment::list(folder.path()).unwrap();
        let [first, lost, last] = &*segments else { panic!("{segments:?}") };
        fs::write(&lost.path, "").unwrap();

        let start =
            |cursor: Option<&Cursor>| Reader::open(folder.path(), cursor).unwrap().unwrap().0;
        let (mut reader, mut seen, mut before) = (start(None), Vec::new(), None);
        while let Some(line) = reader.next(journal.safe()).unwrap() {
            seen.push(line.seq);
            before = before.or((reader.cursor().next == lost.first).then(|| reader.cursor()));
        }
        let kept = (first.first..lost.first).chain(last.first..journal.safe());
        assert_eq!(seen, kept.collect::<Vec<_>>());
        let gap = Told::Lost { from: lost.first, until: last.first };
        assert_eq!(reader.take_lost(), Some(gap));
        let mut again = start(before.as_ref());
        assert_eq!(again.next(journal.safe()).unwrap().unwrap().seq, last.first);
    }
}
