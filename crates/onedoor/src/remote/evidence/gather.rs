//! Asks a door for everything that goes into a pack: reading operations alone, as an auditor may call them.

use admin::About;
use anyhow::anyhow;
use model::{Effect, Timestamp};
use serde_json::Value;

use super::{
    Period,
    proofs::Proofs,
    refusals::Refusals,
    table::{Diff, Pack, Table, text},
};
use crate::remote::{Failure, door::Door, input::Input, paging, show};

/// Records are read up to so many pages.
const PAGES_MAX: usize = 10_000;
/// Records of a page.
const PAGE_RECORDS: &str = "1000";

/// Asks for all of it.
pub(super) fn gather(
    door: &Door,
    period: Period,
    (now, chosen): (Timestamp, &[u64]),
) -> Result<Pack, Failure> {
    let me = ask(door, "whoami", &[])?;
    let mut pack = Pack::default();
    access(door, &mut pack)?;
    credentials(door, &mut pack)?;
    changes(door, period, &mut pack)?;
    let mut proofs = Proofs::of(chosen);
    changing_calls(door, period, (&mut pack, &mut proofs))?;
    refusals(door, period, (&mut pack, &mut proofs))?;
    log(door, &mut pack)?;
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
    pack.notes.push("Who may what, and the ages of credentials, are as of when this was made; refusals and changes are of the period. Records are those of the one process that answered.".to_owned());
    Ok(pack)
}

fn operation(name: &str) -> Result<About, Failure> {
    let found = admin::operations().into_iter().find(|it| it.name == name);
    Ok(found.ok_or_else(|| anyhow!("there is no operation {name}"))?)
}

fn ask(door: &Door, name: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
    let about = operation(name)?;
    let mut input = Input::plain(&about, None);
    query.iter().for_each(|(name, value)| input.set(name, (*value).to_owned()));
    Ok(door.send_patiently(&about, &input)?.value)
}

/// All pages of a list.
fn list(door: &Door, name: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Failure> {
    let about = operation(name)?;
    let mut input = Input::plain(&about, None);
    query.iter().for_each(|(name, value)| input.set(name, (*value).to_owned()));
    let mut all = paging::all(door, &about, input)?.value;
    Ok(match all.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    })
}

/// Who may what.
fn access(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for client in list(door, "list_clients", &[])? {
        let (id, document) = (text(&client, "id"), client.get("document").unwrap_or(&Value::Null));
        let profiles = document.get("profiles").and_then(Value::as_object);
        for (name, profile) in profiles.into_iter().flatten() {
            let is_off = [document, profile].iter().any(|it| text(it, "enabled") == "false");
            let state = if is_off { "disabled" } else { "enabled" };
            rows.push(vec![
                format!("{id}/{name}"),
                text(document, "kind"),
                text(document, "owner"),
                state.to_owned(),
                text(profile, "roles"),
                text(profile, "surfaces"),
                text(profile, "networks"),
                text(profile, "expires"),
            ]);
        }
    }
    pack.tables.push(Table {
        name: "profiles",
        title: "Clients and their profiles",
        about: "Who is registered, who answers for it, and which roles each profile has.",
        columns: &["profile", "kind", "owner", "state", "roles", "surfaces", "networks", "expires"],
        rows,
    });
    let mut rows = Vec::new();
    for role in list(door, "list_roles", &[])? {
        let document = role.get("document").unwrap_or(&Value::Null);
        rows.push(vec![text(&role, "id"), text(document, "description"), text(document, "allow")]);
    }
    pack.tables.push(Table {
        name: "roles",
        title: "Roles",
        about: "What each declared role allows. viewer, auditor, editor and admin are always there.",
        columns: &["role", "description", "allows"],
        rows,
    });
    let mut rows = Vec::new();
    for operation in list(door, "list_operations", &[])? {
        let id = text(&operation, "id");
        let found = ask(door, "list_access", &[("operation", &id)])?;
        for profile in found.get("profiles").and_then(Value::as_array).into_iter().flatten() {
            let profile = profile.as_str().unwrap_or_default().to_owned();
            rows.push(vec![profile, id.clone(), text(&operation, "effect")]);
        }
    }
    rows.sort();
    pack.tables.push(Table {
        name: "access",
        title: "Effective access",
        about: "Which profile may call which operation by its roles. Guards may still refuse a call.",
        columns: &["profile", "operation", "effect"],
        rows,
    });
    Ok(())
}

