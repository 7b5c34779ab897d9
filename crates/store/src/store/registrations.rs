//! Clients that registered themselves.

use model::Timestamp;
use sqlx::SqlStr;

use super::{Store, grants, revocations::Revoking};
use crate::{
    Error, GrantFilter, Registration, TakenBack,
    database::{Row, Value},
};

const PUT: &str = "INSERT INTO registrations (id, body, created) VALUES ($1, $2, $3) \
     ON CONFLICT (id) DO UPDATE SET body = excluded.body";
const CHANGE: &str = "UPDATE registrations SET body = $3 WHERE id = $1 AND body = $2";
const ONE: &str = "SELECT id, body, created, used FROM registrations WHERE id = $1";
const ALL: &str = "SELECT id, body, created, used FROM registrations \
     WHERE id > $1 ORDER BY id LIMIT $2";
const COUNT: &str = "SELECT count(*) FROM registrations WHERE created >= $1";
const USE: &str = "UPDATE registrations SET used = $2 \
     WHERE id = $1 AND (used IS NULL OR used < $2)";
const DELETE: &str = "DELETE FROM registrations WHERE id = $1";
/// One that has a grant was used, whether that was noted or not. One that is used meanwhile stays.
const PURGE: &str = "DELETE FROM registrations WHERE (used IS NULL OR used < $2) AND id IN (SELECT id \
     FROM registrations WHERE (used IS NULL AND created < $1 OR used < $2) AND NOT EXISTS (SELECT 1 \
     FROM grants WHERE grants.client = registrations.id) ORDER BY created LIMIT $3)";

impl Store {
    /// Keeps a registration. One of the same id gets the new body, and stays as old as it is.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn put_registration(
        &self,
        id: &str,
        body: &str,
        created: Timestamp,
    ) -> Result<(), Error> {
        Error::refuse_nul([("a registration's id", id), ("a registration's body", body)])?;
        let values = [Value::Text(id), Value::Text(body), Value::time(created)];
        self.database.execute(PUT, &values).await.map(drop)
    }

    /// Replaces the body of a registration. Says whether it did: one that is gone, or has another body
    /// than `from`, is not what was read.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn change_registration(
        &self,
        id: &str,
        from: &str,
        body: &str,
    ) -> Result<bool, Error> {
        let texts = [("a registration's id", id), ("a registration's body", body)];
        Error::refuse_nul(texts)?;
        Error::refuse_nul([("a registration's body", from)])?;
        let values = [Value::Text(id), Value::Text(from), Value::Text(body)];
        Ok(self.database.execute(CHANGE, &values).await? > 0)
    }

    /// One registration; `None` where there is none of this id.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn registration(&self, id: &str) -> Result<Option<Registration>, Error> {
        Error::refuse_nul([("a registration's id", id)])?;
        let rows = self.database.rows(ONE, &[Value::Text(id)]).await?;
        rows.first().map(registration).transpose()
    }

    /// Registrations by id: at most `limit`, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn registrations(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Registration>, Error> {
        let after = after.unwrap_or("");
        Error::refuse_nul([("a registration's id", after)])?;
        let rows = self.database.rows(ALL, &[Value::Text(after), Value::Int(limit.into())]).await?;
        rows.iter().map(registration).collect()
    }

    /// How many registrations there are that were made at a time or later.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn count_registrations(&self, since: Timestamp) -> Result<u64, Error> {
        let rows = self.database.rows(COUNT, &[Value::time(since)]).await?;
        rows.first().map_or(Ok(0), |row| row.count(0))
    }

    /// Notes that a registration is used, and so is kept. The latest time stays. Says whether there is
    /// one to which that is news.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn note_registration_use(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        Error::refuse_nul([("a registration's id", id)])?;
        Ok(self.database.execute(USE, &[Value::Text(id), Value::time(at)]).await? > 0)
    }

    /// Deletes a registration and revokes its grants, both or neither. The grants are revoked also where
    /// there was no registration.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. With [`Error::Unavailable`] it may
    /// or may not have been: doing it twice does no harm.
    pub async fn delete_registration(&self, id: &str, at: Timestamp) -> Result<TakenBack, Error> {
        Error::refuse_nul([("a registration's id", id)])?;
        let mut revoking = Revoking::begin(self).await?;
        let delete = SqlStr::from_static(DELETE);
        let deleted = revoking.transaction.execute(delete, &[Value::Text(id)]).await?;
        let grants = grants::revoke(&mut revoking, GrantFilter::Client(id), at).await?;
        revoking.commit().await?;
        Ok(TakenBack { was_there: deleted > 0, grants })
    }

    /// Deletes registrations that have no grant, and were made before `unused` and never used, or used
    /// last before `idle`: at most `limit`, the oldest first. Says how many there were.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn purge_registrations(
        &self,
        unused: Timestamp,
        idle: Timestamp,
        limit: u32,
    ) -> Result<u64, Error> {
        let values = [Value::time(unused), Value::time(idle), Value::Int(limit.into())];
        self.database.execute(PURGE, &values).await
    }
}

fn registration(row: &Row) -> Result<Registration, Error> {
    Ok(Registration {
        id: row.text(0)?,
        body: row.text(1)?,
        created: row.time(2)?,
        used: row.maybe_time(3)?,
    })
}
