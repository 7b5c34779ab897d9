//! Forgets what has expired, a little at a time.

use std::time::Duration;

use model::Timestamp;
use sqlx::SqlStr;

use super::{Store, revocations::Revoking};
use crate::{Error, database::Value};

/// So long an expired grant is still shown.
const GRANTS_KEPT: Duration = Duration::from_hours(30 * 24);
/// Oldest first: what is left for the next time is what is younger. One that is used at this moment is
/// looked at again when that is done: it expires later then, so that a second use is seen.
const HANDLES: &str = "DELETE FROM handles WHERE expires <= $1 AND (digest, kind) IN \
     (SELECT digest, kind FROM handles WHERE expires <= $1 ORDER BY expires LIMIT $2)";
const REPLAYS: &str = "DELETE FROM replays WHERE digest IN \
     (SELECT digest FROM replays WHERE expires <= $1 ORDER BY expires LIMIT $2)";
const REVOCATIONS: &str = "DELETE FROM revocations WHERE number IN \
     (SELECT number FROM revocations WHERE expires <= $1 ORDER BY expires LIMIT $2)";
const GRANTS: &str = "DELETE FROM grants WHERE id IN \
     (SELECT id FROM grants WHERE expires <= $1 ORDER BY expires LIMIT $2)";

impl Store {
    /// Forgets handles, replays and revocations that have expired, and grants that expired 30 days ago:
    /// at most `limit` in all. Says how many there were; as many as the limit, and there may be more.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        // Revoking is held up for as long as this takes: they would delete and change the same grants.
        let mut revoking = Revoking::begin(self).await?;
        let kept = i64::try_from(GRANTS_KEPT.as_micros()).unwrap_or(i64::MAX);
        let long_ago = Timestamp::from_micros(now.as_micros().saturating_sub(kept));
        let mut purged = 0;
        for (sql, until) in [(HANDLES, now), (REPLAYS, now), (REVOCATIONS, now), (GRANTS, long_ago)]
        {
            let left = u64::from(limit).saturating_sub(purged);
            let left = i64::try_from(left).unwrap_or(i64::MAX);
            let values = [Value::time(until), Value::Int(left)];
            let deleted = revoking.transaction.execute(SqlStr::from_static(sql), &values).await?;
            purged = purged.saturating_add(deleted);
        }
        if purged > 0 {
            revoking.commit().await?;
        }
        Ok(purged)
    }
}
