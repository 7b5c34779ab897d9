//! The life of a secret's versions, and which of them is shown.

use std::fmt;

/// Where a version of a secret stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionState {
    /// Put in, not shown yet.
    Pending,
    /// The one that is shown.
    Active,
    /// Followed by another; the upstream may still accept it.
    Retiring,
    /// Over. It never comes back.
    Revoked,
}

impl VersionState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Retiring, Self::Revoked];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Whether a version may go from this state to `next`.
    ///
    /// A retiring version may become active again, as a rotation that failed must be undone; nothing leaves
    /// `revoked`, and nothing becomes `pending` again.
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Pending | Self::Retiring, Self::Active)
            | (Self::Active, Self::Retiring)
            | (Self::Pending | Self::Active | Self::Retiring, Self::Revoked) => true,
            (_, Self::Pending)
            | (Self::Active | Self::Revoked, Self::Active)
            | (Self::Pending | Self::Retiring | Self::Revoked, Self::Retiring)
            | (Self::Revoked, Self::Revoked) => false,
        }
    }
}

impl fmt::Display for VersionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The version that is shown: the highest active one. None where none is active, and then nothing is shown.
#[must_use]
pub fn choose(versions: &[(u32, VersionState)]) -> Option<u32> {
    let active = versions.iter().filter(|(_, state)| *state == VersionState::Active);
    active.map(|(version, _)| *version).max()
}

#[cfg(test)]
mod tests {
    use super::{VersionState::*, *};

    #[test]
    fn a_version_lives_forward_and_never_comes_back_from_revoked() {
        let allowed = [
            (Pending, Active),
            (Pending, Revoked),
            (Active, Retiring),
            (Active, Revoked),
            (Retiring, Active),
            (Retiring, Revoked),
        ];
        for from in VersionState::ALL {
            for to in VersionState::ALL {
                assert_eq!(from.can_become(to), allowed.contains(&(from, to)), "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_state_is_read_back_by_its_word() {
        for state in VersionState::ALL {
            assert_eq!(VersionState::parse(state.as_str()), Some(state));
        }
        assert_eq!(VersionState::parse("Active"), None);
    }

    #[test]
    fn only_the_highest_active_version_is_shown() {
        for (versions, want) in [
            (vec![], None),
            (vec![(1, Pending), (2, Retiring), (3, Revoked)], None),
            (vec![(1, Retiring), (2, Active), (3, Pending)], Some(2)),
            (vec![(3, Active), (9, Active), (4, Active)], Some(9)),
        ] {
            assert_eq!(choose(&versions), want);
        }
    }
}
