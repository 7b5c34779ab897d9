//! The revisions of the protocol that the door speaks.

use std::fmt;

/// A revision. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// The first with one endpoint; the only one with batches.
    V2025_03_26,
    /// Brings structured results and the version header.
    V2025_06_18,
    /// The last that begins with `initialize`.
    V2025_11_25,
    /// The first without sessions: each request says all about itself.
    V2026_07_28,
}

impl Version {
    /// Every revision, newest first.
    pub const SUPPORTED: [Self; 4] =
        [Self::V2026_07_28, Self::V2025_11_25, Self::V2025_06_18, Self::V2025_03_26];

    /// What `initialize` answers to a client that asks for a revision we do not know.
    pub const LATEST_WITH_SESSIONS: Self = Self::V2025_11_25;

    /// What a client speaks that sends no version header: the last revision that had none.
    pub const WITHOUT_HEADER: Self = Self::V2025_03_26;

    /// Reads the name of a revision.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::SUPPORTED.into_iter().find(|it| it.as_str() == text)
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Whether each request stands alone, without `initialize`.
    #[must_use]
    pub const fn is_stateless(self) -> bool {
        match self {
            Self::V2025_03_26 | Self::V2025_06_18 | Self::V2025_11_25 => false,
            Self::V2026_07_28 => true,
        }
    }

    /// Whether one body may carry several messages.
    #[must_use]
    pub const fn has_batches(self) -> bool {
        match self {
            Self::V2025_03_26 => true,
            Self::V2025_06_18 | Self::V2025_11_25 | Self::V2026_07_28 => false,
        }
    }

    /// What `initialize` answers: the revision asked for where it has sessions, else our latest.
    #[must_use]
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested).filter(|it| !it.is_stateless()).unwrap_or(Self::LATEST_WITH_SESSIONS)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_supported_versions_are_sorted_newest_first_and_read_back() {
        assert!(Version::SUPPORTED.is_sorted_by(|newer, older| newer > older));
        for version in Version::SUPPORTED {
            assert_eq!(Version::parse(version.as_str()), Some(version));
        }
        for unknown in ["", "2024-11-05", "2025-11-25 ", "2026-07-28, 2026-07-28", "draft"] {
            assert_eq!(Version::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn initialize_never_settles_on_a_version_without_sessions() {
        let table = [
            ("2025-03-26", Version::V2025_03_26),
            ("2025-06-18", Version::V2025_06_18),
            ("2025-11-25", Version::V2025_11_25),
            ("2026-07-28", Version::V2025_11_25),
            ("2024-11-05", Version::V2025_11_25),
            ("1", Version::V2025_11_25),
        ];
        for (requested, want) in table {
            assert_eq!(Version::negotiate(requested), want, "{requested}");
        }
    }
}
