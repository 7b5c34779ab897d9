//! Damages of every kind, judged by this verifier and by the one in Python.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use model::{Clock, Timestamp};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use tempfile::TempDir;

use super::*;
use crate::{Journal, Kind, Location, Outcome, Record, Rules, SigningKey, frame};

const NAME: &str = "onedoor-test";
/// How many damages the two verifiers are asked about.
const DAMAGES: u32 = 120;

fn key() -> SigningKey {
    SigningKey::from_seed(NAME, &[1; 32]).unwrap()
}

/// Writes a log of some segments, with a checkpoint at each start and each end.
fn write(folder: &Path, key: fn() -> SigningKey) {
    let clock = Clock::fake(Timestamp::from_seconds(1_795_392_000));
    let rules = Rules { segment_bytes: 3000, ..Rules::default() };
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

/// What is done to a log.
#[derive(Debug, Clone)]
enum Harm {
    Flip {
        file: prop::sample::Index,
        byte: prop::sample::Index,
        bit: u32,
    },
    FlipCheckpoint {
        byte: prop::sample::Index,
        bit: u32,
    },
    Delete {
        line: prop::sample::Index,
    },
    Insert {
        line: prop::sample::Index,
        at: prop::sample::Index,
    },
    Swap {
        one: prop::sample::Index,
        other: prop::sample::Index,
    },
    Truncate {
        file: prop::sample::Index,
        byte: prop::sample::Index,
    },
    /// Another text, and all hashes behind it made anew, as who has no key could.
    Rehash {
        line: prop::sample::Index,
    },
    /// An old segment in the place of another.
    Replay {
        from: prop::sample::Index,
        to: prop::sample::Index,
    },
    /// A segment of another log.
    Mix {
        file: prop::sample::Index,
    },
}

fn harms() -> impl Strategy<Value = Harm> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        3 => (index(), index(), 0..8_u32).prop_map(|(file, byte, bit)| Harm::Flip { file, byte, bit }),
        1 => (index(), 0..8_u32).prop_map(|(byte, bit)| Harm::FlipCheckpoint { byte, bit }),
        2 => index().prop_map(|line| Harm::Delete { line }),
        2 => (index(), index()).prop_map(|(line, at)| Harm::Insert { line, at }),
        2 => (index(), index()).prop_map(|(one, other)| Harm::Swap { one, other }),
        2 => (index(), index()).prop_map(|(file, byte)| Harm::Truncate { file, byte }),
        2 => index().prop_map(|line| Harm::Rehash { line }),
        1 => (index(), index()).prop_map(|(from, to)| Harm::Replay { from, to }),
        1 => index().prop_map(|file| Harm::Mix { file }),
    ]
}

/// The members of a header, for where `chain` is.
fn moved(mut members: String, header: &Header, chain: &Chain) -> String {
    members = members.replace(&header.before.to_string(), &chain.last().to_string());
    for (old, new) in header.edge.subtrees().iter().zip(chain.edge().subtrees()) {
        members = members.replace(&old.to_string(), &new.to_string());
    }
    members
}

/// A log as lines, each with the file it stands in.
struct Text(Vec<(PathBuf, Vec<u8>)>);

impl Text {
    fn read(folder: &Path) -> Self {
        let mut lines = Vec::new();
        for path in segments(folder) {
            let bytes = fs::read(&path).unwrap();
            let whole = bytes.split_inclusive(|it| *it == b'\n');
            lines.extend(whole.map(|it| (path.clone(), it.to_vec())));
        }
        Self(lines)
    }

    fn write(self) {
        let mut paths: Vec<_> = self.0.iter().map(|it| it.0.clone()).collect();
        paths.dedup();
        for path in paths {
            let lines = self.0.iter().filter(|it| it.0 == path);
            fs::write(&path, lines.flat_map(|it| it.1.clone()).collect::<Vec<_>>()).unwrap();
        }
    }

    /// Changes the record on `line`, and makes the frames of all behind it anew.
    fn rehash(&mut self, line: usize) {
        let mut chain = Chain::begin(NAME);
        for (index, (_, text)) in self.0.iter_mut().enumerate() {
            let frame = frame::read(text.strip_suffix(b"\n").unwrap()).unwrap();
            let start = format!("{{\"seq\":{},", chain.next());
            let members = frame.body.strip_prefix(start.as_bytes()).unwrap();
            let mut members = String::from_utf8(members.to_vec()).unwrap();
            if index == line {
                members.push_str(",\"forged\":true");
            }
            if let Some(header) = Header::read(&frame::json(frame.body)) {
                members = moved(members, &header, &chain);
            }
            let mut out = Vec::new();
            frame::write(&mut out, &mut chain, members.as_bytes());
            *text = out;
        }
    }
}

/// Does it; false where that changes nothing.
fn harm(folder: &Path, harm: &Harm, other_log: &Path) -> bool {
    let files = segments(folder);
    let mut text = Text::read(folder);
    let before: Vec<_> = text.0.iter().flat_map(|it| it.1.clone()).collect();
    let lines = text.0.len();
    match harm {
        Harm::Flip { file, byte, bit } => return flip(&files[file.index(files.len())], byte, *bit),
        Harm::FlipCheckpoint { byte, bit } => return flip(&folder.join(CHECKPOINTS), byte, *bit),
        Harm::Delete { line } => drop(text.0.remove(line.index(lines))),
        Harm::Insert { line, at } => {
            let inserted = text.0[line.index(lines)].1.clone();
            let at = at.index(lines);
            let file = text.0[at].0.clone();
            text.0.insert(at, (file, inserted));
        }
        Harm::Swap { one, other } => {
            let (one, other) = (one.index(lines), other.index(lines));
            let kept = text.0[one].1.clone();
            text.0[one].1 = std::mem::replace(&mut text.0[other].1, kept);
        }
        Harm::Truncate { file, byte } => {
            let path = &files[file.index(files.len())];
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..byte.index(bytes.len())]).unwrap();
            return true;
        }
        Harm::Rehash { line } => text.rehash(line.index(lines)),
        Harm::Replay { from, to } => {
            let (from, to) = (from.index(files.len()), to.index(files.len()));
            fs::copy(&files[from], &files[to]).unwrap();
            return from != to;
        }
        Harm::Mix { file } => {
            let path = &files[file.index(files.len())];
            fs::copy(other_log.join(path.file_name().unwrap()), path).unwrap();
            return true;
        }
    }
    let after: Vec<_> = text.0.iter().flat_map(|it| it.1.clone()).collect();
    text.write();
    before != after
}

