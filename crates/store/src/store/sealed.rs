//! Sealed versions of secrets: bytes that mean nothing here.

use std::collections::BTreeMap;

use model::{SecretId, Timestamp};
use sqlx::SqlStr;

use super::Store;
use crate::{
    Error, SealedChange, SealedVersion,
    database::{Row, Transaction, Value},
};

const ALL: &str = "SELECT secret, version, state, key_id, sealed, created FROM sealed \
     ORDER BY secret, version";
const OF_SECRET: &str = "SELECT secret, version, state, key_id, sealed, created FROM sealed \
     WHERE secret = $1 ORDER BY version";
const PUT: &str = "INSERT INTO sealed (secret, version, state, key_id, sealed, created) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (secret, version) DO NOTHING";
const SET_STATE: &str = "UPDATE sealed SET state = $3 WHERE secret = $1 AND version = $2";
const DELETE: &str = "DELETE FROM sealed WHERE secret = $1 AND version = $2";
const KEYS: &str = "SELECT key_id, count(*) FROM sealed GROUP BY key_id";
const UNDER_KEY: &str = "SELECT secret, version, state, key_id, sealed, created FROM sealed \
     WHERE key_id = $1 AND (secret, version) > ($2, $3) ORDER BY secret, version LIMIT $4";
/// A version that was deleted and made anew since it was read has another time.
const REWRAP: &str = "UPDATE sealed SET key_id = $4, sealed = $5 \
     WHERE secret = $1 AND version = $2 AND created = $3 AND key_id = $6";

impl Store {
    /// All versions of all secrets, by secret and number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn sealed(&self) -> Result<Vec<SealedVersion>, Error> {
        self.database.rows(ALL, &[]).await?.iter().map(version).collect()
    }

    /// All versions of one secret, by number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn sealed_of(&self, secret: &SecretId) -> Result<Vec<SealedVersion>, Error> {
        let rows = self.database.rows(OF_SECRET, &[Value::Text(secret.as_str())]).await?;
        rows.iter().map(version).collect()
    }

    /// How many versions are sealed under each key, by the key's id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn sealing_keys(&self) -> Result<BTreeMap<String, u64>, Error> {
        let rows = self.database.rows(KEYS, &[]).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.count(1)?))).collect()
    }

    /// Versions that are sealed under one key, by secret and number: at most `limit`, from the one
    /// behind `after` on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn sealed_under(
        &self,
        key: &str,
        after: Option<(&SecretId, u32)>,
        limit: u32,
    ) -> Result<Vec<SealedVersion>, Error> {
        let (secret, version) = after.map_or(("", 0), |(secret, it)| (secret.as_str(), it));
        let values = [
            Value::Text(key),
            Value::Text(secret),
            Value::Int(version.into()),
            Value::Int(limit.into()),
        ];
        self.database.rows(UNDER_KEY, &values).await?.iter().map(self::version).collect()
    }
}

/// Does what a commit wants done to versions.
pub(super) async fn change(
    transaction: &mut Transaction,
    changes: &[SealedChange],
) -> Result<(), Error> {
    for change in changes {
        match change {
            SealedChange::Delete { secret, version } => {
                let values = [Value::Text(secret.as_str()), Value::Int((*version).into())];
                let deleted = transaction.execute(SqlStr::from_static(DELETE), &values).await?;
                ensure_known(deleted, secret, *version)?;
            }
            SealedChange::Put(it) => put(transaction, it).await?,
            SealedChange::Rewrap { version, from } => rewrap(transaction, version, from).await?,
            SealedChange::State { secret, version, state } => {
                let (secret_text, number) = (secret.as_str(), (*version).into());
                let values = [Value::Text(secret_text), Value::Int(number), Value::Text(state)];
                let set = transaction.execute(SqlStr::from_static(SET_STATE), &values).await?;
                ensure_known(set, secret, *version)?;
            }
        }
    }
    Ok(())
}

async fn put(transaction: &mut Transaction, put: &SealedVersion) -> Result<(), Error> {
    let SealedVersion { secret, version, state, key, sealed, created } = put;
    let values = [
        Value::Text(secret.as_str()),
        Value::Int((*version).into()),
        Value::Text(state),
        Value::Text(key),
        Value::Bytes(sealed),
        Value::Int(created.as_micros()),
    ];
    match transaction.execute(SqlStr::from_static(PUT), &values).await? {
        0 => Err(Error::VersionExists { secret: secret.clone(), version: *version }),
        _ => Ok(()),
    }
}

async fn rewrap(
    transaction: &mut Transaction,
    wrapped: &SealedVersion,
    from: &str,
) -> Result<(), Error> {
    let SealedVersion { secret, version, state: _, key, sealed, created } = wrapped;
    let values = [
        Value::Text(secret.as_str()),
        Value::Int((*version).into()),
        Value::Int(created.as_micros()),
        Value::Text(key),
        Value::Bytes(sealed),
        Value::Text(from),
    ];
    let replaced = transaction.execute(SqlStr::from_static(REWRAP), &values).await?;
    ensure_known(replaced, secret, *version)
}

fn ensure_known(rows: u64, secret: &SecretId, version: u32) -> Result<(), Error> {
    match rows {
        0 => Err(Error::UnknownVersion { secret: secret.clone(), version }),
        _ => Ok(()),
    }
}

fn version(row: &Row) -> Result<SealedVersion, Error> {
    let secret = SecretId::parse(&row.text(0)?).map_err(|it| Error::corrupt(it.to_string()))?;
    Ok(SealedVersion {
        secret,
        version: row.count(1)?,
        state: row.text(2)?,
        key: row.text(3)?,
        sealed: row.bytes(4)?,
        created: Timestamp::from_micros(row.int(5)?),
    })
}
