//! What was signed for a log: the checkpoints beside it, and one that was kept elsewhere.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use crate::{Checkpoint, Damage, DamageKind, Keys, VerifyingKey, tree::Edge};

/// The file beside the segments that holds every checkpoint, each as a JSON text on a line.
pub const CHECKPOINTS: &str = "checkpoints.jsonl";

/// A checkpoint that was kept where nobody who could change the log could change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside(pub Checkpoint);

/// The notes beside a log in `folder`, in their order; `None` for a line that holds none.
pub(crate) fn notes(folder: &Path) -> io::Result<Vec<Option<String>>> {
    notes_in(&folder.join(CHECKPOINTS))
}

/// The notes in a file, each a JSON text on a line; `None` for a line that holds none.
pub(crate) fn notes_in(path: &Path) -> io::Result<Vec<Option<String>>> {
    let text = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // What stands behind the last newline was being written when the power went.
    let end = text.iter().rposition(|it| *it == b'\n');
    let whole = end.and_then(|end| text.get(..end)).map(|it| it.split(|it| *it == b'\n'));
    Ok(whole.into_iter().flatten().map(|it| serde_json::from_slice(it).ok()).collect())
}

/// Checkpoints, the largest first, and how far they were compared.
#[derive(Debug)]
pub(crate) struct Signed {
    checkpoints: Vec<Checkpoint>,
    /// Whether a line beside the log is no checkpoint of this key.
    has_bad: bool,
    /// How many were compared.
    pub(super) checked: usize,
    /// The size of the last one that was right.
    pub(super) size: u64,
}

impl Signed {
    /// No checkpoints, for whoever does not ask.
    pub(super) fn none() -> Self {
        Self { checkpoints: Vec::new(), has_bad: false, checked: 0, size: 0 }
    }

    pub(crate) fn gather(
        folder: &Path,
        key: &VerifyingKey,
        outside: Option<&Outside>,
    ) -> io::Result<(Keys, Self)> {
        // First what was signed, then by whom: while it is read, another key may follow.
        let notes = notes(folder)?;
        let keys = Keys::read(folder, key)?;
        let mut this = Self::none();
        for note in notes {
            match note.and_then(|it| Checkpoint::open(&it, &keys)) {
                Some(checkpoint) => this.checkpoints.push(checkpoint),
                None => this.has_bad = true,
            }
        }
        this.checkpoints.extend(keys.changes.iter().copied().chain(outside.map(|it| it.0)));
        this.checkpoints.sort_by_key(|it| it.size);
        this.checkpoints.reverse();
        Ok((keys, this))
    }

    /// Compares with all that was signed for just so many records. What was signed for fewer is about
    /// records that are not there any more, and is passed over.
    pub(super) fn pass(&mut self, edge: &Edge) -> Option<Damage> {
        self.checkpoints.retain(|it| it.size >= edge.size());
        let damage = self.meet(edge);
        self.size = edge.size();
        damage
    }

    /// Compares `edge` with all that was signed for so many records.
    pub(super) fn meet(&mut self, edge: &Edge) -> Option<Damage> {
        while let Some(checkpoint) = self.checkpoints.pop_if(|it| it.size <= edge.size()) {
            if checkpoint.size == edge.size() && checkpoint.root != edge.root() {
                let size = checkpoint.size;
                let detail =
                    format!("the root of the first {size} records is not the one that was signed");
                return Some(Damage { seq: self.size, kind: DamageKind::Forged, detail });
            }
            self.checked = self.checked.saturating_add(1);
            self.size = checkpoint.size;
        }
        None
    }

    /// There are `records` and no more.
    pub(super) fn end(&mut self, records: u64) -> Option<Damage> {
        if let Some(checkpoint) = self.checkpoints.first() {
            let detail =
                format!("{} records were signed, and {records} are there", checkpoint.size);
            return Some(Damage { seq: records, kind: DamageKind::Truncated, detail });
        }
        self.has_bad.then(|| Damage {
            seq: self.size,
            kind: DamageKind::BadSignature,
            detail: format!("{CHECKPOINTS} holds a line that is no checkpoint of this log's keys"),
        })
    }
}
