//! From every earlier schema the store comes to the newest, with all that it held.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use model::{LastUse, Secret};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions,
};
use store::{Error, GrantFilter, Location, SealedChange, Store};
use tempfile::TempDir;
use testkit::Postgres;

use crate::place::{at, change, commit, grant, handle, version};

/// What schema 1 held.
const SCHEMA_1: &str = "
    INSERT INTO revisions (number, at, author, reason, request_id, changed)
        VALUES (1, 5000000, 'ada', 'first', 'r-1', 1), (2, 6000000, 'bob', '', 'r-2', 1);
    INSERT INTO files (path, text) VALUES ('a', '2');
    INSERT INTO changes (revision, path, is_file, before, after)
        VALUES (1, 'a', 1, NULL, '1'), (2, 'a', 1, '1', '2');
    UPDATE head SET revision = 2;";

/// What schema 2 held beside it.
const SCHEMA_2: &str = "
    INSERT INTO uses (credential, at) VALUES ('old', 7000000);";

/// The scripts that make each schema out of the one before.
fn scripts(database: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|it| fs::read_to_string(it).unwrap()).collect()
}

/// All statements that make a schema, and what it held.
fn as_it_was(database: &str, schema: usize) -> String {
    let mut sql = "CREATE TABLE schemas (version BIGINT PRIMARY KEY);".to_owned();
    for (number, script) in (1..).zip(scripts(database)).take(schema) {
        sql.push_str(&script);
        writeln!(sql, "INSERT INTO schemas (version) VALUES ({number});").unwrap();
        match number {
            1 => sql.push_str(SCHEMA_1),
            2 => sql.push_str(SCHEMA_2),
            _ => {}
        }
    }
    sql
}

async fn holds_all(location: &Location, schema: usize) {
    let store = Store::open(location).await.unwrap();
    if schema > 0 {
        let texts = store.read().await.unwrap();
        assert_eq!((texts.revision, &*texts.files["a"]), (2, "2"));
        assert_eq!(store.changes(2).await.unwrap(), [change("a", Some("1"), Some("2"))]);
        let first = store.revision(1).await.unwrap().unwrap();
        assert_eq!((first.author.as_str(), first.at), ("ada", at(5)));
    }
    let known = if schema > 1 {
        BTreeMap::from([("old".to_owned(), LastUse { at: at(7), how: None })])
    } else {
        BTreeMap::new()
    };
    assert_eq!(store.uses().await.unwrap(), known);
    let mut next = commit(&[("b", Some("1"))]);
    next.sealed.push(SealedChange::Put(version("erp", 1, "active")));
    store.commit(&next).await.unwrap();
    store.note_uses(&[("x".to_owned(), LastUse { at: at(1), how: None })]).await.unwrap();
    assert_eq!(store.sealed().await.unwrap().len(), 1);
    store.put_grant(&grant("g")).await.unwrap();
    store.put_handle(&handle(1, Some("g"))).await.unwrap();
    assert_eq!(store.revoke_grants(GrantFilter::One("g"), at(150)).await.unwrap(), ["g"]);
    assert_eq!(store.revoked_since(0, 9).await.unwrap().len(), 1);
    store.close().await;
    // Once more there is nothing to do.
    let uses = Store::open(location).await.unwrap().uses().await.unwrap();
    assert_eq!(uses.len(), known.len() + 1);
}

async fn run_sqlite(path: &Path, sql: String) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn run_postgres(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn is_refused(location: &Location) {
    let error = Store::open(location).await.unwrap_err();
    assert!(matches!(error, Error::Schema { found: 99, known: 6 }), "{error}");
}

#[tokio::test]
async fn every_earlier_schema_of_sqlite_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    for schema in 0..=scripts("sqlite").len() {
        let path = folder.path().join(format!("{schema}.db"));
        run_sqlite(&path, as_it_was("sqlite", schema)).await;
        holds_all(&Location::Sqlite(path), schema).await;
    }
}

#[tokio::test]
async fn every_earlier_schema_of_postgres_is_brought_up_to_date() {
    let server = Postgres::start();
    for schema in 0..=scripts("postgres").len() {
        let url = server.database(&format!("schema_{schema}"));
        run_postgres(&url, as_it_was("postgres", schema)).await;
        holds_all(&Location::Postgres(Secret::new(url)), schema).await;
    }
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_left_alone() {
    let newer = "INSERT INTO schemas (version) VALUES (99)";
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("onedoor.db");
    let location = Location::Sqlite(path.clone());
    Store::open(&location).await.unwrap().close().await;
    run_sqlite(&path, newer.to_owned()).await;
    is_refused(&location).await;

    let server = Postgres::start();
    let location = Location::Postgres(Secret::new(server.url().to_owned()));
    Store::open(&location).await.unwrap().close().await;
    server.sql("onedoor", newer);
    is_refused(&location).await;
}
