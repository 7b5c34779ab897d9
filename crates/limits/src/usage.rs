//! How a counter stands, for people.

use std::time::Duration;

use model::{ClientId, LimitId, OperationId, ProfileId};

use crate::{
    bucket::{Bucket, Moment},
    counters::Key,
};

/// How a counter stands: which limit, whose calls, and how many are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The limit.
    pub limit: LimitId,
    /// The client whose calls share the counter, where its scope says so.
    pub client: Option<ClientId>,
    /// The profile whose calls share it, where its scope says so.
    pub profile: Option<ProfileId>,
    /// The operation whose calls share it, where its scope says so.
    pub operation: Option<OperationId>,
    /// How many calls are used: of a rate, those that have not run out yet.
    pub used: u32,
    /// How many fit: the quota's count, or the rate's burst.
    pub size: u32,
    /// How long until none is used, if nobody calls.
    pub renews_in: Duration,
}

impl Usage {
    pub(crate) fn new(key: Key, bucket: &Bucket, moment: Moment) -> Self {
        let Key { limit, client, profile, operation } = key;
        Self {
            limit,
            client,
            profile,
            operation,
            used: bucket.used(moment),
            size: bucket.size(),
            renews_in: bucket.renews_in(moment),
        }
    }
}
