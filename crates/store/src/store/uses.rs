//! When each credential was last used. No part of any revision.

use std::collections::BTreeMap;

use model::Timestamp;

use super::{Store, write::statement};
use crate::{
    Error,
    database::{Row, Value},
};

/// Rows of one statement.
const ROWS_MAX: usize = 256;

impl Store {
    /// Notes uses of credentials, by their ids. Of each, the latest is kept.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Nul`] and [`Error::Unavailable`].
    pub async fn note_uses(&self, uses: &[(String, Timestamp)]) -> Result<(), Error> {
        // One row for each, and in one order: two processes never wait for each other.
        let mut latest: BTreeMap<&str, i64> = BTreeMap::new();
        for (credential, at) in uses {
            if credential.contains('\0') {
                return Err(Error::Nul { what: "a credential's id".to_owned() });
            }
            let known = latest.entry(credential).or_insert(i64::MIN);
            *known = at.as_micros().max(*known);
        }
        if latest.is_empty() {
            return Ok(());
        }
        let latest: Vec<_> = latest.into_iter().collect();
        let mut transaction = self.database.write().await?;
        for uses in latest.chunks(ROWS_MAX) {
            let insert = "INSERT INTO uses (credential, at) VALUES";
            let or_later = " ON CONFLICT (credential) DO UPDATE SET at = excluded.at \
                 WHERE excluded.at > uses.at";
            let values = uses.iter().flat_map(|(id, at)| [Value::Text(id), Value::Int(*at)]);
            let values: Vec<_> = values.collect();
            transaction.execute(statement(insert, (uses.len(), 2), or_later), &values).await?;
        }
        transaction.commit().await
    }

    /// When each credential was last used, by its id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn uses(&self) -> Result<BTreeMap<String, Timestamp>, Error> {
        let rows = self.database.rows("SELECT credential, at FROM uses", &[]).await?;
        let read = |row: &Row| Ok((row.text(0)?, Timestamp::from_micros(row.int(1)?)));
        rows.iter().map(read).collect()
    }
}
