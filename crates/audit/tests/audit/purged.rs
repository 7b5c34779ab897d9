//! Old segments go: recorded, sealed, and safe from a crash at any place between.
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use audit::{Error, Journal, Keep, Location, ProofError, Purge, PurgeError, Record, Report, Rules};
use model::Clock;
use serde_json::Value;
use tempfile::TempDir;

use super::disk::{START, key, record};

const RULES: Rules = Rules {
    levels: audit::Levels::ByEffect,
    segment_bytes: 2_000,
    segment_age: Duration::from_secs(24 * 3600),
    disk_timeout: Duration::from_secs(5),
};
/// A person's name may be an e-mail address, and it is what the record is for.
const WHY: &str = "asked for by corp:ann@example.com, approved by bob";
const ALL: Purge<'_> = Purge { before: u64::MAX, why: WHY };

fn try_open(folder: &Path, clock: &Clock) -> Result<Journal, Error> {
    let location = Location { folder: folder.to_owned(), ..Location::default() };
    Journal::open(&location, (key(), RULES), clock.clone())
}

fn open(folder: &Path) -> Journal {
    try_open(folder, &Clock::fake(START)).unwrap()
}

/// A log of some segments, all of them signed for.
fn log() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for _ in 0..40 {
        journal.append(&record("t")).unwrap();
    }
    drop(journal);
    assert!(segments(folder.path()).len() > 4);
    folder
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut segments: Vec<_> = entries.filter(|it| it.file_name().unwrap().len() == 26).collect();
    segments.sort();
    segments
}

