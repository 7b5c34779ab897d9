//! Grants: kept, listed, revoked.

use std::{collections::BTreeMap, fmt::Write as _};

use model::Timestamp;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::{Store, revocations::Revoking};
use crate::{
    Alike, Error, Grant, GrantFilter, Holder, Revoked,
    database::{Row, Transaction, Value},
};

const COLUMNS: &str = "SELECT id, client, profile, subject, body, created, expires, revoked";
const PUT: &str = "INSERT INTO grants (id, client, profile, subject, body, created, expires, revoked) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
/// Whoever revokes it waits until this transaction has ended, and the other way round.
const LOCK_POSTGRES: &str = "SELECT expires, revoked FROM grants WHERE id = $1 FOR SHARE";
/// There is one writer anyway.
const LOCK_SQLITE: &str = "SELECT expires, revoked FROM grants WHERE id = $1";

/// Who holds grants that are good, by two patterns of clients.
const HOLDERS: &str = "SELECT client, count(*), max(created) FROM grants \
     WHERE client > $1 AND revoked IS NULL AND expires > $2 \
     AND (client LIKE $3 OR client LIKE $4) GROUP BY client ORDER BY client LIMIT $5";

/// What is good of a client for a user, each thing once however many grants say it.
const GOOD: &str = "SELECT profile, body, max(expires) FROM grants \
     WHERE subject = $1 AND client = $2 AND revoked IS NULL AND expires > $3 \
     GROUP BY profile, body ORDER BY max(expires) DESC, profile, body LIMIT $4";
/// Who holds anything that is good for a user.
const ACTING: &str = "SELECT DISTINCT client FROM grants WHERE subject = $1 AND client > $2 \
     AND revoked IS NULL AND expires > $3 ORDER BY client LIMIT $4";

impl Store {
    /// Keeps a new grant.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written.
    /// [`Error::Unavailable`].
    pub async fn put_grant(&self, grant: &Grant) -> Result<(), Error> {
        let mut transaction = self.database.write().await?;
        put(&mut transaction, grant).await?;
        transaction.commit().await
    }

