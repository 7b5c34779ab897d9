//! Taking a handle: of any number who try, on any number of replicas, one is the first.

use model::Timestamp;
use sqlx::SqlStr;

use super::{handle, put};
use crate::{
    Digest, Error, Handle, Store, Taken,
    database::{Transaction, Value},
    store::grants::{self, Standing},
};

/// Whoever comes second waits for the first, and then finds it used.
const TAKE: &str = "UPDATE handles SET used = $3 \
     WHERE digest = $1 AND kind = $2 AND used IS NULL AND expires > $3 \
     RETURNING grant_id, body, created, expires";
/// Only of one that is used: that is good for nothing more, however long it is kept.
const KEEP: &str = "UPDATE handles SET expires = $3 WHERE digest = $1 AND kind = $2";

impl Store {
    /// Takes a handle. Unless it is [`Taken::First`], nothing was written.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. With [`Error::Unavailable`] it may
    /// be taken or not; [`Error::Corrupt`].
    pub async fn take_handle(
        &self,
        digest: &Digest,
        kind: &str,
        now: Timestamp,
    ) -> Result<Taken, Error> {
        let (taken, transaction) = self.begin_to_take(digest, kind, now).await?;
        if let Some(transaction) = transaction {
            transaction.commit().await?;
        }
        Ok(taken)
    }

    /// Takes a handle and keeps the one that is given for it, of the same grant or of another: both, or
    /// neither. Unless it is [`Taken::First`], nothing was written.
    ///
    /// # Errors
    /// As [`Store::put_handle`] and [`Store::take_handle`]: nothing was written, but with
    /// [`Error::Unavailable`], where all of it may have been.
    pub async fn rotate_handle(
        &self,
        digest: &Digest,
        kind: &str,
        now: Timestamp,
        new: &Handle,
    ) -> Result<Taken, Error> {
        let (taken, transaction) = self.begin_to_take(digest, kind, now).await?;
        if let Some(mut transaction) = transaction {
            put(&mut transaction, new).await?;
            transaction.commit().await?;
        }
        Ok(taken)
    }

    /// Takes a handle in a transaction, which is there where it is the first.
    async fn begin_to_take(
        &self,
        digest: &Digest,
        kind: &str,
        now: Timestamp,
    ) -> Result<(Taken, Option<Transaction>), Error> {
        // What is worth nothing is told so without a wait for a writer: anybody may guess.
        match self.peek_handle(digest, kind, now).await? {
            Taken::First(_) => {}
            worthless => return Ok((worthless, None)),
        }
        let mut transaction = self.database.write().await?;
        let values = [Value::Bytes(digest), Value::Text(kind), Value::time(now)];
        let rows = transaction.rows(SqlStr::from_static(TAKE), &values).await?;
        let Some(row) = rows.first() else {
            // Somebody was faster since, or it was dropped.
            drop(transaction);
            return Ok((not_first(self.peek_handle(digest, kind, now).await?), None));
        };
        let handle = handle(row, digest, kind)?;
        let (standing, ends) = match &handle.grant {
            Some(grant) => grants::hold(&mut transaction, grant, now).await?,
            None => (Standing::Live, handle.expires),
        };
        Ok(match standing {
            Standing::Expired => (Taken::Expired, None),
            Standing::Live => {
                keep(&mut transaction, &handle, ends).await?;
                (Taken::First(handle), Some(transaction))
            }
            Standing::Revoked => (Taken::Revoked(handle), None),
        })
    }
}

/// Has a handle that is used known until its grant ends. A code lives for a minute and what came of it
/// for weeks: whenever in that time a copy turns up, all of that has to end. There is one code for each
/// grant, so they are no more than those. The purge finds by its index what has ended, and does not
/// have to pass over those that are kept.
async fn keep(
    transaction: &mut Transaction,
    handle: &Handle,
    until: Timestamp,
) -> Result<(), Error> {
    // A refresh token ends with its grant anyway.
    if until > handle.expires {
        let values = [Value::Bytes(&handle.digest), Value::Text(&handle.kind), Value::time(until)];
        transaction.execute(SqlStr::from_static(KEEP), &values).await?;
    }
    Ok(())
}

/// Dropped and made anew in the meantime: what was asked for is not there.
fn not_first(taken: Taken) -> Taken {
    match taken {
        Taken::First(_) => Taken::Unknown,
        taken @ (Taken::Again(_) | Taken::Expired | Taken::Revoked(_) | Taken::Unknown) => taken,
    }
}
