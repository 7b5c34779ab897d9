//! Damages of every kind, judged by this verifier and by the one in Python.

mod damages;
mod followed;
mod forger;
mod harm;
mod lenient;
mod place;
mod second;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use model::{Clock, Timestamp};
use tempfile::TempDir;

use self::harm::Text;
use super::*;
use crate::{
    Journal, Kind, Location, Outcome, Purge, Record, Rules, SigningKey,
    proof::check,
    prove,
    seal::{SEALED, Seal},
};

const NAME: &str = "onedoor-test";
/// The verifier in Python.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/audit/verify.py");

fn key() -> SigningKey {
    SigningKey::from_seed(NAME, &[1; 32]).unwrap()
}

/// Writes a log of some segments, with a checkpoint at each start and each end.
fn write(folder: &Path, key: fn() -> SigningKey) {
    let clock = Clock::fake(Timestamp::from_seconds(1_795_392_000));
    let rules = Rules { segment_bytes: 2000, ..Rules::default() };
    let location = Location { folder: folder.to_owned(), ..Location::default() };
    for run in 0..3 {
        let journal = Journal::open(&location, (key(), rules), clock.clone()).unwrap();
        for count in 0..12 {
            let tool = format!("tool-{run}-{count}");
            let record = Record::new(clock.now(), Kind::Call, Outcome::Answered);
            journal.append(&Record { tool: Some(&tool), ..record }).unwrap();
            clock.advance(Duration::from_millis(1));
        }
    }
}

/// Has the first segments go. Gives those that went, as they were.
fn purge(folder: &Path, before: u64) -> Vec<(PathBuf, Vec<u8>)> {
    let kept: Vec<_> =
        segments(folder).into_iter().map(|it| (it.clone(), fs::read(it).unwrap())).collect();
    let location = Location { folder: folder.to_owned(), ..Location::default() };
    let clock = Clock::fake(Timestamp::from_seconds(1_795_400_000));
    let journal = Journal::open(&location, (key(), Rules::default()), clock).unwrap();
    journal.purge(Purge { before, why: "a test" }).unwrap();
    kept.into_iter().filter(|it| !it.0.exists()).collect()
}

/// Has other keys sign the log, of which some records come behind each.
fn follow(folder: &Path) {
    let location = Location { folder: folder.to_owned(), ..Location::default() };
    let clock = Clock::fake(Timestamp::from_seconds(1_795_400_000));
    let rules = Rules { segment_bytes: 2000, ..Rules::default() };
    let journal = Journal::open(&location, (key(), rules), clock.clone()).unwrap();
    for seed in [3, 4] {
        journal.change_key(other_key(seed), "a test", || Ok(())).unwrap();
        for _ in 0..8 {
            journal.append(&Record::new(clock.now(), Kind::Call, Outcome::Answered)).unwrap();
        }
    }
}

/// A key that followed the first one.
fn other_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(NAME, &[seed; 32]).unwrap()
}

/// A log as it is, one whose first segments went, one where a crash left them to go, one of which most
/// segments are packed, and one that other keys signed in the end.
fn logs() -> [TempDir; 5] {
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let logs = [(); 5].map(|()| copy(log.path()));
    let [_, purged, left, packed, followed] = [0, 1, 2, 3, 4].map(|it| logs[it].path());
    follow(followed);
    for path in segments(packed).iter().skip(1).rev().skip(1) {
        fs::rename(crate::packed::pack(path).unwrap(), crate::packed::packed_path(path)).unwrap();
        fs::remove_file(path).unwrap();
    }
    assert!(purge(purged, 30).len() > 1);
    for (path, content) in purge(left, 30).into_iter().skip(1) {
        fs::write(path, content).unwrap();
    }
    logs
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    segment::list(folder).unwrap().into_iter().map(|it| it.path).collect()
}

/// The newest checkpoint, as it would be kept elsewhere.
fn newest(folder: &Path) -> String {
    notes(folder).unwrap().pop().flatten().unwrap()
}

