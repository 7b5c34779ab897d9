//! A log on a disk, over starts, crashes and damages.
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use audit::{Error, Journal, Kind, Levels, Location, Outcome, Record, Rules, SigningKey};
use model::{Clock, Level, RequestId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

pub(crate) const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed("onedoor-test", &[1; 32]).unwrap()
}

fn try_open(folder: &Path, rules: Rules) -> Result<Journal, Error> {
    let location = Location {
        folder: folder.join("audit"),
        checkpoints: Some(folder.join("outside")),
        about: None,
    };
    Journal::open(&location, (key(), rules), Clock::fake(START))
}

pub(crate) fn open(folder: &Path) -> Journal {
    open_with(folder, Rules::default())
}

pub(crate) fn open_with(folder: &Path, rules: Rules) -> Journal {
    try_open(folder, rules).unwrap()
}

pub(crate) fn record(tool: &str) -> Record<'_> {
    Record { tool: Some(tool), ..Record::new(START, Kind::Call, Outcome::Answered) }
}

fn of_call(id: u128, kind: Kind, outcome: Outcome<'_>) -> Record<'_> {
    Record { id: Some(RequestId::new(Uuid::from_u128(id))), ..Record::new(START, kind, outcome) }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("audit")).unwrap().map(|it| it.unwrap().path());
    let is_segment = |it: &PathBuf| it.file_name().unwrap().len() == 26;
    let mut segments: Vec<_> = entries.filter(is_segment).collect();
    segments.sort();
    segments
}

/// All records, read as the JSON that each line is.
pub(crate) fn records(folder: &Path) -> Vec<Value> {
    let text = segments(folder).into_iter().map(|it| fs::read_to_string(it).unwrap());
    let text: String = text.collect();
    text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

fn words(folder: &Path) -> Vec<String> {
    let records = records(folder).into_iter();
    let word = |it: Value| {
        let word = it.get("tool").or(it.get("event")).or(it.get("outcome")).unwrap();
        word.as_str().unwrap().to_owned()
    };
    records.map(word).collect()
}

fn add(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_record_is_in_the_file_when_append_returns_and_a_start_goes_on_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for count in 3..6 {
        journal.append(&record("t")).unwrap();
        assert_eq!(records(folder.path()).len(), count);
    }
    drop(journal);
    open(folder.path()).append(&record("u")).unwrap();
    let first = ["audit.segment", "audit.opened", "t", "t", "t", "audit.closed"];
    let want = [&first[..], &["audit.opened", "u", "audit.closed"]].concat();
    assert_eq!(words(folder.path()), want);
    let numbers: Vec<_> =
        records(folder.path()).iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..9).collect::<Vec<_>>());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&segments(folder.path())[0]), 0o600);
    assert_eq!(mode(&folder.path().join("audit")), 0o700);
}

#[test]
fn a_second_process_is_kept_out_and_let_in_when_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let error = try_open(folder.path(), Rules::default()).unwrap_err();
    assert!(error.to_string().contains("cannot be opened"), "{error}");
    drop(journal);
    open(folder.path());
}

/// Appends 40 records, half of them without blocking the thread.
fn append_both_ways(journal: &Journal, thread: usize) {
    for count in 0..40 {
        let tool = format!("{thread}-{count}");
        match count % 2 {
            0 => journal.append(&record(&tool)).unwrap(),
            _ => block_on(journal.store(&record(&tool))).unwrap(),
        }
    }
}

#[test]
fn lines_of_many_threads_are_whole_and_each_is_there_once_at_both_levels() {
    for levels in [Levels::ByEffect, Levels::Strict] {
        let folder = tempfile::tempdir().unwrap();
        let rules = Rules { levels, segment_bytes: 20_000, ..Rules::default() };
        assert_eq!(levels.of(&record("t")) == Level::Strict, levels == Levels::Strict);
        let journal = try_open(folder.path(), rules).unwrap();
        thread::scope(|scope| {
            let journal = &journal;
            for thread in 0..8 {
                scope.spawn(move || append_both_ways(journal, thread));
            }
        });
        drop(journal);
        let words = words(folder.path());
        for thread in 0..8 {
            let prefix = format!("{thread}-");
            let of_thread: Vec<_> = words.iter().filter(|it| it.starts_with(&prefix)).collect();
            let want: Vec<_> = (0..40).map(|it| format!("{thread}-{it}")).collect();
            assert_eq!(of_thread, want.iter().collect::<Vec<_>>());
        }
        assert!(segments(folder.path()).len() > 3);
        let report =
            audit::verify(&folder.path().join("audit"), &key().verifying_key(), None).unwrap();
        assert_eq!((report.damage, report.next), (None, report.signed));
        assert_eq!(report.next, u64::try_from(words.len()).unwrap());
    }
}

