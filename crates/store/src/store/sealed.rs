//! Sealed versions of secrets: bytes that mean nothing here.

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
/// A version that was deleted and made anew since it was read has another time.
const REWRAP: &str = "UPDATE sealed SET key_id = $4, sealed = $5 \
     WHERE secret = $1 AND version = $2 AND created = $3";

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

    /// Keeps the same values under another key: all of them or none, without a revision.
    ///
    /// Key and sealed bytes are replaced; a state is left as it is now. A version that is gone, or
    /// was made anew since it was read, is passed over.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Nul`] and [`Error::Unavailable`].
    pub async fn rewrap(&self, versions: &[SealedVersion]) -> Result<(), Error> {
        let mut versions: Vec<_> = versions.iter().collect();
        if versions.iter().any(|it| it.key.contains('\0')) {
            return Err(Error::Nul { what: "a key".to_owned() });
        }
        // Two processes that lock rows in one order never wait for each other.
        versions.sort_by_key(|it| (&it.secret, it.version));
        let mut transaction = self.database.write().await?;
        for it in versions {
            let SealedVersion { secret, version, state: _, key, sealed, created } = it;
            let values = [
                Value::Text(secret.as_str()),
                Value::Int((*version).into()),
                Value::Int(created.as_micros()),
                Value::Text(key),
                Value::Bytes(sealed),
            ];
            transaction.execute(SqlStr::from_static(REWRAP), &values).await?;
        }
        transaction.commit().await
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
