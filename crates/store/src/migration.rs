//! Brings a database to the schema that this version knows. Forward only.

use sqlx::SqlStr;

use crate::{
    Error,
    database::{Database, Transaction, Value},
};

/// One step from a schema to the next, for each database.
struct Migration {
    postgres: &'static str,
    sqlite: &'static str,
}

macro_rules! migration {
    ($name:literal) => {
        Migration {
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
        }
    };
}

/// The first makes schema 1. What was released is never changed.
const MIGRATIONS: &[Migration] = &[
    migration!("0001_revisions"),
    migration!("0002_sealed_and_uses"),
    migration!("0003_authorization"),
    migration!("0004_last_uses"),
    migration!("0005_deliveries"),
    migration!("0006_handles_of_grants"),
];

const SCHEMAS: &str = "CREATE TABLE schemas (version BIGINT PRIMARY KEY)";
/// Read from the table of tables. `to_regclass` answers from what the connection remembers, and that
/// a table was not there stays remembered while another process makes it.
const HAS_SCHEMAS_POSTGRES: &str = "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = ANY (current_schemas(false)) AND tablename = 'schemas'";
const HAS_SCHEMAS_SQLITE: &str =
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schemas'";
const FOUND: &str = "SELECT coalesce(max(version), 0) FROM schemas";
const REACHED: &str = "INSERT INTO schemas (version) VALUES ($1)";
/// Two processes that start together do not migrate together. The number is ours.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7885053110)";

/// Applies what is missing, all of it or nothing. Writes nothing where nothing is.
pub(crate) async fn run(database: &Database) -> Result<(), Error> {
    let known = u64::try_from(MIGRATIONS.len()).unwrap_or(u64::MAX);
    let found = found(&mut database.read().await?).await?;
    if ensure_known(found, known)? == Some(known) {
        return Ok(());
    }
    let mut transaction = database.write().await?;
    if transaction.is_postgres() {
        transaction.rows(SqlStr::from_static(LOCK), &[]).await?;
    }
    // Another process may have been faster.
    let found = ensure_known(self::found(&mut transaction).await?, known)?;
    if found.is_none() {
        transaction.script(SCHEMAS).await?;
    }
    let missing = (1_i64..).zip(MIGRATIONS).skip(index(found));
    for (version, migration) in missing {
        let Migration { postgres, sqlite } = *migration;
        transaction.script(if transaction.is_postgres() { postgres } else { sqlite }).await?;
        transaction.execute(SqlStr::from_static(REACHED), &[Value::Int(version)]).await?;
        tell(version);
    }
    transaction.commit().await
}

fn tell(version: i64) {
    tracing::info!(schema = version, "the store gets schema {version}");
}

/// Which schema the database has; none where it is new.
async fn found(transaction: &mut Transaction) -> Result<Option<u64>, Error> {
    let has_schemas =
        if transaction.is_postgres() { HAS_SCHEMAS_POSTGRES } else { HAS_SCHEMAS_SQLITE };
    let is_new = number(transaction, has_schemas).await? == 0;
    if is_new { Ok(None) } else { number(transaction, FOUND).await.map(Some) }
}

/// What a newer version wrote is left alone.
fn ensure_known(found: Option<u64>, known: u64) -> Result<Option<u64>, Error> {
    match found {
        Some(found) if found > known => Err(Error::Schema { found, known }),
        found => Ok(found),
    }
}

async fn number(transaction: &mut Transaction, sql: &'static str) -> Result<u64, Error> {
    let rows = transaction.rows(SqlStr::from_static(sql), &[]).await?;
    rows.first().map_or(Ok(0), |row| row.count(0))
}

fn index(found: Option<u64>) -> usize {
    found.and_then(|it| usize::try_from(it).ok()).unwrap_or(0)
}
