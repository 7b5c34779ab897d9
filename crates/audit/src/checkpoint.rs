//! What a log signs of itself: its name, how many records it has, and their root (C2SP tlog-checkpoint).

use crate::{
    Hash,
    frame::number,
    keys::Signers,
    note::{self, SigningKey},
};

/// How far a log had come when it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many records there were.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The note that says so, signed. Its first line is the name of the key: the log's own.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        note::sign(&self.text(key.verifying_key().name()), key)
    }

    /// What is signed, for the log called `name`.
    pub(crate) fn text(&self, name: &str) -> String {
        let Self { size, root } = self;
        format!("{name}\n{size}\n{}\n", root.to_base64())
    }

    /// Reads `note`, where one of `signers` signed it for their log, and for no more records than it may.
    #[must_use]
    pub fn open(note: &str, signers: &dyn Signers) -> Option<Self> {
        let (text, records_max) = signers.open(note)?;
        Self::parse(text, signers.log_name()).filter(|it| it.size <= records_max)
    }

    /// Reads what is signed for the log called `name`.
    ///
    /// More lines than three are extensions, which say nothing here.
    pub(crate) fn parse(text: &str, name: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let origin = lines.next()?;
        let size = number(lines.next()?.as_bytes())?;
        let root = Hash::from_base64(lines.next()?)?;
        (origin == name).then_some(Self { size, root })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_is_signed() {
        let key = SigningKey::fixed("onedoor-test", 1);
        let checkpoint = Checkpoint { size: 3, root: Hash::of_nothing() };
        let note = checkpoint.sign(&key);
        insta::assert_snapshot!(note, @"
        onedoor-test
        3
        47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

        — onedoor-test 3U93V5ABcAdNE+YWifGmOyLX+LI+aNWBbWjwJ/IP9DCknMYsLKYvrfUo8mgtnznNBVfonPocCM7tww0VGsW6C3v+aQo=
        ");
        assert_eq!(Checkpoint::open(&note, &key.verifying_key()), Some(checkpoint));
        let of_another = note::sign(&note.replace("onedoor-test", "other"), &key);
        assert_eq!(Checkpoint::open(&of_another, &key.verifying_key()), None);
    }
}
