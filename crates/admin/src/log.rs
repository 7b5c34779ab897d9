//! What management needs of the files of the audit log. Whoever puts the process together provides it.

use schemars::JsonSchema;
use serde::Serialize;

/// A file of the audit log that is not written to any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SegmentView {
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record.
    pub last: u64,
    /// How large it is.
    pub bytes: u64,
    /// When it was begun.
    pub begun: String,
    /// When the one behind it was.
    pub ended: String,
}

/// What the audit log was found to be.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LogView {
    /// What it is called.
    pub name: String,
    /// The public keys that check it, the oldest first, each as `NAME+ID+BASE64`: the last one signs.
    pub keys: Vec<String>,
    /// Whether nothing is wrong with it.
    pub ok: bool,
    /// The first thing that is wrong, or why it could not be checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The first record that is there. Those before it were purged.
    pub first: u64,
    /// How many records were written, those that were purged among them: as far as they are right.
    pub records: u64,
    /// How many records the newest good checkpoint vouches for.
    pub signed: u64,
    /// How many checkpoints were checked.
    pub checkpoints: u64,
    /// How many sealed roots vouch for segments that were purged.
    pub sealed: u64,
    /// The newest checkpoint, as it was signed: a C2SP signed note. Keep it elsewhere.
    pub checkpoint: Option<String>,
    /// The segments that are not written to any more, the oldest first.
    pub segments: Vec<SegmentView>,
}

/// What was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PurgedView {
    /// The number of the first record that went.
    pub first: u64,
    /// The number of the last record that went.
    pub last: u64,
    /// How many segments that were.
    pub segments: u64,
    /// How many bytes their lines took.
    pub bytes: u64,
}

/// The proof that one record is in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProofView {
    /// The number of the record.
    pub record: u64,
    /// The proof, a C2SP tlog-proof: `onedoor audit verify-proof` checks it.
    pub proof: String,
}

/// The key that signs the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogKeyView {
    /// The public key that signs now: `NAME+ID+BASE64`.
    pub key: String,
    /// The one that signed until then.
    pub replaced: String,
    /// For so many records both signed: the older one signs for no more.
    pub records: u64,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// What is there stands in the way.
    #[error("{0}")]
    Conflict(String),
    /// The log cannot be read or written.
    #[error("{0}")]
    Unavailable(String),
}
