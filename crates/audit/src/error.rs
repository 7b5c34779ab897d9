//! Why something could not be recorded.

use std::{io, path::PathBuf, sync::Arc};

use model::{Refusal, RefusalKind};

use crate::Damage;

/// Why something could not be recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Writing failed before, and has not succeeded since.
    #[error("audit log {log} is closed until it can be written again: {source}")]
    Closed {
        /// Which log.
        log: Arc<str>,
        /// What failed last.
        source: Arc<io::Error>,
    },
    /// Something is wrong with the log that no crash does.
    #[error(
        "audit log {} is damaged: {damage}. Keep it as evidence: `onedoor audit verify` says more. \
         To serve again: `onedoor audit set-aside {} --key audit.pub`, and a new log begins that names it. \
         Where that says that the key is another, or that nothing is wrong: put the last audit.key back, or, where it is lost, move the folder away",
        path.display(),
        path.display()
    )]
    Damaged {
        /// Which log.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
    /// The file cannot be opened or made.
    #[error("audit log {} cannot be opened: {source}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The record cannot be put into JSON.
    #[error("a record cannot be written as json: {source}")]
    Serialize {
        /// What serde said.
        source: Arc<serde_json::Error>,
    },
    /// A checkpoint could not be kept.
    #[error("the last checkpoint of audit log {log} could not be kept: {source}")]
    Unsigned {
        /// Which log.
        log: Arc<str>,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The line is not, or not wholly, in the log; where the disk hangs, nobody knows.
    #[error("audit log {log} cannot be written: {source}")]
    Write {
        /// Which log.
        log: Arc<str>,
        /// What the system said.
        source: Arc<io::Error>,
    },
}

impl From<Error> for Refusal {
    /// What cannot be recorded is not carried out.
    fn from(error: Error) -> Self {
        Self::new(RefusalKind::Unrecorded, "the call cannot be recorded, try again later")
            .because(error)
    }
}
