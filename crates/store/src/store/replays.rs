//! What may be shown once: all replicas know that it was.

use model::Timestamp;

use super::Store;
use crate::{Digest, Error, database::Value};

const SEE: &str = "INSERT INTO replays (digest, expires) VALUES ($1, $2) \
     ON CONFLICT (digest) DO NOTHING";

impl Store {
    /// Whether this was never seen before. It is remembered until `expires`, or longer.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]: nothing was written. With [`Error::Unavailable`] it may or may not have been
    /// seen.
    pub async fn first_seen(&self, digest: &Digest, expires: Timestamp) -> Result<bool, Error> {
        Ok(self.database.execute(SEE, &[Value::Bytes(digest), Value::time(expires)]).await? > 0)
    }
}
