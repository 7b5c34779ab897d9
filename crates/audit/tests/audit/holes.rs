//! The power went, and the disk had taken pages behind others that it had not.
use std::{fs, path::Path};

use audit::{Checkpoint, Error, Journal, Location, Outside, Rules};
use model::Clock;
use tempfile::TempDir;

use crate::disk::{START, key, record};

const SEGMENT: &str = "00000000000000000000.jsonl";
const CUT: &str = "00000000000000000000.cut";
const CHECKPOINTS: &str = "checkpoints.jsonl";

fn open(folder: &Path) -> Result<Journal, Error> {
    let location = Location { folder: folder.to_owned(), ..Location::default() };
    Journal::open(&location, (key(), Rules::default()), Clock::fake(START))
}

/// A log of some pages of which only the first two records are signed for, and what was signed for all.
fn log() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).unwrap();
    let path = folder.path().join(CHECKPOINTS);
    let signed = fs::read_to_string(&path).unwrap();
    for _ in 0..80 {
        journal.append(&record("t")).unwrap();
    }
    drop(journal);
    let all = fs::read_to_string(&path).unwrap();
    fs::write(path, signed).unwrap();
    (folder, all)
}

/// Puts zeros into the segment, and gives what it is then.
fn punch(folder: &Path, (from, to): (usize, usize)) -> Vec<u8> {
    let path = folder.join(SEGMENT);
    let mut bytes = fs::read(&path).unwrap();
    assert!(bytes.len() > 3 * 4096);
    bytes.get_mut(from..to).unwrap().fill(0);
    fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn what_stands_behind_a_hole_is_cut_off_and_kept() {
    let (log, all) = log();
    let bytes = punch(log.path(), (4096, 8192));
    let good = bytes[..4096].iter().rposition(|it| *it == b'\n').unwrap() + 1;
    drop(open(log.path()).unwrap());
    assert!(fs::read(log.path().join(CUT)).unwrap() == bytes[good..]);
    let text = fs::read_to_string(log.path().join(SEGMENT)).unwrap();
    let told = text.lines().find(|it| it.contains("\"audit.recovered\"")).unwrap();
    let cut = format!("{} bytes", bytes.len() - good);
    assert!(told.contains(&cut) && told.contains(".cut"), "{told}");
    let key = key().verifying_key();
    let verify = |outside| audit::verify(log.path(), &key, outside).unwrap().damage;
    assert_eq!(verify(None), None);
    // Whoever kept what was signed for all of it sees that some is missing.
    let note: String = serde_json::from_str(all.lines().last().unwrap()).unwrap();
    let outside = Outside(Checkpoint::open(&note, &key).unwrap());
    assert!(verify(Some(&outside)).is_some());
}

#[test]
fn a_hole_in_what_was_signed_for_and_zeros_that_are_no_pages_are_damage() {
    for (zeros, is_signed) in [((4096, 8192), true), ((4097, 8192), false), ((4096, 8191), false)] {
        let (log, all) = log();
        let bytes = punch(log.path(), zeros);
        if is_signed {
            fs::write(log.path().join(CHECKPOINTS), all).unwrap();
        }
        let error = open(log.path()).unwrap_err().to_string();
        assert!(error.contains("modified at record "), "{zeros:?}: {error}");
        assert!(fs::read(log.path().join(SEGMENT)).unwrap() == bytes, "it was changed");
        assert!(!log.path().join(CUT).exists());
    }
}