#[test]
fn what_a_crash_left_of_a_record_is_cut_off_and_that_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    add(&segments(folder.path())[0], b"{\"seq\":3,\"time\":\"20");
    open(folder.path()).append(&record("t")).unwrap();
    let want = ["audit.segment", "audit.opened", "audit.closed", "audit.recovered", "t"];
    assert_eq!(words(folder.path())[..5], want);
    let told = records(folder.path())[3]["note"].as_str().unwrap().to_owned();
    assert!(told.starts_with("19 bytes of a record that was not written whole"), "{told}");
}

/// What a door leaves that is killed now.
fn killed(folder: &Path) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    fs::create_dir(left.path().join("audit")).unwrap();
    for entry in fs::read_dir(folder.join("audit")).unwrap().map(|it| it.unwrap()) {
        fs::copy(entry.path(), left.path().join("audit").join(entry.file_name())).unwrap();
    }
    left
}

#[test]
fn a_start_says_whether_the_process_before_ended_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.append(&record("t")).unwrap();
    let left = killed(folder.path());
    drop(journal);
    for (folder, want) in [(&folder, "audit.opened"), (&left, "audit.recovered")] {
        drop(open(folder.path()));
        let mut starts = records(folder.path()).into_iter().filter(|it| it["boot"].is_string());
        let last = starts.next_back().unwrap();
        assert_eq!(last["event"], want);
        let note = last["note"].as_str().unwrap();
        assert_eq!(note.contains("did not end in order"), want == "audit.recovered", "{note}");
        // What has said so has ended in order.
        drop(open(folder.path()));
        assert_eq!(words(folder.path()).iter().rev().nth(1).unwrap(), "audit.opened");
    }
}

#[test]
fn a_segment_that_was_begun_and_got_no_record_is_begun_again() {
    for left in [&b""[..], b"{\"seq\":3,\"ti"] {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        fs::write(folder.path().join("audit/00000000000000000003.jsonl"), left).unwrap();
        open(folder.path()).append(&record("t")).unwrap();
        assert_eq!(segments(folder.path()).len(), 1);
        let event = if left.is_empty() { "audit.opened" } else { "audit.recovered" };
        assert_eq!(words(folder.path())[3..], [event, "t", "audit.closed"]);
    }
}

#[test]
fn calls_that_were_under_way_are_ended_as_unknown_also_from_segments_before() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules { segment_bytes: 2_000, ..Rules::default() };
    let journal = try_open(folder.path(), rules).unwrap();
    for id in [1, 2] {
        journal.append(&of_call(id, Kind::Intent, Outcome::Begun)).unwrap();
    }
    for _ in 0..10 {
        journal.append(&record("t")).unwrap();
    }
    journal.append(&of_call(3, Kind::Intent, Outcome::Begun)).unwrap();
    journal.append(&of_call(2, Kind::Call, Outcome::Answered)).unwrap();
    drop(journal);
    assert!(segments(folder.path()).len() > 2);
    drop(try_open(folder.path(), rules).unwrap());
    drop(try_open(folder.path(), rules).unwrap());
    let unknown = records(folder.path()).into_iter().filter(|it| it["outcome"] == "unknown");
    let mut ids: Vec<_> = unknown.map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, [1, 3].map(|it| Uuid::from_u128(it).to_string()), "each once");
}

#[test]
fn a_log_with_any_other_damage_is_not_gone_on_with() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 6] = [
        ("modified at record 2", |folder| {
            let path = &segments(folder)[0];
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text.replace("\"t0\"", "\"t9\"")).unwrap();
        }),
        ("modified at record 6", |folder| add(&segments(folder)[0], b"\n")),
        ("gap at record 2", |folder| {
            let path = &segments(folder)[0];
            let text = fs::read_to_string(path).unwrap();
            let kept = text.lines().filter(|it| !it.contains("\"t0\"")).map(|it| format!("{it}\n"));
            fs::write(path, kept.collect::<String>()).unwrap();
        }),
        ("truncated at record 4", |folder| {
            let path = &segments(folder)[0];
            let text = fs::read_to_string(path).unwrap();
            let kept = text.lines().take(4).map(|it| format!("{it}\n"));
            fs::write(path, kept.collect::<String>()).unwrap();
        }),
        ("truncated at record 0", |folder| fs::remove_file(&segments(folder)[0]).unwrap()),
        ("bad-signature at record 0", |folder| {
            add(&folder.join("audit/checkpoints.jsonl"), b"\"x\"\n");
        }),
    ];
    for (want, change) in changes {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        for tool in ["t0", "t1", "t2"] {
            journal.append(&record(tool)).unwrap();
        }
        drop(journal);
        change(folder.path());
        let before =
            segments(folder.path()).iter().map(|it| fs::read(it).unwrap()).collect::<Vec<_>>();
        let error = try_open(folder.path(), Rules::default()).unwrap_err().to_string();
        assert!(error.contains(want) && error.contains("onedoor audit verify"), "{want}: {error}");
        let after =
            segments(folder.path()).iter().map(|it| fs::read(it).unwrap()).collect::<Vec<_>>();
        assert_eq!(before, after, "{want}: the evidence is kept");
    }
}

