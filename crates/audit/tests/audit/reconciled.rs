//! What a sink lost, got twice or changed is named.
use std::{fs, path::Path};

use audit::{
    WalkError,
    reconcile::{Incomparable, Reconciled, reconcile},
};

use crate::disk::{open, record};

fn lines(folder: &Path) -> Vec<String> {
    let journal = open(folder);
    for _ in 0..6 {
        journal.append(&record("a")).unwrap();
    }
    journal.end();
    let segment = folder.join("audit/00000000000000000000.jsonl");
    fs::read_to_string(segment).unwrap().lines().map(str::to_owned).collect()
}

fn of(folder: &Path, export: &[String]) -> Reconciled {
    let file = folder.join("export");
    fs::write(&file, export.join("\n")).unwrap();
    reconcile(&folder.join("audit"), &file, 0..u64::MAX).unwrap()
}

#[test]
fn the_same_records_in_any_order_and_with_more_members_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = lines(folder.path());
    lines.reverse();
    lines[2] = lines[2].replacen('{', r#"{"_index":"x","#, 1);
    let found = of(folder.path(), &lines);
    assert!(found.is_whole(), "{found:?}");
    assert_eq!(found.records, u64::try_from(lines.len()).unwrap());
}

#[test]
fn gaps_duplicates_changes_and_strangers_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let whole = lines(folder.path());
    let with = |change: fn(&mut Vec<String>)| {
        let mut lines = whole.clone();
        change(&mut lines);
        let found = of(folder.path(), &lines);
        assert!(!found.is_whole());
        found
    };
    let found = with(|it| drop(it.drain(2..4)));
    let gap = 2..4;
    assert_eq!((found.missing, found.gaps), (2, vec![gap]));
    let found = with(|it| drop(it.pop()));
    assert_eq!(found.missing, 1);
    let found = with(|it| it.push(it[3].clone()));
    assert_eq!((found.repeated, &found.duplicates[..]), (1, &[3][..]));
    let found = with(|it| it[3] = it[3].replace("\"tool\":\"a\"", "\"tool\":\"b\""));
    assert_eq!(found.altered, [(3, "its member \"tool\" is another".to_owned())]);
    let found = with(|it| it[3] = it[3].replace("\"hash\":\"", "\"hash\":\"0"));
    assert_eq!(found.altered, [(3, "its hash is another".to_owned())]);
    let found = with(|it| it.push("{\"seq\":99}".to_owned()));
    assert_eq!((found.foreign, &found.unknown[..]), (1, &[99][..]));
    let found = with(|it| it.push("no record".to_owned()));
    assert_eq!(found.unreadable, 1);
}

#[test]
fn only_what_is_asked_for_is_compared_and_a_damaged_log_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines(folder.path());
    let (log, export) = (folder.path().join("audit"), folder.path().join("export"));
    fs::write(&export, lines[2..4].join("\n")).unwrap();
    let found = reconcile(&log, &export, 2..4).unwrap();
    assert!(found.is_whole() && found.records == 2, "{found:?}");
    fs::write(log.join("00000000000000000000.jsonl"), lines.join("\n").replace("\"a\"", "\"b\""))
        .unwrap();
    let error = reconcile(&log, &export, 2..4).unwrap_err();
    assert!(matches!(error, Incomparable::Log(WalkError::Damaged(_))), "{error}");
    assert!(matches!(
        reconcile(folder.path(), &export, 0..9),
        Err(Incomparable::Log(WalkError::Empty))
    ));
}
