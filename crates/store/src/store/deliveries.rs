//! The line of each webhook: put in with what it is about, taken by one replica at a time.

use model::Timestamp;
use sqlx::SqlStr;

use super::{Store, read, write::statement};
use crate::{
    Announcement, Backlog, Delivery, DeliveryFilter, Error, Message, Next,
    database::{Row, Transaction, Value},
};

/// Whoever has this row puts in line: numbers come in the order of commits, as of revocations.
const LOCK_HEAD: &str = "UPDATE delivery_head SET number = number RETURNING number";
const MOVE_HEAD: &str = "UPDATE delivery_head SET number = $1";
const PUT: &str = "INSERT INTO deliveries \
     (number, message, webhook, event, body, created, attempts, due, held) VALUES";
const ANNOUNCE: &str = "INSERT INTO announced (event, subject, at) VALUES ($1, $2, $3) \
     ON CONFLICT (event, subject, at) DO NOTHING";
const FIRST: &str = "SELECT number, due, held FROM deliveries \
     WHERE webhook = $1 AND dead IS NULL ORDER BY number LIMIT 1";
const HOLD: &str = "UPDATE deliveries SET holder = $1, held = $2 \
     WHERE number = $3 AND dead IS NULL AND due <= $4 AND held <= $4";
const ONE: &str = "SELECT number, message, webhook, event, body, created, attempts, due, error, dead \
     FROM deliveries WHERE number = $1";
const DELIVERED: &str = "DELETE FROM deliveries WHERE number = $1 AND holder = $2";
const AGAIN: &str = "UPDATE deliveries SET attempts = attempts + 1, due = $3, error = $4, \
     holder = NULL, held = 0 WHERE number = $1 AND holder = $2";
const DEAD: &str = "UPDATE deliveries SET attempts = attempts + 1, dead = $3, error = $4, \
     holder = NULL, held = 0 WHERE number = $1 AND holder = $2";
const PAGE: &str = "SELECT number, message, webhook, event, body, created, attempts, due, error, dead \
     FROM deliveries WHERE number > $1 AND webhook = coalesce($2, webhook) \
     AND (CASE WHEN dead IS NULL THEN 0 ELSE 1 END) <> $3 ORDER BY number LIMIT $4";
const BACKLOG: &str = "SELECT count(CASE WHEN dead IS NULL THEN 1 END), count(dead), \
     min(CASE WHEN dead IS NULL THEN created END) FROM deliveries";
const GIVE_UP: &str = "UPDATE deliveries SET dead = $1, error = coalesce(error, $2) \
     WHERE number IN (SELECT number FROM deliveries WHERE dead IS NULL AND created < $3 \
     AND held <= $1 ORDER BY number LIMIT $4)";
const FORGET: &str = "DELETE FROM deliveries WHERE number IN \
     (SELECT number FROM deliveries WHERE dead < $1 ORDER BY number LIMIT $2)";
const FORGET_ANNOUNCED: &str = "DELETE FROM announced WHERE at < $1";
/// Why a message died that no replica had a webhook for.
const UNSENT: &str = "no replica has this webhook";
/// Rows of one statement.
const ROWS_MAX: usize = 256;

impl Store {
    /// Tells of what came with time, unless it was told before: of each, whether it is told now.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written. With [`Error::Unavailable`] it may
    /// or may not have been: whoever tries again learns which were told before.
    pub async fn announce(&self, announcements: &[Announcement]) -> Result<Vec<bool>, Error> {
        for Announcement { event, subject, at: _, messages } in announcements {
            Error::refuse_nul([("an event", event.as_str()), ("a subject", subject)])?;
            check(messages)?;
        }
        if announcements.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.database.write().await?;
        // Held by one of them, the others wait here: they never wait for each other's rows in a circle.
        let mut head = read::head_in(&mut transaction, LOCK_HEAD).await?;
        let mut told = Vec::with_capacity(announcements.len());
        for Announcement { event, subject, at, messages } in announcements {
            let values = [Value::Text(event), Value::Text(subject), Value::time(*at)];
            let is_new = transaction.execute(SqlStr::from_static(ANNOUNCE), &values).await? > 0;
            if is_new {
                head = append(&mut transaction, head, messages).await?;
            }
            told.push(is_new);
        }
        transaction.execute(SqlStr::from_static(MOVE_HEAD), &[Value::Int(row(head)?)]).await?;
        transaction.commit().await?;
        Ok(told)
    }

