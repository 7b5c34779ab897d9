//! Which way a call came in: the listener for everybody, or the one for management.

use crate::{local, snapshot::Route};

/// Which listener a connection arrived at. It says what can be reached, never who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// All there is, by one listener.
    Everything,
    /// The operations of the door itself.
    Management,
    /// The operations of all declared collections.
    Public,
}

impl Entrance {
    /// Whether an operation can be called this way.
    pub(crate) fn reaches(self, route: &Route) -> bool {
        self.has(route.is_local())
    }

    /// Whether anything can be at this canonical path.
    pub(crate) fn reaches_path(self, path: &str) -> bool {
        self == Self::Everything || self.has(local::is_below_base(path))
    }

    /// Whether the door's own operations are reached, or those of declared collections.
    pub(crate) fn has(self, is_local: bool) -> bool {
        match self {
            Self::Everything => true,
            Self::Management => is_local,
            Self::Public => !is_local,
        }
    }
}
