//! Reading texts and revisions.

use model::Timestamp;
use sqlx::SqlStr;

use super::Store;
use crate::{
    Change, Delta, Error, Files, Revision, Texts, Writer,
    database::{Database, Row, Transaction, Value},
};

const HEAD: &str = "SELECT revision FROM head";
const HEADS: &str = "SELECT head.revision, revocation_head.number FROM head, revocation_head";
const FILES: &str = "SELECT path, text FROM files WHERE path > $1 ORDER BY path LIMIT $2";
/// So many files are asked for at once: while they are rows, they take several times their size.
const FILES_AT_ONCE: usize = 1_000;
const SINCE: &str = "SELECT DISTINCT changes.path, files.text FROM changes \
     LEFT JOIN files ON files.path = changes.path \
     WHERE changes.revision > $1 AND changes.is_file = 1 ORDER BY changes.path";
/// Newest first: the last word on a path is that of the oldest.
const BACK: &str = "SELECT path, before FROM changes WHERE revision > $1 AND is_file = 1 \
     ORDER BY revision DESC";
const CHANGES: &str =
    "SELECT path, before, after FROM changes WHERE revision = $1 ORDER BY path, is_file";
const REVISIONS: &str = "SELECT number, at, author, reason, request_id, changed FROM revisions \
     WHERE number < $1 ORDER BY number DESC LIMIT $2";
const WRITERS: &str = "SELECT changes.path, revisions.author, MIN(revisions.number), \
     MAX(revisions.number) FROM changes \
     JOIN revisions ON revisions.number = changes.revision \
     WHERE changes.path = $1 AND changes.is_file = 1 AND changes.after IS NOT NULL \
     GROUP BY changes.path, revisions.author ORDER BY changes.path, revisions.author";
/// A word begins behind a space, or a quote, as YAML and JSON have them.
const WRITERS_OF_WORD: &str = "SELECT changes.path, revisions.author, MIN(revisions.number), \
     MAX(revisions.number) FROM changes \
     JOIN revisions ON revisions.number = changes.revision \
     WHERE changes.path LIKE $1 AND changes.is_file = 1 \
     AND replace(replace(changes.after, '\"', ' '), '''', ' ') LIKE $2 \
     GROUP BY changes.path, revisions.author ORDER BY changes.path, revisions.author";
const REVISION: &str = "SELECT number, at, author, reason, request_id, changed FROM revisions \
     WHERE number = $1";