fn copy(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

/// What this verifier says, in the words of the other.
fn told(folder: &Path, outside: Option<&Outside>) -> String {
    told_by(&key().verifying_key(), folder, outside)
}

fn told_by(key: &VerifyingKey, folder: &Path, outside: Option<&Outside>) -> String {
    match verify(folder, key, outside) {
        Ok(Report { damage: Some(damage), .. }) => {
            format!("{} at record {}", damage.kind.as_str(), damage.seq)
        }
        Ok(_) => "ok".to_owned(),
        Err(_) => "unchecked".to_owned(),
    }
}

/// The Python of the environment that `cargo xtask test` installs, with the version of its pins.rs.
fn python() -> PathBuf {
    let home = std::env::home_dir().unwrap();
    let python = home.join(".cache/onedoor/python/cryptography-50.0.2/bin/python");
    assert!(python.exists(), "{} is missing: `cargo xtask test` makes it", python.display());
    python
}

/// What the verifier in Python says of so many folders.
fn told_by_python(folders: &[&Path], checkpoint: Option<&Path>) -> Vec<String> {
    told_by_python_with(&[], folders, checkpoint)
}

fn told_by_python_with(
    arguments: &[&str],
    folders: &[&Path],
    checkpoint: Option<&Path>,
) -> Vec<String> {
    told_by_python_by(&key().verifying_key(), arguments, folders, checkpoint)
}

fn told_by_python_by(
    key: &VerifyingKey,
    arguments: &[&str],
    folders: &[&Path],
    checkpoint: Option<&Path>,
) -> Vec<String> {
    let mut command = Command::new(python());
    command.arg(SCRIPT).arg("--key").arg(key.to_string()).args(arguments);
    if let Some(checkpoint) = checkpoint {
        command.arg("--checkpoint").arg(checkpoint);
    }
    let output = command.args(folders).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().count(), folders.len(), "{}", String::from_utf8_lossy(&output.stderr));
    told.lines().map(|it| it.split(": ").next().unwrap().to_owned()).collect()
}

/// The first record that is wrong is named, and what is wrong with it.
#[test]
fn a_damage_is_named_by_its_first_record_and_its_kind() {
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let check = |want: &str, change: &dyn Fn(&mut Text)| {
        let folder = copy(log.path());
        let mut text = Text::read(folder.path());
        change(&mut text);
        text.write();
        let kept = outside(&newest(log.path()), &key().verifying_key());
        assert_eq!(told(folder.path(), kept.as_ref()), want);
    };
    check("ok", &|_| {});
    check("modified at record 2", &|it| it.0[2].1[20] ^= 1);
    check("gap at record 2", &|it| drop(it.0.remove(2)));
    check("reorder at record 2", &|it| {
        let moved = it.0.remove(2);
        it.0.insert(3, moved);
    });
    check("reorder at record 3", &|it| it.0.insert(3, it.0[2].clone()));
    // The first two records were signed for by themselves; the next checkpoint shows it.
    check("forged at record 2", &|it| it.rehash(5));
    let last = Text::read(log.path()).0.len().saturating_sub(1);
    check(&format!("truncated at record {last}"), &|it| drop(it.0.pop()));
}

#[test]
fn checkpoints_beside_the_log_vouch_for_it_in_any_order_and_number() {
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let text = fs::read_to_string(log.path().join(CHECKPOINTS)).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let mut reversed = lines.clone();
    reversed.reverse();
    for some in
        [reversed, lines[1..].to_vec(), lines[..1].to_vec(), [&*lines, &lines[..1]].concat()]
    {
        fs::write(log.path().join(CHECKPOINTS), some.concat()).unwrap();
        assert_eq!(told(log.path(), None), "ok");
        assert_eq!(told_by_python(&[log.path()], None), ["ok"]);
    }
}

#[test]
fn a_time_that_goes_back_is_no_damage() {
    let log = tempfile::tempdir().unwrap();
    let clock = Clock::fake(Timestamp::from_seconds(1_795_392_000));
    let location = Location { folder: log.path().to_owned(), ..Location::default() };
    let journal = Journal::open(&location, (key(), Rules::default()), clock.clone()).unwrap();
    for _ in 0..3 {
        journal.append(&Record::new(clock.now(), Kind::Call, Outcome::Answered)).unwrap();
        clock.jump(clock.now().minus(Duration::from_secs(3600)));
    }
    drop(journal);
    assert_eq!(told(log.path(), None), "ok");
    assert_eq!(told_by_python(&[log.path()], None), ["ok"]);
}

#[test]
fn what_nobody_signed_and_what_is_no_log_cannot_be_checked() {
    let log = tempfile::tempdir().unwrap();
    assert!(matches!(
        verify(log.path(), &key().verifying_key(), None),
        Err(Unchecked::Empty { .. })
    ));
    write(log.path(), key);
    fs::remove_file(log.path().join(CHECKPOINTS)).unwrap();
    assert!(matches!(
        verify(log.path(), &key().verifying_key(), None),
        Err(Unchecked::Unsigned { .. })
    ));
    assert_eq!(told_by_python(&[log.path()], None), ["unchecked"]);
}

