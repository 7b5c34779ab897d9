//! What can be wrong with a log: a closed set, whose words both verifiers use.

use std::fmt;

/// What kind of damage it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// A checkpoint is not signed by the key, or is no checkpoint.
    BadSignature,
    /// The records fit together and are not those that were signed.
    Forged,
    /// Records are missing between others.
    Gap,
    /// A record is not as it was written.
    Modified,
    /// Records are in another order, or are there again.
    Reorder,
    /// The end is missing: fewer records are there than were signed.
    Truncated,
}

impl DamageKind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadSignature => "bad-signature",
            Self::Forged => "forged",
            Self::Gap => "gap",
            Self::Modified => "modified",
            Self::Reorder => "reorder",
            Self::Truncated => "truncated",
        }
    }
}

/// The first thing that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first record that is not, or cannot be told to be, what was written.
    pub seq: u64,
    /// What kind of damage it is.
    pub kind: DamageKind,
    /// Which file, and what about it.
    pub detail: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at record {}: {}", self.kind.as_str(), self.seq, self.detail)
    }
}
