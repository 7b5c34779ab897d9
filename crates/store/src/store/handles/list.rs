//! Handles that are good, page by page: those of a client's grants, and those that end soon.

use model::Timestamp;

use super::handle;
use crate::{
    Digest, Error, Handle, Store,
    database::{Row, Value},
};

const OF_CLIENT: &str = "SELECT handles.grant_id, handles.body, handles.created, handles.expires, \
     handles.digest FROM grants JOIN handles ON handles.grant_id = grants.id \
     WHERE grants.client = $1 AND grants.revoked IS NULL AND grants.expires > $2 \
     AND grants.id >= $3 AND (grants.id > $3 OR handles.digest > $4) \
     AND handles.kind = $5 AND handles.used IS NULL AND handles.expires > $2 \
     ORDER BY grants.id, handles.digest LIMIT $6";
const ENDING: &str = "SELECT grant_id, body, created, expires, digest FROM handles \
     WHERE expires >= $1 AND (expires > $1 OR digest > $2) AND expires <= $3 \
     AND kind = $4 AND used IS NULL ORDER BY expires, digest LIMIT $5";

impl Store {
    /// The handles of a kind that belong to grants of a client, where both are good `now`: at most
    /// `limit`, by their grants, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn handles_of_client(
        &self,
        (client, kind): (&str, &str),
        now: Timestamp,
        after: Option<&Handle>,
        limit: u32,
    ) -> Result<Vec<Handle>, Error> {
        let grant = after.and_then(|it| it.grant.as_deref()).unwrap_or("");
        Error::refuse_nul([("a client", client), ("a kind", kind), ("a grant's id", grant)])?;
        let values = [
            Value::Text(client),
            Value::time(now),
            Value::Text(grant),
            Value::Bytes(digest(after)),
            Value::Text(kind),
            Value::Int(limit.into()),
        ];
        let rows = self.database.rows(OF_CLIENT, &values).await?;
        rows.iter().map(|row| listed(row, kind)).collect()
    }

    /// The handles of a kind that are not taken and end within a time, its ends among it: at most
    /// `limit`, the first to end first, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn handles_ending(
        &self,
        kind: &str,
        (from, until): (Timestamp, Timestamp),
        after: Option<&Handle>,
        limit: u32,
    ) -> Result<Vec<Handle>, Error> {
        Error::refuse_nul([("a kind", kind)])?;
        let values = [
            Value::time(after.map_or(from, |it| it.expires)),
            Value::Bytes(digest(after)),
            Value::time(until),
            Value::Text(kind),
            Value::Int(limit.into()),
        ];
        let rows = self.database.rows(ENDING, &values).await?;
        rows.iter().map(|row| listed(row, kind)).collect()
    }
}

/// Behind which digest it goes on: behind none at first.
fn digest(after: Option<&Handle>) -> &[u8] {
    match after {
        Some(after) => &after.digest,
        None => &[],
    }
}

/// As [`handle`], with its digest behind the rest.
fn listed(row: &Row, kind: &str) -> Result<Handle, Error> {
    let digest: Digest =
        row.bytes(4)?.try_into().map_err(|_| Error::corrupt("a digest is of another length"))?;
    handle(row, &digest, kind)
}
