//! What is kept of a segment that goes: a signed root, behind which the chain and the tree go on.

use std::{io, path::Path};

use model::Timestamp;

use crate::{
    Damage, DamageKind, Hash, SigningKey, chain::Chain, frame::number, keys::Signers, note,
    tree::Edge, verify::notes_in,
};

/// The file beside the segments that holds what is kept of those that went, each as a JSON text on a
/// line.
pub(crate) const SEALED: &str = "sealed.jsonl";

/// What is kept of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    /// Its first record.
    pub(crate) first: u64,
    /// The hash of the record before that.
    pub(crate) before: Hash,
    /// The chain behind its last record.
    pub(crate) after: Chain,
    /// The times of its first and its last record, as they stand there.
    pub(crate) time: (Timestamp, Timestamp),
    /// How many bytes its lines took.
    pub(crate) bytes: u64,
}

impl Seal {
    /// The note that says so, signed. It is a checkpoint as well: its first three lines are one.
    pub(crate) fn sign(&self, key: &SigningKey) -> String {
        let Self { first, before, after, time: (from, until), bytes } = self;
        let (origin, size) = (key.verifying_key().name().to_owned(), after.next());
        let (root, last) = (after.edge().root().to_base64(), after.last());
        let tree: Vec<_> = after.edge().subtrees().iter().map(ToString::to_string).collect();
        let tree = tree.join(" ");
        let text = format!(
            "{origin}\n{size}\n{root}\nsealed {first}\nprev {before}\nlast {last}\ntree {tree}\n\
             time {from} {until}\nbytes {bytes}\n"
        );
        note::sign(&text, key)
    }

    /// Reads `note`, where one of `signers` signed it for their log, and for no more records than it may.
    pub(crate) fn open(note: &str, signers: &dyn Signers) -> Option<Self> {
        let (text, records_max) = signers.open(note)?;
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size) = (lines.next()?, number(lines.next()?.as_bytes())?);
        let root = Hash::from_base64(lines.next()?)?;
        let mut member = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let first = number(member("sealed")?.as_bytes())?;
        let before = Hash::from_hex(member("prev")?.as_bytes())?;
        let last = Hash::from_hex(member("last")?.as_bytes())?;
        let tree: Option<_> =
            member("tree")?.split(' ').map(|it| Hash::from_hex(it.as_bytes())).collect();
        let (from, until) = member("time")?.split_once(' ')?;
        let time = (Timestamp::parse(from).ok()?, Timestamp::parse(until).ok()?);
        let bytes = number(member("bytes")?.as_bytes())?;
        let edge = Edge::new(size, tree?).filter(|it| it.root() == root)?;
        let is_ours = origin == signers.log_name() && first < size && lines.next().is_none();
        (is_ours && size <= records_max).then_some(Self {
            first,
            before,
            after: Chain::resume(last, edge),
            time,
            bytes,
        })
    }
}

/// What is kept of the segments that went from the log in `folder`, in their order and without a gap.
pub(crate) fn read(folder: &Path, signers: &dyn Signers) -> io::Result<Result<Vec<Seal>, Damage>> {
    let (mut seals, mut chain) = (Vec::new(), Chain::begin(signers.log_name()));
    for note in notes_in(&folder.join(SEALED))? {
        let seq = chain.next();
        let seal = note.and_then(|it| Seal::open(&it, signers));
        let (kind, what) = match seal {
            Some(seal) if seal.first == seq && seal.before == chain.last() => {
                chain = seal.after.clone();
                seals.push(seal);
                continue;
            }
            None => (DamageKind::BadSignature, "holds a line that is no sealed root of this key"),
            Some(seal) if seal.first > seq => (DamageKind::Gap, "lacks a sealed root"),
            Some(seal) if seal.first < seq => (DamageKind::Reorder, "holds a sealed root again"),
            Some(_) => (DamageKind::Forged, "holds sealed roots that do not go on where they end"),
        };
        return Ok(Err(Damage { seq, kind, detail: format!("{SEALED} {what}") }));
    }
    Ok(Ok(seals))
}