    /// The first message in the line of a webhook, if it is due and nobody else has it. Until a time, or
    /// until it says what became of it, `holder` alone has it.
    ///
    /// # Errors
    /// [`Error::Nul`] and [`Error::ReadOnly`]: nobody has it. With [`Error::Unavailable`] it may be held.
    pub async fn take_delivery(
        &self,
        webhook: &str,
        holder: &str,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<Option<Delivery>, Error> {
        Error::refuse_nul([("a webhook", webhook), ("a holder", holder)])?;
        // Looked at first: who finds nothing to send holds up no writer.
        let rows = self.database.rows(FIRST, &[Value::Text(webhook)]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        if first.time(1)? > now || first.time(2)? > now {
            return Ok(None);
        }
        let number = Value::Int(first.int(0)?);
        let mut transaction = self.database.write().await?;
        let values = [Value::Text(holder), Value::time(until), number, Value::time(now)];
        if transaction.execute(SqlStr::from_static(HOLD), &values).await? == 0 {
            return Ok(None);
        }
        let rows = transaction.rows(SqlStr::from_static(ONE), &[number]).await?;
        let delivery = rows.first().map(delivery).transpose()?;
        transaction.commit().await?;
        Ok(delivery)
    }

    /// A message that was taken was sent. Says whether its holder had it still.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] and [`Error::Unavailable`]: it may be sent again.
    pub async fn delivered(&self, number: u64, holder: &str) -> Result<bool, Error> {
        let values = [Value::Int(row(number)?), Value::Text(holder)];
        Ok(self.database.execute(DELIVERED, &values).await? > 0)
    }

    /// A message that was taken could not be sent. Says whether its holder had it still.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] and [`Error::Unavailable`]: it is tried again when nobody has it any more.
    pub async fn not_delivered(
        &self,
        number: u64,
        holder: &str,
        (next, error): (Next, &str),
    ) -> Result<bool, Error> {
        Error::refuse_nul([("an error", error)])?;
        let (sql, at) = match next {
            Next::Again(at) => (AGAIN, at),
            Next::Dead(at) => (DEAD, at),
        };
        let number = Value::Int(row(number)?);
        let values = [number, Value::Text(holder), Value::time(at), Value::Text(error)];
        Ok(self.database.execute(sql, &values).await? > 0)
    }

    /// Messages in line and dead ones, by number: at most `limit`, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Error::Nul`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter<'_>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let DeliveryFilter { webhook, is_dead } = filter;
        Error::refuse_nul(webhook.map(|it| ("a webhook", it)))?;
        // The one that is left out; neither is 2.
        let left_out = match is_dead {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        let after = Value::Int(i64::try_from(after).unwrap_or(i64::MAX));
        let values = [after, Value::Maybe(webhook), Value::Int(left_out), Value::Int(limit.into())];
        self.database.rows(PAGE, &values).await?.iter().map(delivery).collect()
    }

    /// How many messages wait, since when, and how many are dead.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let rows = self.database.rows(BACKLOG, &[]).await?;
        let Some(row) = rows.first() else { return Ok(Backlog::default()) };
        Ok(Backlog { waiting: row.count(0)?, dead: row.count(1)?, oldest: row.maybe_time(2)? })
    }

    /// Gives up messages that nobody sends and that were made before `unsent`, forgets those that died
    /// before `dead`, at most `limit` of each, and what was announced for a time before `dead`.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]: nothing was written. [`Error::Unavailable`].
    pub async fn purge_deliveries(
        &self,
        now: Timestamp,
        (unsent, dead): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<(), Error> {
        let limit = Value::Int(limit.into());
        let mut transaction = self.database.write().await?;
        let values = [Value::time(now), Value::Text(UNSENT), Value::time(unsent), limit];
        transaction.execute(SqlStr::from_static(GIVE_UP), &values).await?;
        let values = [Value::time(dead), limit];
        transaction.execute(SqlStr::from_static(FORGET), &values).await?;
        let values = [Value::time(dead)];
        transaction.execute(SqlStr::from_static(FORGET_ANNOUNCED), &values).await?;
        transaction.commit().await
    }
}

/// Puts messages in line within a transaction that does something else.
pub(super) async fn put(transaction: &mut Transaction, messages: &[Message]) -> Result<(), Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let head = read::head_in(transaction, LOCK_HEAD).await?;
    let head = append(transaction, head, messages).await?;
    transaction.execute(SqlStr::from_static(MOVE_HEAD), &[Value::Int(row(head)?)]).await?;
    Ok(())
}

/// What one of the databases would not take, neither does.
pub(super) fn check(messages: &[Message]) -> Result<(), Error> {
    Error::refuse_nul(messages.iter().flat_map(|it| {
        let Message { id, webhook, event, body, created: _ } = it;
        [("a message's id", id), ("a webhook", webhook), ("an event", event), ("a body", body)]
            .map(|(what, text)| (what, text.as_str()))
    }))
}

async fn append(
    transaction: &mut Transaction,
    mut head: u64,
    messages: &[Message],
) -> Result<u64, Error> {
    for messages in messages.chunks(ROWS_MAX) {
        let mut values = Vec::with_capacity(messages.len().saturating_mul(9));
        for Message { id, webhook, event, body, created } in messages {
            head = head.saturating_add(1);
            values.push(Value::Int(row(head)?));
            values.extend([id, webhook, event, body].map(|it| Value::Text(it)));
            let made = Value::time(*created);
            values.extend([made, Value::Int(0), made, Value::Int(0)]);
        }
        transaction.execute(statement(PUT, (messages.len(), 9), ""), &values).await?;
    }
    Ok(head)
}

fn row(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::corrupt("its deliveries are used up"))
}

fn delivery(row: &Row) -> Result<Delivery, Error> {
    Ok(Delivery {
        number: row.count(0)?,
        message: Message {
            id: row.text(1)?,
            webhook: row.text(2)?,
            event: row.text(3)?,
            body: row.text(4)?,
            created: row.time(5)?,
        },
        attempts: row.count(6)?,
        due: row.time(7)?,
        error: row.maybe(8)?,
        dead: row.maybe_time(9)?,
    })
}