// Every read sees one revision, whole, and waits for no commit.
impl Store {
    /// The newest revision's number; 0 before the first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn head(&self) -> Result<u64, Error> {
        head(&self.database).await
    }

    /// All files of the newest revision.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn read(&self) -> Result<Texts, Error> {
        let mut transaction = self.database.read().await?;
        let revision = head_in(&mut transaction, HEAD).await?;
        Ok(Texts { revision, files: files(&mut transaction).await? })
    }

    /// What must be applied to a copy of `revision` to have the newest.
    ///
    /// # Errors
    /// [`Error::UnknownRevision`] where it is newer than the newest, [`Error::Unavailable`] and
    /// [`Error::Corrupt`].
    pub async fn since(&self, revision: u64) -> Result<Delta, Error> {
        let mut transaction = self.database.read().await?;
        let head = head_in(&mut transaction, HEAD).await?;
        let after = known(revision, head)?;
        let rows = transaction.rows(SqlStr::from_static(SINCE), &[Value::Int(after)]).await?;
        let files = rows.iter().map(|row| Ok((row.text(0)?, row.maybe(1)?)));
        Ok(Delta { revision: head, files: files.collect::<Result<_, Error>>()? })
    }

    /// All files as they were in a revision; none in revision 0.
    ///
    /// # Errors
    /// [`Error::UnknownRevision`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn read_at(&self, number: u64) -> Result<Texts, Error> {
        let mut transaction = self.database.read().await?;
        let head = head_in(&mut transaction, HEAD).await?;
        let after = known(number, head)?;
        let mut files = files(&mut transaction).await?;
        let rows = transaction.rows(SqlStr::from_static(BACK), &[Value::Int(after)]).await?;
        for row in rows {
            let path = row.text(0)?;
            match row.maybe(1)? {
                Some(text) => files.insert(path.into(), text.into()),
                None => files.remove(&*path),
            };
        }
        Ok(Texts { revision: number, files })
    }

    /// The revisions before a number, newest first; from the newest on where it is missing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn revisions(&self, before: Option<u64>, limit: u32) -> Result<Vec<Revision>, Error> {
        let before = before.and_then(|it| i64::try_from(it).ok()).unwrap_or(i64::MAX);
        let values = [Value::Int(before), Value::Int(limit.into())];
        let rows = self.database.rows(REVISIONS, &values).await?;
        rows.iter().map(revision).collect()
    }

    /// One revision; `None` where there is none of this number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn revision(&self, number: u64) -> Result<Option<Revision>, Error> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let rows = self.database.rows(REVISION, &[Value::Int(number)]).await?;
        rows.first().map(revision).transpose()
    }

    /// Who wrote a file, by name. To take it away is no writing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn writers(&self, path: &str) -> Result<Vec<Writer>, Error> {
        let rows = self.database.rows(WRITERS, &[Value::Text(path)]).await?;
        rows.iter().map(writer).collect()
    }

    /// Who wrote files in a folder, be they gone or not, while a word in them began like this: rather too
    /// many than too few, since `_` and `%` stand for others, too.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn writers_of_word(&self, folder: &str, word: &str) -> Result<Vec<Writer>, Error> {
        let (paths, texts) = (format!("{folder}/%"), format!("% {word}%"));
        let values = [Value::Text(&paths), Value::Text(&texts)];
        let rows = self.database.rows(WRITERS_OF_WORD, &values).await?;
        rows.iter().map(writer).collect()
    }

    /// What a revision changed, by path.
    ///
    /// # Errors
    /// [`Error::UnknownRevision`], [`Error::Unavailable`] and [`Error::Corrupt`].
    pub async fn changes(&self, number: u64) -> Result<Vec<Change>, Error> {
        let revision = i64::try_from(number).unwrap_or(i64::MAX);
        let rows = self.database.rows(CHANGES, &[Value::Int(revision)]).await?;
        // No revision is without changes.
        if rows.is_empty() {
            return Err(Error::UnknownRevision { revision: number, head: self.head().await? });
        }
        let change = |row: &Row| {
            Ok(Change { path: row.text(0)?, before: row.maybe(1)?, after: row.maybe(2)? })
        };
        rows.iter().map(change).collect()
    }
}

pub(super) async fn head(database: &Database) -> Result<u64, Error> {
    first(&database.rows(HEAD, &[]).await?)
}

/// The numbers of the newest revision and of the newest revocation.
pub(super) async fn heads(database: &Database) -> Result<(u64, u64), Error> {
    let rows = database.rows(HEADS, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::corrupt("it has no head"))?;
    Ok((row.count(0)?, row.count(1)?))
}

/// The newest revision's number, by a statement that may lock it as well.
pub(super) async fn head_in(
    transaction: &mut Transaction,
    sql: &'static str,
) -> Result<u64, Error> {
    first(&transaction.rows(SqlStr::from_static(sql), &[]).await?)
}

fn first(rows: &[Row]) -> Result<u64, Error> {
    rows.first().ok_or_else(|| Error::corrupt("it has no head"))?.count(0)
}

async fn files(transaction: &mut Transaction) -> Result<Files, Error> {
    let mut files = Files::new();
    let limit = i64::try_from(FILES_AT_ONCE).unwrap_or(i64::MAX);
    loop {
        // No path is empty.
        let after = files.last_key_value().map_or("", |it| &**it.0);
        let values = [Value::Text(after), Value::Int(limit)];
        let rows = transaction.rows(SqlStr::from_static(FILES), &values).await?;
        for row in &rows {
            files.insert(row.text(0)?.into(), row.text(1)?.into());
        }
        if rows.len() < FILES_AT_ONCE {
            return Ok(files);
        }
    }
}

fn known(revision: u64, head: u64) -> Result<i64, Error> {
    let number = i64::try_from(revision).ok().filter(|_| revision <= head);
    number.ok_or(Error::UnknownRevision { revision, head })
}

fn writer(row: &Row) -> Result<Writer, Error> {
    Ok(Writer {
        path: row.text(0)?,
        author: row.text(1)?,
        first: row.count(2)?,
        last: row.count(3)?,
    })
}

fn revision(row: &Row) -> Result<Revision, Error> {
    Ok(Revision {
        number: row.count(0)?,
        at: Timestamp::from_micros(row.int(1)?),
        author: row.text(2)?,
        reason: row.text(3)?,
        request_id: row.text(4)?,
        changed: row.count(5)?,
    })
}
