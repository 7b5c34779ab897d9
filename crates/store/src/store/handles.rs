//! Handles: kept, looked at, dropped. What lists and takes them is beside this.

mod list;
mod take;

use model::Timestamp;
use sqlx::SqlStr;

use super::{
    Store,
    grants::{self, Standing},
};
use crate::{
    Digest, Error, Handle, Taken,
    database::{Row, Transaction, Value},
};

const PUT: &str = "INSERT INTO handles (digest, kind, grant_id, body, created, expires) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (digest, kind) DO NOTHING";
/// One that is taken stays as it was when it was taken.
const REPLACE: &str = "UPDATE handles SET body = $3 \
     WHERE digest = $1 AND kind = $2 AND body = $4 AND used IS NULL";
const DROP: &str = "DELETE FROM handles WHERE digest = $1 AND kind = $2";
const PEEK: &str = "SELECT handles.grant_id, handles.body, handles.created, handles.expires, \
     handles.used, grants.expires, grants.revoked FROM handles \
     LEFT JOIN grants ON grants.id = handles.grant_id \
     WHERE handles.digest = $1 AND handles.kind = $2";

impl Store {
    /// Keeps a new handle.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::UnknownGrant`] where its grant is gone, revoked or expired when the
    /// handle was made, [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written.
    /// [`Error::Unavailable`].
    pub async fn put_handle(&self, handle: &Handle) -> Result<(), Error> {
        let mut transaction = self.database.write().await?;
        put(&mut transaction, handle).await?;
        transaction.commit().await
    }

    /// What would become of an attempt to take a handle now. Nothing is taken.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn peek_handle(
        &self,
        digest: &Digest,
        kind: &str,
        now: Timestamp,
    ) -> Result<Taken, Error> {
        Error::refuse_nul([("a kind", kind)])?;
        let rows = self.database.rows(PEEK, &[Value::Bytes(digest), Value::Text(kind)]).await?;
        let Some(row) = rows.first() else { return Ok(Taken::Unknown) };
        let handle = handle(row, digest, kind)?;
        if row.maybe_time(4)?.is_some() {
            return Ok(Taken::Again(handle));
        }
        let grant = row.maybe_time(5)?.map(|it| Ok::<_, Error>((it, row.maybe_time(6)?)));
        let standing = match (&handle.grant, grant.transpose()?) {
            (None, _) => Standing::Live,
            (Some(_), None) => Standing::Revoked,
            (Some(_), Some((expires, revoked))) => grants::standing(expires, revoked, now),
        };
        Ok(match standing {
            _ if handle.expires <= now => Taken::Expired,
            Standing::Expired => Taken::Expired,
            Standing::Live => Taken::First(handle),
            Standing::Revoked => Taken::Revoked(handle),
        })
    }

    /// Gives a handle that is not taken another body, where it has the expected one. Says whether it
    /// did. An expired one is changed as well, which makes it no more than it was.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn replace_body(
        &self,
        digest: &Digest,
        kind: &str,
        body: &str,
        expected_body: &str,
    ) -> Result<bool, Error> {
        Error::refuse_nul([
            ("a kind", kind),
            ("a handle's body", body),
            ("the expected body", expected_body),
        ])?;
        let values = [
            Value::Bytes(digest),
            Value::Text(kind),
            Value::Text(body),
            Value::Text(expected_body),
        ];
        Ok(self.database.execute(REPLACE, &values).await? > 0)
    }

    /// Forgets a handle, taken or not. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn drop_handle(&self, digest: &Digest, kind: &str) -> Result<bool, Error> {
        Error::refuse_nul([("a kind", kind)])?;
        Ok(self.database.execute(DROP, &[Value::Bytes(digest), Value::Text(kind)]).await? > 0)
    }
}

/// Keeps a new handle within a transaction. Its grant cannot be revoked before that has ended.
async fn put(transaction: &mut Transaction, handle: &Handle) -> Result<(), Error> {
    let Handle { digest, kind, grant, body, created, expires } = handle;
    let grant = grant.as_deref();
    Error::refuse_nul([
        ("a kind", kind.as_str()),
        ("a grant's id", grant.unwrap_or("")),
        ("a handle's body", body),
    ])?;
    if let Some(grant) = grant
        && grants::hold(transaction, grant, *created).await?.0 != Standing::Live
    {
        return Err(Error::UnknownGrant { grant: grant.to_owned() });
    }
    let values = [
        Value::Bytes(digest),
        Value::Text(kind),
        Value::Maybe(grant),
        Value::Text(body),
        Value::time(*created),
        Value::time(*expires),
    ];
    match transaction.execute(SqlStr::from_static(PUT), &values).await? {
        0 => Err(Error::Exists { what: format!("a handle of this digest and kind \"{kind}\"") }),
        _ => Ok(()),
    }
}

/// From its grant, its body, when it was made and when it ends.
fn handle(row: &Row, digest: &Digest, kind: &str) -> Result<Handle, Error> {
    Ok(Handle {
        digest: *digest,
        kind: kind.to_owned(),
        grant: row.maybe(0)?,
        body: row.text(1)?,
        created: row.time(2)?,
        expires: row.time(3)?,
    })
}
