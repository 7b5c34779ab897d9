//! What a store gives back: texts, and the revisions that made them.

use std::{collections::BTreeMap, sync::Arc};

use model::Timestamp;

/// All files of one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// Which revision; 0 before the first.
    pub revision: u64,
    /// The files' texts, by path.
    pub files: Files,
}

/// Texts by path, shared: there may be hundreds of thousands, and whoever takes them over copies none.
pub type Files = BTreeMap<Arc<str>, Arc<str>>;

/// What makes the newest revision out of a copy of an older one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// The newest revision.
    pub revision: u64,
    /// The files that changed since, by path: their text now, or `None` where they are gone.
    pub files: Vec<(String, Option<String>)>,
}

/// Who made a revision, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its number, one more than the one before.
    pub number: u64,
    /// When it was made, by the clock of who made it.
    pub at: Timestamp,
    /// Who made it.
    pub author: String,
    /// Why, in the author's words; may be empty.
    pub reason: String,
    /// The request that made it, as in its record.
    pub request_id: String,
    /// How many changes it holds.
    pub changed: u32,
}

/// Somebody who wrote a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The file.
    pub path: String,
    /// Who, as their revisions have it.
    pub author: String,
    /// The first revision in which they did.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

/// One thing that a revision changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file, or the name of a line.
    pub path: String,
    /// What was there; `None` where it is new.
    pub before: Option<String>,
    /// What is there; `None` where it is gone.
    pub after: Option<String>,
}
