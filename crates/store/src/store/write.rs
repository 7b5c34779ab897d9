//! A commit: one transaction, one revision.

mod bulk;

use std::collections::BTreeMap;

use sqlx::SqlStr;

use super::{Store, deliveries, read, sealed, watch};
use crate::{
    Change, Commit, Error, Message, Revision, SealedChange,
    database::{Transaction, Value},
};
pub(super) use bulk::statement;

/// Whoever has this row commits; it is as good as a lock in both databases.
const LOCK_HEAD: &str = "UPDATE head SET revision = revision RETURNING revision";
const MOVE_HEAD: &str = "UPDATE head SET revision = $1";
const REVISION: &str = "INSERT INTO revisions (number, at, author, reason, request_id, changed) \
     VALUES ($1, $2, $3, $4, $5, $6)";
const NOTIFY: &str = "SELECT pg_notify($1, $2)";

impl Store {
    /// Makes a revision. When this returns, the revision outlives a crash.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the base is not the newest, [`Error::NoChange`] where no text would
    /// be another and there is neither a sealed change nor a line, [`Error::VersionExists`],
    /// [`Error::UnknownVersion`], [`Error::Nul`] and [`Error::ReadOnly`]: nothing was written.
    /// With [`Error::Unavailable`] it may or may not have been: look at the newest revision.
    pub async fn commit(&self, commit: &Commit) -> Result<Revision, Error> {
        self.commit_telling(commit, &[]).await
    }

    /// Makes a revision, and puts in line what webhooks are to be told of it: both or neither.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_telling(
        &self,
        commit: &Commit,
        messages: &[Message],
    ) -> Result<Revision, Error> {
        check(commit)?;
        deliveries::check(messages)?;
        let mut transaction = self.database.write().await?;
        let head = read::head_in(&mut transaction, LOCK_HEAD).await?;
        if let Some(base) = commit.base.filter(|it| *it != head) {
            return Err(Error::Conflict { base, head });
        }
        let files = differing(&mut transaction, commit).await?;
        sealed::change(&mut transaction, &commit.sealed).await?;
        let lines: BTreeMap<_, _> = commit.lines.iter().map(|it| (&it.path, it)).collect();
        if files.is_empty() && lines.is_empty() && commit.sealed.is_empty() {
            return Err(Error::NoChange { head });
        }
        let changed = files.len().saturating_add(lines.len());
        let revision = Revision {
            number: head.saturating_add(1),
            at: commit.at,
            author: commit.author.clone(),
            reason: commit.reason.clone(),
            request_id: commit.request_id.clone(),
            changed: u32::try_from(changed).unwrap_or(u32::MAX),
        };
        write_revision(&mut transaction, &revision).await?;
        bulk::write_changes(&mut transaction, &revision, &files, true).await?;
        let lines: Vec<_> = lines.into_values().cloned().collect();
        bulk::write_changes(&mut transaction, &revision, &lines, false).await?;
        bulk::write_files(&mut transaction, &files).await?;
        deliveries::put(&mut transaction, messages).await?;
        transaction.commit().await?;
        self.watch.publish_revision(revision.number);
        Ok(revision)
    }
}

/// The files whose text would be another, by path.
async fn differing(transaction: &mut Transaction, commit: &Commit) -> Result<Vec<Change>, Error> {
    let files: BTreeMap<_, _> = commit.files.iter().map(|(path, text)| (path, text)).collect();
    let paths: Vec<_> = files.keys().map(|it| it.as_str()).collect();
    let mut present = bulk::texts(transaction, &paths).await?;
    let changes = files.into_iter().map(|(path, text)| Change {
        path: path.clone(),
        before: present.remove(path),
        after: text.clone(),
    });
    Ok(changes.filter(|it| it.before != it.after).collect())
}

async fn write_revision(transaction: &mut Transaction, revision: &Revision) -> Result<(), Error> {
    let Revision { number, at, author, reason, request_id, changed } = revision;
    let row = i64::try_from(*number).map_err(|_| Error::corrupt("its revisions are used up"))?;
    let values = [
        Value::Int(row),
        Value::Int(at.as_micros()),
        Value::Text(author),
        Value::Text(reason),
        Value::Text(request_id),
        Value::Int((*changed).into()),
    ];
    transaction.execute(SqlStr::from_static(REVISION), &values).await?;
    transaction.execute(SqlStr::from_static(MOVE_HEAD), &[Value::Int(row)]).await?;
    notify(transaction, watch::REVISIONS, *number).await
}

/// Tells other replicas a number, when the transaction is committed.
pub(super) async fn notify(
    transaction: &mut Transaction,
    channel: &str,
    number: u64,
) -> Result<(), Error> {
    if transaction.is_postgres() {
        let number = number.to_string();
        let values = [Value::Text(channel), Value::Text(&number)];
        transaction.rows(SqlStr::from_static(NOTIFY), &values).await?;
    }
    Ok(())
}

/// What one of the databases would not take, neither does.
fn check(commit: &Commit) -> Result<(), Error> {
    let Commit { base: _, author, reason, request_id, at: _, files, sealed, lines } = commit;
    let words = [("the author", author), ("the reason", reason), ("the request id", request_id)];
    let files = files
        .iter()
        .flat_map(|(path, text)| [("a path", Some(path)), (path.as_str(), text.as_ref())]);
    let lines = lines.iter().flat_map(|Change { path, before, after }| {
        [
            ("a line's name", Some(path)),
            (path.as_str(), before.as_ref()),
            (path.as_str(), after.as_ref()),
        ]
    });
    let sealed = sealed.iter().flat_map(|it| match it {
        SealedChange::Delete { .. } => [None, None],
        SealedChange::Put(it) => [Some(("a state", &it.state)), Some(("a key", &it.key))],
        SealedChange::Rewrap { version, from } => {
            [Some(("a key", &version.key)), Some(("a key", from))]
        }
        SealedChange::State { state, .. } => [Some(("a state", state)), None],
    });
    let texts = words
        .into_iter()
        .chain(sealed.flatten())
        .map(|(what, text)| (what, Some(text)))
        .chain(files)
        .chain(lines);
    Error::refuse_nul(texts.filter_map(|(what, text)| Some((what, text?.as_str()))))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;
    use crate::{Location, database::Database};

    fn commit(path: &str, bytes: usize) -> Commit {
        Commit {
            base: None,
            author: "ada".to_owned(),
            reason: String::new(),
            request_id: String::new(),
            at: Timestamp::from_seconds(1),
            files: vec![(path.to_owned(), Some("x".repeat(bytes)))],
            sealed: Vec::new(),
            lines: Vec::new(),
        }
    }

    async fn set_pages_max(store: &Store, sql: &'static str) {
        let Database::Sqlite { writer, .. } = &*store.database else { panic!("it is SQLite") };
        sqlx::raw_sql(sql).execute(writer).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_database_refuses_writes_until_there_is_room_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let location = Location::Sqlite(folder.path().join("onedoor.db"));
        let store = Store::open(&location).await.unwrap();
        store.commit(&commit("a", 10)).await.unwrap();
        // As small as it is now: SQLite says what it says of a full disk.
        set_pages_max(&store, "PRAGMA max_page_count = 1").await;
        let error = store.commit(&commit("b", 1 << 20)).await.unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
        let texts = store.read().await.unwrap();
        assert_eq!((texts.revision, texts.files.len()), (1, 1));
        set_pages_max(&store, "PRAGMA max_page_count = 1000000").await;
        assert_eq!(store.commit(&commit("b", 1 << 20)).await.unwrap().number, 2);
    }
}
