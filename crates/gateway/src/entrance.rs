//! Which way a call came in: the listener for everybody, or the one for management.

use crate::{local, snapshot::Route};

/// Which listener a connection arrived at. It says what can be reached, never who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// All there is, by one listener.
    Everything,
    /// The operations of management.
    Management,
    /// The operations of all declared collections, and what clients may do for themselves.
    Public,
}

impl Entrance {
    /// The word for it in records.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Management => "management",
            Self::Public => "public",
        }
    }

    /// Whether an operation can be called this way.
    pub(crate) fn reaches(self, route: &Route) -> bool {
        self.has(route.is_management())
    }

    /// Whether anything can be at this canonical path.
    pub(crate) fn reaches_path(self, path: &str) -> bool {
        self == Self::Everything || self.has(local::is_of_management(path))
    }

    /// Whether management is reached, or all other operations.
    pub(crate) fn has(self, is_management: bool) -> bool {
        match self {
            Self::Everything => true,
            Self::Management => is_management,
            Self::Public => !is_management,
        }
    }
}
