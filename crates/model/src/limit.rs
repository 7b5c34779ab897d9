//! How much a caller may call.

use crate::{ClientId, LimitId, Pattern, Place, ProfileId, Quota, Rate};

/// A bound on calls. Calls that match are counted in one bucket for each scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its id.
    pub id: LimitId,
    /// Only calls of this client; any where none.
    pub client: Option<ClientId>,
    /// Only calls of this profile; any where none.
    pub profile: Option<ProfileId>,
    /// Only calls of these operations; all where empty.
    pub operations: Vec<Pattern>,
    /// Who shares a bucket.
    pub scope: Scope,
    /// How much fits into it.
    pub measure: Measure,
    /// Where it is declared.
    pub place: Place,
}

/// Who shares a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everybody who matches.
    All,
    /// The profiles of one client.
    Client,
    /// One operation of one client.
    ClientOperation,
    /// The callers of one operation.
    Operation,
    /// One profile.
    Profile,
    /// One operation of one profile.
    ProfileOperation,
}

/// How much fits into a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// So many in a calendar period.
    Quota(Quota),
    /// So many in any stretch of time.
    Rate(Rate),
}
