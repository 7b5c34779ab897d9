//! Numbers the states that were in force: the number grows, also from one start to the next.

use std::{fs, io, path::PathBuf};

use anyhow::{Context as _, bail};

use crate::folder::{self, Digest};

/// Longest content of the file: a number and a digest.
const FILE_BYTES_MAX: usize = 100;

/// The last number that was given, and to what.
pub(crate) struct Revisions {
    file: PathBuf,
    last: u64,
    digest: String,
}

impl Revisions {
    /// Reads the last number from `file`; 0 where there is none.
    ///
    /// # Errors
    /// Where it cannot be read: to begin again at 1 would give one number to two states.
    pub(super) fn open(file: PathBuf) -> anyhow::Result<Self> {
        let shown = file.display();
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::from("0 "),
            other => other.with_context(|| format!("cannot read {shown}"))?,
        };
        let parts = text.trim_end_matches('\n').split_once(' ');
        let read = parts.and_then(|(last, digest)| Some((last.parse().ok()?, digest.to_owned())));
        match read {
            Some((last, digest)) if text.len() <= FILE_BYTES_MAX => Ok(Self { file, last, digest }),
            Some(_) | None => bail!(
                "{shown} must hold a number and a digest: restore it, or write \"N -\" with a number N that no record has"
            ),
        }
    }

    /// The number that the state `digest` has or would get: the last one if it is the same, else the next.
    pub(crate) fn number(&self, digest: &Digest) -> u64 {
        if digest.full() == self.digest { self.last } else { self.last.saturating_add(1) }
    }

    /// Gives the state `digest` its number for good. Call it before the state is in force.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub(crate) fn keep(&mut self, digest: &Digest) -> anyhow::Result<()> {
        let (number, digest) = (self.number(digest), digest.full());
        if number != self.last {
            folder::write(&self.file, &format!("{number} {digest}\n"))
                .with_context(|| format!("cannot write {}", self.file.display()))?;
            (self.last, self.digest) = (number, digest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::load;

    #[test]
    fn a_number_is_never_given_twice() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("revision");
        let digest = |text: &str| {
            folder::write(&root.path().join("state/documents/a"), text).unwrap();
            load(&root.path().join("state")).ok().unwrap().digest
        };
        let (one, two) = (digest("1"), digest("2"));
        let mut revisions = Revisions::open(file.clone()).unwrap();
        let mut next = |digest| {
            revisions.keep(digest).unwrap();
            revisions.number(digest)
        };
        assert_eq!([next(&one), next(&one), next(&two)], [1, 1, 2]);
        let mut restarted = Revisions::open(file.clone()).unwrap();
        restarted.keep(&two).unwrap();
        assert_eq!((restarted.number(&two), restarted.number(&one)), (2, 3));
        fs::write(&file, "garbage").unwrap();
        assert!(Revisions::open(file).is_err());
    }
}
