//! What a sink lost, got twice or changed is named.
use std::{fs, path::Path};

use audit::{
    Format, Source, WalkError,
    reconcile::{Incomparable, Reconciled, reconcile},
    walk,
};
use serde_json::Value;

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

/// The records as a sink has them; by the name of another log where there is one.
fn events(folder: &Path, format: Format, other: Option<&str>) -> Vec<String> {
    let mut events = Vec::new();
    walk(&folder.join("audit"), &(0..u64::MAX), |it| {
        let log = other.unwrap_or(it.log);
        let source = Source { log, version: "0.1.0", prev: Some(it.before) };
        let event = format.event(it.line, &source).unwrap();
        events.push(String::from_utf8(event.bytes).unwrap());
        Ok::<_, WalkError>(())
    })
    .unwrap();
    events
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
    let found = with(|it| {
        it.insert(3, "no record".to_owned());
        it.insert(0, String::new());
        it[2].push(']');
    });
    assert_eq!((found.unreadable, &found.bad_lines[..]), (2, &[3, 5][..]));
}

#[test]
fn what_a_sink_holds_in_any_format_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines(folder.path());
    let line: Value = serde_json::from_str(&lines[3]).unwrap();
    for format in Format::ALL {
        let whole = events(folder.path(), format, None);
        let found = of(folder.path(), &whole);
        assert!(found.is_whole(), "{format:?}: {found:?}");
        let mut torn = whole.clone();
        torn.remove(1);
        torn.push(whole[4].clone());
        torn.push(whole[4].split_at(40).0.to_owned());
        torn[2] = whole[3].replace(line["hash"].as_str().unwrap(), &"0".repeat(64));
        let found = of(folder.path(), &torn);
        let gap = 1..2;
        assert_eq!((found.missing, found.gaps), (1, vec![gap]), "{format:?}");
        assert_eq!(found.duplicates, [4], "{format:?}");
        assert_eq!(found.altered, [(3, "its hash is another".to_owned())], "{format:?}");
        assert_eq!(found.bad_lines, [u64::try_from(torn.len()).unwrap()], "{format:?}");
    }
}

#[test]
fn what_is_of_another_log_is_of_no_record_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    lines(folder.path());
    // A line of the log itself does not say which one.
    for format in [Format::Cef, Format::Ecs, Format::Ocsf, Format::OcsfIntegrity] {
        let mut held = events(folder.path(), format, None);
        held.extend(events(folder.path(), format, Some("door-2")).into_iter().skip(3).take(2));
        let found = of(folder.path(), &held);
        assert_eq!((found.foreign, &found.unknown[..]), (2, &[3, 4][..]), "{format:?}");
        assert_eq!((found.missing, found.repeated, found.differing), (0, 0, 0), "{format:?}");
    }
}

#[test]
fn a_line_that_is_too_long_is_one_bad_line_and_no_record_in_any_part() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = lines(folder.path());
    lines[3].insert_str(0, &"x".repeat(16 << 20));
    let found = of(folder.path(), &lines);
    assert_eq!((found.missing, &found.bad_lines[..]), (1, &[4][..]), "{found:?}");
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
