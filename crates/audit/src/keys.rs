//! The keys that a log was signed by, one behind the other: where one follows another, both say so.

use std::{io, path::Path};

use crate::{
    Checkpoint, Damage, DamageKind, SigningKey, VerifyingKey, note,
    verify::{CHECKPOINTS, notes_in},
};

/// The file beside the segments that says which key followed which, each time as a JSON text on a line.
pub(crate) const KEYS: &str = "keys.jsonl";

/// Whoever may sign for a log.
pub trait Signers {
    /// The name of the log.
    fn log_name(&self) -> &str;

    /// The text of `note` where one of them signed it, and for how many records that one may sign.
    fn open<'n>(&self, note: &'n str) -> Option<(&'n str, u64)>;
}

impl Signers for VerifyingKey {
    fn log_name(&self) -> &str {
        self.name()
    }

    fn open<'n>(&self, note: &'n str) -> Option<(&'n str, u64)> {
        note::open(note, self).map(|it| (it, u64::MAX))
    }
}

/// The keys of one log, of which each follows the one before.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The oldest first, and for how many records each may sign. There is always one.
    keys: Vec<(VerifyingKey, u64)>,
    name: String,
    /// What was signed where one follows another.
    pub(crate) changes: Vec<Checkpoint>,
    /// What is wrong with what says so.
    pub(crate) damage: Option<Damage>,
}

impl Keys {
    /// The keys of the log in `folder`, of which `key` is one. Whichever it is, it vouches for the others:
    /// both sign where one follows another.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(folder: &Path, key: &VerifyingKey) -> io::Result<Self> {
        let (mut found, mut damage): (Vec<Change>, _) = (Vec::new(), None);
        for note in notes_in(&folder.join(KEYS))? {
            let change = note.and_then(|it| Change::open(&it, key.name()));
            match change.filter(|it| found.last().is_none_or(|last| it.follows(last))) {
                Some(change) => found.push(change),
                None => {
                    let seq = found.last().map_or(0, |it| it.checkpoint.size);
                    let detail = format!("{KEYS} holds a line by which no key follows another");
                    damage = Some(Damage { seq, kind: DamageKind::BadSignature, detail });
                    break;
                }
            }
        }
        let is_of_them = found.iter().any(|it| it.from == *key || it.to == *key);
        let last = found.last().filter(|_| is_of_them).map_or(key, |it| &it.to).clone();
        let before = found.iter().filter(|_| is_of_them);
        let before = before.map(|it| (it.from.clone(), it.checkpoint.size));
        let keys = before.chain([(last, u64::MAX)]).collect();
        let changes = found.iter().filter(|_| is_of_them).map(|it| it.checkpoint).collect();
        Ok(Self { keys, name: key.name().to_owned(), changes, damage })
    }

    /// These keys, each for as many records as there are; none where there is none, or they are of several
    /// logs.
    #[must_use]
    pub fn listed(keys: Vec<VerifyingKey>) -> Option<Self> {
        let name = keys.first()?.name().to_owned();
        let is_one = keys.iter().all(|it| it.name() == name);
        let keys = keys.into_iter().map(|it| (it, u64::MAX)).collect();
        is_one.then_some(Self { keys, name, changes: Vec::new(), damage: None })
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<VerifyingKey> {
        self.keys.iter().map(|it| it.0.clone()).collect()
    }

    /// Whether `key` is the last one, which signs now.
    #[must_use]
    pub fn is_last(&self, key: &VerifyingKey) -> bool {
        self.keys.last().is_some_and(|it| it.0 == *key)
    }
}

impl Signers for Keys {
    fn log_name(&self) -> &str {
        &self.name
    }

    fn open<'n>(&self, note: &'n str) -> Option<(&'n str, u64)> {
        let opened =
            self.keys.iter().filter_map(|(key, until)| Some((note::open(note, key)?, *until)));
        // Several may have signed it.
        opened.max_by_key(|it| it.1)
    }
}

/// That one key follows another, behind so many records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) from: VerifyingKey,
    pub(crate) to: VerifyingKey,
}

impl Change {
    /// The note that says so, which both sign. It is a checkpoint as well: its first three lines are one.
    pub(crate) fn sign(checkpoint: Checkpoint, from: &SigningKey, to: &SigningKey) -> String {
        let text = checkpoint.text(from.verifying_key().name());
        let (old, new) = (from.verifying_key(), to.verifying_key());
        note::sign_by(&format!("{text}from {old}\nto {new}\n"), &[from, to])
    }

