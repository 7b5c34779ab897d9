//! How connections are made, and the settings a promise hangs on.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    str::FromStr,
    time::Duration,
};

use model::{Clock, Secret};
use sqlx::{
    SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Access, Database, fault};
use crate::{Error, Location};

/// Longest wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait of one process for another that writes into the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two tries to open a file that another process is opening.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
const READERS_MAX: u32 = 4;
/// One of them listens.
const POSTGRES_CONNECTIONS_MAX: u32 = 8;

/// Connects to where the store is kept.
pub(crate) async fn open(location: &Location) -> Result<Database, Error> {
    match location {
        Location::Memory => {
            // The database lives as long as its one connection.
            let lasting = SqlitePoolOptions::new().idle_timeout(None).max_lifetime(None);
            let options = SqliteConnectOptions::new().in_memory(true);
            let pool = sqlite_pool(lasting, options, 1).await?;
            Ok(Database::Sqlite { writer: pool.clone(), readers: pool })
        }
        Location::Postgres(url) => {
            let options = postgres_options(url)?;
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS_MAX)
                .acquire_timeout(ACQUIRE_TIMEOUT);
            let pool = pool.connect_with(options).await.map_err(|it| fault::read(it, Access::Read));
            pool.map(Database::Postgres)
        }
        Location::Sqlite(path) => {
            make_private(path).map_err(|it| unopened(path, &it))?;
            let options = sqlite_options(path);
            let writer = sqlite_writer(&options).await?;
            let options = options.pragma("query_only", "ON");
            let readers = sqlite_pool(SqlitePoolOptions::new(), options, READERS_MAX).await?;
            Ok(Database::Sqlite { writer, readers })
        }
    }
}

/// Whether a URL of PostgreSQL can be read.
pub(crate) fn check_url(url: &Secret<String>) -> Result<(), Error> {
    postgres_options(url).map(drop)
}

fn postgres_options(url: &Secret<String>) -> Result<PgConnectOptions, Error> {
    // The driver's own message may repeat a part of the URL.
    let options = PgConnectOptions::from_str(url.expose()).map_err(|_| {
        Error::location("the URL cannot be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE")
    })?;
    // Who is gone in the midst of a commit must not keep the others from theirs.
    Ok(options.application_name("onedoor").options([
        ("statement_timeout", "25s"),
        ("lock_timeout", "20s"),
        ("idle_in_transaction_session_timeout", "15s"),
    ]))
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // With NORMAL the last commits would be lost with the power.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
}

/// The one connection that writes, which also makes the file one with a write-ahead log. SQLite
/// waits for nobody while it does that, so whoever opens a new file together with another asks again.
async fn sqlite_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, Error> {
    let clock = Clock::system();
    loop {
        match connect(SqlitePoolOptions::new(), options.clone(), 1).await {
            Err(error) if is_busy(&error) && clock.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            opened => return opened.map_err(|it| fault::read(it, Access::Read)),
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    /// <https://www.sqlite.org/rescode.html>; the bits above tell more of it.
    const BUSY: u32 = 5;
    let code = error.as_database_error().and_then(|it| it.code());
    code.and_then(|it| it.parse::<u32>().ok()).is_some_and(|it| it & 0xff == BUSY)
}

async fn sqlite_pool(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
    connections_max: u32,
) -> Result<SqlitePool, Error> {
    let connected = connect(pool, options, connections_max).await;
    connected.map_err(|it| fault::read(it, Access::Read))
}

async fn connect(
    pool: SqlitePoolOptions,
    options: SqliteConnectOptions,
    connections_max: u32,
) -> Result<SqlitePool, sqlx::Error> {
    let pool = pool.max_connections(connections_max).acquire_timeout(ACQUIRE_TIMEOUT);
    pool.connect_with(options).await
}

/// Makes file and folder where they are missing, for nobody else to read. SQLite gives the files
/// beside it the same permissions.
fn make_private(path: &Path) -> Result<(), std::io::Error> {
    if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn unopened(path: &Path, error: &std::io::Error) -> Error {
    let text = format!("{} cannot be made: {error}", path.display());
    Error::unavailable(std::io::Error::new(error.kind(), text))
}
