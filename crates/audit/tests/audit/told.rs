//! What a log signs of itself is recorded, too.
use std::{fs, thread, time::Duration};

use audit::{Journal, Location, Rules};
use model::Clock;

use crate::disk::{START, key, open, record, records};

#[test]
fn a_checkpoint_is_recorded_and_goes_where_records_go() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let begun = journal.reached();
    for _ in 0..1000 {
        journal.append(&record("t")).unwrap();
    }
    // So many are signed for by the thread beside, which then says so.
    let said = (0..5000).any(|_| {
        thread::park_timeout(Duration::from_millis(1));
        journal.reached() > begun + 1000
    });
    assert!(said, "nothing was signed, or it was not recorded");
    drop(journal);
    let told: Vec<_> =
        records(folder.path()).into_iter().filter(|it| it["event"] == "audit.checkpoint").collect();
    let [told] = &told[..] else { panic!("{told:?}") };
    let (key, note) = (key().verifying_key(), told["note"].as_str().unwrap());
    let outside = audit::Outside(audit::Checkpoint::open(note, &key).unwrap());
    assert!((1000..1003).contains(&outside.0.size));
    let report = audit::verify(&folder.path().join("audit"), &key, Some(&outside)).unwrap();
    assert_eq!((report.damage, report.signed), (None, report.next));
}

#[test]
fn a_place_outside_that_takes_no_checkpoint_leaves_a_record_once() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
    let (log, outside) = (folder.path().join("audit"), folder.path().join("outside"));
    let location =
        Location { folder: log.clone(), checkpoints: Some(outside.clone()), about: None };
    let journal = Journal::open(&location, (key(), Rules::default()), clock.clone()).unwrap();
    // How many were made, beside the log, and whether the last one could be kept outside.
    let sign = |made: usize, is_unsigned: bool| {
        clock.advance(Duration::from_secs(10));
        journal.append(&record("t")).unwrap();
        let is_so = (0..5000).any(|_| {
            thread::park_timeout(Duration::from_millis(1));
            let text = fs::read_to_string(log.join("checkpoints.jsonl")).unwrap();
            text.lines().count() >= made && journal.condition().is_unsigned == is_unsigned
        });
        assert!(is_so, "checkpoint {made}");
    };
    fs::remove_file(&outside).unwrap();
    fs::create_dir(&outside).unwrap();
    sign(2, true);
    sign(3, true);
    fs::remove_dir(&outside).unwrap();
    sign(4, false);
    drop(journal);
    let records = records(folder.path());
    let is_told = |it: &&serde_json::Value| {
        it["event"].as_str().is_some_and(|it| it.starts_with("audit.checkpoint_"))
    };
    let told: Vec<_> = records.iter().filter(is_told).collect();
    let [failed, recovered] = told[..] else { panic!("{told:?}") };
    assert_eq!(
        (&failed["event"], &failed["outcome"]),
        (&"audit.checkpoint_failed".into(), &"failed".into())
    );
    assert!(
        failed["note"].as_str().unwrap().starts_with("no checkpoint can be kept: "),
        "{failed}"
    );
    assert_eq!(recovered["event"], "audit.checkpoint_recovered");
}

#[test]
fn the_first_checkpoint_of_another_key_is_recorded_too() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let next = audit::SigningKey::from_seed("onedoor-test", &[2; 32]).unwrap();
    let verifying = next.verifying_key();
    journal.change_key(next, "a test", || Ok(())).unwrap();
    drop(journal);
    let records = records(folder.path());
    let told = records.iter().find(|it| it["event"] == "audit.checkpoint").unwrap();
    let note = told["note"].as_str().unwrap();
    assert!(audit::Checkpoint::open(note, &verifying).is_some(), "{note}");
    assert!(audit::Checkpoint::open(note, &key().verifying_key()).is_none(), "{note}");
}

#[test]
fn a_key_that_cannot_follow_is_recorded_and_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    // In the place of the file that says which key follows which.
    fs::create_dir(folder.path().join("audit/keys.jsonl")).unwrap();
    let next = audit::SigningKey::from_seed("onedoor-test", &[2; 32]).unwrap();
    let changed = journal.change_key(next, "a test", || panic!("it does not follow"));
    assert!(matches!(changed, Err(audit::KeyChangeError::Disk(_))), "{changed:?}");
    assert_eq!(journal.verifying_key(), Some(key().verifying_key()));
    drop(journal);
    let records = records(folder.path());
    let told: Vec<_> = records.iter().filter_map(|it| it["event"].as_str()).collect();
    assert!(told.contains(&"audit.key_change") && told.contains(&"audit.key_failed"), "{told:?}");
    assert!(!told.contains(&"audit.key_changed"), "{told:?}");
}
