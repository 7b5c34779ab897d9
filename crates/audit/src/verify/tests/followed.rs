//! A log that several keys signed, one behind the other.

use super::*;
use crate::keys::{Change, KEYS};

/// Both verifiers are asked with the first key, the last one, and one that is none of the log's.
#[test]
fn a_log_that_several_keys_signed_is_checked_with_any_of_them() {
    let [.., log] = logs();
    let told_by_both = |by: &SigningKey| {
        let given = by.verifying_key();
        let ours = match verify(log.path(), &given, None) {
            Ok(Report { damage: Some(damage), .. }) => {
                format!("{} at record {}", damage.kind.as_str(), damage.seq)
            }
            Ok(report) => format!("ok, {} signed", report.unsigned()),
            Err(_) => "unchecked".to_owned(),
        };
        let theirs = told_by_python_by(&given, &[], &[log.path()], None).remove(0);
        assert!(ours.starts_with(&theirs), "{ours} {theirs}");
        ours
    };
    for by in [key(), other_key(3), other_key(4)] {
        assert_eq!(told_by_both(&by), "ok, 0 signed");
    }
    assert_eq!(told_by_both(&other_key(9)), "bad-signature at record 0");
    let proof = prove(log.path(), &key().verifying_key(), 3).unwrap();
    assert!(check(&proof, &key().verifying_key()).is_err(), "it is signed by the last key");
    assert_eq!(check(&proof, &other_key(4).verifying_key()).unwrap().seq, 3);

    let keys = fs::read_to_string(log.path().join(KEYS)).unwrap();
    let [first, second] = [0, 1].map(|it| keys.lines().nth(it).unwrap().to_owned());
    let note: String = serde_json::from_str(&first).unwrap();
    let behind = Change::open(&note, NAME).unwrap().checkpoint.size;
    // What an old key signs for more records than it may is none of the log's checkpoints.
    let late = Checkpoint { size: behind + 1, root: Hash::of_nothing() }.sign(&key());
    let checkpoints = fs::read_to_string(log.path().join(CHECKPOINTS)).unwrap();
    let forged = format!("{checkpoints}{}\n", serde_json::json!(late));
    fs::write(log.path().join(CHECKPOINTS), forged).unwrap();
    assert!(told_by_both(&key()).starts_with("bad-signature at record "));
    fs::write(log.path().join(CHECKPOINTS), checkpoints).unwrap();
    let one_signature: Vec<_> = note.split_inclusive('\n').collect();
    let one_signature = serde_json::json!(one_signature[..one_signature.len() - 1].concat());
    let fewer = Checkpoint { size: behind.saturating_sub(1), root: Hash::of_nothing() };
    let fewer = serde_json::json!(Change::sign(fewer, &other_key(3), &other_key(4)));
    let same = Checkpoint { size: behind, root: Hash::of_nothing() };
    let same = serde_json::json!(Change::sign(same, &other_key(3), &other_key(3)));
    for (text, want) in [
        (String::new(), None),
        (format!("{first}\n"), None),
        (format!("{second}\n"), None),
        (format!("{second}\n{first}\n"), None),
        (format!("{first}\n{first}\n"), Some(behind)),
        (format!("{first}\n\"x\"\n"), Some(behind)),
        (format!("{first}\n{fewer}\n"), Some(behind)),
        (format!("{first}\n{same}\n"), Some(behind)),
        (format!("{one_signature}\n"), Some(0)),
    ] {
        fs::write(log.path().join(KEYS), &text).unwrap();
        let told = told_by_both(&key());
        assert!(told.starts_with("bad-signature at record "), "{text}: {told}");
        let named = want.is_none_or(|it| told == format!("bad-signature at record {it}"));
        assert!(named, "{text}: {told}");
    }
}

/// A journal goes on with its last key alone.
#[test]
fn a_key_that_was_followed_goes_on_with_no_log() {
    let [.., log] = logs();
    let location = Location { folder: log.path().to_owned(), ..Location::default() };
    let clock = Clock::fake(Timestamp::from_seconds(1_795_500_000));
    let open = |by| Journal::open(&location, (by, Rules::default()), clock.clone());
    for by in [key(), other_key(3), other_key(9)] {
        assert!(open(by).is_err());
    }
    let journal = open(other_key(4)).unwrap();
    assert_eq!(journal.verifying_keys().unwrap().len(), 3);
    // Neither the one that signs already, nor one of another log.
    for other in [other_key(4), SigningKey::from_seed("onedoor-other", &[5; 32]).unwrap()] {
        assert!(journal.change_key(other, "a test", || Ok(())).is_err());
    }
    drop(journal);
    assert_eq!(told(log.path(), None), "ok");
    let lines: Vec<u8> = Text::read(log.path()).0.into_iter().flat_map(|it| it.1).collect();
    let lines = String::from_utf8(lines).unwrap();
    for event in ["\"audit.key_change\"", "\"audit.key_changed\""] {
        assert_eq!(lines.matches(event).count(), 2, "{event}");
    }
}
