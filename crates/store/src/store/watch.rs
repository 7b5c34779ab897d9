//! Tells when there is a new revision or revocation, whoever made it.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::watch::{Receiver, Sender},
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::read;
use crate::{Error, database::Database};

/// Where a commit tells its number to other replicas.
pub(super) const REVISIONS: &str = "onedoor_revision";
/// Where the newest revocation's number is told.
pub(super) const REVOCATIONS: &str = "onedoor_revocation";
/// A net under the notifications of PostgreSQL.
const POSTGRES_POLL: Duration = Duration::from_millis(500);
/// SQLite has no notifications.
const SQLITE_POLL: Duration = Duration::from_millis(250);

/// The newest numbers that are known here.
pub(super) struct Watch {
    heads: Arc<Heads>,
    stops: Vec<AbortHandle>,
    _tasks: JoinSet<()>,
}

struct Heads {
    revision: Sender<u64>,
    revocation: Sender<u64>,
}

impl Watch {
    /// Begins to look for what is new since these numbers, until this is dropped.
    pub(super) fn start(database: &Arc<Database>, (revision, revocation): (u64, u64)) -> Self {
        let (revision, revocation) = (Sender::new(revision), Sender::new(revocation));
        let heads = Arc::new(Heads { revision, revocation });
        let mut tasks = JoinSet::new();
        let mut stops = vec![tasks.spawn(poll(Arc::clone(database), Arc::clone(&heads)))];
        if let Database::Postgres(pool) = &**database {
            stops.push(tasks.spawn(listen(pool.clone(), Arc::clone(&heads))));
        }
        Self { heads, stops, _tasks: tasks }
    }

    pub(super) fn stop(&self) {
        self.stops.iter().for_each(AbortHandle::abort);
    }

    pub(super) fn revision(&self) -> Receiver<u64> {
        self.heads.revision.subscribe()
    }

    pub(super) fn revocation(&self) -> Receiver<u64> {
        self.heads.revocation.subscribe()
    }

    /// Says that there is this revision.
    pub(super) fn publish_revision(&self, number: u64) {
        publish(&self.heads.revision, number);
    }

    /// Says that there is this revocation.
    pub(super) fn publish_revocation(&self, number: u64) {
        publish(&self.heads.revocation, number);
    }
}

/// A number that is no news tells nobody anything.
fn publish(head: &Sender<u64>, number: u64) {
    head.send_if_modified(|known| {
        let is_news = number > *known;
        *known = number.max(*known);
        is_news
    });
}

async fn poll(database: Arc<Database>, heads: Arc<Heads>) {
    let mut ticks = interval(match &*database {
        Database::Postgres(_) => POSTGRES_POLL,
        Database::Sqlite { .. } => SQLITE_POLL,
    });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_reached = true;
    loop {
        ticks.tick().await;
        let found = read::heads(&database).await;
        if found.is_ok() != was_reached {
            tell(found.as_ref().err());
        }
        was_reached = found.is_ok();
        if let Ok((revision, revocation)) = found {
            publish(&heads.revision, revision);
            publish(&heads.revocation, revocation);
        }
    }
}

/// Once for each change, not for each look.
fn tell(error: Option<&Error>) {
    match error {
        Some(error) => tell_lost(error),
        None => tracing::info!("the store is in reach again"),
    }
}

fn tell_lost(error: &Error) {
    tracing::warn!(%error, "the store does not say what is new: {error}");
}

/// Hears of what is new as it is made. The poll sees what is missed, and logs what goes wrong.
async fn listen(pool: PgPool, heads: Arc<Heads>) {
    let mut ticks = interval(POSTGRES_POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ok(mut listener) = PgListener::connect_with(&pool).await else { continue };
        if listener.listen_all([REVISIONS, REVOCATIONS]).await.is_err() {
            continue;
        }
        while let Ok(notification) = listener.recv().await {
            let is_revision = notification.channel() == REVISIONS;
            let head = if is_revision { &heads.revision } else { &heads.revocation };
            if let Ok(number) = notification.payload().parse() {
                publish(head, number);
            }
        }
    }
}
