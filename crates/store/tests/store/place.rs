//! Where the tests keep stores, and what they put in.

use model::{Secret, SecretId, Timestamp};
use store::{Change, Commit, Location, SealedVersion, Store};
use tempfile::TempDir;
use testkit::Postgres;

/// A place for stores: each kind of database that there is.
pub struct Place {
    pub name: &'static str,
    kept: Kept,
}

enum Kept {
    Memory,
    Postgres(Postgres),
    Sqlite(TempDir),
}

impl Place {
    pub fn memory() -> Self {
        Self { name: "memory", kept: Kept::Memory }
    }

    pub fn sqlite() -> Self {
        Self { name: "SQLite", kept: Kept::Sqlite(TempDir::new().unwrap()) }
    }

    pub fn postgres() -> Self {
        Self { name: "PostgreSQL", kept: Kept::Postgres(Postgres::start()) }
    }

    pub fn location(&self) -> Location {
        match &self.kept {
            Kept::Memory => Location::Memory,
            Kept::Postgres(server) => Location::Postgres(Secret::new(server.url().to_owned())),
            Kept::Sqlite(folder) => Location::Sqlite(folder.path().join("data/onedoor.db")),
        }
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.location()).await.unwrap()
    }
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A commit of some files.
pub fn commit(files: &[(&str, Option<&str>)]) -> Commit {
    let owned = |(path, text): &(&str, Option<&str>)| ((*path).to_owned(), text.map(str::to_owned));
    Commit {
        base: None,
        author: "ada".to_owned(),
        reason: "because".to_owned(),
        request_id: "r-1".to_owned(),
        at: at(100),
        files: files.iter().map(owned).collect(),
        sealed: Vec::new(),
        lines: Vec::new(),
    }
}

pub fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Change {
    Change {
        path: path.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

pub fn secret(id: &str) -> SecretId {
    SecretId::parse(id).unwrap()
}

pub fn version(id: &str, version: u32, state: &str) -> SealedVersion {
    SealedVersion {
        secret: secret(id),
        version,
        state: state.to_owned(),
        key: "k1".to_owned(),
        sealed: vec![0, 1, 255],
        created: at(50),
    }
}