#[test]
fn a_log_is_not_gone_on_with_under_another_key() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let location = Location { folder: folder.path().join("audit"), ..Location::default() };
    let other = SigningKey::from_seed("onedoor-other", &[1; 32]).unwrap();
    let opened = Journal::open(&location, (other, Rules::default()), Clock::fake(START));
    assert!(matches!(opened, Err(Error::Damaged { .. })));
}

#[test]
fn a_break_between_segments_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules { segment_bytes: 2_000, ..Rules::default() };
    let journal = try_open(folder.path(), rules).unwrap();
    for _ in 0..40 {
        journal.append(&record("t")).unwrap();
    }
    drop(journal);
    let segments = segments(folder.path());
    assert!(segments.len() > 3);
    fs::remove_file(&segments[1]).unwrap();
    let error = try_open(folder.path(), rules).unwrap_err().to_string();
    assert!(error.contains("gap at record"), "{error}");
}

#[test]
fn every_checkpoint_goes_to_the_place_outside_too() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.append(&record("t")).unwrap();
    drop(journal);
    let beside = fs::read_to_string(folder.path().join("audit/checkpoints.jsonl")).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), beside);
    assert_eq!(beside.lines().count(), 2, "at the start and at the end");
}

#[test]
fn a_log_that_was_ended_is_signed_and_still_takes_what_comes_late() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules { levels: Levels::Strict, ..Rules::default() };
    let journal = try_open(folder.path(), rules).unwrap();
    journal.append(&record("t")).unwrap();
    journal.end();
    let report = audit::verify(&folder.path().join("audit"), &key().verifying_key(), None).unwrap();
    assert_eq!((report.damage, report.signed), (None, 4));
    journal.append(&record("late")).unwrap();
    block_on(journal.store(&record("later"))).unwrap();
    journal.end();
    journal.end();
    let told = words(folder.path());
    assert_eq!(told[3..], ["audit.closed", "late", "later", "audit.closed"], "once behind all");
}

#[test]
fn a_checkpoint_that_a_crash_cut_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    add(&folder.path().join("audit/checkpoints.jsonl"), b"\"onedoor-te");
    drop(open(folder.path()));
    let report = audit::verify(&folder.path().join("audit"), &key().verifying_key(), None).unwrap();
    assert_eq!((report.damage, report.signed), (None, 5));
}

#[test]
fn a_segment_with_a_long_first_line_is_kept_as_evidence() {
    let line = [vec![b'x'; 2 << 20], vec![b'\n']].concat();
    for content in [line, vec![b'x'; 16 << 20]] {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        let path = folder.path().join("audit/00000000000000000002.jsonl");
        fs::write(&path, &content).unwrap();
        let error = try_open(folder.path(), Rules::default()).unwrap_err().to_string();
        assert!(error.contains("00000000000000000002.jsonl"), "{error}");
        assert!(fs::read(&path).unwrap() == content, "it was changed");
    }
}

#[test]
fn a_checkpoint_that_a_crash_cut_outside_is_taken_away_there() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    add(&folder.path().join("outside"), b"\"onedoor-te");
    drop(open(folder.path()));
    let beside = fs::read_to_string(folder.path().join("audit/checkpoints.jsonl")).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("outside")).unwrap(), beside);
}

#[test]
fn a_place_outside_that_hangs_holds_nobody_up_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    let rules = Rules { levels: Levels::Strict, ..Rules::default() };
    let (sender, receiver) = std::sync::mpsc::channel();
    let path = folder.path().to_owned();
    // A thread of its own: what hangs is to fail and not to hang the test.
    thread::spawn(move || {
        let journal = try_open(&path, rules).unwrap();
        fs::remove_file(&outside).unwrap();
        // Nobody reads this pipe, so whoever opens it to write waits.
        assert!(std::process::Command::new("mkfifo").arg(&outside).status().unwrap().success());
        for _ in 0..1500 {
            journal.append(&record("t")).unwrap();
        }
        // Who signs waits a second for it, and no record waits for who signs.
        let told = std::iter::repeat_with(|| journal.check()).find_map(Result::err);
        drop(journal);
        sender.send(told.map(|it| it.to_string()))
    });
    let told = receiver.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    assert!(told.unwrap().contains("the place outside takes no checkpoint"));
    assert_eq!(words(folder.path()).iter().filter(|it| *it == "t").count(), 1500);
}
