//! What one quota has counted, as it outlives a process.

use model::{ClientId, LimitId, OperationId, ProfileId, Timestamp};

use crate::{counters::Key, quota::QuotaBucket};

/// What one quota has counted for one of its subjects, in a period that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// The limit.
    pub limit: LimitId,
    /// The client whose calls share the counter, where its scope says so.
    pub client: Option<ClientId>,
    /// The profile whose calls share it, where its scope says so.
    pub profile: Option<ProfileId>,
    /// The operation whose calls share it, where its scope says so.
    pub operation: Option<OperationId>,
    /// How many calls were counted.
    pub used: u32,
    /// When the period is over.
    pub until: Timestamp,
}

impl Spent {
    pub(crate) fn new(key: Key, bucket: &QuotaBucket) -> Self {
        let Key { limit, client, profile, operation } = key;
        let (used, until) = (bucket.used(), bucket.until());
        Self { limit, client, profile, operation, used, until }
    }

    /// The counter that it is of, how many calls were counted, and when the period is over.
    pub(crate) fn into_parts(self) -> (Key, u32, Timestamp) {
        let Self { limit, client, profile, operation, used, until } = self;
        (Key { limit, client, profile, operation }, used, until)
    }
}
