//! Consents. To take one back is to revoke what came of it.

use std::time::Duration;

use model::Timestamp;
use sqlx::SqlStr;

use super::{Store, grants, revocations::Revoking};
use crate::{
    Consent, Error, GrantFilter, TakenBack,
    database::{Row, Value},
};

const PUT: &str = "INSERT INTO consents (subject, client, body, given) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (subject, client) DO UPDATE SET body = excluded.body, given = excluded.given";
const ONE: &str = "SELECT subject, client, body, given FROM consents \
     WHERE subject = $1 AND client = $2";
const ALL: &str = "SELECT subject, client, body, given FROM consents \
     WHERE (subject, client) > ($1, $2) ORDER BY subject, client LIMIT $3";
const OF_SUBJECT: &str = "SELECT subject, client, body, given FROM consents \
     WHERE subject = $1 AND client > $2 ORDER BY client LIMIT $3";
/// One that is given anew meanwhile stays.
const PURGE: &str = "DELETE FROM consents WHERE given < $1 AND (subject, client) IN \
     (SELECT subject, client FROM consents WHERE given < $1 AND NOT EXISTS (SELECT 1 FROM grants \
     WHERE grants.subject = consents.subject AND grants.client = consents.client \
     AND grants.revoked IS NULL AND grants.expires > $2) ORDER BY given LIMIT $3)";
/// So long a consent is kept whatever becomes of its grant: that is made before it.
const KEPT: Duration = Duration::from_secs(3600);
const DELETE: &str = "DELETE FROM consents WHERE subject = $1 AND client = $2";

impl Store {
    /// Keeps a consent, in place of the one that the same user gave the same client before.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn put_consent(&self, consent: &Consent) -> Result<(), Error> {
        let Consent { subject, client, body, given } = consent;
        refuse_nul(subject, client)?;
        Error::refuse_nul([("a consent's body", body.as_str())])?;
        let values =
            [Value::Text(subject), Value::Text(client), Value::Text(body), Value::time(*given)];
        self.database.execute(PUT, &values).await.map(drop)
    }

    /// What a user allowed a client; `None` where that is nothing.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn consent(&self, subject: &str, client: &str) -> Result<Option<Consent>, Error> {
        refuse_nul(subject, client)?;
        let rows = self.database.rows(ONE, &[Value::Text(subject), Value::Text(client)]).await?;
        rows.first().map(consent).transpose()
    }

    /// The consents of one user, or of all, by user and client: at most `limit`, from the one behind
    /// `after` on, which is a user and a client.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn consents(
        &self,
        subject: Option<&str>,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Consent>, Error> {
        let (after_subject, after_client) = after.unwrap_or(("", ""));
        refuse_nul(subject.unwrap_or(after_subject), after_client)?;
        let sql = if subject.is_some() { OF_SUBJECT } else { ALL };
        let values = [
            Value::Text(subject.unwrap_or(after_subject)),
            Value::Text(after_client),
            Value::Int(limit.into()),
        ];
        self.database.rows(sql, &values).await?.iter().map(consent).collect()
    }

    /// Takes a consent back and revokes the grants of user and client, both or neither. The grants are
    /// revoked also where there was no consent.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. With [`Error::Unavailable`] it may
    /// or may not have been: doing it twice does no harm.
    pub async fn delete_consent(
        &self,
        subject: &str,
        client: &str,
        at: Timestamp,
    ) -> Result<TakenBack, Error> {
        refuse_nul(subject, client)?;
        let mut revoking = Revoking::begin(self).await?;
        let values = [Value::Text(subject), Value::Text(client)];
        let deleted = revoking.transaction.execute(SqlStr::from_static(DELETE), &values).await?;
        let filter = GrantFilter::SubjectAndClient { subject, client };
        let grants = grants::revoke(&mut revoking, filter, at).await?;
        revoking.commit().await?;
        Ok(TakenBack { was_there: deleted > 0, grants })
    }

    /// Deletes consents of which nothing is left: all grants of user and client have expired or were
    /// revoked. At most `limit`, the oldest first. Says how many there were.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn purge_consents(&self, now: Timestamp, limit: u32) -> Result<u64, Error> {
        let values = [Value::time(now.minus(KEPT)), Value::time(now), Value::Int(limit.into())];
        self.database.execute(PURGE, &values).await
    }
}

fn refuse_nul(subject: &str, client: &str) -> Result<(), Error> {
    Error::refuse_nul([("a subject", subject), ("a client", client)])
}

fn consent(row: &Row) -> Result<Consent, Error> {
    Ok(Consent {
        subject: row.text(0)?,
        client: row.text(1)?,
        body: row.text(2)?,
        given: row.time(3)?,
    })
}
