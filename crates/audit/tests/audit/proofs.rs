//! A proof shows that one record is in a log, to somebody who has nothing but it and a public key.

use audit::{ProofError, SigningKey, proof, prove};

use crate::disk::{key, open, record};

#[test]
fn every_record_that_was_signed_for_can_be_proven_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for tool in ["a", "b", "c"] {
        journal.append(&record(tool)).unwrap();
    }
    let log = folder.path().join("audit");
    let key = key().verifying_key();
    assert!(matches!(prove(&log, &key, 4), Err(ProofError::Absent { seq: 4 })));
    drop(journal);
    for seq in 0..6 {
        let text = prove(&log, &key, seq).unwrap();
        let proven = proof::check(&text, &key).unwrap();
        assert_eq!((proven.seq, proven.checkpoint.size), (seq, 6));
        let line: serde_json::Value = serde_json::from_str(&proven.line).unwrap();
        assert_eq!(line.get("seq"), Some(&seq.into()));
    }
    assert!(matches!(prove(&log, &key, 6), Err(ProofError::Absent { seq: 6 })));
}

#[test]
fn a_proof_that_was_changed_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let key = key().verifying_key();
    let text = prove(&folder.path().join("audit"), &key, 1).unwrap();
    let other = SigningKey::from_seed("onedoor-test", &[2; 32]).unwrap().verifying_key();
    assert!(proof::check(&text, &other).is_err());
    for (index, _) in text.char_indices() {
        let (before, after) = text.split_at(index);
        let mut rest = after.chars();
        let changed = if rest.next() == Some('A') { 'B' } else { 'A' };
        let changed = format!("{before}{changed}{}", rest.as_str());
        let proven = proof::check(&changed, &key);
        // Padding bits of base64 are the only thing that could say nothing; the decoder refuses them.
        assert!(proven.is_err(), "at {index}: {changed}");
    }
}
