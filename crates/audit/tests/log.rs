//! The promises of the log, through its public face.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "tests")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, thread, time::Duration};

use audit::{Error, Kind, Log, Outcome, Record};
use model::{Clock, Refusal, RefusalKind, Timestamp};

fn clock() -> Clock {
    Clock::fake(Timestamp::from_seconds(1_795_392_000))
}

fn record(tool: &str) -> Record<'_> {
    Record {
        tool: Some(tool),
        ..Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Answered)
    }
}

/// Appends so many records; returns the names of those that were said to be written.
fn append_many(log: &Log, thread: usize, records: usize) -> Vec<String> {
    let names = (0..records).map(|count| format!("{thread}-{count}"));
    names.filter(|name| log.append(&record(name)).is_ok()).collect()
}

fn tools(text: &str) -> Vec<String> {
    let tool = |line: &str| {
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        read.get("tool").or(read.get("event")).unwrap().as_str().unwrap().to_owned()
    };
    text.lines().map(tool).collect()
}

#[test]
fn a_record_is_in_the_file_when_append_returns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = Log::file(&path, clock()).unwrap();
    for count in 1..4 {
        log.append(&record("t")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), count);
    }
    log.sync().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_log_that_is_opened_again_goes_on_after_its_last_line_even_a_torn_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    Log::file(&path, clock()).unwrap().append(&record("a")).unwrap();
    let torn = format!("{}{}", fs::read_to_string(&path).unwrap(), "{\"time\":\"20");
    fs::write(&path, torn).unwrap();
    Log::file(&path, clock()).unwrap().append(&record("b")).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[1]), (3, "{\"time\":\"20"));
    assert_eq!(tools(lines[2]), ["b"]);
}

#[test]
fn lines_of_many_threads_are_whole_and_each_is_there_once() {
    const THREADS: usize = 8;
    const RECORDS: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = Log::file(&path, clock()).unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || assert_eq!(append_many(log, thread, RECORDS).len(), RECORDS));
        }
    });
    let mut found = tools(&fs::read_to_string(&path).unwrap());
    // What one thread appends stays in its order.
    for thread in 0..THREADS {
        let prefix = format!("{thread}-");
        let of_thread: Vec<_> = found.iter().filter(|it| it.starts_with(&prefix)).collect();
        let want: Vec<_> = (0..RECORDS).map(|it| format!("{thread}-{it}")).collect();
        assert_eq!(of_thread, want.iter().collect::<Vec<_>>());
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), THREADS * RECORDS);
}

#[test]
fn a_full_disk_closes_the_log_and_admits_nothing_until_it_has_room_again() {
    let clock = clock();
    let (log, memory) = Log::memory(clock.clone());
    log.append(&record("a")).unwrap();
    log.admit().unwrap();
    // The next line is torn after ten bytes.
    memory.fill_after(10);
    assert!(matches!(log.append(&record("b")), Err(Error::Write { .. })));
    assert!(matches!(log.admit(), Err(Error::Closed { .. })));
    assert!(matches!(log.append(&record("c")), Err(Error::Closed { .. })));

    memory.mend();
    // Not before its time: a log that fails must not be tried with every call.
    assert!(log.admit().is_err());
    clock.advance(Duration::from_millis(100));
    log.admit().unwrap();
    log.append(&record("d")).unwrap();

    let text = memory.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[1].len()), (4, 10), "the torn line has its own end");
    assert_eq!(tools(lines[2]), ["audit.resumed"]);
    assert!(lines[2].contains("2 records could not be written since 2026-11-23T00:00:00"));
    assert_eq!(tools(lines[3]), ["d"]);
}

#[test]
fn a_log_that_fails_again_stays_closed_and_is_not_torn_twice() {
    let clock = clock();
    let (log, memory) = Log::memory(clock.clone());
    memory.fill_after(5);
    assert!(log.append(&record("a")).is_err());
    clock.advance(Duration::from_secs(1));
    assert!(log.admit().is_err());
    memory.fill_after(1); // room for the newline of the torn line, and for nothing else
    clock.advance(Duration::from_secs(1));
    assert!(log.admit().is_err());
    memory.mend();
    clock.advance(Duration::from_secs(1));
    // Appending tries as well: an event of the door itself asks nobody for admission.
    log.append(&record("b")).unwrap();
    let text = memory.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0].len()), (3, 5));
    assert_eq!(tools(&lines[1..].join("\n")), ["audit.resumed", "b"]);
}

#[test]
fn every_line_that_was_told_to_be_there_is_there_when_the_disk_fills_up_in_a_rush() {
    for room in [0, 1, 100, 1_000, 5_000] {
        let (log, memory) = Log::memory(clock());
        memory.fill_after(room);
        let told: Vec<_> = thread::scope(|scope| {
            let log = &log;
            let threads: Vec<_> =
                (0..8).map(|thread| scope.spawn(move || append_many(log, thread, 50))).collect();
            threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
        });
        // A batch that is torn may hold whole lines of authors who were told of a failure.
        let text = memory.text();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let found = tools(whole);
        for name in &told {
            assert!(found.contains(name), "{room}: {name} was told to be written");
        }
        assert!(log.admit().is_err());
    }
}

#[test]
fn a_device_without_room_refuses_every_record() {
    let log = Log::file(Path::new("/dev/full"), clock()).unwrap();
    let error = log.append(&record("a")).unwrap_err();
    assert!(error.to_string().starts_with("audit log /dev/full cannot be written: "), "{error}");
    let refusal = Refusal::from(error);
    assert_eq!(refusal.kind(), RefusalKind::Unrecorded);
    assert!(!refusal.detail().contains("/dev/full"), "the caller learns no path");
    assert!(refusal.cause().is_some_and(|it| it.contains("/dev/full")));
}

#[test]
fn a_file_that_cannot_be_opened_says_which() {
    let error = Log::file(Path::new("/nowhere/audit.log"), clock()).unwrap_err();
    assert!(
        error.to_string().starts_with("audit log /nowhere/audit.log cannot be opened: "),
        "{error}"
    );
}
