//! Damages by chance: each is found where it is, and both verifiers name the same record and kind.

use std::{
    collections::HashSet,
    fs,
    hash::{BuildHasher as _, RandomState},
    mem,
    path::Path,
};

use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tempfile::TempDir;

use super::{
    CHECKPOINTS, Keys, SigningKey, copy,
    harm::{Harm, harm, harms},
    key, logs, newest, outside,
    place::{Content, place},
    segments, told, told_by_python, write,
};

/// How many damages are made of each log.
const DAMAGES: usize = 40;
/// Where chance begins in the test that everybody runs.
const SEED: u64 = 0x5eed_0fd0_0125;
/// Where it begins in the long one, as a number; anywhere without it.
const SEED_VARIABLE: &str = "PROVE_SEED";

#[test]
fn every_damage_is_found_and_both_verifiers_say_the_same() {
    check_damages(DAMAGES, 1, SEED);
}

/// For `cargo xtask prove audit --full`: it takes minutes.
#[test]
#[ignore = "it takes minutes"]
fn ten_thousand_damages_are_found_and_both_verifiers_say_the_same() {
    let given = std::env::var_os(SEED_VARIABLE).map(|it| it.to_string_lossy().parse().unwrap());
    check_damages(DAMAGES, 50, given.unwrap_or_else(|| RandomState::new().hash_one(0)));
}

/// Makes so many of each log, so many times, and tells of it for whoever asked for that.
fn check_damages(count: usize, times: usize, seed: u64) {
    // First, for it is wanted where the rest fails.
    println!("{SEED_VARIABLE}={seed}");
    let (logs, other) = (logs(), tempfile::tempdir().unwrap());
    write(other.path(), || SigningKey::from_seed("onedoor-other", &[2; 32]).unwrap());
    let bytes = [seed, 0, 0, 0].map(u64::to_le_bytes).concat();
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    let (harms, mut made, mut kinds) = (harms(), 0, HashSet::new());
    // In turn, for some can be done to few logs, and chance alone would leave them out.
    let mut next = harms.iter().cycle();
    for log in logs.iter().cycle().take(logs.len().saturating_mul(times)) {
        assert!(segments(log.path()).len() > 2);
        let mut damaged = Vec::new();
        while damaged.len() < count {
            let done = next.next().unwrap().new_tree(&mut runner).unwrap().current();
            let folder = copy(log.path());
            // What changes nothing is no damage, and is not counted.
            if harm(folder.path(), &done, other.path()) {
                kinds.insert(mem::discriminant(&done));
                damaged.push((done, folder));
            }
        }
        made = damaged.len().saturating_add(made);
        let whole = copy(log.path());
        let note = newest(log.path());
        for note in [Some(&*note), None] {
            compare(&damaged, whole.path(), note);
        }
    }
    assert_eq!(kinds.len(), Harm::KINDS, "some kind of damage was never made");
    println!(
        "damages: {made} of {} kinds, found with a checkpoint from elsewhere; two verifiers name the right \
         record of each",
        kinds.len()
    );
}

/// Both verifiers say the same of each, name the right record, and with a checkpoint from elsewhere they find
/// all.
fn compare(damaged: &[(Harm, TempDir)], whole: &Path, note: Option<&str>) {
    let kept = tempfile::NamedTempFile::new().unwrap();
    fs::write(kept.path(), note.unwrap_or_default()).unwrap();
    let folders: Vec<_> = damaged.iter().map(|it| it.1.path()).chain([whole]).collect();
    let ours: Vec<_> = folders.iter().map(|it| told_by_ours(it, note)).collect();
    let theirs = told_by_python(&folders, note.map(|_| kept.path()));
    assert_eq!(ours.last().unwrap(), "ok");
    let before = Content::read(whole);
    for ((ours, theirs), (done, folder)) in ours.iter().zip(&theirs).zip(damaged) {
        let notes = fs::read_to_string(folder.path().join(CHECKPOINTS)).unwrap_or_default();
        assert_eq!(ours, theirs, "{done:?}, with the checkpoints {notes}");
        assert!(note.is_none() || ours != "ok", "not found: {done:?}");
        let named = ours.split_once(" at record ").map(|it| it.1.parse::<u64>().unwrap());
        let right = place(done, (&before, &Content::read(folder.path())), note);
        assert_eq!(named, right, "{done:?}: {ours}");
        // Only a checkpoint from elsewhere shows what who has the keys did.
        let is_as_it_should_be = match (done, note) {
            (Harm::Forge { .. }, Some(_)) => ours.starts_with("forged at record "),
            (Harm::Forge { .. }, None) => ours == "ok",
            _ => true,
        };
        assert!(is_as_it_should_be, "{done:?}: {ours}");
    }
    assert_eq!(ours.last(), theirs.last());
}

/// What this verifier says with this checkpoint, which one of the keys that the folder tells has to have
/// signed.
fn told_by_ours(folder: &Path, note: Option<&str>) -> String {
    let Some(note) = note else { return told(folder, None) };
    let keys = Keys::read(folder, &key().verifying_key()).unwrap();
    match outside(note, &keys) {
        None if keys.damage.is_none() => "unchecked".to_owned(),
        kept => told(folder, kept.as_ref()),
    }
}