/// The chain behind the seals of records before `first`.
pub(crate) fn chain(seals: &[Seal], first: u64, origin: &str) -> Chain {
    let before = seals.iter().rfind(|it| it.after.next() <= first);
    before.map_or_else(|| Chain::begin(origin), |it| it.after.clone())
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::Checkpoint;

    const NAME: &str = "onedoor-test";
    const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

    fn key() -> SigningKey {
        SigningKey::from_seed(NAME, &[1; 32]).unwrap()
    }

    /// Seals of so many segments with two records each.
    fn seals(count: u64) -> Vec<Seal> {
        let mut chain = Chain::begin(NAME);
        let mut seal = |first: u64| {
            let before = chain.last();
            for body in ["a", "b"] {
                chain.extend(body.as_bytes());
            }

            let after = chain.clone();
            Seal {
                first,
                before,
                after,
                time: (START, START.plus(Duration::from_secs(9))),
                bytes: 700,
            }
        };
        (0..count).map(|it| seal(it.saturating_mul(2))).collect()
    }

    #[test]
    fn a_sealed_root_is_read_as_it_is_signed_and_is_a_checkpoint_too() {
        let [_, seal] = seals(2).try_into().unwrap();
        let note = seal.sign(&key());
        insta::assert_snapshot!(note.split("\n\n").next().unwrap(), @"
        onedoor-test
        4
        /L73N4EjeNMq7T/PMvSxBbH8Zxhqhf9zkEh6vXS42h4=
        sealed 2
        prev 7e0c94e3fc7e7b5a0f79f195bd7455a4fcfb7565b9c6525a281b380f50364067
        last dbd260f134dc9512ccbab5b0f0bab7eaab8b11a0cd35da3efcc8aed7aad3cbc4
        tree fcbef737812378d32aed3fcf32f4b105b1fc67186a85ff7390487abd74b8da1e
        time 2026-11-23T00:00:00.000000Z 2026-11-23T00:00:09.000000Z
        bytes 700
        ");
        let verifying = key().verifying_key();
        assert_eq!(Seal::open(&note, &verifying), Some(seal.clone()));
        let checkpoint = Checkpoint { size: 4, root: seal.after.edge().root() };
        assert_eq!(Checkpoint::open(&note, &verifying), Some(checkpoint));
        assert_eq!(Seal::open(&checkpoint.sign(&key()), &verifying), None);
        let other = SigningKey::from_seed(NAME, &[2; 32]).unwrap().verifying_key();
        assert_eq!(Seal::open(&note, &other), None);
    }

    #[test]
    fn what_a_sealed_root_says_of_itself_must_fit_together() {
        let text = seals(1).remove(0).sign(&key());
        let text = text.split("\n\n").next().unwrap();
        let open = |text: &str| {
            Seal::open(&note::sign(&format!("{text}\n"), &key()), &key().verifying_key())
        };
        assert!(open(text).is_some());
        let tree = text.split("tree ").nth(1).unwrap().split('\n').next().unwrap();
        for (old, new) in [
            ("\n2\n", "\n3\n"),
            ("sealed 0", "sealed 2"),
            ("sealed 0", "sealed 00"),
            ("time ", "times "),
            ("bytes 700", "bytes 700\nmore"),
            (tree, &*Hash::of_nothing().to_string()),
            (NAME, "onedoor-other"),
        ] {
            let changed = text.replacen(old, new, 1);
            assert!(changed != text && open(&changed).is_none(), "{old} {new}");
        }
    }

    #[test]
    fn sealed_roots_go_on_where_the_one_before_ends() {
        let folder = tempfile::tempdir().unwrap();
        let all = seals(3);
        let check = |which: &[&Seal], want: &str| {
            let line = |it: &&Seal| format!("{}\n", serde_json::json!(it.sign(&key())));
            let text: String = which.iter().map(line).collect();
            fs::write(folder.path().join(SEALED), text).unwrap();
            let told = match read(folder.path(), &key().verifying_key()).unwrap() {
                Ok(seals) => format!("{} sealed", seals.len()),
                Err(Damage { seq, kind, detail: _ }) => {
                    format!("{} at record {seq}", kind.as_str())
                }
            };
            assert_eq!(told, want);
        };
        let [one, two, three] = [0, 1, 2].map(|it| &all[it]);
        check(&[], "0 sealed");
        check(&[one, two, three], "3 sealed");
        check(&[two, three], "gap at record 0");
        check(&[one, three], "gap at record 2");
        check(&[one, one], "reorder at record 2");
        check(&[one, two, one], "reorder at record 4");
        check(&[one, &Seal { before: Hash::of_nothing(), ..two.clone() }], "forged at record 2");
        let other = SigningKey::from_seed(NAME, &[2; 32]).unwrap();
        let line = format!("{}\n", serde_json::json!(one.sign(&other)));
        fs::write(folder.path().join(SEALED), line).unwrap();
        let damage = read(folder.path(), &key().verifying_key()).unwrap().unwrap_err();
        assert_eq!((damage.seq, damage.kind), (0, DamageKind::BadSignature));
    }
}