    /// One grant, also one that was revoked or has expired; `None` where there is none of this id.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn grant(&self, id: &str) -> Result<Option<Grant>, Error> {
        Ok(self.grants(GrantFilter::One(id), None, 1).await?.pop())
    }

    /// Grants by id: at most `limit`, from the one behind `after` on. Those that were revoked or have
    /// expired are among them, until they are purged.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn grants(
        &self,
        filter: GrantFilter<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Grant>, Error> {
        let after = after.unwrap_or("");
        Error::refuse_nul([("a grant's id", after)])?;
        let mut values = vec![Value::Text(after), Value::Int(limit.into())];
        let condition = condition(filter, &mut values)?;
        let sql = format!("{COLUMNS} FROM grants WHERE id > $1{condition} ORDER BY id LIMIT $2");
        // Made of constants and numbers alone.
        let rows = self.database.rows(AssertSqlSafe(sql), &values).await?;
        rows.iter().map(grant).collect()
    }

    /// The clients whose ids are like one of `patterns` (as LIKE has them) and that hold grants which
    /// are good `now`, by id: at most `limit`, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn holders(
        &self,
        patterns: [&str; 2],
        after: Option<&str>,
        (now, limit): (Timestamp, u32),
    ) -> Result<Vec<Holder>, Error> {
        let after = after.unwrap_or("");
        Error::refuse_nul([after, patterns[0], patterns[1]].map(|it| ("a client", it)))?;
        let values = [
            Value::Text(after),
            Value::time(now),
            Value::Text(patterns[0]),
            Value::Text(patterns[1]),
            Value::Int(limit.into()),
        ];
        self.database.rows(HOLDERS, &values).await?.iter().map(holder).collect()
    }

    /// What the grants of a client for a user say that are good `now`: one for all that say the same, the
    /// one that lasts longest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn good_grants(
        &self,
        subject: &str,
        client: &str,
        (now, limit): (Timestamp, u32),
    ) -> Result<Vec<Alike>, Error> {
        let rows = self.of_user(GOOD, (subject, client), (now, limit)).await?;
        rows.iter().map(alike).collect()
    }

    /// The clients that hold grants for a user which are good `now`, by id: at most `limit`, from the one
    /// behind `after` on.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn acting_for(
        &self,
        subject: &str,
        after: Option<&str>,
        (now, limit): (Timestamp, u32),
    ) -> Result<Vec<String>, Error> {
        let rows = self.of_user(ACTING, (subject, after.unwrap_or("")), (now, limit)).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    async fn of_user(
        &self,
        sql: &'static str,
        (subject, client): (&str, &str),
        (now, limit): (Timestamp, u32),
    ) -> Result<Vec<Row>, Error> {
        Error::refuse_nul([("a subject", subject), ("a client", client)])?;
        let values =
            [Value::Text(subject), Value::Text(client), Value::time(now), Value::Int(limit.into())];
        self.database.rows(sql, &values).await
    }

    /// When the newest handle of a kind was made for each of these grants, where there is one.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn newest_handles(
        &self,
        kind: &str,
        grants: &[&str],
    ) -> Result<BTreeMap<String, Timestamp>, Error> {
        Error::refuse_nul([("a kind", kind)])?;
        Error::refuse_nul(grants.iter().map(|it| ("a grant's id", *it)))?;
        if grants.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut values = vec![Value::Text(kind)];
        let places = places(grants, &mut values);
        let sql = format!(
            "SELECT grant_id, max(created) FROM handles WHERE kind = $1 AND grant_id IN ({places}) GROUP BY grant_id"
        );
        // Made of constants and numbers alone.
        let rows = self.database.rows(AssertSqlSafe(sql), &values).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.time(1)?))).collect()
    }

    /// Revokes grants and tells everybody by the feed, both or neither. Gives the ids of those that were
    /// good until now: what has expired stays as it ended.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. With [`Error::Unavailable`] it may
    /// or may not have been: revoking twice does no harm.
    pub async fn revoke_grants(
        &self,
        filter: GrantFilter<'_>,
        at: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let mut revoking = Revoking::begin(self).await?;
        let ids = revoke(&mut revoking, filter, at).await?;
        if !ids.is_empty() {
            revoking.commit().await?;
        }
        Ok(ids)
    }
}

/// Revokes within a transaction.
pub(super) async fn revoke(
    revoking: &mut Revoking<'_>,
    filter: GrantFilter<'_>,
    at: Timestamp,
) -> Result<Vec<String>, Error> {
    let mut values = vec![Value::time(at)];
    let condition = condition(filter, &mut values)?;
    let sql = format!(
        "UPDATE grants SET revoked = $1 WHERE revoked IS NULL AND expires > $1{condition} \
         RETURNING id, expires"
    );
    // Made of constants and numbers alone.
    let rows = revoking.transaction.rows(AssertSqlSafe(sql).into_sql_str(), &values).await?;
    let entries = rows.iter().map(|row| Ok((row.text(0)?, row.time(1)?)));
    let entries: Vec<_> = entries.collect::<Result<_, Error>>()?;
    revoking.append(Revoked::GRANT, &entries, at).await?;
    Ok(entries.into_iter().map(|(id, _)| id).collect())
}

/// Keeps a new grant within a transaction.
pub(super) async fn put(transaction: &mut Transaction, grant: &Grant) -> Result<(), Error> {
    let Grant { id, client, profile, subject, body, created, expires, revoked } = grant;
    let subject = subject.as_deref();
    Error::refuse_nul([
        ("a grant's id", id.as_str()),
        ("a client", client),
        ("a profile", profile),
        ("a subject", subject.unwrap_or("")),
        ("a grant's body", body),
    ])?;
    let values = [
        Value::Text(id),
        Value::Text(client),
        Value::Text(profile),
        Value::Maybe(subject),
        Value::Text(body),
        Value::time(*created),
        Value::time(*expires),
        Value::maybe_time(*revoked),
    ];
    match transaction.execute(SqlStr::from_static(PUT), &values).await? {
        0 => Err(Error::Exists { what: format!("grant \"{id}\"") }),
        _ => Ok(()),
    }
}

