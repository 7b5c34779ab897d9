//! That one record is in a log, as one text that needs nothing else (C2SP tlog-proof).

use std::{fmt::Write as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    Checkpoint, Damage, Hash, Keys, Unchecked, VerifyingKey, frame,
    frame::number,
    keys::Signers,
    tree::includes,
    verify::{Collected, collect, notes},
};

const BEGIN: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// Why there is no proof, or a text proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The log has no such record, or none that was signed yet.
    #[error("record {seq} is not there, or no checkpoint covers it yet")]
    Absent {
        /// The record's number.
        seq: u64,
    },
    /// The log is damaged.
    #[error("{damage}")]
    Damaged {
        /// How.
        damage: Damage,
    },
    /// The text is no proof, or proves something else.
    #[error("the proof does not hold: {what}")]
    False {
        /// What about it.
        what: &'static str,
    },
    /// The record is gone.
    #[error("the records before {first} were purged: take a copy that has them")]
    Purged {
        /// The first record that is here.
        first: u64,
    },
    /// The log cannot be checked.
    #[error(transparent)]
    Unchecked(#[from] Unchecked),
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The record's number.
    pub seq: u64,
    /// The line of the record, as it stands in the log.
    pub line: String,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
}

/// The proof of record `seq` in the log in `folder`, by its newest checkpoint.
///
/// # Errors
/// [`ProofError`]
pub fn prove(folder: &Path, key: &VerifyingKey, seq: u64) -> Result<String, ProofError> {
    let Proofs { first, proofs } = proofs(folder, key, &[seq])?;
    match proofs.into_iter().next() {
        Some((_, proof)) => Ok(proof),
        None if seq < first => Err(ProofError::Purged { first }),
        None => Err(ProofError::Absent { seq }),
    }
}

/// The proofs of these records with their numbers, as far as they are there and a checkpoint covers them.
/// The log is read once.
///
/// # Errors
/// [`ProofError::Damaged`], [`ProofError::Unchecked`]
pub fn prove_all(
    folder: &Path,
    key: &VerifyingKey,
    records: &[u64],
) -> Result<Vec<(u64, String)>, ProofError> {
    proofs(folder, key, records).map(|it| it.proofs)
}

struct Proofs {
    /// The first record that is there.
    first: u64,
    proofs: Vec<(u64, String)>,
}

fn proofs(folder: &Path, key: &VerifyingKey, records: &[u64]) -> Result<Proofs, ProofError> {
    let read = |source| Unchecked::Read { folder: folder.display().to_string(), source };
    // First what was signed: a log that grows meanwhile has all of that.
    let notes = notes(folder).map_err(read)?.into_iter().flatten().rev();
    let keys = Keys::read(folder, key).map_err(read)?;
    let mut signed = notes.filter_map(|it| Some((Checkpoint::open(&it, &keys)?, it)));
    let signed = signed.next();
    let size = signed.as_ref().map_or(0, |it| it.0.size);
    let Collected { first, paths, found } = collect(folder, &keys, (size, records))?;
    let Some((_, note)) = signed else { return Ok(Proofs { first, proofs: Vec::new() }) };
    let proof = |(seq, (before, line)): (&u64, &(Hash, Vec<u8>))| {
        let text = text((*seq, *before, line), &paths.of(*seq)?, &note);
        Some(check(&text, &keys).map(|_| (*seq, text)))
    };
    let proofs: Result<_, _> = found.iter().filter_map(proof).collect();
    Ok(Proofs { first, proofs: proofs? })
}

fn text((seq, before, line): (u64, Hash, &[u8]), path: &[Hash], note: &str) -> String {
    let extra = STANDARD.encode([&before.as_bytes()[..], line].concat());
    let mut text = format!("{BEGIN}\nextra {extra}\nindex {seq}\n");
    for hash in path {
        // Writing to memory does not fail.
        writeln!(text, "{}", hash.to_base64()).ok();
    }
    format!("{text}\n{note}")
}

/// What `text` proves of the log that `signers` sign for.
///
/// # Errors
/// [`ProofError::False`]
pub fn check(text: &str, signers: &dyn Signers) -> Result<Proven, ProofError> {
    let wrong = |what| ProofError::False { what };
    let (head, note) = text.split_once("\n\n").ok_or(wrong("it has no checkpoint"))?;
    let checkpoint =
        Checkpoint::open(note, signers).ok_or(wrong("its checkpoint is not signed by this key"))?;
    let mut lines = head.split('\n');
    let is_begun = lines.next() == Some(BEGIN);
    let extra = lines.next().and_then(|it| STANDARD.decode(it.strip_prefix("extra ")?).ok());
    let index = lines.next().and_then(|it| number(it.strip_prefix("index ")?.as_bytes()));
    let path: Option<Vec<_>> = lines.map(Hash::from_base64).collect();
    let (true, Some(extra), Some(seq), Some(path)) = (is_begun, extra, index, path) else {
        return Err(wrong("it is no proof of a record: another format"));
    };
    let parts = extra.split_first_chunk::<HASH_BYTES>();
    let (before, line) = parts.ok_or(wrong("it holds no record"))?;
    let frame = frame::read(line).ok_or(wrong("its record is broken"))?;
    let leaf = Hash::of_record(Hash::from_bytes(*before), frame.body);
    if frame.seq != seq || leaf != frame.hash {
        return Err(wrong("its record is another one"));
    }
    if !includes((checkpoint.size, checkpoint.root), (seq, leaf), &path) {
        return Err(wrong("its record is not in the log that was signed"));
    }
    let line = String::from_utf8(line.to_vec()).map_err(|_| wrong("its record is no text"))?;
    Ok(Proven { seq, line, checkpoint })
}
