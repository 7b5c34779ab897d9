//! The files of the audit log, as management sees them.

use admin::{LogFault, LogKeyView, LogView, Part, ProofView, PurgedView, SegmentView};
use audit::{Changed, Closed, Journal, ProofError, PurgeError, Purged, Report, Room, VerifyingKey};

use crate::serving::{LogKey, Retention};

/// Whether it can be written, and its disk has room; and, which is no failure, why it is `alone`: that nothing of it goes anywhere else.
pub(super) fn health(log: &Journal, alone: Option<&str>) -> Part {
    let scarce = log.room().filter(Room::is_scarce);
    let scarce = scarce.map(|it| format!("its disk is nearly full: {} bytes left", it.free_bytes));
    let wrong = log.check().err().map(|it| it.to_string()).or(scarce);
    let (name, ok) = ("audit".to_owned(), wrong.is_none());
    let well = || alone.map_or_else(|| "writes".to_owned(), |it| format!("writes; {it}"));
    Part { name, ok, detail: wrong.unwrap_or_else(well) }
}

/// The segments that are not written to any more.
pub(super) fn segments(log: &Journal) -> Result<Vec<SegmentView>, String> {
    let closed = log.closed().map_err(|error| error.to_string())?;
    Ok(closed.into_iter().map(shown).collect())
}

fn shown(closed: Closed) -> SegmentView {
    let Closed { records, bytes, time: (begun, ended) } = closed;
    SegmentView {
        first: records.start,
        last: records.end.saturating_sub(1),
        bytes,
        begun: begun.to_string(),
        ended: ended.to_string(),
    }
}

/// Reads all of it.
pub(super) fn check(log: &Journal) -> Result<LogView, String> {
    let (Some(folder), Some(key)) = (log.folder(), log.verifying_key()) else {
        return Err("this log is kept in memory: there is nothing to check".to_owned());
    };
    let checkpoint = audit::verify::newest(folder, &key).map_err(|error| error.to_string())?;
    let view = LogView {
        name: key.name().to_owned(),
        keys: log.verifying_keys().map_err(|error| error.to_string())?.iter().map(text).collect(),
        ok: false,
        fault: None,
        first: 0,
        records: 0,
        signed: 0,
        checkpoints: 0,
        sealed: 0,
        checkpoint,
        segments: segments(log)?,
    };
    Ok(match audit::verify(folder, &key, None) {
        Err(unchecked) => LogView { fault: Some(unchecked.to_string()), ..view },
        Ok(Report {
            first,
            next,
            segments: _,
            sealed,
            checkpoints,
            signed,
            tail_bytes: _,
            damage,
        }) => LogView {
            ok: damage.is_none(),
            fault: damage.map(|it| it.to_string()),
            first,
            records: next,
            signed,
            checkpoints: counted(checkpoints),
            sealed: counted(sealed),
            ..view
        },
    })
}

/// Has old segments go.
pub(super) fn purge(retention: &Retention, before: u64, why: &str) -> Result<PurgedView, LogFault> {
    match retention.purge(before, why) {
        Ok(Purged { records, segments, bytes }) => Ok(PurgedView {
            first: records.start,
            last: records.end.saturating_sub(1),
            segments: counted(segments),
            bytes,
        }),
        Err(error @ (PurgeError::Disk(_) | PurgeError::Log(_))) => {
            Err(LogFault::Unavailable(error.to_string()))
        }
        Err(
            error @ (PurgeError::Damaged(_)
            | PurgeError::Memory
            | PurgeError::Nothing { .. }
            | PurgeError::Unsigned { .. }),
        ) => Err(LogFault::Conflict(error.to_string())),
    }
}

/// The proofs of records that are in it.
pub(super) fn prove(log: &Journal, records: &[u64]) -> Result<Vec<ProofView>, LogFault> {
    let memory = "this log is kept in memory: nobody signs it";
    let (Some(folder), Some(key)) = (log.folder(), log.verifying_key()) else {
        return Err(LogFault::Conflict(memory.to_owned()));
    };
    let proofs = audit::prove_all(folder, &key, records).map_err(|error| match error {
        ProofError::Unchecked(_) => LogFault::Unavailable(error.to_string()),
        ProofError::Absent { .. }
        | ProofError::Damaged { .. }
        | ProofError::False { .. }
        | ProofError::Purged { .. } => LogFault::Conflict(error.to_string()),
    })?;
    Ok(proofs.into_iter().map(|(record, proof)| ProofView { record, proof }).collect())
}

/// Has another key sign it.
pub(super) fn rotate(key: &LogKey, why: &str) -> Result<LogKeyView, LogFault> {
    match key.rotate(why) {
        Ok(Changed { from, to, records }) => {
            Ok(LogKeyView { key: text(&to), replaced: text(&from), records })
        }
        Err(error) => Err(LogFault::Unavailable(format!("{error:#}"))),
    }
}

fn text(key: &VerifyingKey) -> String {
    key.to_string()
}

fn counted(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