fn first_of(path: &Path) -> u64 {
    path.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

fn records(folder: &Path) -> Vec<Value> {
    let text: String = segments(folder).iter().map(|it| fs::read_to_string(it).unwrap()).collect();
    text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// What the log says of purges: the words and the notes.
fn told(folder: &Path) -> Vec<(String, String)> {
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    let events = records(folder).into_iter().map(|it| (text(&it, "event"), text(&it, "note")));
    events.filter(|it| it.0.starts_with("audit.purge")).collect()
}

fn verified(folder: &Path) -> Report {
    let report = audit::verify(folder, &key().verifying_key(), None).unwrap();
    assert_eq!(report.damage, None);
    report
}

fn copy(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

#[test]
fn what_goes_is_recorded_and_sealed_and_the_log_goes_on() {
    let log = log();
    let journal = open(log.path());
    let before = segments(log.path());
    let until = first_of(&before[3]);
    // What was cut off one goes with it.
    let cut = before[1].with_extension("cut");
    fs::write(&cut, "x").unwrap();
    let purged = journal.purge(Purge { before: until, ..ALL }).unwrap();
    assert!(!cut.exists());
    assert_eq!((purged.records.clone(), purged.segments), (0..until, 3));
    assert_eq!(segments(log.path())[0], before[3]);
    let told = told(log.path());
    assert_eq!(told.iter().map(|it| &*it.0).collect::<Vec<_>>(), ["audit.purge", "audit.purged"]);
    let (last, bytes) = (until - 1, purged.bytes);
    let note = format!("records 0 to {last} in 3 segments of {bytes} bytes, from ");
    assert!(told[0].1.starts_with(&note), "{}", told[0].1);
    assert!(told[0].1.ends_with(&format!(": {WHY}")), "{}", told[0].1);
    journal.append(&record("after")).unwrap();
    drop(journal);
    let report = verified(log.path());
    assert_eq!((report.first, report.sealed, report.unsigned()), (until, 3, 0));
    // Again, behind what is gone.
    let journal = open(log.path());
    let until = first_of(&before[4]);
    assert_eq!(journal.purge(Purge { before: until + 1, ..ALL }).unwrap().records.end, until);
    drop(journal);
    assert_eq!(verified(log.path()).sealed, 4);
    let prove = |seq| audit::prove(log.path(), &key().verifying_key(), seq);
    let proof = prove(until).unwrap();
    assert_eq!(audit::proof::check(&proof, &key().verifying_key()).unwrap().seq, until);
    assert!(matches!(prove(0), Err(ProofError::Purged { first }) if first == until));
}

#[test]
fn the_segment_that_is_written_to_stays() {
    let log = log();
    let journal = open(log.path());
    let last = segments(log.path()).pop().unwrap();
    journal.purge(ALL).unwrap();
    assert_eq!(segments(log.path())[0], last);
    let again = journal.purge(Purge { before: first_of(&last), ..ALL });
    assert!(matches!(again, Err(PurgeError::Nothing { .. })), "{again:?}");
    let memory = Journal::memory(Clock::fake(START)).0;
    assert!(matches!(memory.purge(ALL), Err(PurgeError::Memory)));
}

#[test]
fn what_is_not_signed_for_or_is_damaged_does_not_go() {
    let log = log();
    let journal = open(log.path());
    for _ in 0..20 {
        journal.append(&record("u")).unwrap();
    }
    let purged = journal.purge(ALL);
    assert!(matches!(purged, Err(PurgeError::Unsigned { .. })), "{purged:?}");
    drop(journal);
    let damaged = &segments(log.path())[1];
    let journal = open(log.path());
    let text = fs::read_to_string(damaged).unwrap();
    fs::write(damaged, text.replacen("\"t\"", "\"v\"", 1)).unwrap();
    let before = segments(log.path());
    let purged = journal.purge(ALL);
    assert!(matches!(purged, Err(PurgeError::Damaged(_))), "{purged:?}");
    assert_eq!(segments(log.path()), before);
    assert!(told(log.path()).is_empty());
    journal.purge(Purge { before: first_of(damaged), ..ALL }).unwrap();
}

/// Each state that a crash can leave: the files of before, with what a purge had made until then.
#[test]
fn a_crash_at_any_place_of_a_purge_leaves_a_log_that_is_whole() {
    let log = log();
    let journal = open(log.path());
    let before = copy(log.path());
    let old = segments(before.path());
    let until = first_of(&old[3]);
    journal.purge(Purge { before: until, ..ALL }).unwrap();
    drop(journal);
    let sealed = fs::read(log.path().join("sealed.jsonl")).unwrap();
    let line = sealed.iter().position(|it| *it == b'\n').unwrap() + 1;
    let check = |sealed: &[u8], removed: usize, first: u64| {
        let crashed = copy(log.path());
        let place = |it: &PathBuf| crashed.path().join(it.file_name().unwrap());
        for path in &old[removed..3] {
            fs::copy(path, place(path)).unwrap();
        }
        fs::write(crashed.path().join("sealed.jsonl"), sealed).unwrap();
        // The last words are those before the files went.
        let last = segments(crashed.path()).pop().unwrap();
        let text = fs::read_to_string(&last).unwrap();
        let lines = text.split_inclusive('\n');
        let kept = lines.take_while(|it| !it.contains("\"event\":\"audit.purged\""));
        fs::write(&last, kept.collect::<String>()).unwrap();
        fs::copy(before.path().join("checkpoints.jsonl"), crashed.path().join("checkpoints.jsonl"))
            .unwrap();
        assert_eq!(
            verified(crashed.path()).next,
            records(crashed.path()).len() as u64 + first_of(&segments(crashed.path())[0])
        );
        drop(open(crashed.path()));
        assert_eq!(verified(crashed.path()).first, first);
        let told = told(crashed.path());
        let is_finished = told.iter().any(|it| it.0 == "audit.purged");
        assert_eq!((&*told[0].0, is_finished), ("audit.purge", first > 0), "{told:?}");
        // What did not go yet goes the next time.
        let journal = open(crashed.path());
        if first < until {
            journal.purge(Purge { before: until, ..ALL }).unwrap();
        }
        drop(journal);
        assert_eq!(verified(crashed.path()).first, until);
    };
    check(b"", 0, 0);
    check(&sealed[..line / 2], 0, 0);
    check(&sealed[..line], 0, first_of(&old[1]));
    check(&sealed[..line + 9], 0, first_of(&old[1]));
    for removed in 0..3 {
        check(&sealed, removed, until);
    }
}

#[test]
fn a_log_that_lacks_what_is_not_sealed_is_not_gone_on_with() {
    let clock = Clock::fake(START);
    let whole = log();
    let journal = open(whole.path());
    let old = segments(whole.path());
    let kept = fs::read(&old[1]).unwrap();
    journal.purge(Purge { before: first_of(&old[2]), ..ALL }).unwrap();
    drop(journal);
    let check = |want: &str, change: &dyn Fn(&Path)| {
        let folder = copy(whole.path());
        change(folder.path());
        let error = try_open(folder.path(), &clock).unwrap_err().to_string();
        assert!(error.contains(want), "{want}: {error}");
    };
    let until = first_of(&old[2]);
    check(&format!("gap at record {until}"), &|it| fs::remove_file(&segments(it)[0]).unwrap());
    check("gap at record 0", &|it| fs::remove_file(it.join("sealed.jsonl")).unwrap());
    check("bad-signature at record 0", &|it| {
        fs::write(it.join("sealed.jsonl"), "\"x\"\n").unwrap();
    });
    check(&format!("truncated at record {until}"), &|it| {
        segments(it).iter().for_each(|it| fs::remove_file(it).unwrap());
        fs::remove_file(it.join("checkpoints.jsonl")).unwrap();
    });
    // What was sealed and is there again must be what was sealed: else it is evidence.
    let path = |it: &Path| it.join(old[1].file_name().unwrap());
    let folder = copy(whole.path());
    fs::write(path(folder.path()), &kept).unwrap();
    drop(open(folder.path()));
    assert!(!path(folder.path()).exists());
    check("gap at record", &|it| {
        let end = kept.iter().rposition(|it| *it == b'{').unwrap();
        fs::write(path(it), &kept[..end]).unwrap();
    });
}

#[test]
fn what_cannot_go_is_recorded_and_goes_at_the_next_start() {
    let log = log();
    let journal = open(log.path());
    let before = segments(log.path());
    // A folder in the place of a file that would go along.
    let bodies = log.path().join("bodies").join(format!("{:020}.sealed", 0));
    fs::create_dir_all(&bodies).unwrap();
    let purged = journal.purge(Purge { before: first_of(&before[3]), ..ALL });
    assert!(matches!(purged, Err(PurgeError::Disk(_))), "{purged:?}");
    let words: Vec<_> = told(log.path()).into_iter().map(|it| it.0).collect();
    assert_eq!(words, ["audit.purge", "audit.purge_failed"]);
    drop(journal);
    fs::remove_dir(&bodies).unwrap();
    drop(open(log.path()));
    assert_eq!(segments(log.path())[0], before[3]);
    assert_eq!(verified(log.path()).sealed, 3);
}

#[test]
fn what_is_too_old_or_too_much_is_told_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(START);
    let journal = try_open(folder.path(), &clock).unwrap();
    for _ in 0..30 {
        journal.append(&Record { time: clock.now(), ..record("t") }).unwrap();
        clock.advance(Duration::from_secs(60));
    }
    // Anew: no time goes by any more, so nothing is signed for and nothing recorded of that.
    drop(journal);
    let journal = try_open(folder.path(), &clock).unwrap();
    let closed = journal.closed().unwrap();
    let files = segments(folder.path());
    assert_eq!(closed.len() + 1, files.len());
    assert_eq!(closed[1].records, first_of(&files[1])..first_of(&files[2]));
    let outgrown = |age: Option<u64>, bytes: Option<u64>| {
        let keep = Keep { age: age.map(Duration::from_secs), bytes };
        journal.outgrown(&keep).unwrap()
    };
    assert_eq!(outgrown(None, None), None);
    assert_eq!(outgrown(Some(3600), Some(1 << 20)), None);
    let age = clock.now().since(closed[1].time.1).as_secs();
    assert_eq!(outgrown(Some(age), None), Some(closed[0].records.end));
    assert_eq!(outgrown(Some(age - 1), None), Some(closed[1].records.end));
    let total: u64 = files.iter().map(|it| it.metadata().unwrap().len()).sum();
    assert_eq!(outgrown(None, Some(total)), None);
    assert_eq!(outgrown(None, Some(total - 1)), Some(closed[0].records.end));
    assert_eq!(outgrown(None, Some(0)), closed.last().map(|it| it.records.end));
}

#[test]
fn what_only_a_clock_made_old_does_not_go_and_that_it_jumped_is_recorded() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let (hour, jumped) = (Duration::from_secs(3600), "audit.clock_jumped");
    let outgrown = |journal: &Journal| {
        for _ in 0..40 {
            journal.append(&Record { time: clock.now(), ..record("t") }).unwrap();
        }
        assert!(journal.closed().unwrap().len() > 2);
        journal.outgrown(&Keep { age: Some(hour), bytes: None }).unwrap()
    };
    let journal = try_open(folder.path(), &clock).unwrap();
    assert_eq!(outgrown(&journal), None);
    drop(journal);
    // A clock that is wrong at the start, and one that is set right, forwards and back, while it runs.
    clock.jump(START.plus(hour * 9000));
    let journal = try_open(folder.path(), &clock).unwrap();
    let mut wanted = Vec::new();
    for to in [START.plus(hour * 9000), START, START.plus(hour * 10_000)] {
        let before = clock.now();
        clock.jump(to);
        assert_eq!(outgrown(&journal), None);
        clock.advance(Duration::from_secs(1));
        if before != to {
            wanted.push([before, to].map(|it| it.to_string().get(..13).unwrap().to_owned()));
        }
        // The thread that finds it looks every second.
        let is_told = (0..1000).any(|_| {
            std::thread::park_timeout(Duration::from_millis(10));
            notes(folder.path(), jumped).len() >= wanted.len()
        });
        assert!(is_told, "nobody saw that the clock jumped: {wanted:?}");
    }
    // It grows old as time goes by, whatever the clock says.
    let first = journal.closed().unwrap()[0].records.end;
    clock.advance(hour);
    clock.jump(START.plus(hour * 2));
    assert!(outgrown(&journal) >= Some(first));
    drop(journal);
    for (told, [from, to]) in notes(folder.path(), jumped).iter().zip(&wanted) {
        assert!(told.starts_with(&format!("the time of day jumped from {from}")), "{told}");
        assert!(told.contains(&format!(" to {to}")), "{told}");
    }
}

/// What the log says of an event.
fn notes(folder: &Path, event: &str) -> Vec<String> {
    let text: String = segments(folder).iter().map(|it| fs::read_to_string(it).unwrap()).collect();
    // It is read while it is written: the last line may not be whole.
    let records = text.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let member = |it: &Value, name| it.get(name).and_then(Value::as_str).map(str::to_owned);
    let told = records.filter(|it| member(it, "event").as_deref() == Some(event));
    told.filter_map(|it| member(&it, "note")).collect()
}
