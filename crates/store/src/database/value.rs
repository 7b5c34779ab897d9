//! What goes into a statement and what comes out of it.

use model::Timestamp;
use sqlx::{
    Decode, Encode, Executor, Postgres, Row as _, SqlStr, Sqlite, Type, postgres::PgRow,
    query::Query, sqlite::SqliteRow,
};

use super::fault;
use crate::Error;

/// An argument of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'v> {
    Bytes(&'v [u8]),
    Int(i64),
    Maybe(Option<&'v str>),
    MaybeInt(Option<i64>),
    Text(&'v str),
}

impl Value<'_> {
    pub(crate) fn time(at: Timestamp) -> Self {
        Self::Int(at.as_micros())
    }

    pub(crate) fn maybe_time(at: Option<Timestamp>) -> Self {
        Self::MaybeInt(at.map(Timestamp::as_micros))
    }
}

/// A row that came back.
pub(crate) enum Row {
    Postgres(PgRow),
    Sqlite(SqliteRow),
}

impl Row {
    pub(crate) fn int(&self, column: usize) -> Result<i64, Error> {
        self.column(column)
    }

    /// A number that is never negative.
    pub(crate) fn count<N: TryFrom<i64>>(&self, column: usize) -> Result<N, Error> {
        let value = self.int(column)?;
        N::try_from(value).map_err(|_| Error::corrupt(format!("{value} is no such number")))
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, Error> {
        self.column(column)
    }

    pub(crate) fn maybe(&self, column: usize) -> Result<Option<String>, Error> {
        self.column(column)
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, Error> {
        self.int(column).map(Timestamp::from_micros)
    }

    pub(crate) fn maybe_time(&self, column: usize) -> Result<Option<Timestamp>, Error> {
        Ok(self.column::<Option<i64>>(column)?.map(Timestamp::from_micros))
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>, Error> {
        self.column(column)
    }

    fn column<T>(&self, column: usize) -> Result<T, Error>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite>,
    {
        let value = match self {
            Self::Postgres(row) => row.try_get(column),
            Self::Sqlite(row) => row.try_get(column),
        };
        value.map_err(|it| fault::read(it, fault::Access::Read))
    }
}

fn query<'q, D>(sql: SqlStr, values: &'q [Value<'q>]) -> Query<'q, D, D::Arguments>
where
    D: sqlx::Database,
    i64: Encode<'q, D> + Type<D>,
    &'q str: Encode<'q, D> + Type<D>,
    Option<&'q str>: Encode<'q, D> + Type<D>,
    Option<i64>: Encode<'q, D> + Type<D>,
    &'q [u8]: Encode<'q, D> + Type<D>,
{
    let mut query = sqlx::query(sql);
    for value in values {
        query = match *value {
            Value::Bytes(it) => query.bind(it),
            Value::Int(it) => query.bind(it),
            Value::Maybe(it) => query.bind(it),
            Value::MaybeInt(it) => query.bind(it),
            Value::Text(it) => query.bind(it),
        };
    }
    query
}

pub(super) async fn postgres_rows(
    connection: impl Executor<'_, Database = Postgres>,
    sql: SqlStr,
    values: &[Value<'_>],
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = query::<Postgres>(sql, values).fetch_all(connection).await?;
    Ok(rows.into_iter().map(Row::Postgres).collect())
}

pub(super) async fn sqlite_rows(
    connection: impl Executor<'_, Database = Sqlite>,
    sql: SqlStr,
    values: &[Value<'_>],
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = query::<Sqlite>(sql, values).fetch_all(connection).await?;
    Ok(rows.into_iter().map(Row::Sqlite).collect())
}

pub(super) async fn postgres_execute(
    connection: impl Executor<'_, Database = Postgres>,
    sql: SqlStr,
    values: &[Value<'_>],
) -> Result<u64, sqlx::Error> {
    Ok(query::<Postgres>(sql, values).execute(connection).await?.rows_affected())
}

pub(super) async fn sqlite_execute(
    connection: impl Executor<'_, Database = Sqlite>,
    sql: SqlStr,
    values: &[Value<'_>],
) -> Result<u64, sqlx::Error> {
    Ok(query::<Sqlite>(sql, values).execute(connection).await?.rows_affected())
}
