//! Asks a door for everything that goes into a pack: reading operations alone, as an auditor may call them.

use admin::About;
use audit::EventId;
use model::{Effect, Timestamp};
use serde_json::Value;

use super::{
    Period, access, ages, ask, changes,
    proofs::Proofs,
    refusals::Refusals,
    table::{Pack, Table, text},
};
use crate::remote::{Failure, door::Door};

/// Calls by which keys of the door itself are replaced: no revision tells of them.
const OF_KEYS: [&str; 4] =
    ["rewrap_secrets", "rotate_audit_key", "rotate_signing_key", "withdraw_signing_key"];
/// What happened to them without a call.
const KEY_EVENTS: [EventId; 6] = [
    EventId::AuditKeyChanged,
    EventId::AuditKeyFailed,
    EventId::KeyKeyringRead,
    EventId::KeyKeyringRefused,
    EventId::KeyPepperRead,
    EventId::KeyPepperRefused,
];

/// Asks for all of it.
pub(super) fn gather(
    door: &Door,
    period: Period,
    (now, chosen): (Timestamp, &[u64]),
) -> Result<Pack, Failure> {
    let me = ask::one(door, "whoami", &[])?;
    let mut pack = Pack::default();
    access::gather(door, &mut pack)?;
    ages::gather(door, now, &mut pack)?;
    changes::gather(door, period, &mut pack)?;
    let mut proofs = Proofs::of(chosen);
    changing_calls(door, period, (&mut pack, &mut proofs))?;
    refusals(door, period, (&mut pack, &mut proofs))?;
    log(door, &mut pack)?;
    checkpoints(door, period, &mut pack)?;
    prove(door, (&mut pack, proofs))?;
    let by = match text(&me, "user") {
        nobody if nobody.is_empty() => text(&me, "profile"),
        user => format!("{user} by {}", text(&me, "profile")),
    };
    let mut summary = vec![
        ("Period", format!("{} up to {}", period.from, period.until)),
        ("Made", now.to_string()),
        ("Made by", by),
        ("Revision in force", text(&me, "revision")),
        ("Version of the program", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    summary.append(&mut pack.summary);
    pack.summary = summary;
    pack.notes.push("Who may what, and ages, are as of when this was made, but for access at both ends of the period; refusals, changes, rotations and checkpoints are of the period. Records are those of the one process that answered.".to_owned());
    Ok(pack)
}

fn refusals(
    door: &Door,
    period: Period,
    (pack, proofs): (&mut Pack, &mut Proofs),
) -> Result<(), Failure> {
    let mut refusals = Refusals::default();
    for decision in ["deny", "limit"] {
        let mut take = |it: &Value| {
            refusals.add(it);
            proofs.add(it);
        };
        if !ask::records(door, period, &[("decision", decision)], &mut take)? {
            pack.notes.push(format!("There were more refusals ({decision}) than could be counted: ask for a shorter period."));
        }
    }
    pack.summary.push(("Refusals in the period", refusals.total().to_string()));
    pack.tables.push(Table {
        name: "refusals",
        title: "Refusals",
        about: "Calls of the period that were denied, or were too many: by client, operation and reason.",
        columns: &["client", "operation", "decision", "reason", "count", "first", "last"],
        rows: refusals.rows(),
    });
    Ok(())
}

/// Calls of the period that changed something of the door itself, by operators and by clients themselves,
/// and among those what was done to the keys of the door.
fn changing_calls(
    door: &Door,
    period: Period,
    (pack, proofs): (&mut Pack, &mut Proofs),
) -> Result<(), Failure> {
    let of = |collection: &str, operations: Vec<About>| {
        let changing = operations.into_iter().filter(|it| it.effect != Effect::Read);
        changing.map(|it| (it.name, format!("{collection}.{}", it.name))).collect::<Vec<_>>()
    };
    let operators = of("onedoor", admin::operations());
    let mut rows = Vec::new();
    for (short, name) in operators.iter().chain(&of("self", admin::self_service_operations())) {
        let filter = [("operation", &**name), ("decision", "allow")];
        let mut take = |it: &Value| {
            proofs.add(it);
            if OF_KEYS.contains(short) {
                rows.push(of_key(it));
            }
        };
        if !ask::records(door, period, &filter, &mut take)? {
            pack.notes.push(format!("There were more calls of {name} than could be looked through: ask for a shorter period."));
        }
    }
    for event in KEY_EVENTS {
        let filter = [("kind", event.kind().as_str()), ("event", event.as_str())];
        if !ask::records(door, period, &filter, &mut |it| rows.push(of_key(it)))? {
            let event = event.as_str();
            pack.notes.push(format!("There were more records of {event} than could be looked through: ask for a shorter period."));
        }
    }
    rows.sort();
    pack.tables.push(Table {
        name: "key_changes",
        title: "What happened to the keys of the door",
        about: "Calls of the period that replaced keys which seal secrets, sign tokens or sign the audit log, what the log says of its own, and of files of keys that were read again.",
        columns: &["time", "record", "what", "who", "arguments", "note"],
        rows,
    });
    Ok(())
}

fn of_key(record: &Value) -> Vec<String> {
    let first = |names: [&str; 2]| {
        let texts = names.map(|it| text(record, it));
        texts.into_iter().find(|it| !it.is_empty()).unwrap_or_default()
    };
    let [what, who] = [["operation", "event"], ["user", "client"]].map(first);
    let [time, record, arguments, note] =
        ["time", "seq", "arguments", "note"].map(|it| text(record, it));
    vec![time, record, what, who, arguments, note]
}

/// What the door signed for in the period while it served.
fn checkpoints(door: &Door, period: Period, pack: &mut Pack) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let event = EventId::AuditCheckpoint;
    let filter = [("kind", event.kind().as_str()), ("event", event.as_str())];
    let mut take = |it: &Value| {
        let note = text(it, "note");
        // Its lines: the name of the log, how many records, their root.
        let mut lines = note.lines().skip(1).map(str::to_owned);
        let [records, root] = [(); 2].map(|()| lines.next().unwrap_or_default());
        rows.push(vec![text(it, "time"), text(it, "seq"), records, root, note]);
    };
    if !ask::records(door, period, &filter, &mut take)? {
        pack.notes.push(
            "There were more checkpoints than could be read: ask for a shorter period.".to_owned(),
        );
    }
    pack.tables.push(Table {
        name: "checkpoints",
        title: "Checkpoints of the period",
        about: "What the door signed for while it served, as its records tell: for how many records, and the root over them. Each note is one that onedoor audit verify --checkpoint takes.",
        columns: &["time", "record", "records", "root", "note"],
        rows,
    });
    Ok(())
}

/// Has the door prove the records that were found.
fn prove(door: &Door, (pack, mut proofs): (&mut Pack, Proofs)) -> Result<(), Failure> {
    for some in proofs.records().chunks(admin::PROVEN_AT_ONCE_MAX) {
        let numbers: Vec<_> = some.iter().map(ToString::to_string).collect();
        match ask::one(door, "list_audit_proofs", &[("records", &numbers.join(","))]) {
            Ok(answer) => proofs.answered(&answer),
            // A log that is damaged proves nothing, which is told elsewhere.
            Err(Failure::Refused(refused)) if refused.status == http::StatusCode::CONFLICT => {}
            Err(error) => return Err(error),
        }
    }
    if proofs.left_out > 0 {
        let left_out = proofs.left_out;
        pack.notes.push(format!("{left_out} more records of changes and refusals are not proven here: ask for a shorter period, or name them by --record."));
    }
    if proofs.missing() > 0 {
        let missing = proofs.missing();
        pack.notes.push(format!("{missing} records could not be proven: they were purged, no checkpoint covers them yet, or the log is damaged."));
    }
    pack.tables.push(proofs.table());
    pack.proofs = proofs;
    Ok(())
}

/// What vouches for the log.
fn log(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    let log = ask::one(door, "check_audit", &[])?;
    pack.fault = Some(text(&log, "fault")).filter(|_| text(&log, "ok") != "true");
    let found = match &pack.fault {
        None => "nothing is wrong".to_owned(),
        Some(fault) => format!("DAMAGED: {fault}"),
    };
    pack.summary.extend([
        ("Audit log", text(&log, "name")),
        ("Its keys", text(&log, "keys")),
        ("Its check", found),
        ("Its first record", text(&log, "first")),
        ("Records", text(&log, "records")),
        ("Records signed for", text(&log, "signed")),
        ("Sealed roots of what was purged", text(&log, "sealed")),
    ]);
    const COLUMNS: [&str; 5] = ["first", "last", "bytes", "begun", "ended"];
    let segments = log.get("segments").and_then(Value::as_array);
    let row = |it: &Value| COLUMNS.iter().map(|name| text(it, name)).collect();
    pack.tables.push(Table {
        name: "segments",
        title: "Closed segments of the audit log",
        about: "The files of the log that are not written to any more. checkpoint.txt is signed for all of them: keep it where nobody of the door can change it, and give it to onedoor audit verify --checkpoint with a copy of the log.",
        columns: &COLUMNS,
        rows: segments.into_iter().flatten().map(row).collect(),
    });
    pack.log = log;
    Ok(())
}
