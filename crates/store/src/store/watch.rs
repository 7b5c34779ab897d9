//! Tells when there is a new revision, whoever made it.

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
pub(super) const CHANNEL: &str = "onedoor_revision";
/// A net under the notifications of PostgreSQL.
const POSTGRES_POLL: Duration = Duration::from_millis(500);
/// SQLite has no notifications.
const SQLITE_POLL: Duration = Duration::from_millis(250);

/// The newest revision that is known here.
pub(super) struct Watch {
    head: Arc<Sender<u64>>,
    stops: Vec<AbortHandle>,
    _tasks: JoinSet<()>,
}

impl Watch {
    /// Begins to look for new revisions, until this is dropped.
    pub(super) fn start(database: &Arc<Database>, head: u64) -> Self {
        let head = Arc::new(Sender::new(head));
        let mut tasks = JoinSet::new();
        let mut stops = vec![tasks.spawn(poll(Arc::clone(database), Arc::clone(&head)))];
        if let Database::Postgres(pool) = &**database {
            stops.push(tasks.spawn(listen(pool.clone(), Arc::clone(&head))));
        }
        Self { head, stops, _tasks: tasks }
    }

    pub(super) fn stop(&self) {
        self.stops.iter().for_each(AbortHandle::abort);
    }

    pub(super) fn receiver(&self) -> Receiver<u64> {
        self.head.subscribe()
    }

    /// Says that there is this revision.
    pub(super) fn publish(&self, number: u64) {
        publish(&self.head, number);
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

async fn poll(database: Arc<Database>, head: Arc<Sender<u64>>) {
    let mut ticks = interval(match &*database {
        Database::Postgres(_) => POSTGRES_POLL,
        Database::Sqlite { .. } => SQLITE_POLL,
    });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_reached = true;
    loop {
        ticks.tick().await;
        let found = read::head(&database).await;
        if found.is_ok() != was_reached {
            tell(found.as_ref().err());
        }
        was_reached = found.is_ok();
        if let Ok(number) = found {
            publish(&head, number);
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
    tracing::warn!(%error, "the store does not say what its newest revision is: {error}");
}

/// Hears of commits as they are made. The poll sees what is missed, and logs what goes wrong.
async fn listen(pool: PgPool, head: Arc<Sender<u64>>) {
    let mut ticks = interval(POSTGRES_POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ok(mut listener) = PgListener::connect_with(&pool).await else { continue };
        if listener.listen(CHANNEL).await.is_err() {
            continue;
        }
        while let Ok(notification) = listener.recv().await {
            if let Ok(number) = notification.payload().parse() {
                publish(&head, number);
            }
        }
    }
}
