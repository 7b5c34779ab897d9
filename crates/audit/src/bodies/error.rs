//! Why a body cannot be kept or read.

use std::{io, path::PathBuf};

/// Why a body cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The key of its subject was destroyed.
    #[error("its subject was forgotten: the key was destroyed, and nothing opens it any more")]
    Destroyed,
    /// The disk failed.
    #[error("bodies cannot be kept in or read from {}: {source}", path.display())]
    Disk {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody keeps bodies any more.
    #[error("the door is ending")]
    Ended,
    /// There is nothing there.
    #[error("it is not there: it was purged with its segment of the log, or the log was moved")]
    Missing,
    /// The record refers to none.
    #[error("{0}")]
    NotKept(String),
    /// What is there is not what was sealed.
    #[error("it is not what was sealed: it was changed, or belongs to another record")]
    Tampered,
    /// The system gives no random bytes, or the body is too large.
    #[error("it cannot be sealed")]
    Unsealable,
    /// The key of its subject cannot be sealed or opened.
    #[error("the key of its subject cannot be used: {0}")]
    Wrap(String),
}
