//! The store: opened once, cloned freely.

mod consents;
mod deliveries;
mod grants;
mod handles;
mod purge;
mod read;
mod registrations;
mod replays;
mod revocations;
mod sealed;
mod signing_keys;
mod uses;
mod watch;
mod write;

use std::{fmt, sync::Arc};

use crate::{
    Error, Location,
    database::{self, Database},
    migration,
};
use watch::Watch;

/// Desired state and its revisions in a database. Clones share their connections.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    watch: Arc<Watch>,
}

impl Store {
    /// Opens a store, makes it where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Schema`] where a newer version wrote it, [`Error::Location`] and
    /// [`Error::Unavailable`] where it cannot be opened, [`Error::ReadOnly`] where its schema is an
    /// older one and cannot be changed.
    pub async fn open(location: &Location) -> Result<Self, Error> {
        let database = Arc::new(database::open(location).await?);
        migration::run(&database).await?;
        let heads = read::heads(&database).await?;
        let watch = Arc::new(Watch::start(&database, heads));
        Ok(Self { database, watch })
    }

    /// Ends all connections, of clones as well, when what is under way has ended.
    pub async fn close(&self) {
        self.watch.stop();
        self.database.close().await;
    }

    /// The newest revision's number, as it becomes known. Own commits are known at once, those of
    /// others within half a second.
    #[must_use]
    pub fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.watch.revision()
    }

    /// The number of the newest revocation, as it becomes known. Own ones are known at once, those
    /// of others within half a second.
    #[must_use]
    pub fn watch_revocations(&self) -> tokio::sync::watch::Receiver<u64> {
        self.watch.revocation()
    }
}

impl fmt::Debug for Store {
    // The connections' own would show the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &*self.database {
            Database::Postgres(_) => "PostgreSQL",
            Database::Sqlite { .. } => "SQLite",
        };
        f.debug_tuple("Store").field(&kind).finish()
    }
}
