//! What cannot be written is refused, and reading goes on.

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::{Command, Stdio},
};

use model::Secret;
use store::{Error, GrantFilter, Location, Store, Taken};
use tempfile::TempDir;
use testkit::Postgres;

use crate::place::{at, commit, digest, grant, handle, used};

const SHOWN: &str = "refused, and read on";

async fn refuses_and_reads_on(store: &Store) {
    let before = store.read().await.unwrap();
    assert_eq!(&*before.files["a"], "1");
    let error = store.commit(&commit(&[("a", Some("2"))])).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    let error = store.note_uses(&[("x".to_owned(), used(1))]).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    let refused = [
        store.put_grant(&grant("g")).await,
        store.put_handle(&handle(1, None)).await,
        store.revoke("token", &["t".to_owned()], at(1), at(2)).await,
        store.revoke_grants(GrantFilter::One("g"), at(1)).await.map(drop),
        store.put_registration("a", "{}", at(1)).await,
        store.first_seen(&digest(1), at(1)).await.map(drop),
        store.purge(at(1), 9).await.map(drop),
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{number}: {refused:?}");
    }
    // Who guesses is told so without a write.
    let guessed = store.take_handle(&digest(1), "refresh", at(1)).await.unwrap();
    assert_eq!(guessed, Taken::Unknown);
    assert_eq!(store.revoked_since(0, 9).await.unwrap(), []);
    assert_eq!(store.read().await.unwrap(), before);
    assert_eq!(store.revisions(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "a child process that may not write the file it is told"]
async fn a_child_reads_a_file_that_it_may_not_write() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let Some(place) = line.strip_suffix('\n') else { return };
    refuses_and_reads_on(&Store::open(&Location::parse(place).unwrap()).await.unwrap()).await;
    println!("{SHOWN}");
}

#[tokio::test]
async fn a_read_only_file_refuses_writes_and_is_read_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("onedoor.db");
    let store = Store::open(&Location::Sqlite(path.clone())).await.unwrap();
    store.commit(&commit(&[("a", Some("1"))])).await.unwrap();
    store.close().await;
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();

    let exe = std::env::current_exe().unwrap();
    // Root may write anything, until that is taken from it.
    let mut command = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(exe);
        command
    } else {
        Command::new(exe)
    };
    let name = "read_only::a_child_reads_a_file_that_it_may_not_write";
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let line = format!("sqlite:{}\n", path.display());
    child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(SHOWN), "{said}");
}

#[tokio::test]
async fn a_read_only_postgres_refuses_writes_and_is_read_on() {
    let server = Postgres::start();
    let location = Location::Postgres(Secret::new(server.url().to_owned()));
    let store = Store::open(&location).await.unwrap();
    store.commit(&commit(&[("a", Some("1"))])).await.unwrap();
    store.close().await;
    server.sql("postgres", "ALTER DATABASE onedoor SET default_transaction_read_only = on");
    refuses_and_reads_on(&Store::open(&location).await.unwrap()).await;
}

#[tokio::test]
async fn what_is_out_of_reach_says_so_without_the_password() {
    let server = Postgres::start();
    let location = |url: &str| Location::Postgres(Secret::new(url.to_owned()));
    let store = Store::open(&location(server.url())).await.unwrap();
    let wrong = server.url().replace(server.password(), "hunter2");
    let elsewhere = server.url().replace("/onedoor", "/nowhere");
    let mut errors = Vec::new();
    for url in [&wrong, &elsewhere] {
        errors.push(Store::open(&location(url)).await.unwrap_err());
    }
    let (url, password) = (server.url().to_owned(), server.password());
    assert!(!format!("{store:?}").contains(password));
    drop(server);
    errors.push(store.read().await.unwrap_err());
    errors.push(store.commit(&commit(&[("a", Some("1"))])).await.unwrap_err());
    errors.push(Store::open(&location(&url)).await.unwrap_err());
    for error in errors {
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        let said = format!("{error} {error:?}");
        assert!(!said.contains(password) && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn nobody_else_may_read_the_files() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("deep/data");
    let store = Store::open(&Location::Sqlite(data.join("onedoor.db"))).await.unwrap();
    store.commit(&commit(&[("a", Some("1"))])).await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = fs::read_dir(&data).unwrap().map(|it| it.unwrap().path()).collect();
    // The log and its index stand beside the database.
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn what_is_no_database_is_damaged_and_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("onedoor.db");
    fs::write(&path, "a letter, not a database, and longer than any header could be".repeat(40))
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open(&Location::Sqlite(path.clone())).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
