//! Keys that sign: sealed bytes that mean nothing here, and when each is in force.

use model::Timestamp;

use super::Store;
use crate::{
    Error, SigningKey,
    database::{Row, Value},
};

/// Far more than anybody rotates through. It bounds what is read.
const KEYS_MAX: i64 = 256;
const ALL: &str = "SELECT id, algorithm, public, key_id, sealed, created, activates, retires \
     FROM signing_keys ORDER BY created DESC, id LIMIT $1";
const PUT: &str = "INSERT INTO signing_keys \
     (id, algorithm, public, key_id, sealed, created, activates, retires) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
const SET_TIMES: &str = "UPDATE signing_keys SET activates = $2, retires = $3 WHERE id = $1";
/// One that was deleted and made anew since it was read has another time.
const REWRAP: &str = "UPDATE signing_keys SET key_id = $3, sealed = $4 \
     WHERE id = $1 AND created = $2 AND key_id = $5";
const DELETE: &str = "DELETE FROM signing_keys WHERE id = $1";

impl Store {
    /// Keeps a new key. One that is there is never overwritten.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written.
    /// [`Error::Unavailable`].
    pub async fn put_signing_key(&self, signing_key: &SigningKey) -> Result<(), Error> {
        let SigningKey { id, algorithm, public, key, sealed, created, activates, retires } =
            signing_key;
        refuse_nul(id, key)?;
        Error::refuse_nul([("an algorithm", algorithm.as_str()), ("a public key", public)])?;
        let values = [
            Value::Text(id),
            Value::Text(algorithm),
            Value::Text(public),
            Value::Text(key),
            Value::Bytes(sealed),
            Value::time(*created),
            Value::time(*activates),
            Value::maybe_time(*retires),
        ];
        match self.database.execute(PUT, &values).await? {
            0 => Err(Error::Exists { what: format!("signing key \"{id}\"") }),
            _ => Ok(()),
        }
    }

    /// The keys, newest first; of more than 256, the newest.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        let rows = self.database.rows(ALL, &[Value::Int(KEYS_MAX)]).await?;
        rows.iter().map(signing_key).collect()
    }

    /// Says when a key is in force. Says whether there is one.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn set_signing_key_times(
        &self,
        id: &str,
        activates: Timestamp,
        retires: Option<Timestamp>,
    ) -> Result<bool, Error> {
        refuse_nul(id, "")?;
        let values = [Value::Text(id), Value::time(activates), Value::maybe_time(retires)];
        Ok(self.database.execute(SET_TIMES, &values).await? > 0)
    }

    /// Puts the same key under another key-encryption key: `key` and `sealed` are replaced, all else
    /// stays. Says whether it did: under another one than `from`, gone or made anew since, it is not
    /// what was read.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn rewrap_signing_key(
        &self,
        wrapped: &SigningKey,
        from: &str,
    ) -> Result<bool, Error> {
        let SigningKey { id, key, sealed, created, .. } = wrapped;
        refuse_nul(id, key)?;
        refuse_nul(id, from)?;
        let values = [
            Value::Text(id),
            Value::time(*created),
            Value::Text(key),
            Value::Bytes(sealed),
            Value::Text(from),
        ];
        Ok(self.database.execute(REWRAP, &values).await? > 0)
    }

    /// Forgets a key. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn delete_signing_key(&self, id: &str) -> Result<bool, Error> {
        refuse_nul(id, "")?;
        Ok(self.database.execute(DELETE, &[Value::Text(id)]).await? > 0)
    }
}

fn refuse_nul(id: &str, key: &str) -> Result<(), Error> {
    Error::refuse_nul([("a signing key's id", id), ("a key", key)])
}

fn signing_key(row: &Row) -> Result<SigningKey, Error> {
    Ok(SigningKey {
        id: row.text(0)?,
        algorithm: row.text(1)?,
        public: row.text(2)?,
        key: row.text(3)?,
        sealed: row.bytes(4)?,
        created: row.time(5)?,
        activates: row.time(6)?,
        retires: row.maybe_time(7)?,
    })
}
