//! When each credential was last used. No part of any revision.

use std::collections::BTreeMap;

use model::{How, LastUse, Timestamp, Way};

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
    pub async fn note_uses(&self, uses: &[(String, LastUse)]) -> Result<(), Error> {
        // One row for each, and in one order: two processes never wait for each other.
        let mut latest: BTreeMap<&str, LastUse> = BTreeMap::new();
        for (credential, of) in uses {
            if credential.contains('\0') {
                return Err(Error::Nul { what: "a credential's id".to_owned() });
            }
            let known = latest.entry(credential).or_insert(*of);
            if known.at < of.at {
                *known = *of;
            }
        }
        if latest.is_empty() {
            return Ok(());
        }
        let latest: Vec<_> = latest.into_iter().map(|(id, of)| (id, of, peer(&of))).collect();
        let mut transaction = self.database.write().await?;
        for uses in latest.chunks(ROWS_MAX) {
            let insert = "INSERT INTO uses (credential, at, way, peer) VALUES";
            let or_later = " ON CONFLICT (credential) DO UPDATE \
                 SET at = excluded.at, way = excluded.way, peer = excluded.peer \
                 WHERE excluded.at > uses.at";
            let values = uses.iter().flat_map(|(id, of, peer)| {
                let way = Value::Maybe(of.how.map(|it| it.way.as_str()));
                [Value::Text(id), Value::time(of.at), way, Value::Maybe(peer.as_deref())]
            });
            let values: Vec<_> = values.collect();
            transaction.execute(statement(insert, (uses.len(), 4), or_later), &values).await?;
        }
        transaction.commit().await
    }

    /// When and how each credential was last used, by its id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn uses(&self) -> Result<BTreeMap<String, LastUse>, Error> {
        let sql = "SELECT credential, at, way, peer FROM uses";
        let rows = self.database.rows(sql, &[]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, last_use(row)?))).collect()
    }

    /// When and how this credential was last used.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn last_use(&self, credential: &str) -> Result<Option<LastUse>, Error> {
        let sql = "SELECT credential, at, way, peer FROM uses WHERE credential = $1";
        let rows = self.database.rows(sql, &[Value::Text(credential)]).await?;
        rows.first().map(last_use).transpose()
    }
}

fn peer(of: &LastUse) -> Option<String> {
    of.how.map(|it| it.from.to_string())
}

fn last_use(row: &Row) -> Result<LastUse, Error> {
    let at: Timestamp = row.time(1)?;
    let how = match (row.maybe(2)?, row.maybe(3)?) {
        (Some(way), Some(peer)) => {
            let way = Way::parse(&way).ok_or_else(|| Error::corrupt(format!("{way} is no way")))?;
            let from = peer.parse();
            let from = from.map_err(|_| Error::corrupt(format!("{peer} is no address")))?;
            Some(How { way, from })
        }
        // What an older version wrote.
        (None, _) | (_, None) => None,
    };
    Ok(LastUse { at, how })
}