/// What may come of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Expired,
    Live,
    /// Or gone.
    Revoked,
}

/// How a grant stands, and will stand until the transaction has ended; and when it ends by itself.
pub(super) async fn hold(
    transaction: &mut Transaction,
    id: &str,
    now: Timestamp,
) -> Result<(Standing, Timestamp), Error> {
    let lock = if transaction.is_postgres() { LOCK_POSTGRES } else { LOCK_SQLITE };
    let rows = transaction.rows(SqlStr::from_static(lock), &[Value::Text(id)]).await?;
    let Some(row) = rows.first() else { return Ok((Standing::Revoked, now)) };
    let ends = row.time(0)?;
    Ok((standing(ends, row.maybe_time(1)?, now), ends))
}

pub(super) fn standing(expires: Timestamp, revoked: Option<Timestamp>, now: Timestamp) -> Standing {
    match revoked {
        Some(_) => Standing::Revoked,
        None if expires <= now => Standing::Expired,
        None => Standing::Live,
    }
}

/// The end of a condition, with its values behind those that there are.
fn condition<'v>(filter: GrantFilter<'v>, values: &mut Vec<Value<'v>>) -> Result<String, Error> {
    let mut besides: &[&str] = &[];
    let columns = match filter {
        GrantFilter::Client(it) => vec![("client", it)],
        GrantFilter::Given { subject, client, profile, besides: others } => {
            besides = others;
            let said = [("subject", subject), ("client", client), ("profile", profile)];
            said.into_iter().filter_map(|(column, it)| Some((column, it?))).collect()
        }
        GrantFilter::One(it) => vec![("id", it)],
        GrantFilter::Profile(it) => vec![("profile", it)],
        GrantFilter::Subject(it) => vec![("subject", it)],
        GrantFilter::SubjectAndClient { subject, client } => {
            vec![("subject", subject), ("client", client)]
        }
    };
    Error::refuse_nul(columns.iter().copied())?;
    Error::refuse_nul(besides.iter().map(|it| ("a client", *it)))?;
    let mut condition = String::new();
    for (column, value) in columns {
        values.push(Value::Text(value));
        let _ = write!(condition, " AND {column} = ${}", values.len());
    }
    if !besides.is_empty() {
        let _ = write!(condition, " AND client NOT IN ({})", places(besides, values));
    }
    Ok(condition)
}

/// `$3, $4`: the places of texts, which are put behind the values that there are.
fn places<'v>(texts: &[&'v str], values: &mut Vec<Value<'v>>) -> String {
    let mut places = String::new();
    for text in texts {
        values.push(Value::Text(text));
        let comma = if places.is_empty() { "" } else { ", " };
        let _ = write!(places, "{comma}${}", values.len());
    }
    places
}

fn alike(row: &Row) -> Result<Alike, Error> {
    Ok(Alike { profile: row.text(0)?, body: row.text(1)?, expires: row.time(2)? })
}

fn holder(row: &Row) -> Result<Holder, Error> {
    Ok(Holder { client: row.text(0)?, grants: row.count(1)?, newest: row.time(2)? })
}

fn grant(row: &Row) -> Result<Grant, Error> {
    Ok(Grant {
        id: row.text(0)?,
        client: row.text(1)?,
        profile: row.text(2)?,
        subject: row.maybe(3)?,
        body: row.text(4)?,
        created: row.time(5)?,
        expires: row.time(6)?,
        revoked: row.maybe_time(7)?,
    })
}