fn credentials(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    const COLUMNS: [&str; 14] = [
        "id",
        "profile",
        "owner",
        "kind",
        "state",
        "age_days",
        "expires",
        "due",
        "replaced",
        "last_used",
        "used_by",
        "used_from",
        "roles",
        "anywhere",
    ];
    let ages = list(door, "list_credential_ages", &[])?;
    let rows = ages.iter().map(|it| COLUMNS.iter().map(|name| text(it, name)).collect());
    pack.tables.push(Table {
        name: "credentials",
        title: "Credentials",
        about: "How old each is, when it ends, how it was last used, and what it leads to.",
        columns: &COLUMNS,
        rows: rows.collect(),
    });
    Ok(())
}

/// What was changed in the period, and among that what happened to credentials.
fn changes(door: &Door, period: Period, pack: &mut Pack) -> Result<(), Failure> {
    let (mut rows, mut rotations, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    let revisions = match list(door, "list_revisions", &[]) {
        Err(Failure::Refused(refused)) if refused.status == http::StatusCode::NOT_FOUND => {
            pack.notes.push("The door serves a folder: the history of changes is where that folder is kept, and not here.".to_owned());
            Vec::new()
        }
        other => other?,
    };
    let is_in = |it: &Value| Timestamp::parse(&text(it, "at")).is_ok_and(|at| period.contains(at));
    for revision in revisions.iter().filter(|it| is_in(it)).rev() {
        let number = text(revision, "number");
        let about = operation("get_revision")?;
        let path = about.path.replace("{number}", &number);
        let whole =
            door.send_patiently(&about, &Input { path, ..Input::plain(&about, None) })?.value;
        let of = ["number", "at", "author"].map(|name| text(revision, name));
        for change in whole.get("changes").and_then(Value::as_array).into_iter().flatten() {
            let (path, action) = (text(change, "path"), text(change, "action"));
            let cells = [path.clone(), action.clone(), text(revision, "reason")];
            let row: Vec<_> = of.iter().cloned().chain(cells).collect();
            if path.starts_with("credentials/") {
                rotations.push(row.clone());
            }
            rows.push(row);
            let [number, at, author] = &of;
            let title = format!("Revision {number}, {at}, {author}: {path} {action}");
            pack.diffs.push(Diff { title, text: show::difference(change) });
        }
        shown.push(whole);
    }
    pack.changes = Value::Array(shown);
    let columns = &["revision", "at", "author", "path", "action", "reason"];
    pack.tables.push(Table {
        name: "rotations",
        title: "What happened to credentials",
        about: "Issued, rotated, retired and revoked in the period: each is a change of its document.",
        columns,
        rows: rotations,
    });
    pack.tables.push(Table {
        name: "changes",
        title: "Changes of configuration",
        about: "Every document that was changed in the period, by whom and why. The differences stand below.",
        columns,
        rows,
    });
    Ok(())
}

/// Asks for records of the period that fit, one page behind the other. Gives whether those were all.
fn records(
    door: &Door,
    period: Period,
    filter: &[(&str, &str)],
    take: &mut dyn FnMut(&Value),
) -> Result<bool, Failure> {
    let (since, until) = (period.from.to_string(), period.until.to_string());
    let mut cursor = String::new();
    for _ in 0..=PAGES_MAX {
        let mut query = vec![("since", &*since), ("until", &until), ("limit", PAGE_RECORDS)];
        query.extend(filter);
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let answer = ask(door, "query_audit", &query)?;
        answer.get("items").and_then(Value::as_array).into_iter().flatten().for_each(&mut *take);
        cursor = text(&answer, "next");
        if cursor.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
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
        if !records(door, period, &[("decision", decision)], &mut take)? {
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

/// Calls of the period that changed something of the door itself, by operators and by clients themselves.
fn changing_calls(
    door: &Door,
    period: Period,
    (pack, proofs): (&mut Pack, &mut Proofs),
) -> Result<(), Failure> {
    let of = |collection: &str, operations: Vec<About>| {
        let changing = operations.into_iter().filter(|it| it.effect != Effect::Read);
        changing.map(|it| format!("{collection}.{}", it.name)).collect::<Vec<_>>()
    };
    let operators = of("onedoor", admin::operations());
    for name in operators.iter().chain(&of("self", admin::self_service_operations())) {
        let filter = [("operation", &**name), ("decision", "allow")];
        if !records(door, period, &filter, &mut |it| proofs.add(it))? {
            pack.notes.push(format!("There were more calls of {name} than could be looked through: ask for a shorter period."));
        }
    }
    Ok(())
}

/// Has the door prove the records that were found.
fn prove(door: &Door, (pack, mut proofs): (&mut Pack, Proofs)) -> Result<(), Failure> {
    for some in proofs.records().chunks(admin::PROVEN_AT_ONCE_MAX) {
        let numbers: Vec<_> = some.iter().map(ToString::to_string).collect();
        match ask(door, "list_audit_proofs", &[("records", &numbers.join(","))]) {
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
    let log = ask(door, "check_audit", &[])?;
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
