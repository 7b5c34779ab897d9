//! The feed of what was revoked: numbers without end, in the order in which they can be read.

use model::Timestamp;
use sqlx::SqlStr;

use super::{
    Store, read, watch,
    write::{notify, statement},
};
use crate::{
    Error, Revoked,
    database::{Row, Transaction, Value},
};

/// Whoever has this row revokes. A sequence would not do: its numbers are not in the order of commits,
/// and a reader would pass over one that is committed late.
const LOCK_HEAD: &str = "UPDATE revocation_head SET number = number RETURNING number";
const MOVE_HEAD: &str = "UPDATE revocation_head SET number = $1";
const SINCE: &str = "SELECT number, kind, id, at, expires FROM revocations WHERE number > $1 \
     ORDER BY number LIMIT $2";
/// Rows of one statement.
const ROWS_MAX: usize = 256;

impl Store {
    /// Revokes what is no grant, by ids of one kind. The entries are in the feed until `expires`, which
    /// is when all that they are about has ended by itself.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. With [`Error::Unavailable`] it may
    /// or may not have been: revoking twice does no harm.
    pub async fn revoke(
        &self,
        kind: &str,
        ids: &[String],
        at: Timestamp,
        expires: Timestamp,
    ) -> Result<(), Error> {
        Error::refuse_nul([("a kind", kind)])?;
        Error::refuse_nul(ids.iter().map(|it| ("an id", it.as_str())))?;
        if ids.is_empty() {
            return Ok(());
        }
        let mut revoking = Revoking::begin(self).await?;
        let entries: Vec<_> = ids.iter().map(|it| (it.clone(), expires)).collect();
        revoking.append(kind, &entries, at).await?;
        revoking.commit().await
    }

    /// What was revoked after a number, by number: at most `limit`. What has expired may be left out.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn revoked_since(&self, number: u64, limit: u32) -> Result<Vec<Revoked>, Error> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let values = [Value::Int(number), Value::Int(limit.into())];
        self.database.rows(SINCE, &values).await?.iter().map(revoked).collect()
    }
}

/// A transaction that revokes. It has the feed's head from its beginning: numbers come in the order of
/// commits, and no two of these wait for each other's rows in a circle.
pub(super) struct Revoking<'s> {
    store: &'s Store,
    pub(super) transaction: Transaction,
    head: u64,
    has_news: bool,
}

impl<'s> Revoking<'s> {
    pub(super) async fn begin(store: &'s Store) -> Result<Self, Error> {
        let mut transaction = store.database.write().await?;
        let head = read::head_in(&mut transaction, LOCK_HEAD).await?;
        Ok(Self { store, transaction, head, has_news: false })
    }

    /// Appends ids of one kind, each with its end.
    pub(super) async fn append(
        &mut self,
        kind: &str,
        entries: &[(String, Timestamp)],
        at: Timestamp,
    ) -> Result<(), Error> {
        for entries in entries.chunks(ROWS_MAX) {
            let mut values = Vec::with_capacity(entries.len().saturating_mul(5));
            for (id, expires) in entries {
                self.head = self.head.saturating_add(1);
                let texts = [Value::Text(kind), Value::Text(id)];
                values.push(Value::Int(row(self.head)?));
                values.extend(texts);
                values.extend([Value::time(at), Value::time(*expires)]);
            }
            let insert = "INSERT INTO revocations (number, kind, id, at, expires) VALUES";
            self.transaction.execute(statement(insert, (entries.len(), 5), ""), &values).await?;
            self.has_news = true;
        }
        Ok(())
    }

    /// Makes it last, and tells whoever watches.
    pub(super) async fn commit(self) -> Result<(), Error> {
        let Self { store, mut transaction, head, has_news } = self;
        if has_news {
            let values = [Value::Int(row(head)?)];
            transaction.execute(SqlStr::from_static(MOVE_HEAD), &values).await?;
            notify(&mut transaction, watch::REVOCATIONS, head).await?;
        }
        transaction.commit().await?;
        store.watch.publish_revocation(head);
        Ok(())
    }
}

fn row(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::corrupt("its revocations are used up"))
}

fn revoked(row: &Row) -> Result<Revoked, Error> {
    Ok(Revoked {
        number: row.count(0)?,
        kind: row.text(1)?,
        id: row.text(2)?,
        at: row.time(3)?,
        expires: row.time(4)?,
    })
}