fn flip(path: &Path, byte: &prop::sample::Index, bit: u32) -> bool {
    let mut bytes = fs::read(path).unwrap();
    // The last newline of the checkpoints ends what may be cut off.
    let index = byte.index(bytes.len().saturating_sub(1));
    bytes[index] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
    true
}

/// What this verifier says, in the words of the other.
fn told(folder: &Path, outside: Option<&Outside>) -> String {
    match verify(folder, &key().verifying_key(), outside) {
        Ok(Report { damage: Some(damage), .. }) => {
            format!("{} at record {}", damage.kind.as_str(), damage.seq)
        }
        Ok(_) => "ok".to_owned(),
        Err(_) => "unchecked".to_owned(),
    }
}

/// What the verifier in Python says of so many folders.
fn told_by_python(folders: &[&Path], checkpoint: Option<&Path>) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/audit/verify.py");
    let mut command = Command::new("python3");
    command.arg(script).arg("--key").arg(key().verifying_key().to_string());
    if let Some(checkpoint) = checkpoint {
        command.arg("--checkpoint").arg(checkpoint);
    }
    let output = command.args(folders).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().count(), folders.len(), "{}", String::from_utf8_lossy(&output.stderr));
    told.lines().map(|it| it.split(": ").next().unwrap().to_owned()).collect()
}

#[test]
fn every_damage_is_found_and_both_verifiers_say_the_same() {
    check_damages(DAMAGES, 1);
}

/// For `cargo xtask prove audit --full`: it takes minutes.
#[test]
#[ignore = "it takes minutes"]
fn ten_thousand_damages_are_found_and_both_verifiers_say_the_same() {
    check_damages(500, 20);
}

/// Makes so many, so many times, and tells of it for whoever asked for that.
fn check_damages(count: u32, times: u32) {
    let (log, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(log.path(), key);
    write(other.path(), || SigningKey::from_seed("onedoor-other", &[2; 32]).unwrap());
    assert!(segments(log.path()).len() > 3);
    let note = log.path().join("outside");
    fs::write(&note, newest(log.path())).unwrap();
    let kept = outside(&newest(log.path()), &key().verifying_key());

    let mut runner = TestRunner::deterministic();
    let mut made = 0_usize;
    for _ in 0..times {
        let mut damaged = Vec::new();
        for _ in 0..count {
            let done = harms().new_tree(&mut runner).unwrap().current();
            let folder = copy(log.path());
            if harm(folder.path(), &done, other.path()) {
                damaged.push((done, folder));
            }
        }
        made = made.saturating_add(damaged.len());
        let whole = copy(log.path());
        for (checkpoint, kept) in [(Some(&*note), kept), (None, None)] {
            compare(&damaged, whole.path(), (checkpoint, kept));
        }
    }
    println!("damages: {made} found with a checkpoint from elsewhere, two verifiers agree on each");
}

/// Both verifiers say the same of each, and with a checkpoint from elsewhere they find all.
fn compare(
    damaged: &[(Harm, TempDir)],
    whole: &Path,
    (checkpoint, kept): (Option<&Path>, Option<Outside>),
) {
    let folders: Vec<_> = damaged.iter().map(|it| it.1.path()).chain([whole]).collect();
    let ours: Vec<_> = folders.iter().map(|it| told(it, kept.as_ref())).collect();
    let theirs = told_by_python(&folders, checkpoint);
    assert_eq!(ours.last().unwrap(), "ok");
    for ((ours, theirs), (done, _)) in ours.iter().zip(&theirs).zip(damaged) {
        assert_eq!(ours, theirs, "{done:?}");
        assert!(kept.is_none() || ours != "ok", "not found: {done:?}");
    }
    assert_eq!(ours.last(), theirs.last());
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
fn a_log_whose_first_segments_are_gone_is_checked_from_there_on() {
    let log = tempfile::tempdir().unwrap();
    write(log.path(), key);
    let removed = segments(log.path());
    for path in &removed[..2] {
        fs::remove_file(path).unwrap();
    }
    let report = verify(log.path(), &key().verifying_key(), None).unwrap();
    assert!(report.first > 0 && report.damage.is_none() && report.checkpoints > 0, "{report:?}");
    assert_eq!(told_by_python(&[log.path()], None), ["ok"]);
    // One from elsewhere that is about what is gone vouches for nothing that is there.
    let note = Checkpoint { size: 1, root: Hash::of_nothing() }.sign(&key());
    let outside = outside(&note, &key().verifying_key());
    let unchecked = verify(log.path(), &key().verifying_key(), outside.as_ref());
    assert!(matches!(unchecked, Err(Unchecked::Before { size: 1, .. })), "{unchecked:?}");
    let kept = tempfile::NamedTempFile::new().unwrap();
    fs::write(kept.path(), note).unwrap();
    assert_eq!(told_by_python(&[log.path()], Some(kept.path())), ["unchecked"]);
}
