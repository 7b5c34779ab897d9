//! What was changed in a period, and what access was at its ends.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use model::Timestamp;
use serde_json::Value;

use super::{
    Period, ask,
    table::{Diff, Pack, Table, text},
};
use crate::remote::{Failure, door::Door, show};

/// Where the documents are that say who gets in and what they may.
const ACCESS: [&str; 8] = [
    "admissions/",
    "clients/",
    "credentials/",
    "guards/",
    "issuers/",
    "roles/",
    "stops/",
    "users/",
];

/// What was changed in the period, and among that what happened to credentials and secrets.
pub(super) fn gather(door: &Door, period: Period, pack: &mut Pack) -> Result<(), Failure> {
    let (mut rows, mut rotations, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    let revisions = match ask::all(door, "list_revisions") {
        Err(Failure::Refused(refused)) if refused.status == StatusCode::NOT_FOUND => {
            pack.notes.push("The door serves a folder: the history of changes is where that folder is kept, and not here.".to_owned());
            Vec::new()
        }
        other => other?,
    };
    let is_in = |it: &Value| Timestamp::parse(&text(it, "at")).is_ok_and(|at| period.contains(at));
    for revision in revisions.iter().filter(|it| is_in(it)).rev() {
        let number = text(revision, "number");
        let whole = ask::of(door, "get_revision", ("number", &number))?;
        let of = ["number", "at", "author"].map(|name| text(revision, name));
        for change in whole.get("changes").and_then(Value::as_array).into_iter().flatten() {
            let (path, action) = (text(change, "path"), text(change, "action"));
            let cells = [path.clone(), action.clone(), text(revision, "reason")];
            let row: Vec<_> = of.iter().cloned().chain(cells).collect();
            if path.starts_with("credentials/") || path.starts_with("secrets/") {
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
        title: "What happened to credentials and secrets",
        about: "Issued, rotated, retired and revoked in the period: each is a change of its document, or of a version of a secret.",
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
    ends(door, period, (&revisions, pack))
}

/// What says who gets in and what they may, as it was at both ends of the period.
fn ends(
    door: &Door,
    period: Period,
    (revisions, pack): (&[Value], &mut Pack),
) -> Result<(), Failure> {
    let before = documents(door, &in_force(revisions, period.from))?;
    let after = documents(door, &in_force(revisions, period.until))?;
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let row = |path: &String| {
        let (one, other) = (before.get(path), after.get(path));
        let change = match (one, other) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(one), Some(other)) if one == other => "",
            _ => "changed",
        };
        let [one, other] = [one, other].map(|it| it.cloned().unwrap_or_default());
        vec![path.clone(), change.to_owned(), one, other]
    };
    pack.tables.push(Table {
        name: "ends",
        title: "Access at both ends of the period",
        about: "Every document that says who gets in and what they may, as it was in force when the period began and when it ended.",
        columns: &["path", "change", "at_its_begin", "at_its_end"],
        rows: paths.into_iter().map(row).collect(),
    });
    Ok(())
}

/// The number of the revision in force at `at`, of these, the newest first.
fn in_force(revisions: &[Value], at: Timestamp) -> String {
    let is_before = |it: &&Value| Timestamp::parse(&text(it, "at")).is_ok_and(|made| made < at);
    revisions.iter().find(is_before).map_or_else(|| "0".to_owned(), |it| text(it, "number"))
}

/// The documents of access of a revision, by path.
fn documents(door: &Door, revision: &str) -> Result<BTreeMap<String, String>, Failure> {
    if revision == "0" {
        return Ok(BTreeMap::new());
    }
    let whole = ask::one(door, "compare_revisions", &[("from", "0"), ("to", revision)])?;
    let changes = whole.get("changes").and_then(Value::as_array).into_iter().flatten();
    let all = changes.map(|it| (text(it, "path"), text(it, "after")));
    Ok(all.filter(|(path, _)| ACCESS.iter().any(|it| path.starts_with(it))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn in_force_is_the_last_revision_before() {
        let revisions =
            [(9, "2027-03-01T00:00:00Z"), (7, "2027-02-01T00:00:00Z"), (1, "2027-01-01T00:00:00Z")];
        let revisions = revisions.map(|(number, at)| json!({"number": number, "at": at}));
        for (at, want) in [
            ("2026-12-31", "0"),
            ("2027-01-01", "0"),
            ("2027-01-02", "1"),
            ("2027-02-15", "7"),
            ("2027-04-01", "9"),
        ] {
            assert_eq!(in_force(&revisions, Timestamp::parse(at).unwrap()), want, "{at}");
        }
    }
}
