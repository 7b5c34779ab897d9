//! One way to ask two databases: the same texts, numbered arguments, transactions and errors.

mod connect;
mod fault;
mod value;

use std::time::Duration;

use sqlx::{PgPool, Postgres, SqlSafeStr, SqlStr, Sqlite, SqlitePool};

use crate::Error;
pub(crate) use connect::{check_url, open};
pub(crate) use fault::Access;
pub(crate) use value::{Row, Value};

/// Longest wait for the answer to one statement.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections to a database.
pub(crate) enum Database {
    /// PostgreSQL serializes writers by the locks they take.
    Postgres(PgPool),
    /// SQLite has one writer, and readers that do not wait for it.
    Sqlite { writer: SqlitePool, readers: SqlitePool },
}

impl Database {
    /// One statement that only reads.
    pub(crate) async fn rows(
        &self,
        sql: impl SqlSafeStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        let sql = sql.into_sql_str();
        let rows = async {
            match self {
                Self::Postgres(pool) => value::postgres_rows(pool, sql, values).await,
                Self::Sqlite { readers, .. } => value::sqlite_rows(readers, sql, values).await,
            }
        };
        within(rows, Access::Read).await
    }

    /// A transaction of one statement; says how many rows it changed.
    pub(crate) async fn execute(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        let mut transaction = self.write().await?;
        let changed = transaction.execute(SqlStr::from_static(sql), values).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    /// Begins to read: all statements see the same revision.
    pub(crate) async fn read(&self) -> Result<Transaction, Error> {
        let begun = async {
            Ok(match self {
                Self::Postgres(pool) => Open::Postgres(
                    pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
                ),
                Self::Sqlite { readers, .. } => Open::Sqlite(readers.begin().await?),
            })
        };
        let open = within(begun, Access::Read).await?;
        Ok(Transaction { open, access: Access::Read })
    }

    /// Begins to write. In SQLite there is one writer at a time, from here on.
    pub(crate) async fn write(&self) -> Result<Transaction, Error> {
        let begun = async {
            Ok(match self {
                // Who has waited for a lock must see what was committed meanwhile.
                Self::Postgres(pool) => {
                    Open::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?)
                }
                Self::Sqlite { writer, .. } => Open::Sqlite(begin_to_write(writer).await?),
            })
        };
        let open = within(begun, Access::Write).await?;
        Ok(Transaction { open, access: Access::Write })
    }

    /// Ends all connections. What is under way is waited for.
    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

async fn begin_to_write(
    writer: &SqlitePool,
) -> Result<sqlx::Transaction<'static, Sqlite>, sqlx::Error> {
    match writer.begin_with("BEGIN IMMEDIATE").await {
        // When the disk is full, SQLite rolls back by itself. The driver does not see that and takes
        // the connection to be in a transaction for ever.
        Err(sqlx::Error::InvalidSavePointStatement) => {
            writer.acquire().await?.close().await?;
            writer.begin_with("BEGIN IMMEDIATE").await
        }
        begun => begun,
    }
}

/// A transaction. Dropped without [`Transaction::commit`], it has never been.
pub(crate) struct Transaction {
    open: Open,
    access: Access,
}

enum Open {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Transaction {
    /// Whether this is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.open, Open::Postgres(_))
    }

    /// Asks for rows.
    pub(crate) async fn rows(
        &mut self,
        sql: SqlStr,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Error> {
        let open = &mut self.open;
        let rows = async {
            match open {
                Open::Postgres(it) => value::postgres_rows(&mut **it, sql, values).await,
                Open::Sqlite(it) => value::sqlite_rows(&mut **it, sql, values).await,
            }
        };
        within(rows, self.access).await
    }

    /// Carries out one statement; says how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: SqlStr,
        values: &[Value<'_>],
    ) -> Result<u64, Error> {
        let open = &mut self.open;
        let done = async {
            match open {
                Open::Postgres(it) => value::postgres_execute(&mut **it, sql, values).await,
                Open::Sqlite(it) => value::sqlite_execute(&mut **it, sql, values).await,
            }
        };
        within(done, self.access).await
    }

    /// Carries out a script of many statements.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), Error> {
        let open = &mut self.open;
        let done = async {
            match open {
                Open::Postgres(it) => sqlx::raw_sql(sql).execute(&mut **it).await.map(drop),
                Open::Sqlite(it) => sqlx::raw_sql(sql).execute(&mut **it).await.map(drop),
            }
        };
        within(done, self.access).await
    }

    /// Makes it last.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        let Self { open, access } = self;
        let done = async {
            match open {
                Open::Postgres(it) => it.commit().await,
                Open::Sqlite(it) => it.commit().await,
            }
        };
        within(done, access).await
    }
}

async fn within<T>(
    asked: impl Future<Output = Result<T, sqlx::Error>>,
    access: Access,
) -> Result<T, Error> {
    match tokio::time::timeout(STATEMENT_TIMEOUT, asked).await {
        Ok(answer) => answer.map_err(|it| fault::read(it, access)),
        Err(late) => Err(Error::unavailable(late)),
    }
}