#[test]
fn a_log_whose_first_segments_were_purged_is_checked_as_before() {
    let [_, purged, left, ..] = logs();
    let told_by_both = |log: &Path| {
        let told = told(log, None);
        assert_eq!(told_by_python(&[log], None), [&*told]);
        told
    };
    let report = verify(purged.path(), &key().verifying_key(), None).unwrap();
    assert!(report.first > 0 && report.sealed > 1 && report.checkpoints > 0, "{report:?}");
    for log in [purged.path(), left.path()] {
        assert_eq!(told_by_both(log), "ok");
    }
    let sealed = fs::read_to_string(purged.path().join(SEALED)).unwrap();
    let [first, second] = [0, 1].map(|it| sealed.lines().nth(it).unwrap());
    let end = Seal::open(&serde_json::from_str::<String>(first).unwrap(), &key().verifying_key());
    let end = end.unwrap().after.next();
    for (text, want) in [
        (String::new(), "gap at record 0".to_owned()),
        (format!("{first}\n"), format!("gap at record {end}")),
        (format!("{second}\n"), "gap at record 0".to_owned()),
        (format!("{first}\n{first}\n"), format!("reorder at record {end}")),
        (format!("{first}\n\"x\"\n"), format!("bad-signature at record {end}")),
    ] {
        fs::write(purged.path().join(SEALED), text).unwrap();
        assert_eq!(told_by_both(purged.path()), want);
    }
}

#[test]
fn a_record_that_was_not_purged_is_proven_as_before() {
    let [whole, purged, ..] = logs();
    let first = verify(purged.path(), &key().verifying_key(), None).unwrap().first;
    let prove = |log: &Path, seq| prove(log, &key().verifying_key(), seq);
    for seq in first..40 {
        let proof = prove(purged.path(), seq).unwrap();
        let proven = check(&proof, &key().verifying_key()).unwrap();
        let before = check(&prove(whole.path(), seq).unwrap(), &key().verifying_key()).unwrap();
        assert_eq!((proven.seq, proven.line), (before.seq, before.line));
    }
    assert!(matches!(prove(purged.path(), 0), Err(ProofError::Purged { .. })));
}

#[test]
fn what_is_missing_at_the_beginning_is_damage_unless_somebody_says_from_where_to_look() {
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let removed = segments(log.path());
    for path in &removed[..2] {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(told(log.path(), None), "gap at record 0");
    assert_eq!(told_by_python(&[log.path()], None), ["gap at record 0"]);
    let report = verify_from(log.path(), &key().verifying_key(), None, Some(1)).unwrap();
    assert!(report.first > 1 && report.damage.is_none() && report.checkpoints > 0, "{report:?}");
    let from = ["--from", "1"];
    assert_eq!(told_by_python_with(&from, &[log.path()], None), ["ok"]);
    // One from elsewhere that is about what is gone vouches for nothing that is there.
    let note = Checkpoint { size: 1, root: Hash::of_nothing() }.sign(&key());
    let outside = outside(&note, &key().verifying_key());
    let key = key().verifying_key();
    let unchecked = verify_from(log.path(), &key, outside.as_ref(), Some(1));
    assert!(matches!(unchecked, Err(Unchecked::Before { size: 1, .. })), "{unchecked:?}");
    let kept = tempfile::NamedTempFile::new().unwrap();
    fs::write(kept.path(), note).unwrap();
    assert_eq!(told_by_python_with(&from, &[log.path()], Some(kept.path())), ["unchecked"]);
}

#[test]
fn a_log_that_is_packed_is_read_as_before() {
    let [whole, _, _, packed, _] = logs();
    assert!(segments(packed.path()).iter().filter(|it| crate::packed::is_packed(it)).count() > 2);
    let report = |log: &Path| verify(log, &key().verifying_key(), None).unwrap();
    let (before, after) = (report(whole.path()), report(packed.path()));
    // The keys are the same, and so are the times: so are the logs.
    assert_eq!(before, after);
    assert_eq!(told_by_python(&[packed.path()], None), ["ok"]);
    for seq in [0, 20, 39] {
        let prove = |log: &Path| prove(log, &key().verifying_key(), seq).unwrap();
        assert_eq!(prove(whole.path()), prove(packed.path()));
    }
    assert_eq!(crate::records(whole.path()).unwrap(), crate::records(packed.path()).unwrap());
}