    /// Reads `note`, where both keys that it names signed it for the log called `name`.
    pub(crate) fn open(note: &str, name: &str) -> Option<Self> {
        let text = note.get(..note.rfind("\n\n")?)?;
        let (checkpoint, keys) = text.split_once("\nfrom ")?;
        let (from, to) = keys.split_once("\nto ")?;
        let (from, to) = (VerifyingKey::parse(from).ok()?, VerifyingKey::parse(to).ok()?);
        let checkpoint = Checkpoint::parse(checkpoint, name)?;
        let is_signed = [&from, &to].iter().all(|it| note::open(note, it).is_some());
        let is_ours = from.name() == name && to.name() == name && from != to;
        (is_signed && is_ours).then_some(Self { checkpoint, from, to })
    }

    fn follows(&self, before: &Self) -> bool {
        self.from == before.to && self.checkpoint.size >= before.checkpoint.size
    }
}

/// Where the door finds that its key is not the last one.
pub(crate) fn replaced(keys: &Keys) -> Damage {
    let seq = keys.changes.last().map_or(0, |it| it.size);
    let detail = format!(
        "the key of this door signs no more: another followed it, by which {CHECKPOINTS} goes on"
    );
    Damage { seq, kind: DamageKind::BadSignature, detail }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Hash;

    const NAME: &str = "onedoor-test";

    fn key(seed: u8) -> SigningKey {
        SigningKey::fixed(NAME, seed)
    }

    fn change(size: u64, from: u8, to: u8) -> String {
        let checkpoint = Checkpoint { size, root: Hash::of_nothing() };
        Change::sign(checkpoint, &key(from), &key(to))
    }

    fn read(notes: &[String], given: u8) -> Keys {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = notes.iter().map(|it| format!("{}\n", serde_json::json!(it))).collect();
        fs::write(folder.path().join(KEYS), lines).unwrap();
        Keys::read(folder.path(), &key(given).verifying_key()).unwrap()
    }

    #[test]
    fn a_change_is_read_as_it_is_signed_and_is_a_checkpoint_of_both_keys() {
        let note = change(3, 1, 2);
        let text = note.split("\n\n").next().unwrap();
        assert_eq!(
            text,
            format!(
                "{NAME}\n3\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nfrom {}\nto {}",
                key(1).verifying_key(),
                key(2).verifying_key()
            )
        );
        let read = Change::open(&note, NAME).unwrap();
        assert_eq!((read.from, read.to), (key(1).verifying_key(), key(2).verifying_key()));
        for seed in [1, 2] {
            let opened = Checkpoint::open(&note, &key(seed).verifying_key());
            assert_eq!(opened, Some(read.checkpoint));
        }
        // Of one of them alone, of others, and of another log.
        let lines: Vec<_> = note.split_inclusive('\n').collect();
        for gone in [6, 7] {
            let one = [&lines[..gone], &lines[gone + 1..]].concat().concat();
            assert_eq!(Change::open(&one, NAME), None, "{one}");
        }
        assert_eq!(Change::open(&note, "other"), None);
        assert_eq!(Change::open(&note.replace("\n3\n", "\n4\n"), NAME), None);
        assert_eq!(Change::open(&change(3, 1, 1), NAME), None);
    }

    #[test]
    fn whichever_key_is_given_leads_to_all_and_an_old_one_signs_no_more_than_it_did() {
        let notes = [change(5, 1, 2), change(9, 2, 3)];
        let signed = |seed, size| Checkpoint { size, root: Hash::of_nothing() }.sign(&key(seed));
        for given in 1..=3 {
            let keys = read(&notes, given);
            assert!(keys.damage.is_none() && keys.is_last(&key(3).verifying_key()));
            for (seed, size, want) in
                [(1, 5, true), (1, 6, false), (2, 1, true), (2, 10, false), (3, 99, true)]
            {
                let opened = Checkpoint::open(&signed(seed, size), &keys).is_some();
                assert_eq!(opened, want, "{given}: key {seed} for {size}");
            }
        }
        // One that is none of them vouches for none of them.
        let keys = read(&notes, 4);
        assert_eq!(keys.all(), [key(4).verifying_key()]);
    }

    #[test]
    fn keys_follow_each_other_without_a_gap() {
        let check = |notes: &[String], want: Option<u64>| {
            let damage = read(notes, 1).damage;
            assert_eq!(damage.as_ref().map(|it| it.seq), want, "{damage:?}");
            assert!(damage.is_none_or(|it| it.kind == DamageKind::BadSignature));
        };
        check(&[], None);
        check(&[change(5, 1, 2), change(5, 2, 1)], None);
        check(&["x".to_owned()], Some(0));
        check(&[change(5, 1, 2), change(9, 3, 4)], Some(5));
        check(&[change(5, 1, 2), change(9, 1, 3)], Some(5));
        check(&[change(5, 1, 2), change(4, 2, 3)], Some(5));
    }
}
