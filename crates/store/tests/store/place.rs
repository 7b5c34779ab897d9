//! Where the tests keep stores, and what they put in.

use model::{How, LastUse, Secret, SecretId, Timestamp, Way};
use store::{Change, Commit, Digest, Grant, Handle, Location, SealedVersion, Store};
use tempfile::TempDir;

/// Runs every promise on a fresh store in each place.
macro_rules! on_every_database {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(&Place::memory()).await; })+
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(&Place::sqlite()).await; })+
        }
        /// One server for all of them, with a database for each.
        #[tokio::test]
        async fn all_of_this_holds_on_postgres() {
            let server = testkit::Postgres::start();
            $(
                let name = stringify!($name);
                println!("{name}");
                $name(&Place::postgres(server.database(name))).await;
            )+
        }
    };
}

/// A place for stores: each kind of database that there is.
pub(crate) struct Place {
    kept: Kept,
}

enum Kept {
    Memory,
    Postgres(String),
    Sqlite(TempDir),
}

impl Place {
    pub(crate) fn memory() -> Self {
        Self { kept: Kept::Memory }
    }

    pub(crate) fn sqlite() -> Self {
        Self { kept: Kept::Sqlite(TempDir::new().unwrap()) }
    }

    pub(crate) fn postgres(url: String) -> Self {
        Self { kept: Kept::Postgres(url) }
    }

    pub(crate) fn location(&self) -> Location {
        match &self.kept {
            Kept::Memory => Location::Memory,
            Kept::Postgres(url) => Location::Postgres(Secret::new(url.clone())),
            Kept::Sqlite(folder) => Location::Sqlite(folder.path().join("data/onedoor.db")),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.location()).await.unwrap()
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A use at this second, which tells it from others in how it was as well.
pub(crate) fn used(second: i64) -> LastUse {
    let way = if second % 2 == 0 { Way::Token } else { Way::Call };
    let from = [192, 0, 2, u8::try_from(second % 256).unwrap()].into();
    LastUse { at: at(second), how: Some(How { way, from }) }
}

/// A commit of some files.
pub(crate) fn commit(files: &[(&str, Option<&str>)]) -> Commit {
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

pub(crate) fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Change {
    Change {
        path: path.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

pub(crate) fn secret(id: &str) -> SecretId {
    SecretId::parse(id).unwrap()
}

pub(crate) fn version(id: &str, version: u32, state: &str) -> SealedVersion {
    SealedVersion {
        secret: secret(id),
        version,
        state: state.to_owned(),
        key: "k1".to_owned(),
        sealed: vec![0, 1, 255],
        created: at(50),
    }
}

/// A grant of the client `shop` for `ada`, from second 100 to second 1000.
pub(crate) fn grant(id: &str) -> Grant {
    Grant {
        id: id.to_owned(),
        client: "shop".to_owned(),
        profile: "shop-prod".to_owned(),
        subject: Some("ada".to_owned()),
        body: "{}".to_owned(),
        created: at(100),
        expires: at(1000),
        revoked: None,
    }
}

pub(crate) fn digest(number: u8) -> Digest {
    [number; 32]
}

/// A handle of kind `refresh`, from second 100 to second 200.
pub(crate) fn handle(number: u8, grant: Option<&str>) -> Handle {
    Handle {
        digest: digest(number),
        kind: "refresh".to_owned(),
        grant: grant.map(str::to_owned),
        body: format!("body {number}"),
        created: at(100),
        expires: at(200),
    }
}
