//! Closed segments are packed, and everybody reads them as before.
use std::{fs, io::Read as _, path::Path, process::Command, time::Duration};

use audit::{Journal, Location, Purge, Record, Rules};
use model::Clock;

use super::disk::{START, key, record};

const AFTER: Duration = Duration::from_secs(3600);

fn open(folder: &Path, clock: &Clock) -> Journal {
    let rules = Rules { segment_bytes: 2_000, ..Rules::default() };
    let location = Location { folder: folder.to_owned(), ..Location::default() };
    Journal::open(&location, (key(), rules), clock.clone()).unwrap()
}

/// A log of some segments, and its clock.
fn log(folder: &Path) -> Clock {
    let clock = Clock::fake(START);
    let journal = open(folder, &clock);
    for _ in 0..40 {
        journal.append(&Record { time: clock.now(), ..record("t") }).unwrap();
    }
    clock
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<_> = names.map(|it| it.into_string().unwrap()).collect();
    names.retain(|it| it.starts_with('0'));
    names.sort();
    names
}

#[test]
fn what_was_closed_for_some_time_is_packed_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let clock = log(folder.path());
    let journal = open(folder.path(), &clock);
    let before = names(folder.path());
    assert_eq!(journal.pack(AFTER).unwrap(), None, "it was closed just now");
    clock.advance(AFTER + Duration::from_secs(1));
    let first = before[0].clone();
    let text = fs::read(folder.path().join(&first)).unwrap();
    let mut packed = Vec::new();
    while let Some(seq) = journal.pack(AFTER).unwrap() {
        packed.push(seq);
    }
    let want: Vec<_> = before.iter().rev().skip(1).rev().map(|it| format!("{it}.gz")).collect();
    assert_eq!(packed.len(), want.len());
    assert_eq!(names(folder.path()), [&want[..], &before[before.len() - 1..]].concat());
    // Any program that knows gzip reads it.
    let unpacked = Command::new("gzip").args(["-dc", &want[0]]).current_dir(folder.path()).output();
    assert_eq!(unpacked.unwrap().stdout, text);
    let sizes = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(sizes(&want[0]) * 2 < text.len() as u64, "{} of {}", sizes(&want[0]), text.len());

    journal.append(&record("after")).unwrap();
    drop(journal);
    let verified = || {
        let report = audit::verify(folder.path(), &key().verifying_key(), None).unwrap();
        assert_eq!(report.damage, None);
        report
    };
    let all = verified();
    // It goes on behind it, and what is packed goes as what is not.
    let journal = open(folder.path(), &clock);
    let purge = journal.purge(Purge { before: u64::MAX, why: "a test" }).unwrap();
    drop(journal);
    assert!(purge.segments >= want.len());
    assert!(verified().next > all.next);
    assert!(names(folder.path()).iter().all(|it| !it.ends_with(".gz")));
}

#[test]
fn what_a_crash_left_of_packing_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let clock = log(folder.path());
    clock.advance(AFTER * 2);
    let first = names(folder.path())[0].clone();
    let plain = folder.path().join(&first);
    let (packed, text) = (folder.path().join(format!("{first}.gz")), fs::read(&plain).unwrap());
    fs::write(folder.path().join(format!("{first}.gz.new")), "half").unwrap();
    let journal = open(folder.path(), &clock);
    journal.pack(AFTER).unwrap();
    drop(journal);
    // Both are there: the one that is not packed counts, and it is packed again.
    fs::write(&plain, &text).unwrap();
    fs::write(&packed, "not whole").unwrap();
    let journal = open(folder.path(), &clock);
    assert_eq!(journal.pack(AFTER).unwrap(), Some(0));
    assert!(!plain.exists() && packed.exists());
    let mut unpacked = Vec::new();
    let walked = audit::walk::<audit::WalkError>(folder.path(), &(0..4), |it| {
        unpacked.extend_from_slice(it.line);
        unpacked.push(b'\n');
        Ok(())
    });
    walked.unwrap();
    assert!(text.starts_with(&unpacked) && !unpacked.is_empty());
    // The same, where it goes.
    fs::write(&plain, &text).unwrap();
    journal.purge(Purge { before: u64::MAX, why: "a test" }).unwrap();
    assert!(!plain.exists() && !packed.exists());
    let mut rest = String::new();
    fs::File::open(folder.path().join("sealed.jsonl")).unwrap().read_to_string(&mut rest).unwrap();
    assert!(rest.contains("sealed 0"));
}

#[test]
fn a_log_whose_last_segment_is_packed_begins_another() {
    let folder = tempfile::tempdir().unwrap();
    let clock = log(folder.path());
    clock.advance(AFTER * 2);
    let journal = open(folder.path(), &clock);
    while journal.pack(AFTER).unwrap().is_some() {}
    drop(journal);
    // The end is lost together with its checkpoints, and somebody goes on with the rest.
    let last = names(folder.path()).pop().unwrap();
    fs::remove_file(folder.path().join(last)).unwrap();
    fs::remove_file(folder.path().join("checkpoints.jsonl")).unwrap();
    let before = names(folder.path());
    drop(open(folder.path(), &clock));
    assert_eq!(names(folder.path()).len(), before.len() + 1);
    let report = audit::verify(folder.path(), &key().verifying_key(), None).unwrap();
    assert_eq!(report.damage, None);
}
