//! What a record can be found by: a member of its line, and its value as one number.

/// A member of a record that has its entry in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The digest of the arguments, as records have it.
    ArgumentsDigest,
    /// Who called.
    Client,
    /// With which credential.
    Credential,
    /// What was decided.
    Decision,
    /// What happened, where it was no call.
    Event,
    /// The request's id.
    Id,
    /// What it is the record of.
    Kind,
    /// What was called.
    Operation,
    /// How it ended.
    Outcome,
    /// As what was called.
    Profile,
    /// The HTTP status of our answer.
    Status,
    /// How the call arrived.
    Surface,
    /// For whom was called.
    User,
}

/// Stands for the lines that cannot be read.
pub(super) const BROKEN: u64 = mix(FNV_START);

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

impl Field {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::ArgumentsDigest,
        Self::Client,
        Self::Credential,
        Self::Decision,
        Self::Event,
        Self::Id,
        Self::Kind,
        Self::Operation,
        Self::Outcome,
        Self::Profile,
        Self::Status,
        Self::Surface,
        Self::User,
    ];

    /// The number for a value of this member. Two values may have the same: it is only a hint where
    /// to look, and never a reason not to.
    pub(crate) fn term(self, value: &str) -> u64 {
        mix(fnv(fnv(FNV_START, &[self.tag()]), value.as_bytes()))
    }

    /// What it is called in the files of the index.
    const fn tag(self) -> u8 {
        match self {
            Self::ArgumentsDigest => 1,
            Self::Client => 2,
            Self::Credential => 3,
            Self::Decision => 4,
            Self::Event => 5,
            Self::Id => 6,
            Self::Kind => 7,
            Self::Operation => 8,
            Self::Outcome => 9,
            Self::Profile => 10,
            Self::Status => 11,
            Self::Surface => 12,
            Self::User => 13,
        }
    }
}

/// A fingerprint of `bytes`, which tells a disk's mistakes and keeps nobody out.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    mix(fnv(FNV_START, bytes))
}

/// FNV-1a.
fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// Spreads what differs in the last bytes over all of the number.
const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_text_in_two_members_has_two_numbers() {
        let terms: HashSet<_> = Field::ALL.map(|it| it.term("x")).into();
        let tags: HashSet<_> = Field::ALL.map(Field::tag).into();
        assert_eq!((terms.len(), tags.len()), (Field::ALL.len(), Field::ALL.len()));
        assert!(!terms.contains(&BROKEN) && !tags.contains(&0));
    }
}
