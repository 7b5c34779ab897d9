//! What who has the keys of a log can do to it: another record, and all that was signed for it anew.

use std::{collections::BTreeMap, fs, path::Path};

use super::{NAME, harm::Text, key, other_key};
use crate::{
    Checkpoint, SigningKey, VerifyingKey,
    chain::Chain,
    frame,
    keys::{Change, KEYS},
    note,
    seal::{SEALED, Seal},
    segment::Header,
    verify::{CHECKPOINTS, notes_in},
};

/// Changes the record on `line`: hashes, checkpoints, changes of keys and sealed roots are those of the
/// log that comes of it, each signed by who signed it before.
pub(super) fn forge(folder: &Path, mut text: Text, line: usize) {
    text.rehash(line);
    let forger = Forger { keys: [key(), other_key(3), other_key(4)], chains: chains(&text) };
    text.write();
    sign_anew(&folder.join(CHECKPOINTS), |it| forger.checkpoint(it));
    sign_anew(&folder.join(KEYS), |it| forger.change(it));
    sign_anew(&folder.join(SEALED), |it| forger.seal(it));
}

/// Where the chain is behind each record that is there, and before the first.
fn chains(text: &Text) -> BTreeMap<u64, Chain> {
    let frames = || text.0.iter().map(|it| frame::read(it.1.strip_suffix(b"\n").unwrap()).unwrap());
    let first = frame::json(frames().next().unwrap().body);
    let mut chain = Header::read(&first).unwrap().chain();
    let mut chains = BTreeMap::from([(chain.next(), chain.clone())]);
    for frame in frames() {
        assert!(chain.accept(frame.body, frame.hash));
        chains.insert(chain.next(), chain.clone());
    }
    chains
}

/// Puts other notes into a file, where there is one; what is about records that are gone stays.
fn sign_anew(path: &Path, sign: impl Fn(&str) -> Option<String>) {
    if path.exists() {
        let notes = notes_in(path).unwrap().into_iter().flatten();
        let notes = notes.map(|it| sign(&it).unwrap_or(it));
        let lines: String = notes.map(|it| format!("{}\n", serde_json::json!(it))).collect();
        fs::write(path, lines).unwrap();
    }
}

struct Forger {
    /// All that ever signed.
    keys: [SigningKey; 3],
    /// By how many records there are.
    chains: BTreeMap<u64, Chain>,
}

impl Forger {
    fn checkpoint(&self, old: &str) -> Option<String> {
        let key = self.signer(old)?;
        let size = Checkpoint::open(old, &key.verifying_key())?.size;
        Some(self.at(size)?.sign(key))
    }

    fn change(&self, old: &str) -> Option<String> {
        let Change { checkpoint, from, to } = Change::open(old, NAME)?;
        let (from, to) = (self.key(|it| *it == from)?, self.key(|it| *it == to)?);
        Some(Change::sign(self.at(checkpoint.size)?, from, to))
    }

    fn seal(&self, old: &str) -> Option<String> {
        let key = self.signer(old)?;
        let seal = Seal::open(old, &key.verifying_key())?;
        let before = self.chains.get(&seal.first)?.last();
        let after = self.chains.get(&seal.after.next())?.clone();
        Some(Seal { before, after, ..seal }.sign(key))
    }

    fn at(&self, size: u64) -> Option<Checkpoint> {
        self.chains.get(&size).map(|it| Checkpoint { size, root: it.edge().root() })
    }

    fn signer(&self, old: &str) -> Option<&SigningKey> {
        self.key(|it| note::open(old, it).is_some())
    }

    fn key(&self, is_it: impl Fn(&VerifyingKey) -> bool) -> Option<&SigningKey> {
        self.keys.iter().find(|it| is_it(&it.verifying_key()))
    }
}
